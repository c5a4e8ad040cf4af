//! The future that does the work of one connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tracing::debug;

use super::end::{End, Nonsense};
use super::groups::{Groups, Invocation};
use super::heartbeat::Heartbeat;
use super::pipe::Pipe;
use super::shared::{Phase, Shared};
use super::table::Target;
use super::{answer, incoming};
use crate::arguments::Arguments;
use crate::context::Context as Known;
use crate::dnode::{self, Callbacks, Measured, Message, Method};
use crate::error::{Error, kind};
use crate::peer::Peer;
use crate::service::{Running, Service};
use crate::transport::BoxTransport;

/// Messages read before what they led to is written: enough to share a flush, too few to be felt as a delay.
const READ_BATCH: usize = 64;

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 8;

/// The work of one connection: resolves when it has ended. Dropping it ends the connection at once.
///
/// However it ends, calls that run are dropped where they wait, callers get `disconnect`, and functions are released.
#[must_use = "a connection does nothing until it is polled"]
pub struct Connection {
    shared: Arc<Shared>,
    pipe: Pipe,
    calls: FuturesUnordered<Call>,
    /// Memory of the messages whose calls run.
    call_memory: usize,
    groups: Groups,
    heartbeat: Option<Heartbeat>,
    nonsense: Nonsense,
    /// Runs while the connection drains or closes.
    deadline: Option<(Phase, Pin<Box<Sleep>>)>,
    /// Runs while nothing may be read.
    deafness: Option<Pin<Box<Sleep>>>,
}

/// The call of a method, until it is answered.
struct Call {
    running: Running,
    response: Option<u64>,
    memory: usize,
}

/// What a message brought beside its method.
struct Received {
    arguments: Vec<Value>,
    callbacks: Callbacks,
    /// What it takes in memory.
    memory: usize,
}

impl Connection {
    pub(crate) fn new(service: Service, transport: BoxTransport, context: Known) -> (Peer, Self) {
        let shared = Shared::new(service, context);
        let connection = Self {
            shared: shared.clone(),
            pipe: Pipe::new(transport),
            calls: FuturesUnordered::new(),
            call_memory: 0,
            groups: Groups::default(),
            heartbeat: None,
            nonsense: Nonsense::default(),
            deadline: None,
            deafness: None,
        };
        (Peer::new(shared), connection)
    }

