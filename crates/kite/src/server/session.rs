//! One SockJS session of requests and answers, as the transport it is to the service.
//!
//! The service's side is [`SessionTransport`]; the client's side are [`Session::push`], which takes the messages
//! of a send, and [`Receiver`], which one request at a time uses to get frames. Both queues are bounded, and
//! each makes the other side wait.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use futures_util::{Sink, Stream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::settings::Settings;
use crate::sockjs::{Close, quote, write_messages};
use crate::transport::TransportError;

/// Sends of one session that may be under way. Clients send one after the other; a few more may overlap when
/// one was given up.
const SENDS: usize = 4;

/// A session. Ends when both sides have let go of it.
pub(super) struct Session {
    state: Mutex<State>,
    /// Wakes the service, which waits for messages or for room.
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Something for a receiver.
    frames: Notify,
    /// Room for messages of a send.
    room: Notify,
    /// A receiver came or went, or the session ended.
    changed: Notify,
    /// Bounds the sends under way.
    pub(super) sends: Semaphore,
    /// Keeps the messages of several sends in order.
    order: tokio::sync::Mutex<()>,
    limits: Limits,
}

struct Limits {
    inbox: usize,
    outbox: usize,
}

struct State {
    inbox: VecDeque<String>,
    inbox_bytes: usize,
    /// Quoted already.
    outbox: VecDeque<String>,
    outbox_bytes: usize,
    is_greeted: bool,
    has_receiver: bool,
    /// When the last receiver left, or something was last taken.
    moved_at: Instant,
    end: Option<Close>,
}

/// Why a send is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// The session is over.
    Over,
    /// The service did not read in time.
    Late,
}

impl Session {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                inbox: VecDeque::new(),
                inbox_bytes: 0,
                outbox: VecDeque::new(),
                outbox_bytes: 0,
                is_greeted: false,
                has_receiver: false,
                moved_at: Instant::now(),
                end: None,
            }),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            frames: Notify::new(),
            room: Notify::new(),
            changed: Notify::new(),
            sends: Semaphore::new(SENDS),
            order: tokio::sync::Mutex::new(()),
            limits: Limits { inbox: settings.inbox_bytes, outbox: settings.outbox_bytes },
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service's side.
    pub(super) fn transport(self: &Arc<Self>) -> SessionTransport {
        SessionTransport(self.clone())
    }

    /// Takes the right to get frames.
    ///
    /// # Errors
    ///
    /// What to say instead: another one has it, or the session was interrupted.
    pub(super) fn attach(self: &Arc<Self>) -> Result<Receiver, Close> {
        let mut state = self.state();
        if state.has_receiver {
            return Err(Close::ANOTHER_CONNECTION);
        }
        state.has_receiver = true;
        state.moved_at = Instant::now();
        drop(state);
        self.changed.notify_one();
        Ok(Receiver { session: self.clone(), may_lose: false })
    }

    /// Hands the messages of a send to the service, in order; waits while it reads none.
    pub(super) async fn push(&self, messages: Vec<String>, patience: Duration) -> Result<(), NotTaken> {
        let all = async {
            let _order = self.order.lock().await;
            for message in messages {
                self.push_one(message).await?;
            }
            Ok(())
        };
        tokio::time::timeout(patience, all).await.unwrap_or(Err(NotTaken::Late))
    }

    async fn push_one(&self, message: String) -> Result<(), NotTaken> {
        loop {
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.end.is_some() {
                    return Err(NotTaken::Over);
                }
                // One message always fits, however long: it is below the limit of messages.
                let room = self.limits.inbox.saturating_sub(state.inbox_bytes);
                if state.inbox.is_empty() || weight(&message) <= room {
                    state.inbox_bytes = state.inbox_bytes.saturating_add(weight(&message));
                    state.inbox.push_back(message);
                    break;
                }
            }
            room.await;
        }
        self.reader.wake();
        Ok(())
    }

    /// Ends the session, if it has not ended: the service sees the end of its messages, receivers the close
    /// frame after what was sent before.
    pub(super) fn end(&self, close: Close) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.end = Some(close);
        drop(state);
        self.reader.wake();
        self.writer.wake();
        self.frames.notify_one();
        self.room.notify_waiters();
        self.changed.notify_one();
    }

    /// Resolves when nobody comes any more: `delay` after the last receiver left, or when a receiver has not
    /// taken anything of what waits for it for `patience`.
    pub(super) async fn abandoned(&self, delay: Duration, patience: Duration) {
        loop {
            let changed = self.changed.notified();
            let until = {
                let mut state = self.state();
                if state.has_receiver && state.outbox.is_empty() {
                    state.moved_at = Instant::now();
                }
                state.moved_at + if state.has_receiver { patience } else { delay }
            };
            if Instant::now() >= until {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = changed => {}
            }
        }
    }

    fn take_frame(&self, max_bytes: usize) -> Option<Taken> {
        let mut state = self.state();
        if !state.is_greeted {
            state.is_greeted = true;
            return Some(Taken { text: String::from("o"), is_last: false });
        }
        if state.outbox.is_empty() {
            let text = state.end.as_ref()?.to_text();
            return Some(Taken { text, is_last: true });
        }
        let mut messages = Vec::new();
        let mut bytes = 0;
        while let Some(message) = state.outbox.pop_front() {
            bytes += message.len();
            messages.push(message);
            if state.outbox.front().is_some_and(|next| bytes + next.len() > max_bytes) {
                break;
            }
        }
        state.outbox_bytes = state.outbox_bytes.saturating_sub(bytes);
        state.moved_at = Instant::now();
        drop(state);
        self.writer.wake();
        let mut text = String::with_capacity(bytes + messages.len() + 2);
        write_messages(messages.iter().map(String::as_str), &mut text);
        Some(Taken { text, is_last: false })
    }
}

