//! Frames both ways over one HTTP/2 stream: a streamed command or an attached terminal.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use wire::frame::{Frame, Kind, TerminalControl};

use crate::error::LinkError;

/// Frames written but not yet taken by the connection. Small: what is full here makes the writer wait,
/// which is the back-pressure.
const QUEUE: usize = 4;
/// Longest payload written, so that streams share the connection fairly.
const CHUNK: usize = 64 << 10;

/// Both directions. Dropping it tells the agent that nobody listens any more: a streamed command is
/// killed, a terminal goes on without this viewer.
pub struct Duplex {
    sender: FrameSender,
    receiver: FrameReceiver,
}

impl Duplex {
    pub(crate) fn new(sender: FrameSender, body: Incoming) -> Self {
        let receiver =
            FrameReceiver { body, buffer: BytesMut::new(), saw_end: SawEnd::No, is_finished: false };
        Self { sender, receiver }
    }

    /// The two directions by themselves, for two tasks.
    pub fn split(self) -> (FrameSender, FrameReceiver) {
        (self.sender, self.receiver)
    }

    /// Sends one frame; waits while the agent takes no more.
    pub async fn send(&self, frame: Frame) -> Result<(), LinkError> {
        self.sender.send(frame).await
    }

    /// The next frame; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Frame, LinkError>> {
        self.receiver.next().await
    }
}

/// The direction towards the agent. Clones share it.
#[derive(Clone)]
pub struct FrameSender(mpsc::Sender<Bytes>);

impl FrameSender {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Sends one frame; waits while the agent takes no more. Long input is cut into several.
    ///
    /// # Errors
    ///
    /// [`LinkError::Gone`] when the stream has ended; whatever was sent before may be lost.
    pub async fn send(&self, mut frame: Frame) -> Result<(), LinkError> {
        while frame.kind == Kind::Input && frame.payload.len() > CHUNK {
            let first = Frame::new(Kind::Input, frame.payload.split_to(CHUNK));
            self.0.send(first.to_bytes()).await.map_err(|_| LinkError::Gone)?;
        }
        self.0.send(frame.to_bytes()).await.map_err(|_| LinkError::Gone)
    }

    /// Sends typed keys or a command's input. Nothing at all would mean end of file, so it is not sent.
    pub async fn input(&self, bytes: Bytes) -> Result<(), LinkError> {
        if bytes.is_empty() { Ok(()) } else { self.send(Frame::new(Kind::Input, bytes)).await }
    }

    /// Ends a streamed command's input.
    pub async fn end_input(&self) -> Result<(), LinkError> {
        self.send(Frame::new(Kind::Input, Bytes::new())).await
    }

    /// Sends a control message.
    pub async fn control(&self, control: &TerminalControl) -> Result<(), LinkError> {
        self.send(Frame::json(Kind::Control, control)).await
    }
}

/// The direction from the agent. The agent stops sending while nobody reads.
pub struct FrameReceiver {
    body: Incoming,
    buffer: BytesMut,
    saw_end: SawEnd,
    is_finished: bool,
}

/// Whether the frame that ends every stream has been seen; without it the stream broke off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SawEnd {
    No,
    Yes,
}

impl FrameReceiver {
    fn take_frame(&mut self) -> Result<Option<Frame>, LinkError> {
        let frame =
            Frame::decode(&mut self.buffer).map_err(|error| LinkError::Protocol(error.to_string()))?;
        if let Some(frame) = &frame {
            let is_end = match frame.kind {
                Kind::Exit => true,
                Kind::Control => {
                    matches!(serde_json::from_slice(&frame.payload), Ok(TerminalControl::Exit { .. }))
                }
                Kind::Start | Kind::Input | Kind::Output | Kind::ErrorOutput => false,
            };
            if is_end {
                self.saw_end = SawEnd::Yes;
            }
        }
        Ok(frame)
    }
}

impl Stream for FrameReceiver {
    type Item = Result<Frame, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_finished {
            return Poll::Ready(None);
        }
        let end = loop {
            match self.take_frame() {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) => {}
                Err(error) => break Some(Err(error)),
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) if self.saw_end == SawEnd::No => break Some(Err(error.into())),
                None if self.saw_end == SawEnd::No => break Some(Err(LinkError::Gone)),
                Some(Err(_)) | None => break None,
            }
        };
        self.is_finished = true;
        Poll::Ready(end)
    }
}
