//! Answers that come bit by bit: a file's bytes, and one JSON document a line.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::Stream;
use http_body::Body;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::error::LinkError;

/// Longest line accepted.
const LINE_MAX: usize = 64 << 10;

/// A file's content. Ends with an error when it breaks off before the announced size.
pub struct FileBody {
    body: Incoming,
    missing: Option<u64>,
    is_finished: bool,
}

impl FileBody {
    pub(super) fn new(body: Incoming, size: Option<u64>) -> Self {
        Self { body, missing: size, is_finished: false }
    }
}

impl Stream for FileBody {
    type Item = Result<Bytes, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.is_finished {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                        self.missing = self.missing.map(|missing| missing.saturating_sub(length));
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => {
                    self.is_finished = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.is_finished = true;
                    if self.missing.is_some_and(|missing| missing > 0) {
                        return Poll::Ready(Some(Err(LinkError::Gone)));
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}

/// One JSON document a line.
pub struct Lines<T> {
    body: Incoming,
    buffer: BytesMut,
    is_finished: bool,
    item: PhantomData<fn() -> T>,
}

impl<T> Lines<T> {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, buffer: BytesMut::new(), is_finished: false, item: PhantomData }
    }

    fn take_line(&mut self) -> Option<BytesMut> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line = self.buffer.split_to(end);
        self.buffer.advance(1);
        Some(line)
    }
}

impl<T: DeserializeOwned> Stream for Lines<T> {
    type Item = Result<T, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_finished {
                return Poll::Ready(None);
            }
            if let Some(line) = self.take_line() {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let parsed = serde_json::from_slice(&line)
                    .map_err(|error| LinkError::Protocol(format!("a line that cannot be read: {error}")));
                return Poll::Ready(Some(parsed));
            }
            if self.buffer.len() > LINE_MAX {
                self.is_finished = true;
                return Poll::Ready(Some(Err(LinkError::Protocol("a line without end".into()))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    self.is_finished = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => self.is_finished = true,
            }
        }
    }
}
