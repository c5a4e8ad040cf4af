//! The calls of `wire::agent`'s table, as an axum router.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;
use wire::agent::{
    AgentInfo, AgentUsage, AskAnswer, CloneRequest, DotfilesRequest, ExecResult, GitSettings, KIND_HEADER,
    MODIFIED_HEADER, TerminalInfo,
};

use crate::agent::Agent;
use crate::files::{self, Found};
use crate::problem::Problem;
use crate::{clone, dotfiles, egress, exec, kite_relay, terminal, usage};

/// Longest body that is read whole: a command's input is the longest thing in one.
const BODY_MAX: usize = 32 << 20;

type Answer<T> = Result<T, Problem>;

/// The calls, on a connection of this protocol.
pub(crate) fn router(agent: Agent, protocol: u32) -> Router {
    Router::new()
        .route("/v1/info", get(move |agent| std::future::ready(info(&agent, protocol))))
        .route("/v1/exec", post(run_command))
        .route("/v1/exec/stream", post(stream_command))
        .route("/v1/terminals", get(list_terminals).post(open_terminal))
        .route("/v1/terminals/{id}", delete(close_terminal))
        .route("/v1/terminals/{id}/attach", post(attach_terminal))
        .route("/v1/files/", get(read_file).put(write_file).delete(delete_file))
        .route("/v1/files/{*path}", get(read_file).put(write_file).delete(delete_file))
        .route("/v1/clone", post(clone_repository))
        .route("/v1/dotfiles", post(install_dotfiles))
        .route("/v1/git", put(set_git))
        .route("/v1/asks", post(watch_asks))
        .route("/v1/asks/{id}", post(answer_ask))
        .route("/v1/usage", get(read_usage))
        .route("/v1/egress", post(watch_egress))
        .route("/v1/egress/{id}", post(open_egress).delete(refuse_egress))
        .route("/v1/kite", post(serve_kite))
        .route("/v1/shutdown", post(shut_down))
        .fallback(unknown_call)
        .method_not_allowed_fallback(unknown_call)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(agent)
}

