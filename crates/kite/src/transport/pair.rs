//! A transport in memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use super::TransportError;

/// Two transports that are each other's other end. Each way holds at most `capacity` messages, at least one.
pub fn pair(capacity: usize) -> (PairEnd, PairEnd) {
    let (left_sender, right_receiver) = mpsc::channel(capacity.max(1));
    let (right_sender, left_receiver) = mpsc::channel(capacity.max(1));
    (
        PairEnd { sender: PollSender::new(left_sender), receiver: left_receiver },
        PairEnd { sender: PollSender::new(right_sender), receiver: right_receiver },
    )
}

/// One end of a [`pair`]. Dropping it ends the other.
#[derive(Debug)]
pub struct PairEnd {
    sender: PollSender<String>,
    receiver: mpsc::Receiver<String>,
}

impl Stream for PairEnd {
    type Item = Result<String, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<String> for PairEnd {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(ready!(self.sender.poll_reserve(cx)).map_err(|_| TransportError::Closed))
    }

    fn start_send(mut self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        self.sender.send_item(message).map_err(|_| TransportError::Closed)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.sender.close();
        Poll::Ready(Ok(()))
    }
}
