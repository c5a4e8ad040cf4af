//! Turns for work on files that is long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::background::in_background;
use crate::problem::Problem;

/// Whole trees that are walked at the same time. The agent has four threads for disks; two of them stay
/// free for what is short.
const WALKS: usize = 2;

/// Turns for work that is long.
pub(super) struct Turns {
    walks: Arc<Semaphore>,
}

/// Whether whoever wanted the work is still there.
#[derive(Clone, Default)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Breaks the work off once nobody waits for it any more.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Problem::internal("the caller has gone"));
        }
        Ok(())
    }
}

/// Says on its end that nobody waits any more.
struct Waiting(Wanted);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { walks: Arc::new(Semaphore::new(WALKS)) }
    }

    /// Runs what walks through a tree. It goes on for as long as somebody waits for it, and has its turn until it
    /// has ended.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Wanted) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.walks).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::internal("nothing is looked for any more"))?;
        let wanted = Wanted::default();
        let _waiting = Waiting(wanted.clone());
        in_background(move || {
            let done = work(&wanted);
            drop(turn);
            done
        })
        .await
    }
}

#[cfg(test)]
mod tests;
