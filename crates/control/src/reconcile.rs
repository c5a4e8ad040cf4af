//! The loops that make what is match what should be.
//!
//! What should be stands in the store: the phase of every workspace, and in the outbox the one effect
//! that leads out of it. The worker claims effects and performs each in a *flight*: for one workspace
//! one after the other, for different workspaces at the same time. Everything here may end at any
//! `.await`, as if the power were cut; the next server takes up what is left.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::control::Control;
use crate::error::Error;

mod admit;
mod agents;
mod clone;
mod connect;
mod create;
mod detail;
mod flight;
mod halt;
mod job;
mod listen;
mod prepare;
mod remove;
mod settle;
mod steps;
mod sweep;
mod timer;
mod watch;
mod worker;

pub(crate) use flight::Flights;
pub(crate) use listen::Listeners;
pub(crate) use steps::mark_steps;
pub(crate) use watch::Watchers;

/// How long background tasks may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long agents have to come back after a restart before their deadlines count again.
const SETTLING: Duration = Duration::from_secs(10);

impl Control {
    /// Makes what is match what should be until `cancel`. Call it once; spawn it, and await it at
    /// shutdown. Workspaces run on without it. Dropping it is like cutting the power.
    ///
    /// # Errors
    ///
    /// When the store cannot be read at the start.
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), Error> {
        let tasks = &self.inner.tasks;
        let _end = tasks.life().clone().drop_guard();
        let (for_changes, for_effects) = (self.inner.store.nudges(), self.inner.store.nudges());
        let for_kites = self.inner.store.nudges();
        self.open_registry().await?;
        self.seat_agents();
        // First of all, so that agents which outlived the last server find this one.
        self.reopen().await?;
        tasks.spawn("changes", self.clone().hand_out_changes(for_changes));
        tasks.spawn("kites", self.clone().follow_kites(for_kites));
        tasks.spawn("agents", self.clone().follow_agents());
        self.release_leases().await?;
        tasks.spawn("jobs", self.clone().keep_jobs());
        tasks.spawn("keys", self.clone().keep_keys());
        tasks.spawn("sign-ins", self.clone().keep_sign_ins());
        tasks.spawn("ssh keys", self.clone().follow_links());
        let sweeper = self.clone();
        tasks.spawn("sweep", async move { sweeper.sweep().await });
        let passwords = self.clone();
        tasks.spawn("passwords", async move {
            // Only a convenience: the first sign-in does it otherwise.
            drop(passwords.inner.passwords.warm_up().await);
        });
        if let Some(every) = self.inner.settings.timer {
            tasks.spawn("timer", self.clone().keep_time(every));
        }
        let work = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.clone().work(for_effects) => {}
            }
        };
        // The registry has the last word before connections end: what it knows is to be kept.
        tokio::join!(work, self.registry().run(cancel.clone()));
        tasks.end(PATIENCE).await;
        self.release_leases().await
    }

    /// Gives back what this server has claimed, now or before it was restarted.
    async fn release_leases(&self) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        tx.release_leases(&self.inner.settings.server).await?;
        Ok(tx.commit().await?)
    }
}
