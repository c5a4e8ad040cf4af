//! One WebSocket with two planes: its binary messages as a plain stream of bytes, its text messages beside.
//!
//! Whoever polls the bytes moves both. The byte plane takes no lock and copies nothing for the other one's
//! sake; a look at one flag is what it pays. Text goes out in small bursts between the bytes. Reading and writing
//! must be one task's, as they are HTTP/2's: text is written while bytes are read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::text_plane::{TextPlane, Urgency, Wire, plane};

/// Longest message written: an HTTP/2 frame of 16 KiB fits, a burst of them shares one message.
const MESSAGE_MAX: usize = 64 << 10;
/// Longest message accepted.
const ACCEPTED_MAX: usize = 1 << 20;
/// Text written at one go before bytes have their turn again.
const BURST: usize = 64 << 10;

/// Binary WebSocket messages ⇄ bytes. Message borders mean nothing. Without a text plane, text messages are
/// refused.
pub struct ByteStream<S> {
    socket: WebSocketStream<S>,
    /// The part of the last message that nobody has read yet.
    unread: Bytes,
    text: Option<Wire>,
    /// Whether text was written that may not have left yet.
    is_text_unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Wraps a socket whose handshake is done, for bytes only: the other end is of protocol 1.
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, unread: Bytes::new(), text: None, is_text_unflushed: false }
    }

    /// Wraps a socket whose handshake is done, with both planes.
    pub fn with_text(socket: WebSocketStream<S>) -> (Self, TextPlane) {
        let (wire, text) = plane();
        (Self { text: Some(wire), ..Self::new(socket) }, text)
    }

    /// Writes text that waits, as far as the socket takes it, and sees to it that it leaves.
    ///
    /// What does not fit now is written when the task is woken: by the socket, which then takes more, or at
    /// once, when only the burst is over.
    fn poll_text(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(wire) = self.text.as_ref() else { return Ok(()) };
        let mut burst = 0;
        while wire.has_outgoing() {
            if burst >= BURST {
                cx.waker().wake_by_ref();
                break;
            }
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(ready) => ready.map_err(to_io)?,
                Poll::Pending => break,
            }
            let Some(message) = wire.pop_outgoing() else { break };
            burst += message.len();
            Pin::new(&mut self.socket).start_send(Message::Text(message.into())).map_err(to_io)?;
            self.is_text_unflushed = true;
        }
        if self.is_text_unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(cx)
        {
            flushed.map_err(to_io)?;
            self.is_text_unflushed = false;
        }
        Ok(())
    }

    fn has_text_to_move(&self) -> bool {
        self.is_text_unflushed || self.text.as_ref().is_some_and(Wire::has_outgoing)
    }
}

/// Wraps the server's end of a connection that was just upgraded.
pub(crate) async fn server_socket<S: AsyncRead + AsyncWrite + Unpin>(io: S) -> WebSocketStream<S> {
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config())).await
}

/// Small buffers, because a server holds ten thousand of these: they grow while a large frame passes.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(1 << 20)
        .max_message_size(Some(ACCEPTED_MAX))
        .max_frame_size(Some(ACCEPTED_MAX))
}

fn to_io(error: WsError) -> io::Error {
    match error {
        WsError::Io(error) => error,
        WsError::ConnectionClosed | WsError::AlreadyClosed => io::ErrorKind::ConnectionAborted.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.has_text_to_move() {
            this.poll_text(cx)?;
        }
        while this.unread.is_empty() {
            let Poll::Ready(message) = Pin::new(&mut this.socket).poll_next(cx) else {
                if let Some(wire) = &this.text {
                    wire.register(cx.waker());
                    // Something may have come just before.
                    if wire.has_outgoing() {
                        this.poll_text(cx)?;
                    }
                }
                return Poll::Pending;
            };
            match message {
                Some(Ok(Message::Binary(bytes))) => this.unread = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(text))) => match &this.text {
                    Some(wire) => {
                        let urgency = wire.push_incoming(&text);
                        let urgency = urgency
                            .map_err(|overflow| io::Error::new(io::ErrorKind::InvalidData, overflow))?;
                        if urgency == Urgency::Now {
                            // Comes round again after the reader, who may live on this thread.
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                    }
                    None => {
                        let what = "text message on a connection that has only bytes";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
                    }
                },
                // A peer that closes and one that is cut off are the same to HTTP/2: end of stream.
                Some(Ok(Message::Close(_)) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed))
                | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(to_io(error))),
            }
        }
        let taken = this.unread.len().min(buffer.remaining());
        buffer.put_slice(this.unread.get(..taken).unwrap_or_default());
        this.unread.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.text.as_ref().is_some_and(Wire::has_outgoing) {
            self.poll_text(cx)?;
        }
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(to_io)?;
        let taken = bytes.len().min(MESSAGE_MAX);
        let message = Message::Binary(Bytes::copy_from_slice(bytes.get(..taken).unwrap_or_default()));
        Pin::new(&mut self.socket).start_send(message).map_err(to_io)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(cx)).map_err(to_io)?;
        self.is_text_unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.socket).poll_close(cx)) {
            Ok(()) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(to_io(error))),
        }
    }
}
