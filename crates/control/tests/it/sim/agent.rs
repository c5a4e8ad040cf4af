//! The simulated agent: dials like the real one, serves the calls that a start needs.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use domain::{Timestamp, WorkspaceId};
use futures_util::StreamExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use runtime::Boot;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::agent::{
    AgentConfig, AgentInfo, AgentUsage, Ask, AskAnswer, CloneEvent, CloneRequest, DotfilesRequest,
    EgressRequest, GitSettings, PROTOCOL, RUN_FOLDER, SOCKET_NAME,
};

use super::{Machine, Point};

#[derive(Clone)]
struct Agent {
    machine: Machine,
    id: WorkspaceId,
    ended: CancellationToken,
    egress: Arc<Mutex<Egress>>,
}

#[derive(Default)]
struct Egress {
    listener: Option<mpsc::Sender<Result<Bytes, Infallible>>>,
    waiting: Option<oneshot::Sender<Result<String, String>>>,
}

/// What the sandbox's first process does: connect, serve, connect again, until it is ended.
pub(crate) async fn run(machine: Machine, id: WorkspaceId, boot: Boot, ended: CancellationToken) {
    let mut config: AgentConfig = serde_json::from_slice(&boot.descriptor_3).unwrap();
    let run_folder = boot.mounts.iter().find(|mount| mount.inside == RUN_FOLDER).unwrap();
    config.server = format!("unix:{}", run_folder.host.join(SOCKET_NAME).display());
    let replaced = machine.state().replaced.entry(id).or_default().clone();
    let agent = Agent { machine, id, ended: ended.clone(), egress: Arc::default() };
    let life = async {
        agent.machine.pass(Point::Connect).await;
        loop {
            if let Ok(dialled) = link::dial(&config).await {
                let service = TowerToHyperService::new(router(agent.clone()));
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(dialled.bytes), service);
                tokio::select! {
                    ended = connection => drop(ended),
                    // Another agent takes its place.
                    () = replaced.cancelled() => return std::future::pending().await,
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    ended.run_until_cancelled(life).await;
}

fn router(agent: Agent) -> Router {
    Router::new()
        .route("/v1/info", get(info))
        .route("/v1/usage", get(usage))
        .route("/v1/clone", post(clone))
        .route("/v1/git", put(set_git))
        .route("/v1/asks", post(asks))
        .route("/v1/asks/{id}", post(answer))
        .route("/v1/dotfiles", post(dotfiles))
        .route("/v1/egress", post(egress))
        .route("/v1/egress/{id}", post(egress_open).delete(egress_refuse))
        .route("/v1/shutdown", post(shutdown))
        .with_state(agent)
}

async fn info() -> Json<AgentInfo> {
    Json(AgentInfo {
        version: "0.0.0".into(),
        protocol: PROTOCOL,
        started_at: Timestamp::UNIX_EPOCH,
        platform: "linux/simulated".into(),
    })
}

async fn usage() -> Json<AgentUsage> {
    Json(AgentUsage { processes: 1, last_activity_at: Some(Timestamp::MAX), ..AgentUsage::default() })
}

async fn shutdown(State(agent): State<Agent>) -> StatusCode {
    // After the answer is out.
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        agent.ended.cancel();
    });
    StatusCode::NO_CONTENT
}

pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap();
    line.push(b'\n');
    line.into()
}

async fn clone(State(agent): State<Agent>, Json(request): Json<CloneRequest>) -> Body {
    let (sender, lines) = mpsc::channel::<Result<Bytes, Infallible>>(8);
    tokio::spawn(async move {
        let events = work(&agent, &request);
        let all = async {
            for percent in [10, 100] {
                let phase = "Receiving objects".into();
                let progress = CloneEvent::Progress { phase, percent, detail: "1 KiB".into() };
                drop(sender.send(Ok(line(&progress))).await);
            }
            let last = events.await;
            drop(sender.send(Ok(line(&last))).await);
        };
        tokio::select! {
            () = all => {}
            // The server hung up: git is killed.
            () = sender.closed() => {}
            () = agent.ended.cancelled() => {}
        }
    });
    Body::from_stream(ReceiverStream::new(lines))
}

