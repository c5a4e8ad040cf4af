//! The log of each workspace: what the start page shows, and what is left to read afterwards.
//!
//! Lines are kept in chunks of many lines, because a build writes thousands of them. Sequence numbers
//! count from 1 through the whole life of a workspace, all its runs included, so that a reader who
//! comes back with the last number it saw misses nothing.

use domain::{Step, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::nudge::Topic;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

/// A line to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// When it was written.
    pub time: Timestamp,
    /// During which step of a start.
    pub step: Option<Step>,
    /// The line, without its end.
    pub text: String,
}

/// A line that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Counts up by one from line to line.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// During which step of a start.
    pub step: Option<Step>,
    /// The line, without its end.
    pub text: String,
}

/// The topic that [`crate::LogWriter`] nudges when a workspace has new lines.
pub fn log_topic(workspace: WorkspaceId) -> Topic {
    format!("log:{workspace}").into()
}

/// Text in one chunk before another is begun: read whole to show its last line, so not larger.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks fetched at once while reading.
const CHUNKS_PER_READ: u32 = 16;

statements! { "log_chunks", key "last";
    // Counts the lines in while the row is locked, so that two writers never get the same numbers.
    // Gives no row when there is no such workspace.
    RESERVE = "insert into log_heads (workspace, run, last) \
               select id, $2, $3 from workspaces where id = $1 \
               on conflict (workspace) do update set last = log_heads.last + excluded.last, \
               run = case when log_heads.run < excluded.run then excluded.run else log_heads.run end \
               returning last";
    APPEND = "insert into log_chunks (workspace, first, last, run, lines) values ($1, $2, $3, $4, $5)";
    LATEST_RUN = "select run, last from log_heads where workspace = $1";
    READ = "select first, last, lines from log_chunks \
            where workspace = $1 and last > $2 and run = $3 order by last limit $4";
    DELETE_RUNS = "delete from log_chunks where workspace = $1 and run < $2";
}

impl Tx {
    /// Adds lines to the log of one run; gives the sequence number of the last.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "workspace" }` when there is no such workspace any more. The transaction is as
    /// before.
    pub async fn append_log(
        &mut self,
        workspace: WorkspaceId,
        run: u32,
        lines: &[NewLine],
    ) -> Result<u64, StoreError> {
        let count = u64::try_from(lines.len()).unwrap_or(0);
        let row = self.row(RESERVE, [workspace.into(), run.into(), count.into()]).await?;
        let row = row.ok_or(StoreError::Conflict { what: "workspace" })?;
        let last: u64 = row.number("last")?;
        let mut before = last.saturating_sub(count);
        for chunk in chunks(lines) {
            let end = before + u64::try_from(chunk.len()).unwrap_or(0);
            let stored: Vec<StoredLine> = chunk.iter().map(StoredLine::from).collect();
            let values =
                [workspace.into(), (before + 1).into(), end.into(), run.into(), json(&stored)?.into()];
            self.execute(APPEND, values).await?;
            before = end;
        }
        Ok(last)
    }

    /// Up to `limit` lines with a sequence number above `after`, of one run or (`None`) the latest that
    /// wrote anything.
    pub async fn log(
        &mut self,
        workspace: WorkspaceId,
        run: Option<u32>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LogLine>, StoreError> {
        let run = match run {
            Some(run) => run,
            None => match self.row(LATEST_RUN, [workspace.into()]).await? {
                Some(row) => row.number("run")?,
                None => return Ok(Vec::new()),
            },
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        let mut after = after;
        loop {
            let values = [workspace.into(), after.into(), run.into(), CHUNKS_PER_READ.into()];
            let chunks = self.rows(READ, values).await?;
            for row in &chunks {
                lines.extend(unpack(row)?.into_iter().filter(|line| line.sequence > after));
                after = row.number("last")?;
            }
            if lines.len() >= limit || chunks.is_empty() {
                lines.truncate(limit);
                return Ok(lines);
            }
        }
    }

    /// Forgets the log of every run before `run`; the numbers go on as they were.
    pub async fn forget_log_before(&mut self, workspace: WorkspaceId, run: u32) -> Result<(), StoreError> {
        self.execute(DELETE_RUNS, [workspace.into(), run.into()]).await.map(drop)
    }
}

/// A line in a chunk. Its number follows from its place.
#[derive(Serialize, Deserialize)]
struct StoredLine {
    #[serde(rename = "t")]
    micros: i64,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(rename = "x")]
    text: String,
}

impl From<&NewLine> for StoredLine {
    fn from(line: &NewLine) -> Self {
        Self { micros: line.time.as_microsecond(), step: line.step, text: line.text.clone() }
    }
}

/// Cuts lines into runs of about [`CHUNK_BYTES`]; a longer line gets a chunk of its own.
fn chunks(mut lines: &[NewLine]) -> impl Iterator<Item = &[NewLine]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = lines.iter().take_while(|line| {
            bytes += line.text.len();
            bytes <= CHUNK_BYTES
        });
        let (chunk, rest) = lines.split_at_checked(fits.count().max(1))?;
        lines = rest;
        Some(chunk)
    })
}

fn unpack(row: &Row) -> Result<Vec<LogLine>, StoreError> {
    let (first, last): (u64, u64) = (row.number("first")?, row.number("last")?);
    let stored: Vec<StoredLine> = row.json("lines")?;
    if u64::try_from(stored.len()).ok() != Some((last + 1).saturating_sub(first)) {
        return Err(row.corrupt("lines"));
    }
    (first..)
        .zip(stored)
        .map(|(sequence, line)| {
            let time = Timestamp::from_microsecond(line.micros).map_err(|_| row.corrupt("lines"))?;
            Ok(LogLine { sequence, time, step: line.step, text: line.text })
        })
        .collect()
}
