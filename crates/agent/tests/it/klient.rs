//! Kite clients of the agent in this process: over the link, as the server carries them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kite::{Arguments, Context, Function, Functions, Kite, Peer, Service};
use link::KiteStream;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use wire::agent::KiteCaller;

use crate::bench::{Bench, LIMIT};

/// Somebody who may call.
pub(crate) fn caller() -> KiteCaller {
    KiteCaller { user: "usr_00000000000000000000000000".into(), username: "ada".into(), is_owner: true }
}

/// A new client of the agent.
pub(crate) async fn client(bench: &Bench) -> Peer {
    let stream = raw(bench).await;
    let (peer, connection) =
        Service::client(Kite { name: "tests".into(), ..Kite::default() }).serve(stream, Context::default());
    tokio::spawn(connection);
    peer
}

/// The same as texts.
pub(crate) async fn raw(bench: &Bench) -> KiteStream {
    bench.client.open_kite(&caller()).await.unwrap()
}

/// Calls a method that works, with one argument.
pub(crate) async fn call(peer: &Peer, method: &str, argument: impl Serialize) -> Value {
    try_call(peer, method, argument).await.unwrap_or_else(|error| panic!("{method}: {error:?}"))
}

/// Calls a method with one argument.
pub(crate) async fn try_call(
    peer: &Peer,
    method: &str,
    argument: impl Serialize,
) -> Result<Value, kite::Error> {
    peer.request(method).args((argument,)).timeout(LIMIT * 4).send().await
}

/// The name of the function that was called, and its arguments.
type Call = (&'static str, Vec<Value>);

/// A function of ours that writes down what it is called with, until it is told to stop taking more.
#[derive(Clone)]
pub(crate) struct Recorder {
    calls: Arc<Mutex<VecDeque<Call>>>,
    called: Arc<Notify>,
    is_open: Arc<watch::Sender<bool>>,
    group: Arc<Functions>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            calls: Arc::default(),
            called: Arc::default(),
            is_open: Arc::new(watch::channel(true).0),
            group: Arc::new(Functions::new()),
        }
    }

    /// A function, whose calls are written down under `name`, in order with those of its siblings.
    pub(crate) fn function(&self, name: &'static str) -> Function {
        // The group must not hold itself.
        let held = (self.calls.clone(), self.called.clone(), self.is_open.subscribe());
        self.group.add(move |arguments: Arguments| {
            let (calls, called, mut is_open) = held.clone();
            async move {
                is_open.wait_for(|is_open| *is_open).await.unwrap();
                calls.lock().unwrap().push_back((name, arguments.raw().to_vec()));
                called.notify_one();
            }
        })
    }

    /// Takes no more calls from now on, as a client that reads slowly.
    pub(crate) fn stop(&self) {
        self.is_open.send_replace(false);
    }

    /// Takes calls again.
    pub(crate) fn go_on(&self) {
        self.is_open.send_replace(true);
    }

    /// The next call.
    pub(crate) async fn next(&self) -> Call {
        let next = async {
            loop {
                if let Some(call) = self.calls.lock().unwrap().pop_front() {
                    return call;
                }
                self.called.notified().await;
            }
        };
        tokio::time::timeout(LIMIT, next).await.expect("a call in time")
    }

    /// Whether nothing was called that was not taken out.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.lock().unwrap().is_empty()
    }
}

/// Waits long enough for something that must not happen to have happened.
pub(crate) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