async fn work(agent: &Agent, request: &CloneRequest) -> CloneEvent {
    assert!(request.through_server && request.folder.starts_with("/workspace/"));
    agent.machine.pass(Point::Clone).await;
    agent.machine.state().clones.push(request.clone());
    let reach = agent.machine.state().reach.clone();
    if let Some((host, port)) = reach {
        let came = connect(agent, EgressRequest { id: 7, host, port }).await;
        agent.machine.state().reached.push(came);
    }
    let mut state = agent.machine.state();
    if let Some((reason, mend)) = state.clone_failure.clone() {
        return CloneEvent::Failed { reason, mend };
    }
    if let Some(disk) = state.sandboxes.get_mut(&agent.id) {
        disk.cloned = true;
    }
    CloneEvent::Done { head: Some("0123456789abcdef".into()), branch: Some("main".into()) }
}

async fn connect(agent: &Agent, request: EgressRequest) -> Result<String, String> {
    let (say, came) = oneshot::channel();
    let listener = {
        let mut egress = agent.egress.lock().unwrap();
        egress.waiting = Some(say);
        egress.listener.clone().expect("the server listens before it clones")
    };
    listener.send(Ok(line(&request))).await.unwrap();
    came.await.unwrap()
}

async fn set_git(State(agent): State<Agent>, Json(settings): Json<GitSettings>) -> StatusCode {
    let mut state = agent.machine.state();
    if state.is_old_agent {
        return StatusCode::NOT_FOUND;
    }
    state.git.insert(agent.id, settings);
    StatusCode::NO_CONTENT
}

async fn asks(State(agent): State<Agent>) -> Result<Body, StatusCode> {
    let (sender, asks) = mpsc::channel(64);
    let mut state = agent.machine.state();
    if state.is_old_agent {
        return Err(StatusCode::NOT_FOUND);
    }
    state.asks.insert(agent.id, sender);
    Ok(Body::from_stream(ReceiverStream::new(asks).map(|ask: Ask| Ok::<_, Infallible>(line(&ask)))))
}

async fn answer(
    State(agent): State<Agent>,
    Path(id): Path<u64>,
    Json(answer): Json<AskAnswer>,
) -> StatusCode {
    match agent.machine.state().answers.remove(&id) {
        Some(waiting) => {
            drop(waiting.send(answer));
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn dotfiles(State(agent): State<Agent>, Json(request): Json<DotfilesRequest>) -> Bytes {
    let mut state = agent.machine.state();
    state.dotfiles.push(request.url);
    match state.dotfiles_failure.clone() {
        Some((reason, mend)) => line(&CloneEvent::Failed { reason, mend }),
        None => line(&CloneEvent::Done { head: None, branch: None }),
    }
}

async fn egress(State(agent): State<Agent>) -> Body {
    let (sender, lines) = mpsc::channel(8);
    agent.machine.state().ways_out.insert(agent.id, sender.clone());
    agent.egress.lock().unwrap().listener = Some(sender);
    Body::from_stream(ReceiverStream::new(lines))
}

/// Sends an HTTP request through the connection and keeps the first line of the answer.
async fn egress_open(State(agent): State<Agent>, Path(id): Path<u64>, request: Request) -> Body {
    let opened = agent.machine.state().wishes.remove(&id);
    if let Some(opened) = opened {
        let (ended, end) = oneshot::channel();
        drop(opened.send(Ok(end)));
        tokio::spawn(async move {
            let mut body = request.into_body().into_data_stream();
            while let Some(Ok(_)) = body.next().await {}
            // Nobody may wait for it.
            ended.send(()).ok();
        });
        return Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
    }
    let waiting = agent.egress.lock().unwrap().waiting.take().unwrap();
    tokio::spawn(async move {
        let mut answer = Vec::new();
        let mut body = request.into_body().into_data_stream();
        while let Some(Ok(bytes)) = body.next().await {
            answer.extend_from_slice(&bytes);
        }
        let answer = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        drop(waiting.send(Ok(answer)));
    });
    let ask = "GET /sample.git/info/refs?service=git-upload-pack HTTP/1.0\r\n\r\n";
    Body::from_stream(futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(ask))]))
}

#[derive(serde::Deserialize)]
struct Why {
    why: String,
}

async fn egress_refuse(
    State(agent): State<Agent>,
    Path(id): Path<u64>,
    Query(Why { why }): Query<Why>,
) -> StatusCode {
    let opened = agent.machine.state().wishes.remove(&id);
    if let Some(opened) = opened {
        drop(opened.send(Err(why)));
        return StatusCode::NO_CONTENT;
    }
    let waiting = agent.egress.lock().unwrap().waiting.take();
    if let Some(waiting) = waiting {
        drop(waiting.send(Err(why)));
    }
    StatusCode::NO_CONTENT
}
