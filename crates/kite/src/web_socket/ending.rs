//! How a WebSocket ends: the close frame goes out, and what still arrives is thrown away for a moment.
//!
//! Without that moment the kernel would answer what is still under way with a reset, which at the peer
//! overtakes the close frame and the reason in it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::Watched;
use super::framing::Framing;
use crate::transport::TransportError;

/// How long saying goodbye may take.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// An end under way.
pub(super) struct Ending {
    /// What the reader is told afterwards; `None` for an end like any other.
    pub(super) error: Option<TransportError>,
    close: Option<CloseFrame>,
    step: Step,
    drain: Drain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Flush,
    Drain,
}

/// What is read while the end is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drain {
    /// Messages, until the peer's close frame.
    Messages,
    /// Bytes, because they make no messages any more.
    Bytes,
    /// Nothing: there is no use in waiting.
    Nothing,
}

/// What an error of the socket means.
pub(super) enum Outcome {
    /// The peer can be told.
    Say(Ending),
    /// It is gone.
    Gone(TransportError),
}

impl Ending {
    /// We end it.
    pub(super) fn ours(code: CloseCode, reason: &'static str) -> Self {
        let close = CloseFrame { code, reason: reason.into() };
        Self { error: None, close: Some(close), step: Step::Flush, drain: Drain::Messages }
    }

    /// We end it, because of what the peer sent.
    pub(super) fn refused(code: CloseCode, reason: &'static str) -> Self {
        let error = Some(TransportError::Protocol(reason.to_owned()));
        Self { error, drain: Drain::Bytes, ..Self::ours(code, reason) }
    }

    /// The peer has ended it; tungstenite has the answer ready.
    pub(super) fn theirs() -> Self {
        Self { error: None, close: None, step: Step::Flush, drain: Drain::Bytes }
    }

    /// Nobody is there to be told.
    pub(super) fn cut_off(error: TransportError) -> Self {
        Self { error: Some(error), close: None, step: Step::Drain, drain: Drain::Nothing }
    }

    /// What follows from an error while reading.
    pub(super) fn of(error: WsError) -> Outcome {
        match error {
            WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
                let ending = Self::refused(CloseCode::Size, "the message is too long");
                Outcome::Say(Self { error: Some(TransportError::TooLarge(max_size)), ..ending })
            }
            WsError::Utf8(_) => Outcome::Say(Self::refused(CloseCode::Invalid, "the text is not UTF-8")),
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Outcome::Gone(TransportError::Closed)
            }
            WsError::Protocol(_) => {
                Outcome::Say(Self::refused(CloseCode::Protocol, "the WebSocket protocol was broken"))
            }
            other => Outcome::Gone(to_error(other)),
        }
    }

    /// Puts the goodbye into the buffer.
    pub(super) fn announce<S>(&self, socket: &mut WebSocketStream<Watched<S>>, framing: Framing)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(close) = self.close.clone() else { return };
        // A socket that takes no more shows it while flushing.
        if self.error.is_none()
            && let Some(farewell) = framing.farewell()
        {
            drop(Pin::new(&mut *socket).start_send(Message::text(farewell)));
        }
        drop(Pin::new(&mut *socket).start_send(Message::Close(Some(close))));
    }

    /// Says goodbye; ready when there is no more to do, whether it worked or not.
    pub(super) fn poll<S>(
        &mut self,
        socket: &mut WebSocketStream<Watched<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.step == Step::Flush {
            if ready!(Pin::new(&mut *socket).poll_flush(cx)).is_err() {
                return Poll::Ready(());
            }
            // Whoever reads bytes until the end must see ours.
            self.step = Step::Drain;
        }
        while self.drain == Drain::Messages {
            match ready!(Pin::new(&mut *socket).poll_next(cx)) {
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(()),
                Some(Ok(_)) => {}
                Some(Err(_)) => self.drain = Drain::Bytes,
            }
        }
        if self.drain == Drain::Bytes {
            // Tells the peer that no more comes, so that it need not wait for the end of our patience.
            if ready!(Pin::new(socket.get_mut()).poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            return poll_discard(socket.get_mut(), cx);
        }
        Poll::Ready(())
    }
}

fn poll_discard<S: AsyncRead + AsyncWrite + Unpin>(io: &mut Watched<S>, cx: &mut Context<'_>) -> Poll<()> {
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    // A peer that never stops sending must not hold the thread: a while, then others' turn.
    for _ in 0..64 {
        let mut buffer = ReadBuf::uninit(&mut space);
        match ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {}
            Ok(()) | Err(_) => return Poll::Ready(()),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// The socket's error as the transport's.
pub(super) fn to_error(error: WsError) -> TransportError {
    match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => TransportError::Closed,
        WsError::Io(error) if error.kind() == io::ErrorKind::TimedOut => TransportError::TimedOut,
        WsError::Io(error) => TransportError::Io(error),
        WsError::Protocol(_) => TransportError::Closed,
        other => TransportError::Io(io::Error::new(io::ErrorKind::InvalidData, other)),
    }
}
