//! A way out for git: connections from inside that only the server can make.
//!
//! Git is told to use a proxy on the loopback address ([`proxy`]). Each connection it wants becomes an
//! `EgressRequest`, which the server takes up or refuses; nothing is reached without its consent.

mod config;
mod git_http;
mod proxy;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::{oneshot, watch};
use tokio_util::io::ReaderStream;
use wire::agent::EgressRequest;

use crate::problem::Problem;

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
    state: Mutex<State>,
    /// Told of every new wish.
    changed: watch::Sender<()>,
    /// The proxy's port, once it listens.
    port: tokio::sync::OnceCell<u16>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    pending: BTreeMap<u64, Pending>,
    refusals: VecDeque<Refusal>,
}

struct Pending {
    request: EgressRequest,
    answer: oneshot::Sender<Result<DuplexStream, String>>,
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
            state: Mutex::default(),
            changed: watch::channel(()).0,
            port: tokio::sync::OnceCell::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Connections wanted, those still waiting first, for as long as the stream is held.
    pub(crate) fn requests(&self) -> impl Stream<Item = EgressRequest> + Send + use<> {
        let egress = self.clone();
        let changed = self.inner.changed.subscribe();
        stream::unfold((egress, changed, 0), |(egress, mut changed, last)| async move {
            loop {
                changed.mark_unchanged();
                let next = {
                    let state = egress.lock();
                    state.pending.range(last + 1..).next().map(|(_, pending)| pending.request.clone())
                };
                match next {
                    Some(request) => {
                        let id = request.id;
                        return Some((request, (egress, changed, id)));
                    }
                    // The sender lives as long as we do.
                    None => drop(changed.changed().await),
                }
            }
        })
    }

    /// The server will not connect.
    pub(crate) fn refuse(&self, id: u64, why: &str) -> Result<(), Problem> {
        let pending = self.take(id)?;
        self.remember(&pending.request, why);
        // The process may have given up meanwhile.
        drop(pending.answer.send(Err(why.to_owned())));
        Ok(())
    }

    /// A connection to `host`, made by the server, or why there is none.
    async fn connect(&self, host: &str, port: u16) -> Result<DuplexStream, String> {
        let (answer, decided) = oneshot::channel();
        let request = {
            let mut state = self.lock();
            state.last_id += 1;
            let request = EgressRequest { id: state.last_id, host: host.to_owned(), port };
            state.pending.insert(request.id, Pending { request: request.clone(), answer });
            request
        };
        let _wish = Wish { egress: self, id: request.id };
        self.inner.changed.send_replace(());
        if let Ok(Ok(decision)) = tokio::time::timeout(DECISION_LIMIT, decided).await {
            return decision;
        }
        let why = format!("the server did not connect to {host}:{port} in time");
        self.remember(&request, &why);
        Err(why)
    }

    /// A mark to ask [`Egress::refusal_since`] with later.
    pub(crate) fn mark(&self) -> u64 {
        self.lock().last_id
    }

    /// Why the newest connection to `host` since the mark was refused.
    pub(crate) fn refusal_since(&self, mark: u64, host: &str) -> Option<String> {
        let state = self.lock();
        let refusal =
            state.refusals.iter().rev().find(|refusal| refusal.id > mark && refusal.host == host)?;
        Some(refusal.why.clone())
    }

    fn remember(&self, request: &EgressRequest, why: &str) {
        let mut state = self.lock();
        if state.refusals.len() >= REFUSALS {
            state.refusals.pop_front();
        }
        let refusal = Refusal { id: request.id, host: request.host.clone(), why: why.to_owned() };
        state.refusals.push_back(refusal);
    }

    fn take(&self, id: u64) -> Result<Pending, Problem> {
        self.lock().pending.remove(&id).ok_or_else(|| {
            Problem::not_found(
                format!("nobody waits for connection {id} any more"),
                "Nothing needs to be done; git asks again if it still wants it.",
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server takes a connection up: `body` goes to the process, the answered stream comes from it.
pub(crate) fn open(
    egress: &Egress,
    id: u64,
    body: Body,
) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + use<>, Problem> {
    let pending = egress.take(id)?;
    let (near, far) = tokio::io::duplex(PIPE);
    if pending.answer.send(Ok(near)).is_err() {
        return Err(Problem::not_found(
            format!("whoever wanted connection {id} has given up"),
            "Nothing needs to be done; git asks again if it still wants it.",
        ));
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

/// A wish that is taken back when nobody waits for it any more.
struct Wish<'a> {
    egress: &'a Egress,
    id: u64,
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        drop(self.egress.lock().pending.remove(&self.id));
    }
}

/// Answers that cannot fail.
type Never<T> = Result<T, Infallible>;
