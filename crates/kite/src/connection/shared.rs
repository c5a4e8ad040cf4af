//! What the users of a connection and its engine share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::task::AtomicWaker;
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::Instant;

use super::envelope;
use super::heartbeat::Heartbeat;
use super::outgoing::{Kind, Outbox, Prepared};
use super::table::{Answer, Table};
use crate::authentication::Authentication;
use crate::context::Context;
use crate::dnode::Path;
use crate::error::Error;
use crate::function::{Function, Functions};
use crate::payload::Payload;
use crate::service::Service;

/// One connection, as its users hold it.
pub(crate) struct Shared {
    /// Tells connections apart within the process.
    pub(crate) number: u64,
    pub(crate) service: Service,
    pub(crate) context: Context,
    /// Bytes that may still be put into the outbox.
    pub(super) room: Semaphore,
    /// Bytes of answers in the outbox.
    pub(super) answer_bytes: AtomicUsize,
    /// Wakes the engine.
    pub(super) waker: AtomicWaker,
    pub(super) counters: Counters,
    state: Mutex<State>,
    ended: AtomicBool,
    end: Notify,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) running: AtomicUsize,
    pub(super) late: AtomicU64,
    pub(super) nonsense: AtomicU64,
}

/// What a connection has at the moment, and what came of which nothing was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Our calls that wait for an answer.
    pub open_calls: usize,
    /// Our functions that the other end can call.
    pub functions: usize,
    /// Calls of the other end that run.
    pub running: usize,
    /// Invocations of functions that were released, and answers after a time-out or a first answer. Ignored.
    pub late: u64,
    /// Messages that made no sense. Ignored, up to [`Limits::nonsense_per_second`](crate::Limits::nonsense_per_second).
    pub nonsense: u64,
}

struct State {
    outbox: Outbox,
    table: Table,
    authentication: Option<Arc<Authentication>>,
    kept: Vec<Functions>,
    /// A heartbeat that the engine has not taken over yet.
    heartbeat: Option<Heartbeat>,
    phase: Phase,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// No new calls; running ones may finish until then.
    Draining(Instant),
    /// What is in the outbox is sent, and nothing more.
    Closing,
    Ended,
}

/// Somebody waits for an answer; dropped, its callback is released.
pub(crate) struct Expected {
    shared: Arc<Shared>,
    id: u64,
    receiver: oneshot::Receiver<Answer>,
}