    /// One round of everything. Ready with true if anything happened, so that another round is due.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let phase = self.phase(cx)?;
        let mut progress = false;
        if phase == Phase::Closing {
            self.drop_work();
        } else {
            progress |= self.poll_calls(cx);
            progress |= self.groups.poll(self.shared.service.limits(), cx).is_ready();
            progress |= self.poll_heartbeat(cx);
            progress |= self.poll_read(phase, cx)?;
        }
        self.shared.counters.running.store(self.calls.len(), Ordering::Relaxed);
        progress |= self.pipe.poll_write(&self.shared, cx)?;
        self.watch_deafness(phase, progress, cx)?;
        let is_idle = self.calls.is_empty() && self.groups.is_idle() && self.pipe.is_written(&self.shared);
        match phase {
            Phase::Draining(_) if is_idle => {
                self.shared.close();
                progress = true;
            }
            Phase::Closing if self.pipe.is_written(&self.shared) => self.pipe.poll_close(cx)?,
            _ => {}
        }
        Ok(progress)
    }

    /// Drops what runs, because nothing of it can be sent any more.
    fn drop_work(&mut self) {
        if !self.calls.is_empty() {
            self.calls = FuturesUnordered::new();
        }
        if !self.groups.is_idle() {
            self.groups = Groups::default();
        }
        self.heartbeat = None;
    }

    /// Where the connection is, with the timers that go with it.
    fn phase(&mut self, cx: &mut Context<'_>) -> Result<Phase, End> {
        let phase = self.shared.phase();
        let until = match phase {
            Phase::Open => return Ok(phase),
            Phase::Ended => return Err(End::Closed),
            Phase::Draining(until) => until,
            Phase::Closing => Instant::now() + self.shared.service.limits().close,
        };
        let timer = match &mut self.deadline {
            Some((known, timer)) if *known == phase => timer,
            deadline => &mut deadline.insert((phase, Box::pin(sleep_until(until)))).1,
        };
        if timer.as_mut().poll(cx).is_pending() {
            return Ok(phase);
        }
        if phase == Phase::Closing {
            return Err(End::Closed);
        }
        self.shared.close();
        self.phase(cx)
    }

    /// Goes on with the calls that run, while there is room for their answers.
    fn poll_calls(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while self.has_room_for_answers()
            && let Poll::Ready(Some((response, memory, outcome))) = self.calls.poll_next_unpin(cx)
        {
            progress = true;
            self.call_memory -= memory;
            if let Some(id) = response {
                self.shared.answer(id, outcome);
            }
        }
        progress
    }

    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(heartbeat) = self.shared.take_heartbeat() {
            self.heartbeat = Some(heartbeat);
        }
        self.heartbeat.as_mut().is_some_and(|heartbeat| heartbeat.poll(cx).is_ready())
    }

    /// Reads a batch. True if there may be more.
    fn poll_read(&mut self, phase: Phase, cx: &mut Context<'_>) -> Result<bool, End> {
        for _ in 0..READ_BATCH {
            if !self.may_read() {
                return Ok(false);
            }
            match self.pipe.poll_read(cx)? {
                Poll::Ready(text) => self.receive(&text, phase, cx)?,
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether there is room for whatever the next message is.
    fn may_read(&self) -> bool {
        let limits = self.shared.service.limits();
        self.calls.len() < limits.pending_calls
            && self.call_memory < limits.pending_memory
            && self.has_room_for_answers()
            && !self.groups.is_full(limits)
    }

    fn has_room_for_answers(&self) -> bool {
        self.shared.answer_bytes.load(Ordering::Relaxed) < self.shared.service.limits().queue_bytes
    }

    /// Ends a connection on which nothing could be read for too long because its limits are reached. The other end
    /// would take it for dead by then, and that the other end is dead would never be noticed.
    fn watch_deafness(&mut self, phase: Phase, progress: bool, cx: &mut Context<'_>) -> Result<(), End> {
        if phase == Phase::Closing || self.may_read() {
            self.deafness = None;
            return Ok(());
        }
        let limit = self.shared.service.limits().read_stall;
        let timer = self.deafness.get_or_insert_with(|| Box::pin(sleep(limit)));
        if progress {
            timer.as_mut().reset(Instant::now() + limit);
        }
        if timer.as_mut().poll(cx).is_ready() { Err(End::Deaf) } else { Ok(()) }
    }

    fn receive(&mut self, text: &str, phase: Phase, cx: &mut Context<'_>) -> Result<(), End> {
        let limits = self.shared.service.limits();
        if text.len() > limits.message_bytes {
            return Err(End::TooLong);
        }
        let Measured { message, memory } = match Message::measure(text, limits) {
            Ok(measured) => measured,
            Err(fault) => {
                debug!(peer.connection = self.shared.number, "a message was not taken: {fault}");
                if let Some(id) = dnode::answerable(text, limits) {
                    self.shared.answer(id, Err(fault.into_answer()));
                }
                return self.count_nonsense();
            }
        };
        let Message { method, arguments, callbacks } = message;
        match method {
            Method::Callback(id) => {
                self.receive_invocation(id, Received { arguments, callbacks, memory }, cx)
            }
            Method::Name(name) => {
                self.receive_call(&name, Received { arguments, callbacks, memory }, phase, cx);
                Ok(())
            }
        }
    }

    fn receive_invocation(&mut self, id: u64, received: Received, cx: &mut Context<'_>) -> Result<(), End> {
        let Received { arguments, callbacks, memory } = received;
        let peer = || Peer::new(self.shared.clone());
        match self.shared.with_table(|table| table.find(id)) {
            Target::Answer(waiting) => {
                // Whoever waited may just have given up.
                waiting.send(answer::read(arguments, callbacks, peer())).unwrap_or_default();
            }
            Target::Function { group, handler } => {
                let functions = callbacks.into_iter().map(|(id, path)| (path, id)).collect();
                let arguments = Arguments::new(arguments, functions, peer());
                let invocation = Invocation { handler, arguments, bytes: memory };
                self.groups.invoke(group, invocation, self.shared.service.limits(), cx);
            }
            Target::Late => {
                self.shared.counters.late.fetch_add(1, Ordering::Relaxed);
            }
            Target::Unknown => return self.count_nonsense(),
        }
        Ok(())
    }

    fn receive_call(&mut self, method: &str, received: Received, phase: Phase, cx: &mut Context<'_>) {
        let Received { arguments, callbacks, memory } = received;
        let (response, incoming) = incoming::take(arguments, callbacks);
        let running = match (incoming, phase) {
            (_, Phase::Draining(_)) => {
                Err(Error::custom(kind::DISCONNECTED, "this kite takes no more calls, because it stops", ""))
            }
            (Err(error), _) => Err(error),
            (Ok(incoming), _) => Ok(self.shared.service.start(&self.shared, method, incoming)),
        };
        let outcome = match running {
            Ok(mut running) => match running.as_mut().poll(cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.call_memory += memory;
                    self.calls.push(Call { running, response, memory });
                    return;
                }
            },
            Err(error) => Err(error),
        };
        if let Some(id) = response {
            self.shared.answer(id, outcome);
        }
    }

    fn count_nonsense(&mut self) -> Result<(), End> {
        self.shared.counters.nonsense.fetch_add(1, Ordering::Relaxed);
        let most = self.shared.service.limits().nonsense_per_second;
        if self.nonsense.count(Instant::now()) > most { Err(End::Nonsense) } else { Ok(()) }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.shared.waker.register(cx.waker());
        for _ in 0..ROUNDS {
            match this.round(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(end) => {
                    end.log(this.shared.number);
                    this.shared.finish();
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.finish();
    }
}

impl Future for Call {
    type Output = (Option<u64>, usize, crate::service::Outcome);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (response, memory) = (self.response, self.memory);
        self.running.as_mut().poll(cx).map(|outcome| (response, memory, outcome))
    }
}
