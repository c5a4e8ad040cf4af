//! A WebSocket as a transport of text messages, for both ends, with or without SockJS frames inside.
//!
//! - Text only: a binary message ends the connection with code 1003, one that is too long with 1009, bytes that
//!   are no UTF-8 with 1007, anything else against the protocol with 1002.
//! - Every heartbeat a ping goes out (and SockJS's `h`, from a server). When not a single byte came back until the
//!   next one, the connection is half open and ends.
//! - A peer that takes no byte for the write time-out is cut off; until then at most one message and
//!   [`WRITE_BUFFER`] bytes wait in here, because `poll_ready` waits.
//! - The buffers are small, because a server holds ten thousand of these. They grow while a long message passes.
//!
//! Compression (`permessage-deflate`) is never agreed to: it would cost every connection a window of its own.

mod ending;
mod framing;
pub(crate) mod handshake;
mod watched;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message};

use self::ending::{Ending, Outcome};
use self::framing::Inbound;
pub(crate) use self::framing::{BATCH_MAX, Framing};
pub(crate) use self::watched::Watched;
use crate::transport::TransportError;

/// What the read buffer starts with: a few messages of the usual length.
const READ_BUFFER: usize = 4 << 10;
/// What the write buffer collects before it is written out. It is empty until it is needed.
const WRITE_BUFFER: usize = 16 << 10;
/// SockJS puts a message into a JSON string, which lengthens it; beyond this factor it is refused.
const QUOTING: usize = 2;

/// What is the same for all connections of an endpoint or dialler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How often a ping goes out, and how long its answer may take.
    pub(crate) heartbeat: Duration,
    /// How long the peer may take no byte while some are waiting.
    pub(crate) write_timeout: Duration,
    /// Longest message taken.
    pub(crate) message_bytes: usize,
}

/// One connection. Both halves are meant to be polled by one task.
pub(crate) struct WebSocketTransport<S> {
    socket: WebSocketStream<Watched<S>>,
    framing: Framing,
    /// The rest of a SockJS batch.
    unread: VecDeque<String>,
    period: Duration,
    /// The next heartbeat; while ending, the end of patience.
    timer: Pin<Box<Sleep>>,
    /// Bytes received when the last ping went out; `None` before the first.
    asked_at: Option<u64>,
    phase: Phase,
}

enum Phase {
    Open,
    Ending(Ending),
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketTransport<S> {
    /// The server's end of a connection that was just upgraded.
    pub(crate) async fn server(io: S, framing: Framing, pace: Pace) -> Self {
        let io = Watched::new(io, pace.write_timeout);
        let config = config(framing, pace.message_bytes);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let mut transport = Self::new(socket, framing, pace);
        if let Some(greeting) = framing.greeting() {
            // What goes wrong with the socket shows at the next use.
            drop(transport.socket.send(Message::text(greeting)).await);
        }
        transport
    }

    /// A connection whose handshake is done.
    pub(crate) fn new(socket: WebSocketStream<Watched<S>>, framing: Framing, pace: Pace) -> Self {
        Self {
            socket,
            framing,
            unread: VecDeque::new(),
            period: pace.heartbeat,
            timer: Box::pin(tokio::time::sleep(pace.heartbeat)),
            asked_at: None,
            phase: Phase::Open,
        }
    }

    fn begin_end(&mut self, ending: Ending) {
        ending.announce(&mut self.socket, self.framing);
        self.timer.as_mut().reset(tokio::time::Instant::now() + ending::LIMIT);
        self.unread.clear();
        self.phase = Phase::Ending(ending);
    }

    /// Finishes an end that has begun; answers what there is to tell the reader.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<TransportError>> {
        let Phase::Ending(ending) = &mut self.phase else { return Poll::Ready(None) };
        let is_late = self.timer.as_mut().poll(cx).is_ready();
        if !is_late {
            ready!(ending.poll(&mut self.socket, cx));
        }
        let error = ending.error.take();
        self.phase = Phase::Done;
        Poll::Ready(error)
    }

