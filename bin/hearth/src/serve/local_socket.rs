//! The Unix socket in the data folder: whoever runs the server is signed in through it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use control::Control;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Opens the socket, replacing what a killed server left. Only its owner may connect.
pub fn bind(path: &Path) -> Result<UnixListener> {
    if path.exists() {
        std::fs::remove_file(path).with_context(|| format!("cannot replace `{}`", path.display()))?;
    }
    let listener = UnixListener::bind(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the API to the user who runs the server, and to root.
pub async fn serve(listener: UnixListener, app: web::App, control: Control, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, app.clone(), control.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of descriptors: nothing to do but let some be closed.
                tracing::warn!(%error, "cannot accept on the local socket");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(stream: UnixStream, app: web::App, control: Control, stop: CancellationToken) {
    let Ok(peer) = stream.peer_cred() else { return };
    let own = rustix::process::geteuid().as_raw();
    if peer.uid() != own && peer.uid() != 0 {
        tracing::warn!(peer.uid = peer.uid(), "refused another user on the local socket");
        return;
    }
    let name = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(own))
        .ok()
        .flatten()
        .map_or_else(|| "admin".to_owned(), |user| user.name);
    let caller = match control.local_caller(&name).await {
        Ok(caller) => caller,
        Err(error) => {
            tracing::error!(%error, "cannot sign in the local user");
            return;
        }
    };
    let service = TowerToHyperService::new(web::local_router(app, caller));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a local connection ended early");
    }
}
