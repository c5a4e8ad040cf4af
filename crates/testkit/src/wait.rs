//! Waiting for a condition, never for a duration.

use std::panic::Location;
use std::time::{Duration, Instant};

/// How often the condition is asked for.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` holds: `wait_until(limit, async || agents.len() == 1).await`.
///
/// # Panics
///
/// When it does not within `limit`, naming the line of the test. The limit is of real time: a paused
/// runtime clock does not make threads and other processes faster.
// Not an `async fn`: `track_caller` does not reach through one.
#[track_caller]
pub fn wait_until(limit: Duration, mut condition: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let start = Instant::now();
        while !condition().await {
            assert!(start.elapsed() < limit, "{caller}: not so within {limit:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
