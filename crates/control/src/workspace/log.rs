//! A workspace's log: what is there, then what comes, without a gap and without a repetition.
//!
//! A follower never takes lines from memory: it is told that there are new ones and reads on behind
//! the last it has.

use std::collections::VecDeque;
use std::time::Duration;

use domain::{Action, Caller, WorkspaceId};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use store::{EVERYTHING, LogLine, Topic, log_topic};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::authorize;
use crate::control::Control;
use crate::error::Error;

/// Lines read at once.
const BATCH: u32 = 500;
/// Lines in one answer without following.
const PAGE: u32 = 10_000;
/// How often a follower looks although it was told nothing, should a word get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Control {
    /// The log behind line number `after` (0 for the present run's beginning): what is there, then each
    /// new line, until the workspace is gone.
    pub async fn log(
        &self,
        caller: &Caller,
        id: WorkspaceId,
        after: u64,
    ) -> Result<BoxStream<'static, LogLine>, Error> {
        // Listens before it reads: no line falls between.
        let nudges = self.inner.store.nudges();
        let run = self.first_run(caller, id, after).await?;
        let follower = Follower { control: self.clone(), id, run, after, ready: VecDeque::new(), nudges };
        let lines = stream::unfold(follower, |mut follower| async move {
            follower.next().await.map(|line| (line, follower))
        });
        Ok(lines.boxed())
    }

    /// The log behind line number `after` as it is now, at most `limit` lines.
    pub async fn log_so_far(
        &self,
        caller: &Caller,
        id: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LogLine>, Error> {
        let first = self.first_run(caller, id, after).await?;
        let limit = limit.clamp(1, PAGE);
        let mut tx = self.inner.store.read().await?;
        let mut lines = Vec::new();
        for run in [Some(first), None] {
            let after = lines.last().map_or(after, |line: &LogLine| line.sequence);
            let room = limit.saturating_sub(u32::try_from(lines.len()).unwrap_or(limit));
            if room > 0 {
                lines.extend(tx.log(id, run, after, room).await?);
            }
        }
        Ok(lines)
    }

    /// The run to begin reading at. Who comes back may have missed the end of the run before.
    async fn first_run(&self, caller: &Caller, id: WorkspaceId, after: u64) -> Result<u32, Error> {
        let mut tx = self.inner.store.read().await?;
        let run = authorize(&mut tx, caller, Action::View, id).await?.workspace().run;
        Ok(if after == 0 { run } else { run.saturating_sub(1).max(1) })
    }
}

struct Follower {
    control: Control,
    id: WorkspaceId,
    run: u32,
    after: u64,
    ready: VecDeque<LogLine>,
    nudges: broadcast::Receiver<Topic>,
}

impl Follower {
    async fn next(&mut self) -> Option<LogLine> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.after = line.sequence;
                return Some(line);
            }
            match self.read_on().await {
                Ok(Next::Lines) => {}
                Ok(Next::Gone) => return None,
                Ok(Next::Wait) => self.wait().await?,
                Err(error) => {
                    tracing::warn!(workspace.id = %self.id, error = %error, "cannot read a log");
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        }
    }

    async fn read_on(&mut self) -> Result<Next, Error> {
        let mut tx = self.control.inner.store.read().await?;
        // Asked first: a run that has begun ended the one before, with all its lines.
        let workspace = tx.workspace(self.id).await?;
        self.ready.extend(tx.log(self.id, Some(self.run), self.after, BATCH).await?);
        if !self.ready.is_empty() {
            return Ok(Next::Lines);
        }
        match workspace {
            None => Ok(Next::Gone),
            Some(workspace) if workspace.run > self.run => {
                self.run += 1;
                Ok(Next::Lines)
            }
            Some(_) => Ok(Next::Wait),
        }
    }

    /// Waits until it is worth reading again; `None` when the store is closed.
    async fn wait(&mut self) -> Option<()> {
        let (log, workspace) = (log_topic(self.id), self.id.to_string());
        let told = async {
            loop {
                match self.nudges.recv().await {
                    Ok(topic) if topic == log || *topic == *EVERYTHING || topic.contains(&workspace) => {
                        return Some(());
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        tokio::time::timeout(LOOK_AGAIN, told).await.unwrap_or(Some(()))
    }
}

enum Next {
    /// There are lines, or another run to look at.
    Lines,
    /// Everything has been read.
    Wait,
    /// The workspace is gone.
    Gone,
}
