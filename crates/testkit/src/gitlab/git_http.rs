//! Git over smart HTTP through git's own `http-backend`, and the few pages a person could land on.

use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio_util::io::ReaderStream;

use super::hooks;
use super::identity::{self, Caller};
use super::instance::{Instance, blocking};
use super::oauth::pages;
use super::repository::{self, Repository};
use super::world::{AccessLevel, ProjectRecord, World};

/// A pack a test pushes is small; this is far above.
const PUSH_LIMIT: usize = 1 << 30;
const DENIED: &str = "HTTP Basic: Access denied. If a password was provided for Git authentication, the \
                      password was incorrect or you're required to use a token instead of a password. If a \
                      token was provided, it was either incorrect, expired, or improperly scoped.";
const NOT_FOUND: &str =
    "The project you were looking for could not be found or you don't have permission to view it.";

/// The two Git services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }
}

pub(crate) fn pages() -> Router<Arc<Instance>> {
    Router::new().route("/", get(home)).route("/-/health", get(async || "GitLab OK"))
}

async fn home() -> Response {
    pages::page("GitLab", "<p>A double for tests.</p>").into_response()
}

/// Every path no route has: a repository's, or nothing.
pub(crate) async fn serve(State(instance): State<Arc<Instance>>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let Some((project, rest)) = split(&path) else { return missing_page() };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let service = match (request.method(), rest) {
        (&Method::GET, "info/refs") => query.strip_prefix("service=").and_then(Service::named),
        (&Method::POST, name) => Service::named(name),
        _ => None,
    };
    let Some(service) = service else { return missing_page() };
    let Some(project) = project.strip_suffix(".git") else {
        // GitLab sends git on to the address with the ending.
        let target = format!("{}.git/{rest}?{query}", instance.at(&project));
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, target)]).into_response();
    };
    match admit(&instance, request.headers(), project, service) {
        Err(refusal) => *refusal,
        Ok((project, caller)) => {
            let name = caller.as_ref().map(|caller| caller.account);
            run(&instance, project, name, (service, rest, &query), request).await
        }
    }
}

/// The project's part of a path, decoded, and the service's.
fn split(path: &str) -> Option<(String, &str)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    for rest in ["info/refs", "git-upload-pack", "git-receive-pack"] {
        if let Some(project) = path.strip_suffix(rest).and_then(|path| path.strip_suffix('/')) {
            return Some((decode(project.trim_start_matches('/'))?, rest));
        }
    }
    None
}

fn missing_page() -> Response {
    (StatusCode::NOT_FOUND, pages::page("404", "<p>Page not found</p>")).into_response()
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn unauthorized() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitLab\"")];
    (challenge, plain(StatusCode::UNAUTHORIZED, DENIED)).into_response()
}

/// Whether the caller may use the service on the project with this path.
fn admit(
    instance: &Instance,
    headers: &HeaderMap,
    path: &str,
    service: Service,
) -> Result<(u64, Option<Caller>), Box<Response>> {
    // GitLab tells no reason: unknown, expired, revoked and blocked look the same to git.
    let caller = identity::of_git(instance, headers).map_err(|_| Box::new(unauthorized()))?;
    let world = instance.world();
    let record = world.project_at(path).or_else(|| world.projects.get(world.moved.get(path)?));
    let Some(caller) = caller else {
        let open = record.is_some_and(|record| world.reads(None, record));
        let record = record
            .filter(|_| open && service == Service::UploadPack)
            .ok_or_else(|| Box::new(unauthorized()))?;
        return Ok((record.id, None));
    };
    let record = record.filter(|record| world.sees(Some(caller.account), record));
    let record = record.ok_or_else(|| Box::new(plain(StatusCode::NOT_FOUND, NOT_FOUND)))?;
    let scopes: &[&str] = match service {
        Service::UploadPack => &["api", "read_repository", "write_repository"],
        Service::ReceivePack => &["api", "write_repository"],
    };
    let scoped = scopes.iter().any(|scope| caller.has(scope));
    let refusal = may(&world, caller.account, record, service);
    match (scoped, refusal) {
        (true, None) => Ok((record.id, Some(caller))),
        (false, _) if service == Service::ReceivePack => Err(Box::new(plain(StatusCode::FORBIDDEN, NO_PUSH))),
        (false, _) => Err(Box::new(plain(StatusCode::FORBIDDEN, NO_PULL))),
        (true, Some(why)) => Err(Box::new(plain(StatusCode::FORBIDDEN, why))),
    }
}

