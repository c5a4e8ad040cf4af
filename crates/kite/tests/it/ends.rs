//! Two ends of a connection for tests: a service, and either another one or texts by hand.

#![expect(clippy::expect_used, reason = "the tests' own helpers")]

use std::future::Future;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use kite::transport::{PairEnd, pair};
use kite::{Context, Kite, Peer, Service, ServiceBuilder};
use serde_json::Value;

/// Long enough for a machine on which everything else runs, too.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for something that must happen.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen in time")
}

/// Waits until a condition holds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

pub(crate) fn a_kite(name: &str) -> Kite {
    Kite {
        id: format!("{name}-1"),
        username: "alice".into(),
        environment: "dev".into(),
        name: name.into(),
        version: "1.2.3".into(),
        region: "eu".into(),
        hostname: "vm".into(),
    }
}

pub(crate) fn a_service() -> ServiceBuilder {
    Service::builder(a_kite("math"))
}

/// A client and the server it is connected to: the peers that each of them has.
pub(crate) fn connect(client: &Service, server: &Service) -> (Peer, Peer) {
    let (near, far) = pair(64);
    let (server_of_client, connection) = client.serve(near, Context::default());
    tokio::spawn(connection);
    let (client_of_server, connection) = server.serve(far, Context::default());
    tokio::spawn(connection);
    (server_of_client, client_of_server)
}

/// A client of a service.
pub(crate) fn client_of(server: &Service) -> Peer {
    connect(&Service::client(a_kite("cli")), server).0
}

/// The end of a connection at which texts are written and read by hand.
pub(crate) struct Hand {
    end: PairEnd,
    pub(crate) peer: Peer,
}

impl Hand {
    /// Connects to a service.
    pub(crate) fn to(service: &Service) -> Self {
        let (near, end) = pair(64);
        let (peer, connection) = service.serve(near, Context::default());
        tokio::spawn(connection);
        Self { end, peer }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        assert!(self.try_send(text).await, "the connection has ended");
    }

    /// Sends unless the connection has ended.
    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        soon(self.end.send(text.to_owned())).await.is_ok()
    }

    /// The next message; none when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        soon(self.end.next()).await.map(|text| text.expect("a pair does not fail"))
    }

    /// The next message, which must be this.
    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.next().await.as_deref(), Some(text));
    }

    pub(crate) async fn next_value(&mut self) -> Value {
        let text = self.next().await.expect("the connection is open");
        serde_json::from_str(&text).expect("a message is JSON")
    }

    /// Calls a method, with JSON of its arguments, and gives the answer's argument.
    pub(crate) async fn call(&mut self, method: &str, arguments: &str) -> Value {
        self.send(&format!(
            r#"{{"method":"{method}","arguments":[{{"withArgs":{arguments},"responseCallback":"[Function]"}}],"callbacks":{{"7":["0","responseCallback"]}}}}"#
        ))
        .await;
        let mut answer = self.next_value().await;
        assert_eq!(answer["method"], 7);
        answer["arguments"][0].take()
    }
}
