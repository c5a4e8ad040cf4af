//! The other plane of an agent's connection: its WebSocket's text messages, as a Kite transport.
//!
//! The byte plane's task moves the messages ([`Wire`] is its end), between a queue each way and the socket,
//! and never waits for anybody here: what arrives for a reader whose queue is full ends the connection. The
//! way out has real back-pressure; [`TextPlane`] is not ready for more while its queue is full.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use futures_util::{Sink, Stream};
use kite::transport::TransportError;

/// Most messages in a queue.
const MESSAGES: usize = 64;
/// Most bytes in a queue, and in one message.
pub(crate) const BYTES: usize = 1 << 20;
/// A queue that has grown beyond this gives its room back once it is empty: ten thousand of them are idle.
const ROOM: usize = 4;

/// The plane's end for whoever speaks Kite over it. Ends with the connection; dropped, it leaves the byte
/// plane alone, and what still arrives is thrown away.
pub struct TextPlane(Arc<Shared>);

/// The plane's end at the socket.
pub(crate) struct Wire(Arc<Shared>);

/// Tells afterwards why a connection ended.
pub(crate) struct Verdict(Arc<Shared>);

/// More has arrived than is read.
#[derive(Debug, thiserror::Error)]
#[error("text messages are not read as fast as they arrive")]
pub(crate) struct Overflow;

struct Shared {
    queues: Mutex<Queues>,
    /// Whether something waits for the socket: looked at with each poll of the byte plane, without a lock.
    has_outgoing: AtomicBool,
    is_overflown: AtomicBool,
    /// The byte plane's task.
    driver: AtomicWaker,
}

#[derive(Default)]
struct Queues {
    incoming: Queue,
    outgoing: Queue,
    reader: Option<Waker>,
    writer: Option<Waker>,
    is_socket_gone: bool,
    is_plane_gone: bool,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<String>,
    bytes: usize,
}

impl Queue {
    fn has_room_for(&self, length: usize) -> bool {
        self.messages.len() < MESSAGES && self.bytes + length <= BYTES
    }

    fn push(&mut self, message: String) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    fn pop(&mut self) -> Option<String> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        if self.messages.is_empty() && self.messages.capacity() > ROOM {
            self.messages = VecDeque::new();
        }
        Some(message)
    }
}

/// Both ends.
pub(crate) fn plane() -> (Wire, TextPlane) {
    let shared = Arc::new(Shared {
        queues: Mutex::default(),
        has_outgoing: AtomicBool::new(false),
        is_overflown: AtomicBool::new(false),
        driver: AtomicWaker::new(),
    });
    (Wire(shared.clone()), TextPlane(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        // What is done under the lock cannot panic half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// Whether something waits for the socket.
    pub(crate) fn has_outgoing(&self) -> bool {
        self.0.has_outgoing.load(Ordering::Acquire)
    }

    /// Wakes this task once something waits for the socket. Look again afterwards.
    pub(crate) fn register(&self, waker: &Waker) {
        self.0.driver.register(waker);
    }

    /// The next message for the socket.
    pub(crate) fn pop_outgoing(&self) -> Option<String> {
        let mut queues = self.0.lock();
        let message = queues.outgoing.pop();
        self.0.has_outgoing.store(!queues.outgoing.messages.is_empty(), Ordering::Release);
        let writer = queues.writer.take();
        drop(queues);
        if let Some(writer) = writer {
            writer.wake();
        }
        message
    }

    /// Hands over what arrived. Answers whether the reader should be given a turn now.
    pub(crate) fn push_incoming(&self, message: &str) -> Result<Urgency, Overflow> {
        let mut queues = self.0.lock();
        if queues.is_plane_gone {
            return Ok(Urgency::Later);
        }
        if !queues.incoming.has_room_for(message.len()) {
            self.0.is_overflown.store(true, Ordering::Relaxed);
            return Err(Overflow);
        }
        queues.incoming.push(message.to_owned());
        let is_half_full =
            queues.incoming.messages.len() >= MESSAGES / 2 || queues.incoming.bytes >= BYTES / 2;
        let reader = queues.reader.take();
        drop(queues);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(if is_half_full { Urgency::Now } else { Urgency::Later })
    }
}

/// When the reader should have a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Before more is read from the socket, because the queue is filling.
    Now,
    /// Whenever it comes round.
    Later,
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut queues = self.0.lock();
        queues.is_socket_gone = true;
        let wakers = [queues.reader.take(), queues.writer.take()];
        drop(queues);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Verdict {
    /// Whether the connection ended because its text messages were not read.
    pub(crate) fn is_overflown(&self) -> bool {
        self.0.is_overflown.load(Ordering::Relaxed)
    }
}

impl TextPlane {
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict(self.0.clone())
    }
}

impl Drop for TextPlane {
    fn drop(&mut self) {
        let mut queues = self.0.lock();
        queues.is_plane_gone = true;
        queues.incoming = Queue::default();
        // What was sent before still goes out.
    }
}

impl Stream for TextPlane {
    type Item = Result<String, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queues = self.0.lock();
        if let Some(message) = queues.incoming.pop() {
            return Poll::Ready(Some(Ok(message)));
        }
        if queues.is_socket_gone {
            return Poll::Ready(None);
        }
        queues.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Sink<String> for TextPlane {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut queues = self.0.lock();
        if queues.is_socket_gone {
            return Poll::Ready(Err(TransportError::Closed));
        }
        // A message is let in whole, so the queue may stand above its limit by one.
        if queues.outgoing.has_room_for(1) {
            return Poll::Ready(Ok(()));
        }
        queues.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        let mut queues = self.0.lock();
        if queues.is_socket_gone {
            return Err(TransportError::Closed);
        }
        if message.len() > BYTES {
            return Err(too_long());
        }
        queues.outgoing.push(message);
        self.0.has_outgoing.store(true, Ordering::Release);
        drop(queues);
        self.0.driver.wake();
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut queues = self.0.lock();
        if queues.outgoing.messages.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if queues.is_socket_gone {
            return Poll::Ready(Err(TransportError::Closed));
        }
        queues.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_flush(cx)
    }
}

fn too_long() -> TransportError {
    let what = format!("a text message of more than {BYTES} bytes does not fit into an agent's connection");
    TransportError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
}
