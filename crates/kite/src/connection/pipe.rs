//! The transport of a connection, and what was taken from the outbox for it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep};

use super::Shared;
use super::end::End;
use super::outgoing::{Kind, Outgoing};
use crate::transport::BoxTransport;

pub(super) struct Pipe {
    transport: BoxTransport,
    /// Messages taken from the outbox.
    sending: VecDeque<Outgoing>,
    /// Whether the transport holds anything that was not flushed.
    dirty: bool,
    /// Runs while the other end takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl Pipe {
    pub(super) fn new(transport: BoxTransport) -> Self {
        Self { transport, sending: VecDeque::new(), dirty: false, stall: None }
    }

    /// The next message of the other end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<String>, End> {
        match self.transport.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(text))) => Ok(Poll::Ready(text)),
            Poll::Ready(Some(Err(error))) => Err(End::Failed(error)),
            Poll::Ready(None) => Err(End::Closed),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Writes the outbox as far as the transport takes it, and flushes once. True if anything was written.
    pub(super) fn poll_write(&mut self, shared: &Shared, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut paid = 0;
        let mut progress = false;
        let mut blocked = false;
        loop {
            if self.sending.is_empty() {
                shared.with_outbox(|outbox| outbox.swap(&mut self.sending));
            }
            if self.sending.is_empty() {
                break;
            }
            match self.transport.poll_ready_unpin(cx) {
                Poll::Ready(ready) => ready.map_err(End::Failed)?,
                Poll::Pending => {
                    blocked = true;
                    break;
                }
            }
            let Some(Outgoing { text, kind }) = self.sending.pop_front() else { break };
            match kind {
                Kind::Paid(bytes) => paid += bytes as usize,
                Kind::Answer => {
                    shared.answer_bytes.fetch_sub(text.len(), Ordering::Relaxed);
                }
            }
            self.transport.start_send_unpin(text).map_err(End::Failed)?;
            self.dirty = true;
            progress = true;
        }
        if paid > 0 {
            shared.room.add_permits(paid);
        }
        if self.dirty {
            match self.transport.poll_flush_unpin(cx) {
                Poll::Ready(flushed) => {
                    flushed.map_err(End::Failed)?;
                    self.dirty = false;
                }
                Poll::Pending => blocked = true,
            }
        }
        if blocked {
            self.watch_stall(shared, progress, cx)?;
        } else {
            self.rest();
        }
        Ok(progress)
    }

    /// Closes the transport. Ends when it is closed.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        match self.transport.poll_close_unpin(cx) {
            Poll::Ready(Ok(())) => Err(End::Closed),
            Poll::Ready(Err(error)) => Err(End::Failed(error)),
            Poll::Pending => Ok(()),
        }
    }

    /// Whether everything that was to be sent is on its way.
    pub(super) fn is_written(&self, shared: &Shared) -> bool {
        !self.dirty && self.sending.is_empty() && shared.with_outbox(|outbox| outbox.is_empty())
    }

    /// Ends a connection whose other end takes nothing for too long.
    fn watch_stall(&mut self, shared: &Shared, progress: bool, cx: &mut Context<'_>) -> Result<(), End> {
        let limit = shared.service.limits().write_stall;
        let timer = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        if progress {
            timer.as_mut().reset(Instant::now() + limit);
        }
        if timer.as_mut().poll(cx).is_ready() { Err(End::Stalled) } else { Ok(()) }
    }

    /// Gives back what only a busy connection needs.
    fn rest(&mut self) {
        self.stall = None;
        if self.sending.capacity() > 64 {
            self.sending = VecDeque::new();
        }
    }
}
