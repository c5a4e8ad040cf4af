//! The beats that the other end asked for with `kite.heartbeat`.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::callback::Callback;

/// Calls a function of the other end again and again.
pub(crate) struct Heartbeat {
    ticks: Box<Interval>,
    callback: Callback,
}

impl Heartbeat {
    /// Beats every so often, the first time after that time has passed.
    pub(crate) fn new(every: Duration, callback: Callback) -> Self {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks: Box::new(ticks), callback }
    }

    /// Beats if it is time. A beat that finds no room is left out: the other end has enough to read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.ticks.poll_tick(cx) {
            Poll::Ready(_) => {
                self.callback.try_call(()).unwrap_or_default();
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
