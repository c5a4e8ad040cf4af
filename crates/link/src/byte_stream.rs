//! A WebSocket's binary messages as a plain stream of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// Longest message written: an HTTP/2 frame of 16 KiB fits, a burst of them shares one message.
const MESSAGE_MAX: usize = 64 << 10;
/// Longest message accepted.
const ACCEPTED_MAX: usize = 1 << 20;

/// Binary WebSocket messages ⇄ bytes. Message borders mean nothing; text messages are refused.
pub struct ByteStream<S> {
    socket: WebSocketStream<S>,
    /// The part of the last message that nobody has read yet.
    unread: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Wraps a socket whose handshake is done.
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, unread: Bytes::new() }
    }

    /// Wraps the server's end of a connection that was just upgraded.
    pub async fn server(io: S) -> Self {
        Self::new(WebSocketStream::from_raw_socket(io, Role::Server, Some(config())).await)
    }
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
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    let what = "text message on an agent's connection";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
                }
                // A peer that closes and one that is cut off are the same to HTTP/2: end of stream.
                Some(Ok(Message::Close(_)) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed))
                | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(to_io(error))),
            }
        }
        let taken = self.unread.len().min(buffer.remaining());
        buffer.put_slice(self.unread.get(..taken).unwrap_or_default());
        self.unread.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(to_io)?;
        let taken = bytes.len().min(MESSAGE_MAX);
        let message = Message::Binary(Bytes::copy_from_slice(bytes.get(..taken).unwrap_or_default()));
        Pin::new(&mut self.socket).start_send(message).map_err(to_io)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(to_io)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.socket).poll_close(cx)) {
            Ok(()) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(to_io(error))),
        }
    }
}
