//! The way to a workspace's own forges for Git and SSH inside it, and to nowhere else.
//!
//! The agent hands each connection over to the server, which dials it through `outbound` and its guard.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wire::agent::EgressRequest;

use super::scene::Place;
use super::{AGAIN, Refusal, Serving};

/// Connections of one workspace at the same time. Git needs one or two; more wait for their turn.
const CONNECTIONS: usize = 64;

impl Serving {
    pub(super) async fn connections(&self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let open = tokio_util::task::TaskTracker::new();
        loop {
            match self.agent.egress().await {
                Ok(mut wanted) => {
                    self.ready.send_modify(|ready| ready.connections = true);
                    while let Some(Ok(request)) = wanted.next().await {
                        let Ok(place) = places.clone().acquire_owned().await else { return };
                        let (serving, closed) = (self.clone(), self.agent.closed());
                        open.spawn(async move {
                            let _place = place;
                            tokio::select! {
                                () = closed => {}
                                () = serving.connect(request) => {}
                            }
                        });
                    }
                }
                // An agent too old to know the call reaches its forge by itself or not at all.
                Err(error) if error.is_not_found() => {
                    self.ready.send_modify(|ready| ready.connections = true);
                    return;
                }
                Err(error) => tracing::debug!(error = %error, "agent does not hand over its connections"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Takes one connection up, or says why not.
    async fn connect(&self, request: EgressRequest) {
        // Begins before the decision, so that nothing which changes it falls between.
        let cut = self.cut();
        let refusal = match self.dial(&request).await {
            Ok(stream) => {
                self.control.count(|counters| &counters.connections);
                tokio::select! {
                    () = cut => {}
                    () = self.relay(stream, &request) => {}
                }
                return;
            }
            Err(Refusal { why, mend }) => format!("{why}; {mend}"),
        };
        tracing::debug!(host = shown(&request.host), port = request.port, "connection from inside refused");
        self.control.count(|counters| &counters.refused);
        if let Err(error) = self.agent.egress_refuse(request.id, &refusal).await {
            tracing::debug!(error = %error, "cannot tell the agent of a refused connection");
        }
    }

    async fn dial(&self, request: &EgressRequest) -> Result<TcpStream, Refusal> {
        let scene = self.control.scene(self.id).await.map_err(Refusal::of)??;
        let reach = scene.reach();
        let client = match judge(&reach, request)?.forge {
            // One that is reached through a proxy of its own.
            Some(forge) if forge.proxy.is_some() => {
                &self.control.client_of(forge).await.map_err(Refusal::of)?
            }
            _ => &self.control.inner.outbound,
        };
        let stream = client.connect(&request.host, request.port).await;
        stream.map_err(|error| Refusal::new(error.to_string(), error.mend()))
    }

    async fn relay(&self, mut stream: TcpStream, request: &EgressRequest) {
        let mut inside = match self.agent.egress_open(request.id).await {
            Ok(inside) => inside,
            Err(error) => {
                tracing::debug!(error = %error, "the process that wanted a connection is gone");
                return;
            }
        };
        if let Err(error) = tokio::io::copy_bidirectional(&mut inside, &mut stream).await {
            tracing::debug!(error = %error, "connection from inside broke off");
        }
    }
}

fn judge<'a>(reach: &'a [Place<'a>], request: &EgressRequest) -> Result<&'a Place<'a>, Refusal> {
    let is_it = |place: &&Place<'_>| place.port == request.port && plain(&place.host) == plain(&request.host);
    if let Some(place) = reach.iter().find(is_it) {
        return Ok(place);
    }
    let mut places: Vec<String> =
        reach.iter().map(|Place { host, port, .. }| format!("`{host}:{port}`")).collect();
    places.dedup();
    let mend = match places.as_slice() {
        [] => "this workspace has no repository".to_owned(),
        places => format!("through the server only {} can be reached", places.join(" and ")),
    };
    let (host, port) = (shown(&request.host), request.port);
    Err(Refusal::new(format!("`{host}:{port}` is not this workspace's repository host"), mend))
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

    use super::{Place, judge};

    fn place(host: &str, port: u16) -> Place<'static> {
        Place { host: host.into(), port, forge: None }
    }

    #[test]
    fn only_hosts_and_ports_of_the_repositories_are_reached() {
        let reach = [place("forge.example.com", 443), place("ssh.example.com", 2222), place("[::1]", 3000)];
        let can = |host: &str, port| judge(&reach, &EgressRequest { id: 1, host: host.into(), port }).is_ok();

        assert!(can("forge.example.com", 443));
        assert!(can("FORGE.example.com.", 443));
        assert!(can("ssh.example.com", 2222));
        assert!(can("::1", 3000));
        assert!(!can("forge.example.com", 22));
        assert!(!can("forge.example.com", 2222));
        assert!(!can("example.com", 443));
        assert!(!can("forge.example.com.evil.test", 443));
        assert!(!can("169.254.169.254", 443));
    }

    #[test]
    fn a_refusal_names_what_can_be_reached() {
        let request = EgressRequest { id: 1, host: "other.test\n".into(), port: 80 };

        let refusal = judge(&[place("forge.test", 443)], &request).unwrap_err();

        assert_eq!(refusal.why, "`other.test:80` is not this workspace's repository host");
        assert_eq!(refusal.mend, "through the server only `forge.test:443` can be reached");
    }
}