    /// What has arrived, put into `unread` or turned into an end.
    fn take_in(&mut self, arrived: Option<Result<Message, WsError>>) {
        match arrived {
            Some(Ok(Message::Text(text))) => match self.framing.read(text.as_str()) {
                Inbound::Message(message) => self.unread.push_back(message),
                Inbound::Messages(messages) => self.unread.extend(messages),
                Inbound::Nothing => {}
                Inbound::End => self.begin_end(Ending::ours(CloseCode::Normal, "")),
                Inbound::Bad(what) => self.begin_end(Ending::refused(CloseCode::Protocol, what)),
            },
            Some(Ok(Message::Binary(_))) => {
                self.begin_end(Ending::refused(CloseCode::Unsupported, "only text messages are understood"));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_))) => self.begin_end(Ending::theirs()),
            Some(Err(error)) => match Ending::of(error) {
                Outcome::Say(ending) => self.begin_end(ending),
                Outcome::Gone(error) => {
                    self.phase = Phase::Ending(Ending::cut_off(error));
                    self.unread.clear();
                }
            },
            None => self.phase = Phase::Done,
        }
    }

    /// Pings, or finds that nobody answered the last one.
    fn beat(&mut self, cx: &mut Context<'_>) {
        let received = self.socket.get_ref().received();
        if self.asked_at == Some(received) {
            self.phase = Phase::Ending(Ending::cut_off(TransportError::TimedOut));
            return;
        }
        self.asked_at = Some(received);
        self.timer.as_mut().reset(tokio::time::Instant::now() + self.period);
        if self.socket.get_ref().is_stalled() {
            // The write time-out decides about this one; and nothing more is put before a slow reader.
            return;
        }
        // Errors show at the next read or write.
        if let Some(heartbeat) = self.framing.heartbeat() {
            drop(Pin::new(&mut self.socket).start_send(Message::text(heartbeat)));
        }
        drop(Pin::new(&mut self.socket).start_send(Message::Ping(Bytes::new())));
        drop(Pin::new(&mut self.socket).poll_flush(cx));
    }
}

pub(crate) fn config(framing: Framing, message_bytes: usize) -> WebSocketConfig {
    let longest = match framing {
        Framing::Raw => message_bytes,
        Framing::SockJsServer | Framing::SockJsClient => message_bytes.saturating_mul(QUOTING),
    };
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocketTransport<S> {
    type Item = Result<String, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(message) = this.unread.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            match this.phase {
                Phase::Open => {}
                Phase::Ending(_) => return this.poll_end(cx).map(|error| error.map(Err)),
                Phase::Done => return Poll::Ready(None),
            }
            match Pin::new(&mut this.socket).poll_next(cx) {
                Poll::Ready(arrived) => this.take_in(arrived),
                Poll::Pending => {
                    ready!(this.timer.as_mut().poll(cx));
                    this.beat(cx);
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<String> for WebSocketTransport<S> {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if !matches!(self.phase, Phase::Open) {
            return Poll::Ready(Err(TransportError::Closed));
        }
        Pin::new(&mut self.socket).poll_ready(cx).map_err(ending::to_error)
    }

    fn start_send(mut self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        if !matches!(self.phase, Phase::Open) {
            return Err(TransportError::Closed);
        }
        let text = self.framing.write(message);
        Pin::new(&mut self.socket).start_send(Message::text(text)).map_err(ending::to_error)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if !matches!(self.phase, Phase::Open) {
            return Poll::Ready(Err(TransportError::Closed));
        }
        Pin::new(&mut self.socket).poll_flush(cx).map_err(ending::to_error)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if matches!(self.phase, Phase::Open) {
            let code = self.framing.close_code();
            self.begin_end(Ending::ours(code, ""));
        }
        self.poll_end(cx).map(|_| Ok(()))
    }
}

#[cfg(test)]
mod tests;
