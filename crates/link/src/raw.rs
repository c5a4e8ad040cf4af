//! Raw bytes both ways over one HTTP/2 stream: the server's end of a connection from inside.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::Body;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// Chunks written but not yet taken by the connection; a full queue makes the writer wait.
const QUEUE: usize = 4;
const CHUNK: usize = 64 << 10;

/// Raw bytes both ways. Shutting down the writing half leaves the reading half open.
pub struct RawStream {
    sender: PollSender<Bytes>,
    body: Incoming,
    unread: Bytes,
}

impl RawStream {
    pub(crate) fn channel() -> (PollSender<Bytes>, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (PollSender::new(sender), receiver)
    }

    pub(crate) fn new(sender: PollSender<Bytes>, body: Incoming) -> Self {
        Self { sender, body, unread: Bytes::new() }
    }
}

impl AsyncRead for RawStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.unread = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, error)));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
        let taken = self.unread.len().min(buffer.remaining());
        buffer.put_slice(self.unread.get(..taken).unwrap_or_default());
        self.unread.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for RawStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        ready!(self.sender.poll_reserve(cx)).map_err(gone)?;
        let taken = bytes.len().min(CHUNK);
        let chunk = Bytes::copy_from_slice(bytes.get(..taken).unwrap_or_default());
        self.sender.send_item(chunk).map_err(gone)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sender.close();
        Poll::Ready(Ok(()))
    }
}
