//! SockJS polling: one request waits for messages while another sends some.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use futures_util::{Sink, Stream};
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
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
/// Messages that wait to be sent, and that have come and nobody has read. Both queues are bounded in bytes too;
/// at either limit whoever has more waits.
const QUEUE: usize = 64;
/// Bytes of messages that wait to be sent: at it no more is taken. One more message may go beyond it.
const OUTGOING_BYTES: usize = 1 << 20;
/// Bytes of messages sent as one batch, unless one is longer.
const BATCH_BYTES: usize = 256 << 10;

/// A session. Dropping it stops the requests; the server finds out when nobody polls.
pub(super) struct XhrTransport {
    incoming: mpsc::Receiver<Result<Arrived, TransportError>>,
    /// The end was told.
    is_over: bool,
    outgoing: PollSender<String>,
    waiting: Arc<Waiting>,
    /// Resolves when everything is sent.
    sent: Option<oneshot::Receiver<()>>,
    /// Ends them when dropped.
    _tasks: JoinSet<()>,
}

/// A message that has come, and its place in the queue.
struct Arrived {
    text: String,
    _place: OwnedSemaphorePermit,
}

/// The bytes that wait to be sent, those under way included.
#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    waker: AtomicWaker,
}

impl Waiting {
    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Nothing will be sent any more: nobody needs to wait to find that out.
    fn clear(&self) {
        self.bytes.store(0, Ordering::Release);
        self.waker.wake();
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let is_full = || self.bytes.load(Ordering::Acquire) >= OUTGOING_BYTES;
        if is_full() {
            self.waker.register(cx.waker());
            if is_full() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

/// Why there is no session.
pub(super) enum OpenError {
    /// With this status and body.
    Refused(StatusCode, Bytes),
    Dial(DialError),
}

impl XhrTransport {
    /// Opens a session at its address.
    pub(super) async fn open(mut http: Http, session: &Url, message_bytes: usize) -> Result<Self, OpenError> {
        // A server may put several messages into a frame, and quotes them.
        let max_bytes = message_bytes.saturating_mul(4);
        let poll = below(session, "xhr");
        match http.post(&poll, Bytes::new(), max_bytes).await {
            Ok((StatusCode::OK, frame)) => text(&frame).and_then(greeted).map_err(OpenError::Dial)?,
            Ok((status, body)) => return Err(OpenError::Refused(status, body)),
            Err(error) => return Err(OpenError::Dial(error.into_dial())),
        }
        let (incoming_sender, incoming) = mpsc::channel(QUEUE);
        let (outgoing, outgoing_receiver) = mpsc::channel(QUEUE);
        let (sent_sender, sent) = oneshot::channel();
        let mut tasks = JoinSet::new();
        let sending = http.another();
        let failures = incoming_sender.clone();
        let target = below(session, "xhr_send");
        let waiting = Arc::new(Waiting::default());
        let counted = waiting.clone();
        tasks.spawn(async move {
            let sent = send_all(sending, &target, outgoing_receiver, &counted).await;
            counted.clear();
            if let Err(error) = sent {
                // Nobody reads any more if this fails.
                drop(failures.send(Err(error)).await);
            }
            let _ = sent_sender.send(());
        });
        tasks.spawn(async move {
            let end = poll_all(http, &poll, message_bytes, max_bytes, &incoming_sender).await;
            // Told in any case: the other task may wait for something to send, and keeps the queue open.
            drop(incoming_sender.send(Err(end)).await);
        });
        let outgoing = PollSender::new(outgoing);
        Ok(Self { incoming, is_over: false, outgoing, waiting, sent: Some(sent), _tasks: tasks })
    }
}

fn text(frame: &Bytes) -> Result<&str, DialError> {
    let text =
        std::str::from_utf8(frame).map_err(|_| DialError::Protocol(String::from("a frame is no UTF-8")))?;
    Ok(text.trim_end_matches('\n'))
}

/// Polls until the session ends, and answers how it did.
async fn poll_all(
    mut http: Http,
    url: &Url,
    message_bytes: usize,
    max_bytes: usize,
    incoming: &mpsc::Sender<Result<Arrived, TransportError>>,
) -> TransportError {
    let places = u32::try_from(message_bytes.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX).max(1);
    let room = Arc::new(Semaphore::new(usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS)));
    loop {
        let messages = match poll_once(&mut http, url, max_bytes).await {
            Ok(messages) => messages,
            Err(end) => return end,
        };
        for text in messages {
            if text.len() > message_bytes {
                return TransportError::TooLarge(message_bytes);
            }
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX).min(places);
            let Ok(place) = room.clone().acquire_many_owned(bytes).await else {
                return TransportError::Closed;
            };
            if incoming.send(Ok(Arrived { text, _place: place })).await.is_err() {
                return TransportError::Closed;
            }
        }
    }
}

/// One poll: the messages that it brought, or how the session ended.
async fn poll_once(http: &mut Http, url: &Url, max_bytes: usize) -> Result<Vec<String>, TransportError> {
    let polled = tokio::time::timeout(POLL_LIMIT, http.post(url, Bytes::new(), max_bytes)).await;
    let (status, frame) = polled.map_err(|_| TransportError::TimedOut)?.map_err(PostError::into_transport)?;
    if status != StatusCode::OK {
        return Err(TransportError::Closed);
    }
    let bad = |_| TransportError::Protocol(String::from("a frame is no UTF-8"));
    match Frame::parse(text(&frame).map_err(bad)?, BATCH_MAX) {
        Some(Frame::Messages(messages)) => Ok(messages),
        Some(Frame::Heartbeat) => Ok(vec![]),
        // After an open frame: the server has forgotten the session and begun another under its name.
        Some(Frame::Close(_) | Frame::Open) => Err(TransportError::Closed),
        None => Err(TransportError::Protocol(String::from("not a SockJS frame"))),
    }
}

/// Sends until there is no more to send.
async fn send_all(
    mut http: Http,
    url: &Url,
    mut outgoing: mpsc::Receiver<String>,
    waiting: &Waiting,
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
            StatusCode::OK | StatusCode::NO_CONTENT => waiting.remove(bytes),
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
        if self.is_over {
            return Poll::Ready(None);
        }
        let arrived = ready!(self.incoming.poll_recv(cx));
        self.is_over = !matches!(arrived, Some(Ok(_)));
        Poll::Ready(arrived.map(|arrived| arrived.map(|arrived| arrived.text)))
    }
}

impl Sink<String> for XhrTransport {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.outgoing.get_ref().is_none_or(mpsc::Sender::is_closed) {
            return Poll::Ready(Err(TransportError::Closed));
        }
        ready!(self.waiting.poll_room(cx));
        self.outgoing.poll_reserve(cx).map_err(|_| TransportError::Closed)
    }

    fn start_send(mut self: Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        self.waiting.add(message.len());
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
