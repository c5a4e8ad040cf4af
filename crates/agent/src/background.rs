//! Work that waits for a disk, where waiting holds nobody else up.

use crate::problem::Problem;

/// Runs the work on a thread of its own. It goes on when nobody waits for it any more: whatever must be held
/// until it has ended, such as a turn, belongs into it.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::internal("the work on this file broke off")))
}