const NO_PUSH: &str = "You are not allowed to push code to this project.";
const NO_PULL: &str = "You are not allowed to download code from this project.";

/// Why an account may not use a service on a project it sees; none where it may.
pub(crate) fn may(
    world: &World,
    account: u64,
    project: &ProjectRecord,
    service: Service,
) -> Option<&'static str> {
    match service {
        Service::UploadPack if world.reads(Some(account), project) => None,
        Service::UploadPack => Some(NO_PULL),
        Service::ReceivePack if project.archived => Some("You can't push code to an archived project."),
        Service::ReceivePack if world.access(Some(account), project) >= Some(AccessLevel::Developer) => None,
        Service::ReceivePack => Some(NO_PUSH),
    }
}

/// Runs the CGI program (RFC 3875) and passes its answer on; a push is compared and told afterwards.
async fn run(
    instance: &Arc<Instance>,
    project: u64,
    account: Option<u64>,
    (service, rest, query): (Service, &str, &str),
    request: Request<Body>,
) -> Response {
    let repository = instance.world().projects.get(&project).map(|record| Repository::at(&record.repository));
    let Some(repository) = repository else { return plain(StatusCode::NOT_FOUND, NOT_FOUND) };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, PUSH_LIMIT).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "too large");
    };
    let pushes = service == Service::ReceivePack && parts.method == Method::POST;
    let before = if pushes {
        let repository = repository.clone();
        blocking(move || repository.refs()).await
    } else {
        std::collections::BTreeMap::new()
    };
    let Ok(mut answer) = backend(&repository, (rest, query), &parts, body).await else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "git http-backend did not answer");
    };
    if let (true, Some(account)) = (pushes, account) {
        // The report is read to its end, so that the push is whole before it is looked at.
        let body = std::mem::take(answer.body_mut());
        let bytes = to_bytes(body, PUSH_LIMIT).await.unwrap_or_default();
        *answer.body_mut() = Body::from(bytes);
        let instance = Arc::clone(instance);
        blocking(move || hooks::pushed(&instance, project, account, &before)).await;
    }
    answer
}

async fn backend(
    repository: &Repository,
    (rest, query): (&str, &str),
    parts: &http::request::Parts,
    body: Bytes,
) -> std::io::Result<Response> {
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut command = Command::from(repository::command());
    command
        .arg("http-backend")
        .envs([("GIT_HTTP_EXPORT_ALL", "1"), ("REMOTE_USER", "user"), ("REMOTE_ADDR", "127.0.0.1")])
        .env("GIT_PROJECT_ROOT", repository.path())
        .env("PATH_INFO", format!("/{rest}"))
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(std::io::Error::other("no pipes to git"));
    };
    tokio::spawn(async move {
        // A backend that has refused reads no further.
        stdin.write_all(&body).await.ok();
    });
    let mut reader = BufReader::new(stdout);
    let mut response = Response::new(Body::empty());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 || line.trim_end().is_empty() {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse::<u16>().ok());
            *response.status_mut() =
                code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            response.headers_mut().append(name, value);
        }
    }
    // Waited for with the stream, so that the process is reaped once all is read.
    let stream = ReaderStream::new(reader.chain(Reaped(child)));
    *response.body_mut() = Body::from_stream(stream);
    Ok(response)
}

/// An empty reader that holds a process until the stream before it has ended.
struct Reaped(#[expect(dead_code, reason = "held for its end")] tokio::process::Child);

impl tokio::io::AsyncRead for Reaped {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    #[test]
    fn paths_of_repositories_may_have_many_parts_and_be_encoded() {
        assert_eq!(split("/a/b/c.git/info/refs"), Some(("a/b/c.git".to_owned(), "info/refs")));
        assert_eq!(split("/a%2Fb.git/git-upload-pack"), Some(("a/b.git".to_owned(), "git-upload-pack")));
        assert_eq!(split("/a/b/c"), None);
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "/[ -~]{0,40}(/info/refs)?") {
            prop_assert!(split(&path).is_none_or(|(project, _)| !project.starts_with('/')));
        }
    }
}
