//! The requests by which a client gets frames: polling, streaming, event source.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::StatusCode;
use hyper::body::{Frame, SizeHint};

use super::cors::answer;
use super::session::{Receiver, Session, Taken};
use super::settings::Settings;

/// What fills the buffers of old browsers, which show nothing of an answer before 2 KiB have come.
const PRELUDE: usize = 2048;

/// How frames stand in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One frame, and a line break.
    Poll,
    /// A prelude, then frames with line breaks.
    Stream,
    /// Server-sent events.
    Events,
}

impl Shape {
    fn kind(self) -> &'static str {
        match self {
            Self::Poll | Self::Stream => "application/javascript; charset=UTF-8",
            Self::Events => "text/event-stream; charset=UTF-8",
        }
    }

    fn prelude(self) -> Option<String> {
        match self {
            Self::Poll => None,
            Self::Stream => Some(format!("{}\n", "h".repeat(PRELUDE))),
            Self::Events => Some(String::from("\r\n")),
        }
    }

    fn write(self, mut frame: String) -> Bytes {
        match self {
            Self::Poll | Self::Stream => {
                frame.push('\n');
                frame.into()
            }
            Self::Events => format!("data: {frame}\r\n\r\n").into(),
        }
    }
}

/// Answers with what the session has, now or when it has something.
pub(super) async fn receive(session: &Arc<Session>, shape: Shape, settings: &Settings) -> Response {
    let receiver = session.attach();
    match (shape, receiver) {
        (Shape::Poll, Err(close)) => answer(StatusCode::OK, shape.kind(), shape.write(close.to_text())),
        (Shape::Poll, Ok(mut receiver)) => {
            let taken = receiver.next(settings.stream_bytes, settings.heartbeat).await;
            let body = Delivery { frame: Some(shape.write(taken.text)), receiver: Some(receiver) };
            answer(StatusCode::OK, shape.kind(), Body::new(body))
        }
        (Shape::Stream | Shape::Events, Err(close)) => {
            let mut text = shape.prelude().unwrap_or_default().into_bytes();
            text.extend_from_slice(&shape.write(close.to_text()));
            answer(StatusCode::OK, shape.kind(), text)
        }
        (Shape::Stream | Shape::Events, Ok(receiver)) => {
            let chunks =
                stream::unfold(Some(Streaming::new(receiver, shape, settings.clone())), |state| async {
                    let (chunk, rest) = state?.next().await;
                    Some((Ok::<_, Infallible>(chunk), rest))
                });
            answer(StatusCode::OK, shape.kind(), Body::from_stream(chunks))
        }
    }
}

/// One frame as a body that knows whether it was taken: a client that left before takes a message with it, and
/// must not find the session as if nothing had happened.
struct Delivery {
    frame: Option<Bytes>,
    receiver: Option<Receiver>,
}

impl hyper::body::Body for Delivery {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.frame.take();
        if let Some(mut receiver) = self.receiver.take() {
            receiver.settle();
        }
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.frame.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(
            self.frame.as_ref().map_or(0, |frame| u64::try_from(frame.len()).unwrap_or(u64::MAX)),
        )
    }
}

/// An answer that goes on until it is long enough.
struct Streaming {
    receiver: Receiver,
    shape: Shape,
    settings: Settings,
    has_begun: bool,
    sent: usize,
}

impl Streaming {
    fn new(receiver: Receiver, shape: Shape, settings: Settings) -> Self {
        Self { receiver, shape, settings, has_begun: false, sent: 0 }
    }

    /// The next piece, and what comes after it, if anything.
    async fn next(mut self) -> (Bytes, Option<Self>) {
        if !self.has_begun {
            self.has_begun = true;
            if let Some(prelude) = self.shape.prelude() {
                return (prelude.into(), Some(self));
            }
        }
        let left = self.settings.stream_bytes.saturating_sub(self.sent);
        let Taken { text, is_last } = self.receiver.next(left, self.settings.heartbeat).await;
        let chunk = self.shape.write(text);
        self.sent += chunk.len();
        if is_last || self.sent >= self.settings.stream_bytes {
            self.receiver.settle();
            return (chunk, None);
        }
        (chunk, Some(self))
    }
}
