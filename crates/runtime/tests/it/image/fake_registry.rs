//! A registry that misbehaves the way a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::sync::Semaphore;

use super::build::{Made, architecture, digest};

/// What the registry has and how it behaves.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// Manifests by tag or digest.
    pub(crate) manifests: HashMap<String, Vec<u8>>,
    pub(crate) blobs: HashMap<String, Vec<u8>>,
    /// Wants a token before it gives anything.
    pub(crate) token: Option<&'static str>,
    /// A token is worth this many requests.
    pub(crate) token_uses: Option<usize>,
    /// Breaks the connection after so many bytes of a blob.
    pub(crate) breaks_after: Option<usize>,
    /// Knows `Range`.
    pub(crate) ranges: bool,
    /// Blobs wait for permits of this.
    pub(crate) gate: Option<Arc<Semaphore>>,
    /// Answers everything with this status.
    pub(crate) status: Option<u16>,
}

impl Behaviour {
    /// Has `made` under `tag`.
    pub(crate) fn having(mut self, tag: &str, made: &Made) -> Self {
        self.manifests.insert(tag.into(), made.manifest.clone());
        self.manifests.insert(digest(&made.manifest), made.manifest.clone());
        self.blobs.extend(made.blobs.clone());
        self
    }

    /// Has an index under `tag` in which `made` is for this machine and `other` for another.
    pub(crate) fn having_index(self, tag: &str, made: &Made, other: &Made) -> Self {
        let entry = |made: &Made, architecture: &str| {
            json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(&made.manifest),
                    "size": made.manifest.len(), "platform": { "os": "linux", "architecture": architecture } })
        };
        let index =
            json!({ "schemaVersion": 2, "manifests": [entry(other, "s390x"), entry(made, architecture())] });
        let index = index.to_string().into_bytes();
        let mut registry = self.having("", made).having("", other);
        registry.manifests.insert(digest(&index), index.clone());
        registry.manifests.insert(tag.into(), index);
        registry
    }
}

pub(crate) struct FakeRegistry {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    port: u16,
    behaviour: Behaviour,
    log: Mutex<Vec<String>>,
    token_used: Mutex<usize>,
}

impl FakeRegistry {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { port, behaviour, log: Mutex::default(), token_used: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, shared }
    }

    /// `127.0.0.1:port/team/it` and what follows.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("127.0.0.1:{}/team/it{rest}", self.port)
    }

    /// Paths asked for so far, with the range and whether a token came along.
    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    pub(crate) fn asked_for(&self, part: &str) -> usize {
        self.log().iter().filter(|line| line.contains(part)).count()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or("").to_owned());
    shared.log.lock().unwrap().push(format!(
        "{path} {query} {} {}",
        header("range"),
        header("authorization")
    ));
    let behaviour = &shared.behaviour;
    if let Some(status) = behaviour.status {
        return plain(status, "");
    }
    if path == "/token" {
        *shared.token_used.lock().unwrap() = 0;
        return plain(200, &json!({ "token": behaviour.token, "expires_in": 300 }).to_string());
    }
    if let Some(token) = behaviour.token {
        let uses = {
            let mut uses = shared.token_used.lock().unwrap();
            *uses += 1;
            *uses
        };
        let worn_out = behaviour.token_uses.is_some_and(|most| uses > most);
        if header("authorization") != format!("Bearer {token}") || worn_out {
            let challenge = format!(
                r#"Bearer realm="http://127.0.0.1:{}/token",service="fake",scope="repository:team/it:pull""#,
                shared.port
            );
            return Response::builder()
                .status(401)
                .header("www-authenticate", challenge)
                .body(Body::empty())
                .unwrap();
        }
    }
    let which = path.rsplit('/').next().unwrap().to_owned();
    if path.starts_with("/v2/team/it/manifests/") {
        return match behaviour.manifests.get(&which) {
            Some(text) => plain(200, std::str::from_utf8(text).unwrap()),
            None => plain(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        };
    }
    match behaviour.blobs.get(&which) {
        Some(blob) if path.starts_with("/v2/team/it/blobs/") => give(behaviour, blob, &header("range")).await,
        _ => plain(404, ""),
    }
}

async fn give(behaviour: &Behaviour, blob: &[u8], range: &str) -> Response {
    if let Some(gate) = &behaviour.gate {
        gate.acquire().await.unwrap().forget();
    }
    let asked = range
        .strip_prefix("bytes=")
        .and_then(|range| range.strip_suffix('-'))
        .map(|start| start.parse().unwrap());
    let start: usize = asked.filter(|_| behaviour.ranges).unwrap_or(0);
    let rest = Bytes::copy_from_slice(&blob[start..]);
    let mut response = Response::builder().header("content-length", rest.len());
    if start > 0 {
        let range = format!("bytes {start}-{}/{}", blob.len() - 1, blob.len());
        response = response.status(206).header("content-range", range);
    }
    // Without ranges each connection gives a little more, or there would never be an end.
    let most = behaviour
        .breaks_after
        .map(|most| if behaviour.ranges { most } else { most + 1000 * usize::from(!range.is_empty()) });
    let body = match most {
        Some(most) if most < rest.len() => {
            let piece = rest.slice(..most);
            let broken = async {
                // Lets the server send what it has before it notices.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            };
            Body::from_stream(stream::iter([Ok(piece)]).chain(stream::once(broken)))
        }
        _ => Body::from(rest),
    };
    response.body(body).unwrap()
}

fn plain(status: u16, body: &str) -> Response {
    Response::builder().status(status).body(Body::from(body.to_owned())).unwrap()
}
