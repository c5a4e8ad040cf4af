//! The way to a workspace's own repository for git inside it, and to nowhere else.
//!
//! The agent hands each connection that git wants over to the server, which dials it through
//! `outbound` and its guard. What a workspace may reach this way is the host and port of the
//! repository it was made for.

use std::sync::Arc;
use std::time::Duration;

use domain::{RepositoryUrl, WorkspaceId};
use futures_util::StreamExt;
use link::{AgentClient, LinkError};
use outbound::Client;
use tokio::sync::{Semaphore, watch};
use wire::agent::EgressRequest;

use crate::control::Control;

/// Connections of one workspace at the same time. Git needs one or two; more wait for their turn.
const CONNECTIONS: usize = 64;
/// Pause before the agent is asked again after its stream broke while its connection did not.
const AGAIN: Duration = Duration::from_millis(500);

/// One agent's way out.
pub(crate) struct Egress {
    agent: AgentClient,
    /// True once the agent has been told that somebody serves its connections.
    ready: watch::Receiver<bool>,
}

impl Control {
    /// Serves what git in the workspace wants to reach, for as long as `agent` is connected. Returns
    /// once the agent knows. Asking again changes nothing.
    pub(crate) async fn serve_egress(
        &self,
        workspace: WorkspaceId,
        repository: &RepositoryUrl,
        agent: &AgentClient,
    ) -> Result<(), LinkError> {
        let mut ready = {
            let mut served = self.egress();
            match served.get(&workspace) {
                Some(present) if present.agent.is_same(agent) => present.ready.clone(),
                _ => {
                    let (say, ready) = watch::channel(false);
                    served.insert(workspace, Egress { agent: agent.clone(), ready: ready.clone() });
                    let work = serve(self.inner.outbound.clone(), repository.clone(), agent.clone(), say);
                    let control = self.clone();
                    let agent = agent.clone();
                    self.inner.tasks.spawn(format_args!("egress {workspace}"), async move {
                        work.await;
                        let mut served = control.egress();
                        if served.get(&workspace).is_some_and(|present| present.agent.is_same(&agent)) {
                            served.remove(&workspace);
                        }
                    });
                    ready
                }
            }
        };
        ready.wait_for(|ready| *ready).await.map(drop).map_err(|_| LinkError::Gone)
    }
}

async fn serve(client: Client, repository: RepositoryUrl, agent: AgentClient, ready: watch::Sender<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = tokio_util::task::TaskTracker::new();
    let all = async {
        loop {
            match agent.egress().await {
                Ok(mut wanted) => {
                    ready.send_replace(true);
                    while let Some(Ok(request)) = wanted.next().await {
                        let Ok(place) = places.clone().acquire_owned().await else { return };
                        let work = answer(client.clone(), repository.clone(), agent.clone(), request);
                        let closed = agent.closed();
                        connections.spawn(async move {
                            let _place = place;
                            tokio::select! {
                                () = closed => {}
                                () = work => {}
                            }
                        });
                    }
                }
                // An agent too old to know the call reaches its forge by itself or not at all.
                Err(error) if error.is_not_found() => return,
                Err(error) => tracing::debug!(error = %error, "agent does not hand over its connections"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = agent.closed() => {}
        () = all => {}
    }
}

/// Takes one connection up, or says why not.
async fn answer(client: Client, repository: RepositoryUrl, agent: AgentClient, request: EgressRequest) {
    let refusal = if is_own_forge(&repository, &request) {
        match client.connect(&request.host, request.port).await {
            Ok(stream) => {
                relay(stream, &agent, &request).await;
                return;
            }
            Err(error) => format!("{error}; {}", error.mend()),
        }
    } else {
        let (host, port) = repository.authority();
        format!(
            "`{}:{}` is not this workspace's repository host; through the server only `{host}:{port}` can be reached",
            shown(&request.host),
            request.port
        )
    };
    tracing::debug!(host = shown(&request.host), port = request.port, "git connection refused");
    if let Err(error) = agent.egress_refuse(request.id, &refusal).await {
        tracing::debug!(error = %error, "cannot tell the agent of a refused connection");
    }
}

async fn relay(mut stream: tokio::net::TcpStream, agent: &AgentClient, request: &EgressRequest) {
    let mut inside = match agent.egress_open(request.id).await {
        Ok(inside) => inside,
        Err(error) => {
            tracing::debug!(error = %error, "the process that wanted a connection is gone");
            return;
        }
    };
    if let Err(error) = tokio::io::copy_bidirectional(&mut inside, &mut stream).await {
        tracing::debug!(error = %error, "git connection broke off");
    }
}

fn is_own_forge(repository: &RepositoryUrl, request: &EgressRequest) -> bool {
    let (host, port) = repository.authority();
    port == request.port && plain(&host) == plain(&request.host)
}

/// A host without what differs between spellings: case, the root's dot, brackets of an IPv6 address.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(['.', ']']).to_ascii_lowercase()
}

/// At most a line of what came from inside a workspace.
fn shown(host: &str) -> String {
    host.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use wire::agent::EgressRequest;

    use super::is_own_forge;

    fn is_own(url: &str, host: &str, port: u16) -> bool {
        is_own_forge(&url.parse().unwrap(), &EgressRequest { id: 1, host: host.into(), port })
    }

    #[test]
    fn only_host_and_port_of_the_repository_are_reached() {
        let url = "https://forge.example.com/group/project.git";

        assert!(is_own(url, "forge.example.com", 443));
        assert!(is_own(url, "FORGE.example.com.", 443));
        assert!(is_own("http://[::1]:3000/a/b", "::1", 3000));
        assert!(!is_own(url, "forge.example.com", 22));
        assert!(!is_own(url, "example.com", 443));
        assert!(!is_own(url, "forge.example.com.evil.test", 443));
        assert!(!is_own(url, "169.254.169.254", 443));
    }
}
