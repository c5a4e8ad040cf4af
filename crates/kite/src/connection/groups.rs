//! Invocations of our functions: one queue a group, one invocation of a group at a time.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::task::unconstrained;
use tracing::error;

use crate::arguments::Arguments;
use crate::function::{Group, Handler};
use crate::limits::Limits;

/// The queues of one connection; a group has one while it has anything to do.
#[derive(Default)]
pub(super) struct Groups {
    queues: HashMap<u64, Queue>,
    running: FuturesUnordered<Running>,
    /// The group whose queue is full.
    full: Option<u64>,
    /// Memory of all that waits.
    bytes: usize,
}

struct Queue {
    group: Arc<Group>,
    waiting: VecDeque<Invocation>,
    bytes: usize,
}

/// One invocation of a function.
pub(super) struct Invocation {
    pub(super) handler: Arc<Handler>,
    pub(super) arguments: Arguments,
    /// What it takes in memory.
    pub(super) bytes: usize,
}

/// Ends with the number of its group.
type Running = Pin<Box<dyn Future<Output = u64> + Send>>;

impl Groups {
    /// Starts an invocation, or lets it wait for the others of its group.
    pub(super) fn invoke(
        &mut self,
        group: Arc<Group>,
        invocation: Invocation,
        limits: &Limits,
        cx: &mut Context<'_>,
    ) {
        let number = group.number;
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.bytes += invocation.bytes;
            self.bytes += invocation.bytes;
            queue.waiting.push_back(invocation);
            if queue.is_full(limits) {
                self.full = Some(number);
            }
        } else if let Some(running) = start(number, invocation, cx) {
            self.running.push(running);
            self.queues.insert(number, Queue { group, waiting: VecDeque::new(), bytes: 0 });
        }
    }

    /// Whether nothing more must be read.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.full.is_some() || self.bytes >= limits.pending_memory
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queues.is_empty()
    }

    /// Goes on with what can go on. Ready if anything did.
    pub(super) fn poll(&mut self, limits: &Limits, cx: &mut Context<'_>) -> Poll<()> {
        let mut progress = Poll::Pending;
        while let Poll::Ready(Some(number)) = self.running.poll_next_unpin(cx) {
            progress = Poll::Ready(());
            self.advance(number, cx);
        }
        if self.is_full(limits) {
            self.bytes -= self.queues.values_mut().map(Queue::discard_released).sum::<usize>();
            let full = self.full.and_then(|number| self.queues.get(&number));
            if !full.is_some_and(|queue| queue.is_full(limits)) {
                self.full = None;
            }
            if !self.is_full(limits) {
                progress = Poll::Ready(());
            }
        }
        progress
    }

    /// Starts the next invocations of a group, until one has to wait.
    fn advance(&mut self, number: u64, cx: &mut Context<'_>) {
        let Some(queue) = self.queues.get_mut(&number) else { return };
        self.bytes -= queue.discard_released();
        while let Some(invocation) = queue.waiting.pop_front() {
            queue.bytes -= invocation.bytes;
            self.bytes -= invocation.bytes;
            if let Some(running) = start(number, invocation, cx) {
                self.running.push(running);
                return;
            }
            self.bytes -= queue.discard_released();
        }
        self.queues.remove(&number);
    }
}

impl Queue {
    fn is_full(&self, limits: &Limits) -> bool {
        self.waiting.len() >= limits.group_invocations || self.bytes >= limits.group_bytes
    }

    /// Drops what waits, if its group is no more; answers how much memory that was.
    fn discard_released(&mut self) -> usize {
        if !self.group.is_released() {
            return 0;
        }
        self.waiting.clear();
        std::mem::take(&mut self.bytes)
    }
}

/// Runs a function until it waits for something; none if it was ready at once.
fn start(
    number: u64,
    Invocation { handler, arguments, .. }: Invocation,
    cx: &mut Context<'_>,
) -> Option<Running> {
    let invoke = async move { handler(arguments).await };
    let running = AssertUnwindSafe(invoke).catch_unwind().map(move |outcome| {
        if let Err(panic) = outcome {
            error!(
                panic = crate::service::panic_text(&*panic),
                "a function called by the other end panicked"
            );
        }
        number
    });
    // As for calls: they must not share the budget of the connection's task.
    let mut running: Running = Box::pin(unconstrained(running));
    running.as_mut().poll(cx).is_pending().then_some(running)
}
