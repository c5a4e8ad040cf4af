//! Whose turn it is at a forge's token endpoint.
//!
//! All renewals leave from one address, and forges count requests by address: GitLab takes ten a minute to its
//! protected paths. So only a few are under way at a forge at any time, and when it asks to be left alone, everybody
//! waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Forge, ForgeId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::control::{Control, hold};
use crate::error::Error;

/// Renewals at one forge at the same time: enough for a hundred a second at its usual speed.
const AT_ONCE: usize = 4;
/// How long somebody waits for a turn; who asked has given up by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// The turns of every forge.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<ForgeId, Arc<Semaphore>>>);

impl Turns {
    fn of(&self, id: ForgeId) -> Arc<Semaphore> {
        hold(&self.0).entry(id).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
    }
}

impl Control {
    /// Waits until the forge may be asked for a token. Nobody else takes the turn while the value lives.
    ///
    /// # Errors
    ///
    /// `Unavailable` when it does not come within half a minute.
    pub(super) async fn turn_at(&self, forge: &Forge) -> Result<OwnedSemaphorePermit, Error> {
        let end = Instant::now() + PATIENCE;
        let turn = self.inner.links.turns.of(forge.id).acquire_owned();
        let busy = |what| Error::Unavailable { what, mend: "try again in a moment".into() };
        let Ok(Ok(permit)) = tokio::time::timeout_at(end, turn).await else {
            return Err(busy(format!("too many people are waiting for {}", forge.name)));
        };
        while let Some(pause) = self.inner.forges.health.pause(forge.id, self.now()) {
            if Instant::now() + pause > end {
                let what = format!(
                    "{} has had too many requests and wants to be left alone for {} s",
                    forge.name,
                    pause.as_secs().max(1)
                );
                return Err(busy(what));
            }
            tokio::time::sleep(pause).await;
        }
        Ok(permit)
    }
}