impl Shared {
    pub(super) fn new(service: Service, context: Context) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let room = service.limits().queue_bytes.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            service,
            context,
            room: Semaphore::new(room),
            answer_bytes: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
            counters: Counters::default(),
            state: Mutex::new(State {
                outbox: Outbox::default(),
                table: Table::default(),
                authentication: None,
                kept: vec![],
                heartbeat: None,
                phase: Phase::Open,
            }),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        })
    }

    pub(crate) fn counts(&self) -> ConnectionCounts {
        let (open_calls, functions) = self.state().table.counts();
        ConnectionCounts {
            open_calls,
            functions,
            running: self.counters.running.load(Ordering::Relaxed),
            late: self.counters.late.load(Ordering::Relaxed),
            nonsense: self.counters.nonsense.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn set_authentication(&self, authentication: Option<Authentication>) {
        self.state().authentication = authentication.map(Arc::new);
    }

    /// Keeps a group alive until the connection ends.
    pub(crate) fn keep(&self, group: Functions) {
        let mut state = self.state();
        if state.phase == Phase::Ended {
            drop(state);
            drop(group);
        } else {
            state.kept.push(group);
        }
    }

    /// Prepares a call of a method that is to be answered.
    pub(crate) fn call(
        self: &Arc<Self>,
        method: &str,
        payload: Payload,
        authentication: Option<Arc<Authentication>>,
    ) -> Result<(Prepared<'_>, Expected), Error> {
        let (id, receiver) = self.state().table.expect_answer();
        let expected = Expected { shared: self.clone(), id, receiver };
        let prepared = self.prepare_call(method, payload, authentication, Some(id))?;
        Ok((prepared, expected))
    }

    /// Prepares a call of a method that is not to be answered.
    pub(crate) fn notification(
        self: &Arc<Self>,
        method: &str,
        payload: Payload,
    ) -> Result<Prepared<'_>, Error> {
        self.prepare_call(method, payload, None, None)
    }

    /// Prepares a call of a function of the other end.
    pub(crate) fn invocation(
        self: &Arc<Self>,
        id: u64,
        arguments: &impl Serialize,
    ) -> Result<Prepared<'_>, Error> {
        let Payload { text, functions } = Payload::arguments(arguments)?;
        let given = self.give(functions)?;
        self.prepared(envelope::invocation(id, &text, &given), &given)
    }

    /// Puts the answer to a call into the outbox.
    pub(super) fn answer(self: &Arc<Self>, id: u64, outcome: Result<Payload, Error>) {
        let text = outcome.and_then(|payload| {
            let given = self.give(payload.functions)?;
            let prepared = self.prepared(envelope::result(id, &payload.text, &given), &given)?;
            Ok(prepared.into_text())
        });
        let text = text.unwrap_or_else(|error| envelope::failure(id, &error));
        // When the connection has ended nobody waits for the answer any more.
        self.push(text, Kind::Answer).unwrap_or_default();
    }

    /// Takes functions into the table and gives them ids.
    fn give(self: &Arc<Self>, functions: Vec<(Path, Function)>) -> Result<Vec<(Path, u64)>, Error> {
        let most = self.service.limits().functions;
        let mut given = Vec::with_capacity(functions.len());
        for (path, function) in functions {
            let id = self.state().table.add(&function, most);
            let refused = match id {
                Some(id) if function.group.offer(self, id) => {
                    given.push((path, id));
                    continue;
                }
                Some(id) => {
                    self.release(id);
                    Error::send("a function was sent whose group is released")
                }
                None => Error::too_large(format!("the connection has {most} functions already")),
            };
            for (_, id) in given {
                self.release(id);
            }
            return Err(refused);
        }
        Ok(given)
    }

    fn prepare_call(
        self: &Arc<Self>,
        method: &str,
        payload: Payload,
        authentication: Option<Arc<Authentication>>,
        response: Option<u64>,
    ) -> Result<Prepared<'_>, Error> {
        let authentication = authentication.or_else(|| self.state().authentication.clone());
        let given = self.give(payload.functions)?;
        let call = envelope::Outgoing {
            method,
            kite: self.service.kite_text(),
            authentication: authentication.as_deref(),
            arguments: &payload.text,
            functions: &given,
            response,
        };
        self.prepared(call.to_text(), &given)
    }

    fn prepared(self: &Arc<Self>, text: String, given: &[(Path, u64)]) -> Result<Prepared<'_>, Error> {
        let (bytes, most) = (text.len(), self.service.limits().sent_bytes);
        // Dropped, it takes the functions back.
        let prepared = Prepared { shared: self, text, functions: given.iter().map(|(_, id)| *id).collect() };
        if bytes > most {
            let what = format!("a message of {bytes} bytes cannot be sent, {most} can; ask for less at once");
            return Err(Error::too_large(what));
        }
        Ok(prepared)
    }

    /// What a message costs of the connection's room.
    pub(super) fn bytes_of(&self, text: &str) -> u32 {
        let most = self.service.limits().queue_bytes.max(1);
        u32::try_from(text.len().min(most)).unwrap_or(u32::MAX)
    }

    /// Puts a message into the outbox.
    pub(super) fn push(&self, text: String, kind: Kind) -> Result<(), Error> {
        let bytes = text.len();
        {
            let mut state = self.state();
            if matches!(state.phase, Phase::Closing | Phase::Ended) {
                return Err(Error::disconnected());
            }
            state.outbox.push(text, kind);
        }
        if kind == Kind::Answer {
            // The engine itself answers, and looks at the outbox afterwards.
            self.answer_bytes.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.waker.wake();
        }
        Ok(())
    }

    /// Forgets a function or an answer.
    pub(crate) fn release(&self, id: u64) {
        let removed = self.state().table.remove(id);
        drop(removed);
        // A full queue of a released group need not be waited for.
        self.waker.wake();
    }

    /// Begins a heartbeat in place of the one that was.
    pub(crate) fn set_heartbeat(&self, heartbeat: Heartbeat) {
        let before = {
            let mut state = self.state();
            // It holds the connection: one that has ended must not hold it in turn.
            if state.phase == Phase::Ended { Some(heartbeat) } else { state.heartbeat.replace(heartbeat) }
        };
        drop(before);
        self.waker.wake();
    }

    pub(super) fn take_heartbeat(&self) -> Option<Heartbeat> {
        self.state().heartbeat.take()
    }

    /// Stops taking calls; running ones may go on until then.
    pub(crate) fn drain(&self, until: Instant) {
        self.advance(Phase::Draining(until), |phase| phase == Phase::Open);
    }

    /// Ends the connection once the outbox is empty.
    pub(crate) fn close(&self) {
        self.advance(Phase::Closing, |phase| phase != Phase::Ended);
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    fn advance(&self, to: Phase, from: fn(Phase) -> bool) {
        {
            let mut state = self.state();
            if from(state.phase) {
                state.phase = to;
            }
        }
        self.waker.wake();
    }

    pub(super) fn with_table<T>(&self, with: impl FnOnce(&mut Table) -> T) -> T {
        with(&mut self.state().table)
    }

    pub(super) fn with_outbox<T>(&self, with: impl FnOnce(&mut Outbox) -> T) -> T {
        with(&mut self.state().outbox)
    }

    /// Ends everything: who waits is told, and what is held is released.
    pub(super) fn finish(&self) {
        let held = {
            let mut state = self.state();
            state.phase = Phase::Ended;
            state.authentication = None;
            (
                std::mem::take(&mut state.table),
                std::mem::take(&mut state.outbox),
                std::mem::take(&mut state.kept),
                state.heartbeat.take(),
            )
        };
        // Outside of the lock: what handlers hold may want it when it is dropped.
        drop(held);
        self.room.close();
        self.ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) async fn ended(&self) {
        let end = self.end.notified();
        tokio::pin!(end);
        end.as_mut().enable();
        if !self.is_ended() {
            end.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Waits for the answer.
    pub(crate) async fn answer(mut self) -> Answer {
        (&mut self.receiver).await.unwrap_or_else(|_| Err(Error::disconnected()))
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let removed = self.shared.with_table(|table| table.remove(self.id));
        drop(removed);
    }
}
