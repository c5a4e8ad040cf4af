//! How long calls take at a steady rate that does not wait for them.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{Failure, dial, kite};

/// Each call's time at this rate, smallest first. It runs from when the call was due: whatever holds calls up, on
/// this side too, counts. The first second does not.
pub(crate) async fn latencies(url: &str, rate: u32, seconds: u32) -> Result<Vec<Duration>, Failure> {
    let peer = dial(url, kite("caller", 0)).await?;
    let (due, mut all_due) = unbounded_channel();
    let metronome = thread::spawn(move || tick(rate, rate.saturating_mul(seconds + 1), &due));
    let mut calls = JoinSet::new();
    let mut number = 0_u32;
    let mut times = vec![];
    loop {
        let due = tokio::select! {
            due = all_due.recv() => due,
            Some(ended) = calls.join_next() => {
                times.extend(ended??);
                continue;
            }
        };
        let Some(due) = due else { break };
        number += 1;
        let (peer, counts) = (peer.clone(), number > rate);
        calls.spawn(async move {
            peer.call::<u64>("square", 7).await?;
            Ok::<_, Failure>(counts.then(|| due.elapsed()))
        });
    }
    while let Some(ended) = calls.join_next().await {
        times.extend(ended??);
    }
    metronome.join().map_err(|_| "the metronome broke")?;
    peer.close();
    times.sort_unstable();
    Ok(times)
}

/// Tells when each call is due, at that time. Timers of the runtime are too coarse for it.
fn tick(rate: u32, count: u32, due: &UnboundedSender<Instant>) {
    let begun = Instant::now();
    for number in 0..count {
        let at = begun + Duration::from_secs(1) * number / rate;
        let early = at.saturating_duration_since(Instant::now());
        if !early.is_zero() {
            thread::sleep(early);
        }
        if due.send(at).is_err() {
            return;
        }
    }
}

/// The smallest time that `share` of all do not exceed (nearest rank).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a few hundred thousand at most"
)]
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
