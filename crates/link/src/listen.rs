//! Where agents arrive: a Unix socket for each workspace on this machine, and upgraded connections.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::WorkspaceId;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agents::Agents;
use crate::byte_stream::{ByteStream, server_socket};
use crate::client::AgentClient;
use crate::handshake::{Hello, Planes, Way};

/// How long a process has to say who it is.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long somebody refused keeps its place, so that guessing is slow.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
/// Connections of one workspace that have not been admitted yet. More wait in the socket's queue.
const STRANGERS: usize = 8;

/// Judges credentials.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Whether `token` is the present credential of the workspace's agent.
    async fn admit(&self, workspace: WorkspaceId, token: &str) -> bool;
}

/// Binds the workspace's socket at once; the answered future serves it until `cancel`, then removes it.
///
/// A socket that is in the way, as after a crash, is replaced. Everybody may connect to it, because the
/// workspace's user is another one than ours: keep the folder above to ourselves, the token decides.
/// Must be called within a Tokio runtime.
///
/// # Errors
///
/// When the socket cannot be made, such as for lack of the folder.
pub fn listen_unix(
    path: &Path,
    workspace: WorkspaceId,
    agents: Agents,
    admission: Arc<dyn Admission>,
    cancel: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = bind(path)?;
    let door = Arc::new(Door { workspace, agents, admission });
    let path = path.to_owned();
    let ours = std::fs::symlink_metadata(&path)?.ino();
    Ok(async move {
        serve(listener, door, &cancel).await;
        // A successor may have put its own in the place of ours.
        if std::fs::symlink_metadata(&path).is_ok_and(|present| present.ino() == ours) {
            remove_socket(&path);
        }
    })
}

/// Serves one connection whose upgrade was accepted with [`Hello::accept`], until it ends.
///
/// Both planes live and die together: without its registration an agent could not be found, and it comes back
/// by itself.
pub async fn accept_upgraded<I>(io: I, workspace: WorkspaceId, planes: Planes, agents: Agents)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket = server_socket(io).await;
    let (bytes, kites) = match (planes, agents.front()) {
        (Planes::BytesAndText, Some(front)) => {
            let (bytes, text) = ByteStream::with_text(socket);
            (bytes, Some((text.verdict(), front.serve(workspace, text))))
        }
        (Planes::Bytes, _) | (_, None) => (ByteStream::new(socket), None),
    };
    let (client, connection) = match AgentClient::connect(bytes).await {
        Ok(connected) => connected,
        Err(error) => {
            tracing::debug!(workspace.id = %workspace, error = %error, "agent left during the handshake");
            return;
        }
    };
    agents.insert(workspace, client.clone());
    let Some((verdict, kites)) = kites else { return connection.await };
    tokio::pin!(connection);
    tokio::select! {
        () = &mut connection => {}
        () = kites => {
            client.close();
            connection.await;
        }
    }
    if verdict.is_overflown() {
        tracing::warn!(workspace.id = %workspace, "an agent's connection ends: it sends more Kite messages than are read");
    }
}

/// What an arriving connection is measured against.
struct Door {
    workspace: WorkspaceId,
    agents: Agents,
    admission: Arc<dyn Admission>,
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // A socket's address holds 107 bytes; a data folder may be deeper. The way through an open
    // descriptor of the folder is always short.
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = std::fs::File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&folder)));
    let listener = UnixListener::bind(short.join(name))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn remove_socket(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(path = %path.display(), error = %error, "socket stays behind");
    }
}

async fn serve(listener: UnixListener, door: Arc<Door>, cancel: &CancellationToken) {
    let tasks = TaskTracker::new();
    let strangers = Arc::new(Semaphore::new(STRANGERS));
    loop {
        let place = tokio::select! {
            () = cancel.cancelled() => break,
            place = strangers.clone().acquire_owned() => match place {
                Ok(place) => place,
                Err(_) => break,
            },
        };
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((io, _)) => take_in(&tasks, io, place, door.clone(), cancel.clone()),
            Err(error) => {
                // Out of descriptors, most likely; others will be given back.
                tracing::warn!(workspace.id = %door.workspace, error = %error, "cannot accept the agent's connection");
                drop(place);
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Gives a connection a task of its own. Not part of [`serve`], whose future would then have room for a
/// connection's, and there is one of those for every workspace that merely may connect.
fn take_in(
    tasks: &TaskTracker,
    io: UnixStream,
    place: OwnedSemaphorePermit,
    door: Arc<Door>,
    cancel: CancellationToken,
) {
    tasks.spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = receive(io, place, door) => {}
        }
    });
}

/// One connection: HTTP/1.1 up to the upgrade, then the agent's.
async fn receive(io: UnixStream, place: OwnedSemaphorePermit, door: Arc<Door>) {
    let upgraded = Arc::new(std::sync::Mutex::new(None));
    let slot = upgraded.clone();
    let judge = door.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (door, slot) = (judge.clone(), slot.clone());
        async move {
            let response = match door.answer(&request).await {
                Ok(hello) => {
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some((hyper::upgrade::on(&mut request), hello.planes));
                    }
                    hello.accept()
                }
                Err(refusal) => refusal,
            };
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    match tokio::time::timeout(HANDSHAKE_LIMIT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = %error, "handshake broke off"),
        Err(_) => tracing::debug!("handshake took too long"),
    }
    let accepted = upgraded.lock().ok().and_then(|mut slot| slot.take());
    let Some((on_upgrade, planes)) = accepted else { return };
    // Admitted: others may try while this one is served.
    drop(place);
    if let Ok(io) = on_upgrade.await {
        accept_upgraded(TokioIo::new(io), door.workspace, planes, door.agents.clone()).await;
    }
}

impl Door {
    async fn answer(&self, request: &Request<Incoming>) -> Result<Hello, Response<String>> {
        // Who has nobody to speak Kite does not know its path, and the agent comes the old way.
        let way = Way::of_path(request.uri().path())
            .filter(|way| *way == Way::Old || self.agents.front().is_some())
            .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "only agents connect here"))?;
        let hello = Hello::read(way, request.headers());
        let hello = hello.map_err(|bad| refuse(bad.status(), &bad.to_string()))?;
        let is_admitted =
            hello.workspace == self.workspace && self.admission.admit(self.workspace, &hello.token).await;
        if is_admitted {
            return Ok(hello);
        }
        tracing::warn!(workspace.id = %self.workspace, "somebody without a valid credential tried to connect as its agent");
        tokio::time::sleep(REFUSED_PAUSE).await;
        Err(refuse(StatusCode::UNAUTHORIZED, "the credential is not this workspace's"))
    }
}

fn refuse(status: StatusCode, why: &str) -> Response<String> {
    let mut response = Response::new(format!("{why}\n"));
    *response.status_mut() = status;
    // Whoever was refused makes room for the agent.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