/// What a message takes in memory: also an empty one takes some.
fn weight(message: &str) -> usize {
    const OVERHEAD: usize = 64;
    message.len().saturating_add(OVERHEAD)
}

/// A frame for the client.
pub(super) struct Taken {
    pub(super) text: String,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

/// The right to get frames, which one request has at a time.
pub(super) struct Receiver {
    session: Arc<Session>,
    /// Whether something taken may not have reached the client.
    may_lose: bool,
}

impl Receiver {
    /// The next frame; a heartbeat when there is none for that long.
    pub(super) async fn next(&mut self, max_bytes: usize, heartbeat: Duration) -> Taken {
        let next = async {
            loop {
                let frames = self.session.frames.notified();
                if let Some(taken) = self.session.take_frame(max_bytes) {
                    return taken;
                }
                frames.await;
            }
        };
        let taken = tokio::time::timeout(heartbeat, next).await;
        self.may_lose = true;
        taken.unwrap_or_else(|_| Taken { text: String::from("h"), is_last: false })
    }

    /// Says that everything taken was handed on: leaving now interrupts nothing.
    pub(super) fn settle(&mut self) {
        self.may_lose = false;
    }
}

impl Drop for Receiver {
    /// Who leaves with frames in hand takes them out of the session for good, so the session is over.
    fn drop(&mut self) {
        let mut state = self.session.state();
        state.has_receiver = false;
        state.moved_at = Instant::now();
        drop(state);
        if self.may_lose {
            self.session.end(Close::INTERRUPTED);
        }
        self.session.changed.notify_one();
    }
}

/// The session to the service. Dropping it tells the client to go away.
pub(super) struct SessionTransport(Arc<Session>);

impl Stream for SessionTransport {
    type Item = Result<String, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = &self.0;
        session.reader.register(cx.waker());
        let mut state = session.state();
        if let Some(message) = state.inbox.pop_front() {
            state.inbox_bytes = state.inbox_bytes.saturating_sub(weight(&message));
            drop(state);
            session.room.notify_waiters();
            return Poll::Ready(Some(Ok(message)));
        }
        if state.end.is_some() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl Sink<String> for SessionTransport {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let session = &self.0;
        session.writer.register(cx.waker());
        let state = session.state();
        if state.end.is_some() {
            Poll::Ready(Err(TransportError::Closed))
        } else if state.outbox_bytes < session.limits.outbox {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn start_send(self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        let quoted = quote(&message);
        let mut state = self.0.state();
        if state.end.is_some() {
            return Err(TransportError::Closed);
        }
        if state.outbox.is_empty() {
            // The wait of what is sent begins now.
            if state.has_receiver {
                state.moved_at = Instant::now();
            }
        }
        state.outbox_bytes = state.outbox_bytes.saturating_add(quoted.len());
        state.outbox.push_back(quoted);
        drop(state);
        self.0.frames.notify_one();
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        // It is the client who fetches. What waits for it is bounded by `poll_ready`.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.0.end(Close::GO_AWAY);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SessionTransport {
    fn drop(&mut self) {
        self.0.end(Close::GO_AWAY);
    }
}

#[cfg(test)]
mod tests;
