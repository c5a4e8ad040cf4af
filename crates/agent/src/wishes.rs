//! What processes inside want of the server: each wish waits for its answer, and the server reads them as
//! a stream.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::{oneshot, watch};

/// Wishes of one kind, `W`, and their answers, `A`. Clones share them.
pub(crate) struct Wishes<W, A> {
    inner: Arc<Inner<W, A>>,
}

struct Inner<W, A> {
    state: Mutex<State<W, A>>,
    /// Told of every new wish.
    changed: watch::Sender<()>,
}

struct State<W, A> {
    last_id: u64,
    pending: BTreeMap<u64, Pending<W, A>>,
}

struct Pending<W, A> {
    wish: W,
    answer: oneshot::Sender<A>,
}

impl<W, A> Clone for Wishes<W, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<W, A> Default for Wishes<W, A> {
    fn default() -> Self {
        let state = Mutex::new(State { last_id: 0, pending: BTreeMap::new() });
        Self { inner: Arc::new(Inner { state, changed: watch::channel(()).0 }) }
    }
}

impl<W, A> Wishes<W, A> {
    /// Waits for an answer, at most for `limit`. The wish is taken back when nobody waits any more.
    /// Answers the wish's number, too.
    pub(crate) async fn wish(&self, wish: W, limit: Duration) -> (u64, Option<A>) {
        let (answer, decided) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            state.last_id += 1;
            let id = state.last_id;
            state.pending.insert(id, Pending { wish, answer });
            id
        };
        let _back = TakenBack { wishes: self, id };
        self.inner.changed.send_replace(());
        (id, tokio::time::timeout(limit, decided).await.ok().and_then(Result::ok))
    }

    /// Takes a wish to answer it; `None` when nobody waits for it any more.
    pub(crate) fn take(&self, id: u64) -> Option<(W, oneshot::Sender<A>)> {
        self.lock().pending.remove(&id).map(|Pending { wish, answer }| (wish, answer))
    }

    /// The number of the newest wish, to tell later ones from earlier ones.
    pub(crate) fn mark(&self) -> u64 {
        self.lock().last_id
    }

    fn lock(&self) -> MutexGuard<'_, State<W, A>> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Clone + Send + 'static, A: Send + 'static> Wishes<W, A> {
    /// Every wish with its number, those still waiting first, for as long as the stream is held.
    pub(crate) fn wanted(&self) -> impl Stream<Item = (u64, W)> + Send + use<W, A> {
        let wishes = self.clone();
        let changed = self.inner.changed.subscribe();
        stream::unfold((wishes, changed, 0), |(wishes, mut changed, last)| async move {
            loop {
                changed.mark_unchanged();
                let next = {
                    let state = wishes.lock();
                    state.pending.range(last + 1..).next().map(|(id, pending)| (*id, pending.wish.clone()))
                };
                match next {
                    Some((id, wish)) => return Some(((id, wish), (wishes, changed, id))),
                    // The sender lives as long as we do.
                    None => drop(changed.changed().await),
                }
            }
        })
    }
}

/// Takes a wish back when nobody waits for it any more.
struct TakenBack<'a, W, A> {
    wishes: &'a Wishes<W, A>,
    id: u64,
}

impl<W, A> Drop for TakenBack<'_, W, A> {
    fn drop(&mut self) {
        drop(self.wishes.lock().pending.remove(&self.id));
    }
}
