//! One Kite client's connection as a stream of the byte plane: a Kite transport over frames.
//!
//! Every client has a stream of its own, so that whoever reads slowly holds up nobody else. What may be under
//! way is counted here and not by HTTP/2, whose window all streams of a connection share (`wire::agent`).

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, Stream};
use http_body::Body;
use hyper::body::Incoming;
use kite::transport::TransportError;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;
use wire::agent::{Joiner, KITE_MESSAGE_MAX, WINDOW, bytes_read, cost, pieces, read_frame};
use wire::frame::{Frame, Kind};

/// Frames written but not yet taken by the connection.
const QUEUE: usize = 4;
/// How much is read before the other end is told of it.
const TELL_AFTER: usize = WINDOW / 2;

/// Messages both ways over one HTTP/2 stream, cut into frames as `wire::agent` has them. Holds one message and one
/// window each way.
///
/// One task must read and write it. Dropping it ends the stream, which the other end sees as the end of the
/// connection.
pub struct KiteStream<B = Incoming> {
    out: PollSender<Bytes>,
    out_kind: Kind,
    /// Frames of the message being sent.
    waiting: VecDeque<Frame>,
    /// What the other end still has room for.
    credit: usize,
    body: B,
    buffer: BytesMut,
    /// Frames that came and were not read yet, and what they take of the window.
    arrived: VecDeque<Frame>,
    unread: usize,
    /// What was read and the other end not told of.
    untold: usize,
    joiner: Joiner,
    is_ended: bool,
}

impl KiteStream {
    /// The queue through which the server's end sends.
    pub(crate) fn queue() -> (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>) {
        mpsc::channel(QUEUE)
    }

    /// The server's end: sends input, receives output.
    pub(crate) fn to_agent(out: mpsc::Sender<Bytes>, body: Incoming) -> Self {
        Self::new(out, Kind::Input, body, Kind::Output)
    }
}

impl<B> KiteStream<B> {
    /// The agent's end: receives input, sends output, which comes out of the receiver for the answer's body.
    /// `buffer` holds what was read of the body beyond its first frame.
    pub fn from_server(body: B, buffer: BytesMut) -> (Self, mpsc::Receiver<Bytes>) {
        let (out, receiver) = mpsc::channel(QUEUE);
        (Self { buffer, ..Self::new(out, Kind::Output, body, Kind::Input) }, receiver)
    }

    fn new(out: mpsc::Sender<Bytes>, out_kind: Kind, body: B, in_kind: Kind) -> Self {
        Self {
            out: PollSender::new(out),
            out_kind,
            waiting: VecDeque::new(),
            credit: WINDOW,
            body,
            buffer: BytesMut::new(),
            arrived: VecDeque::new(),
            unread: 0,
            untold: 0,
            joiner: Joiner::new(in_kind),
            is_ended: false,
        }
    }

    /// Takes frames out of what came.
    fn sort(&mut self) -> Result<(), TransportError> {
        let broken = |error: wire::frame::FrameError| TransportError::Protocol(error.to_string());
        while let Some(frame) = Frame::decode(&mut self.buffer).map_err(broken)? {
            if let Some(bytes) = bytes_read(&frame) {
                let more = usize::try_from(bytes).unwrap_or(WINDOW);
                self.credit = self.credit.saturating_add(more).min(WINDOW);
                continue;
            }
            self.unread = self.unread.saturating_add(cost(&frame));
            if self.unread > WINDOW {
                return Err(TransportError::Protocol("more than there was room for".into()));
            }
            self.arrived.push_back(frame);
        }
        Ok(())
    }
}

impl<B> KiteStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Takes in what came, until nothing more is there. News of read bytes lie among the messages, so whoever
    /// wants to write takes messages in, too; the window says how many.
    fn poll_arrivals(&mut self, cx: &mut Context<'_>) -> Result<(), TransportError> {
        self.sort()?;
        while !self.is_ended {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                        self.sort()?;
                    }
                }
                // Cut off or ended: the connection is over either way.
                Poll::Ready(Some(Err(_)) | None) => self.is_ended = true,
                Poll::Pending => break,
            }
        }
        if self.buffer.is_empty() && self.arrived.is_empty() {
            // A connection that rests holds on to nothing.
            self.buffer = BytesMut::new();
            self.arrived.shrink_to_fit();
        }
        Ok(())
    }

    fn take_message(&mut self) -> Result<Option<String>, TransportError> {
        while let Some(frame) = self.arrived.pop_front() {
            let cost = cost(&frame);
            self.unread = self.unread.saturating_sub(cost);
            self.untold = self.untold.saturating_add(cost);
            let message = self.joiner.push(frame);
            let message = message.map_err(|error| TransportError::Protocol(error.to_string()))?;
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }

    /// Tells the other end what was read, once it is worth it and as soon as there is a place for it.
    fn poll_tell(&mut self, cx: &mut Context<'_>) {
        if self.untold < TELL_AFTER {
            return;
        }
        if let Poll::Ready(Ok(())) = self.out.poll_reserve(cx) {
            let told = u32::try_from(self.untold).unwrap_or(u32::MAX);
            // The stream's end shows elsewhere.
            drop(self.out.send_item(read_frame(told).to_bytes()));
            self.untold = 0;
        }
    }

    /// Hands frames on while there is room for them, here and at the other end.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        while let Some(frame) = self.waiting.front() {
            let cost = cost(frame);
            if self.credit < cost {
                self.poll_arrivals(cx)?;
                if self.is_ended {
                    return Poll::Ready(Err(TransportError::Closed));
                }
                if self.credit < cost {
                    return Poll::Pending;
                }
            }
            ready!(self.out.poll_reserve(cx)).map_err(|_| TransportError::Closed)?;
            if let Some(frame) = self.waiting.pop_front() {
                self.credit -= cost;
                self.out.send_item(frame.to_bytes()).map_err(|_| TransportError::Closed)?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<B> Stream for KiteStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Item = Result<String, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let next = loop {
            match this.take_message() {
                Ok(Some(message)) => break Ok(Some(message)),
                Ok(None) if this.is_ended => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            if let Err(error) = this.poll_arrivals(cx) {
                break Err(error);
            }
            if this.arrived.is_empty() && !this.is_ended {
                this.poll_tell(cx);
                return Poll::Pending;
            }
        };
        this.poll_tell(cx);
        if next.is_err() {
            this.is_ended = true;
            this.arrived.clear();
        }
        Poll::Ready(next.transpose())
    }
}

impl<B> Sink<String> for KiteStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_waiting(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        if message.len() > KITE_MESSAGE_MAX {
            let what = format!("a message of more than {KITE_MESSAGE_MAX} bytes does not fit into a relay");
            return Err(TransportError::Io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let kind = self.out_kind;
        self.waiting.extend(pieces(kind, message));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_waiting(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_waiting(cx))?;
        self.out.close();
        Poll::Ready(Ok(()))
    }
}