fn info(State(agent): &State<Agent>, protocol: u32) -> Json<AgentInfo> {
    Json(AgentInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        protocol,
        started_at: agent.parts.started_at,
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

async fn run_command(State(agent): State<Agent>, body: Bytes) -> Answer<Json<ExecResult>> {
    let request = parse(&body)?;
    agent.parts.activity.touch();
    exec::run(&agent.parts.environment, request).await.map(Json)
}

async fn stream_command(State(agent): State<Agent>, body: Body) -> Answer<Response> {
    agent.parts.activity.touch();
    let frames = exec::stream(&agent.parts, body).await?;
    Ok(Body::from_stream(frames).into_response())
}

async fn list_terminals(State(agent): State<Agent>) -> Json<Vec<TerminalInfo>> {
    Json(agent.parts.terminals.list())
}

async fn open_terminal(State(agent): State<Agent>, body: Bytes) -> Answer<Json<TerminalInfo>> {
    let request = parse(&body)?;
    agent.parts.activity.touch();
    agent.parts.terminals.open(&agent.parts, request).map(Json)
}

async fn close_terminal(State(agent): State<Agent>, Path(id): Path<u32>) -> Answer<StatusCode> {
    agent.parts.terminals.close(id)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Since {
    since: Option<u64>,
}

async fn attach_terminal(
    State(agent): State<Agent>,
    Path(id): Path<u32>,
    Query(query): Query<Since>,
    body: Body,
) -> Answer<Response> {
    let terminal = agent.parts.terminals.get(id)?;
    let frames = terminal::attach(terminal, query.since, body, agent.parts.activity.clone());
    Ok(Body::from_stream(frames).into_response())
}

async fn read_file(State(agent): State<Agent>, uri: Uri) -> Answer<Response> {
    let path = files::path_of(&agent.parts.environment, uri.path())?;
    agent.parts.activity.touch();
    match files::read(path).await? {
        Found::Folder(listing) => Ok(with_kind("folder", Json(listing).into_response())),
        Found::File { file, size, modified_at } => {
            let mut response = with_kind(
                "file",
                Body::from_stream(ReaderStream::with_capacity(file, 64 << 10)).into_response(),
            );
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            if let Some(size) = size {
                headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(size));
            }
            if let Some(value) = modified_at.and_then(|at| HeaderValue::from_str(&at.to_string()).ok()) {
                headers.insert(HeaderName::from_static(MODIFIED_HEADER), value);
            }
            Ok(response)
        }
    }
}

fn with_kind(kind: &'static str, mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static(KIND_HEADER), HeaderValue::from_static(kind));
    response
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

async fn write_file(
    State(agent): State<Agent>,
    Query(query): Query<Kind>,
    uri: Uri,
    body: Body,
) -> Answer<StatusCode> {
    let path = files::path_of(&agent.parts.environment, uri.path())?;
    agent.parts.activity.touch();
    match query.kind.as_deref() {
        None | Some("file") => files::write(path, body, &*agent.parts.outside.entropy).await?,
        Some("folder") => files::make_folder(path).await?,
        Some(other) => {
            return Err(Problem::invalid(format!("cannot make a `{other}`"), "Make a file or a folder."));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_file(State(agent): State<Agent>, uri: Uri) -> Answer<StatusCode> {
    let path = files::path_of(&agent.parts.environment, uri.path())?;
    agent.parts.activity.touch();
    files::delete(path, agent.parts.environment.workspace_folder().to_owned()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clone_repository(State(agent): State<Agent>, body: Bytes) -> Answer<Response> {
    let request: CloneRequest = parse(&body)?;
    Ok(lines(clone::events(agent, request)))
}

async fn install_dotfiles(State(agent): State<Agent>, body: Bytes) -> Answer<Response> {
    let request: DotfilesRequest = parse(&body)?;
    Ok(lines(dotfiles::events(agent, request)))
}

async fn set_git(State(agent): State<Agent>, body: Bytes) -> Answer<StatusCode> {
    let settings: GitSettings = parse(&body)?;
    agent.parts.doors.open(&agent).await;
    let set = agent.parts.git_config.set(&agent.parts.egress, settings).await;
    set.map_err(|error| Problem::internal(format!("cannot set git up in the home folder: {error}")))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn watch_asks(State(agent): State<Agent>) -> Response {
    lines(agent.parts.asks.questions())
}

async fn answer_ask(State(agent): State<Agent>, Path(id): Path<u64>, body: Bytes) -> Answer<StatusCode> {
    let answer: AskAnswer = parse(&body)?;
    agent.parts.asks.answer(id, answer)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read_usage(State(agent): State<Agent>) -> Json<AgentUsage> {
    Json(usage::read(&agent.parts))
}

async fn watch_egress(State(agent): State<Agent>) -> Response {
    lines(agent.parts.egress.requests())
}

async fn open_egress(State(agent): State<Agent>, Path(id): Path<u64>, body: Body) -> Answer<Response> {
    let bytes = egress::open(&agent.parts.egress, id, body)?;
    Ok(Body::from_stream(bytes).into_response())
}

#[derive(Deserialize)]
struct Why {
    why: Option<String>,
}

async fn refuse_egress(
    State(agent): State<Agent>,
    Path(id): Path<u64>,
    Query(query): Query<Why>,
) -> Answer<StatusCode> {
    let why = query.why.unwrap_or_else(|| "the server refuses this connection".into());
    agent.parts.egress.refuse(id, &why)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn serve_kite(State(agent): State<Agent>, body: Body) -> Answer<Response> {
    let messages = kite_relay::serve(&agent, body).await?;
    Ok(Body::from_stream(messages).into_response())
}

async fn shut_down(State(agent): State<Agent>) -> StatusCode {
    tracing::info!("the server asks for the end");
    agent.parts.terminals.hang_up_all().await;
    agent.parts.stop.cancel();
    StatusCode::NO_CONTENT
}

async fn unknown_call(uri: Uri) -> Problem {
    Problem::not_found(
        format!("this agent does not know the call `{}`", uri.path()),
        "Restart the workspace, so that it runs the agent of this release.",
    )
}

/// Reads a body as JSON, whatever its content type says. Fields nobody knows are left aside: they are
/// a newer server's.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::invalid(format!("cannot read the request: {error}"), "Send the JSON document of this call.")
    })
}

/// One JSON document a line.
fn lines<T: serde::Serialize>(items: impl Stream<Item = T> + Send + 'static) -> Response {
    let lines = items.map(|item| {
        let mut line = serde_json::to_vec(&item).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, std::convert::Infallible>(Bytes::from(line))
    });
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}
