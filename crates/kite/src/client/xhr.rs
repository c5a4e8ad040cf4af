//! SockJS polling: one request waits for messages while another sends some.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use http::StatusCode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::PollSender;
use url::Url;

use super::dialer::{below, greeted};
use super::error::DialError;
use super::post::{Http, PostError};
use crate::sockjs::{Frame, write_batch};
use crate::transport::TransportError;
use crate::web_socket::BATCH_MAX;

/// How long a poll may take. Servers answer an idle one after 5 to 25 s.
const POLL_LIMIT: Duration = Duration::from_mins(1);
/// How long a send may take.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// Messages that wait to be sent, and that have come and nobody has read.
const QUEUE: usize = 64;
/// Bytes of messages sent as one batch, unless one is longer.
const BATCH_BYTES: usize = 256 << 10;

/// A session. Dropping it stops the requests; the server finds out when nobody polls.
pub(super) struct XhrTransport {
    incoming: mpsc::Receiver<Result<String, TransportError>>,
    outgoing: PollSender<String>,
    /// Resolves when everything is sent.
    sent: Option<oneshot::Receiver<()>>,
    /// Ends them when dropped.
    _tasks: JoinSet<()>,
}

impl XhrTransport {
    /// Opens a session at its address.
    pub(super) async fn open(mut http: Http, session: &Url, message_bytes: usize) -> Result<Self, DialError> {
        // A server may put several messages into a frame, and quotes them.
        let max_bytes = message_bytes.saturating_mul(4);
        let poll = below(session, "xhr");
        match http.post(&poll, Bytes::new(), max_bytes).await {
            Ok((StatusCode::OK, frame)) => greeted(text(&frame)?)?,
            Ok((status, _)) => return Err(DialError::Refused(status)),
            Err(error) => return Err(error.into_dial()),
        }
        let (incoming_sender, incoming) = mpsc::channel(QUEUE);
        let (outgoing, outgoing_receiver) = mpsc::channel(QUEUE);
        let (sent_sender, sent) = oneshot::channel();
        let mut tasks = JoinSet::new();
        let sending = http.another();
        let failures = incoming_sender.clone();
        let target = below(session, "xhr_send");
        tasks.spawn(async move {
            if let Err(error) = send_all(sending, &target, outgoing_receiver).await {
                // Nobody reads any more if this fails.
                drop(failures.send(Err(error)).await);
            }
            let _ = sent_sender.send(());
        });
        tasks.spawn(async move {
            if let Err(error) = poll_all(http, &poll, max_bytes, &incoming_sender).await {
                drop(incoming_sender.send(Err(error)).await);
            }
        });
        Ok(Self { incoming, outgoing: PollSender::new(outgoing), sent: Some(sent), _tasks: tasks })
    }
}

fn text(frame: &Bytes) -> Result<&str, DialError> {
    let text =
        std::str::from_utf8(frame).map_err(|_| DialError::Protocol(String::from("a frame is no UTF-8")))?;
    Ok(text.trim_end_matches('\n'))
}

/// Polls until the session ends.
async fn poll_all(
    mut http: Http,
    url: &Url,
    max_bytes: usize,
    incoming: &mpsc::Sender<Result<String, TransportError>>,
) -> Result<(), TransportError> {
    loop {
        let polled = tokio::time::timeout(POLL_LIMIT, http.post(url, Bytes::new(), max_bytes)).await;
        let (status, frame) =
            polled.map_err(|_| TransportError::TimedOut)?.map_err(PostError::into_transport)?;
        if status != StatusCode::OK {
            return Err(TransportError::Closed);
        }
        let bad = |_| TransportError::Protocol(String::from("a frame is no UTF-8"));
        match Frame::parse(text(&frame).map_err(bad)?, BATCH_MAX) {
            Some(Frame::Messages(messages)) => {
                for message in messages {
                    if incoming.send(Ok(message)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Some(Frame::Heartbeat) => {}
            Some(Frame::Close(_)) => return Ok(()),
            // The server has forgotten the session and begun another under its name.
            Some(Frame::Open) => return Err(TransportError::Closed),
            None => return Err(TransportError::Protocol(String::from("not a SockJS frame"))),
        }
    }
}

/// Sends until there is no more to send.
async fn send_all(
    mut http: Http,
    url: &Url,
    mut outgoing: mpsc::Receiver<String>,
) -> Result<(), TransportError> {
    while let Some(first) = outgoing.recv().await {
        let mut bytes = first.len();
        let mut batch = vec![first];
        while bytes < BATCH_BYTES
            && let Ok(next) = outgoing.try_recv()
        {
            bytes = bytes.saturating_add(next.len());
            batch.push(next);
        }
        let body = Bytes::from(write_batch(batch.iter().map(String::as_str)));
        let posted = tokio::time::timeout(SEND_LIMIT, http.post(url, body, BATCH_BYTES)).await;
        let (status, _) = posted.map_err(|_| TransportError::TimedOut)?.map_err(PostError::into_transport)?;
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(TransportError::Protocol(String::from("the server refused a message's length")));
            }
            _ => return Err(TransportError::Closed),
        }
    }
    Ok(())
}

impl Stream for XhrTransport {
    type Item = Result<String, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<String> for XhrTransport {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.outgoing.poll_reserve(cx).map_err(|_| TransportError::Closed)
    }

    fn start_send(mut self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        self.outgoing.send_item(message).map_err(|_| TransportError::Closed)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.outgoing.close();
        if let Some(sent) = &mut self.sent {
            // Either way there is nothing more to wait for.
            let _ = ready!(Pin::new(sent).poll(cx));
            self.sent = None;
        }
        Poll::Ready(Ok(()))
    }
}
