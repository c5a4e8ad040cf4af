//! Puts the log lines of many workspaces into few transactions.

use std::collections::BTreeMap;

use domain::WorkspaceId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, sleep, timeout_at};

use crate::error::StoreError;
use crate::log::{CHUNK_BYTES, NewLine, log_topic};
use crate::store::Store;

/// A line waits no longer than this for others: shorter than a person notices, long enough that a
/// hundred building workspaces need fifty transactions a second between them.
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// Lines taken in before the writer of a line has to wait for the database.
const QUEUE: usize = 4096;
/// Pauses between attempts to write a batch. After the last one its lines are lost and it is said so:
/// a log must not keep workspaces from running.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// Takes log lines in and writes them behind the caller's back. Clones write to the same batch.
///
/// Lines that were taken in are written even when every clone is dropped.
#[derive(Debug, Clone)]
pub struct LogWriter {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Write { workspace: WorkspaceId, run: u32, line: NewLine },
    Flush(oneshot::Sender<Result<(), StoreError>>),
}

impl LogWriter {
    /// Starts the task that writes. It ends when the last clone is gone.
    pub(crate) fn start(store: Store) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let task = Task { store, inbox, batch: Batch::default(), lost: None };
        tokio::spawn(task.run());
        Self { orders }
    }

    /// Adds a line to the log of one run of a workspace. Waits while too many are not yet written.
    ///
    /// Lines of a workspace that is gone are dropped.
    pub async fn write(&self, workspace: WorkspaceId, run: u32, line: NewLine) {
        // The other end lives as long as this one; it can only be gone when the runtime ends.
        self.orders.send(Order::Write { workspace, run, line }).await.ok();
    }

    /// Waits until every line taken in so far can be read from the store.
    ///
    /// # Errors
    ///
    /// The reason when lines were lost since the last flush.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (reply, done) = oneshot::channel();
        self.orders.send(Order::Flush(reply)).await.ok();
        done.await.unwrap_or_else(|_| Err(StoreError::unavailable("the log writer has ended")))
    }
}

#[derive(Default)]
struct Batch {
    lines: BTreeMap<(WorkspaceId, u32), Vec<NewLine>>,
    bytes: usize,
}

struct Task {
    store: Store,
    inbox: mpsc::Receiver<Order>,
    batch: Batch,
    lost: Option<StoreError>,
}

impl Task {
    async fn run(mut self) {
        while let Some(order) = self.inbox.recv().await {
            let mut flush = self.take(order);
            let deadline = Instant::now() + LONGEST_WAIT;
            while flush.is_none()
                && self.batch.bytes < CHUNK_BYTES
                && let Ok(Some(order)) = timeout_at(deadline, self.inbox.recv()).await
            {
                flush = self.take(order);
            }
            self.write_batch().await;
            if let Some(done) = flush {
                done.send(self.lost.take().map_or(Ok(()), Err)).ok();
            }
        }
    }

    fn take(&mut self, order: Order) -> Option<oneshot::Sender<Result<(), StoreError>>> {
        match order {
            Order::Write { workspace, run, line } => {
                self.batch.bytes += line.text.len();
                self.batch.lines.entry((workspace, run)).or_default().push(line);
                None
            }
            Order::Flush(done) => Some(done),
        }
    }

    async fn write_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.lines.is_empty() {
            return;
        }
        let mut pauses = PAUSES.into_iter();
        while let Err(error) = append(&self.store, &batch).await {
            let Some(pause) = pauses.next() else {
                let lines: usize = batch.lines.values().map(Vec::len).sum();
                tracing::error!(%error, lines, "cannot write log lines; they are lost");
                self.lost = Some(error);
                return;
            };
            sleep(pause).await;
        }
    }
}

async fn append(store: &Store, batch: &Batch) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    for ((workspace, run), lines) in &batch.lines {
        match tx.append_log(*workspace, *run, lines).await {
            Ok(_) => tx.nudge(log_topic(*workspace)),
            Err(StoreError::Conflict { what: "workspace" }) => {
                tracing::debug!(workspace.id = %workspace, "dropped log lines of a workspace that is gone");
            }
            Err(error) => return Err(error),
        }
    }
    tx.commit().await
}
