//! A way out for git and SSH: connections from inside that only the server can make.
//!
//! Git is told to use a proxy on the loopback address ([`proxy`]); SSH uses `connect` of [`crate::helper`].
//! Each connection becomes an `EgressRequest`, which the server takes up or refuses; nothing is reached
//! without its consent.

mod git_http;
mod proxy;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::io::ReaderStream;
use wire::agent::EgressRequest;

use crate::problem::Problem;
use crate::wishes::Wishes;

/// How long the server may take to decide and to connect. It may be away for a restart meanwhile.
const DECISION_LIMIT: Duration = Duration::from_mins(1);
/// Bytes of one connection that may be under way in each direction.
const PIPE: usize = 64 << 10;
/// Refusals remembered for whoever explains a failed clone.
const REFUSALS: usize = 16;

/// Connections wanted, and where git finds the proxy. Clones share it.
#[derive(Clone)]
pub(crate) struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    workspace: String,
    wishes: Wishes<Target, Result<DuplexStream, String>>,
    refusals: Mutex<VecDeque<Refusal>>,
    /// The proxy's port, once it listens.
    port: tokio::sync::OnceCell<u16>,
}

#[derive(Clone)]
struct Target {
    host: String,
    port: u16,
}

/// A connection that was not made, and why.
struct Refusal {
    id: u64,
    host: String,
    why: String,
}

impl Egress {
    pub(crate) fn new(workspace: &str) -> Self {
        let inner = Inner {
            workspace: workspace.to_owned(),
            wishes: Wishes::default(),
            refusals: Mutex::default(),
            port: tokio::sync::OnceCell::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Connections wanted, those still waiting first, for as long as the stream is held.
    pub(crate) fn requests(&self) -> impl Stream<Item = EgressRequest> + Send + use<> {
        let wanted = self.inner.wishes.wanted();
        wanted.map(|(id, Target { host, port })| EgressRequest { id, host, port })
    }

    /// The server will not connect.
    pub(crate) fn refuse(&self, id: u64, why: &str) -> Result<(), Problem> {
        let (target, answer) = self.inner.wishes.take(id).ok_or_else(|| given_up(id))?;
        self.remember(id, target.host, why);
        // The process may have given up meanwhile.
        drop(answer.send(Err(why.to_owned())));
        Ok(())
    }

    /// A connection to `host`, made by the server, or why there is none.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<DuplexStream, String> {
        let target = Target { host: host.to_owned(), port };
        match self.inner.wishes.wish(target, DECISION_LIMIT).await {
            (_, Some(decision)) => decision,
            (id, None) => {
                let why = format!("the server did not connect to {host}:{port} in time");
                self.remember(id, host.to_owned(), &why);
                Err(why)
            }
        }
    }

    /// A mark to ask [`Egress::refusal_since`] with later.
    pub(crate) fn mark(&self) -> u64 {
        self.inner.wishes.mark()
    }

    /// Why the newest connection to `host` since the mark was refused.
    pub(crate) fn refusal_since(&self, mark: u64, host: &str) -> Option<String> {
        let refusals = self.refusals();
        let refusal = refusals.iter().rev().find(|refusal| refusal.id > mark && refusal.host == host)?;
        Some(refusal.why.clone())
    }

    fn remember(&self, id: u64, host: String, why: &str) {
        let mut refusals = self.refusals();
        if refusals.len() >= REFUSALS {
            refusals.pop_front();
        }
        refusals.push_back(Refusal { id, host, why: why.to_owned() });
    }

    fn refusals(&self) -> MutexGuard<'_, VecDeque<Refusal>> {
        self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server takes a connection up: `body` goes to the process, the answered stream comes from it.
pub(crate) fn open(
    egress: &Egress,
    id: u64,
    body: Body,
) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + use<>, Problem> {
    let (_, answer) = egress.inner.wishes.take(id).ok_or_else(|| given_up(id))?;
    let (near, far) = tokio::io::duplex(PIPE);
    if answer.send(Ok(near)).is_err() {
        return Err(given_up(id));
    }
    let (from_process, mut to_process) = tokio::io::split(far);
    // Ends with the request's body, at the latest when the connection to the server ends.
    tokio::spawn(async move {
        let mut body = body.into_data_stream();
        while let Some(Ok(bytes)) = body.next().await {
            if to_process.write_all(&bytes).await.is_err() {
                return;
            }
        }
        drop(to_process.shutdown().await);
    });
    Ok(ReaderStream::with_capacity(from_process, PIPE))
}

fn given_up(id: u64) -> Problem {
    Problem::not_found(
        format!("nobody waits for connection {id} any more"),
        "Nothing needs to be done; git asks again if it still wants it.",
    )
}

/// Answers that cannot fail.
type Never<T> = Result<T, Infallible>;
