//! The one writer of SQLite, and group commit.
//!
//! A task owns the connection and lends it to one transaction after another, each between a savepoint
//! and its release. While somebody else is already waiting when a transaction is done, the next one
//! runs inside the same outer transaction; one `COMMIT`, and with it one flush to disk, ends the group.
//! Only then are all of its members told that they are durable. When the outer commit does not work,
//! none of them happened and every one is told so.
//!
//! Lending goes through messages because a future can be dropped at any `.await`: a dropped
//! transaction sends its connection back, and the task, which nobody drops, cleans up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant};

use crate::error::StoreError;
use crate::nudge::{Nudges, Topic};

/// Transactions that may share one flush. Ten times as many gained nothing measurable, and the first
/// member of a group waits for the last.
const LARGEST_GROUP: usize = 64;
/// No further transaction joins a group whose first member has been waiting this long: about what a
/// flush takes on a slow disk, so that sharing never costs more than it saves.
const OLDEST_GROUP: Duration = Duration::from_millis(10);
/// A transaction that takes longer than this keeps every other writer waiting, which is a mistake in
/// this program: it waits for something else than the store.
const LONG: Duration = Duration::from_secs(1);
/// Further ones wait in `begin`.
const QUEUE: usize = 1024;

/// How much was written, and with how few flushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteCounts {
    /// Transactions committed.
    pub transactions: u64,
    /// Commits of the database that made them durable.
    pub commits: u64,
    /// Transactions that wait for their turn now.
    pub waiting: usize,
}

/// The way to the writer task. The task ends when the last of these is gone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    requests: mpsc::Sender<Request>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    transactions: AtomicU64,
    commits: AtomicU64,
}

#[derive(Debug)]
enum Request {
    Begin(oneshot::Sender<Result<Lent, StoreError>>),
    Close(oneshot::Sender<()>),
}

/// The connection, lent to one transaction. Dropping it undoes that transaction and no other.
#[derive(Debug)]
pub(crate) struct Lent {
    connection: Option<SqliteConnection>,
    back: Option<oneshot::Sender<Returned>>,
    blame: Option<StoreError>,
}

#[derive(Debug)]
struct Returned {
    connection: SqliteConnection,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Keep(Member),
    Discard { because: Option<StoreError> },
}

/// A transaction that has ended well and waits for the flush.
#[derive(Debug)]
struct Member {
    nudges: Vec<Topic>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Writer {
    /// Starts the task on an open connection.
    pub(crate) fn start(connection: SqliteConnection, options: SqliteConnectOptions, nudges: Nudges) -> Self {
        let (requests, inbox) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let task = Task { connection: Some(connection), options, inbox, nudges, counts: counts.clone() };
        tokio::spawn(task.run());
        Self { requests, counts }
    }

    /// Waits for the turn of a new transaction.
    pub(crate) async fn begin(&self) -> Result<Lent, StoreError> {
        let (reply, turn) = oneshot::channel();
        self.requests.send(Request::Begin(reply)).await.map_err(|_| closed())?;
        turn.await.map_err(|_| closed())?
    }

    /// Ends the task after the transaction under way and closes the file.
    pub(crate) async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.requests.send(Request::Close(reply)).await.is_ok() {
            done.await.ok();
        }
    }

    pub(crate) fn counts(&self) -> WriteCounts {
        WriteCounts {
            transactions: self.counts.transactions.load(Ordering::Relaxed),
            commits: self.counts.commits.load(Ordering::Relaxed),
            waiting: self.requests.max_capacity().saturating_sub(self.requests.capacity()),
        }
    }
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed")
}

impl Lent {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or_else(closed)
    }

    /// Remembers the error that broke the transaction: it may have taken the whole group with it.
    pub(crate) fn blame(&mut self, error: StoreError) {
        self.blame.get_or_insert(error);
    }

    /// Hands the connection back and waits until the transaction is durable.
    pub(crate) async fn commit(mut self, nudges: Vec<Topic>) -> Result<(), StoreError> {
        let (done, durable) = oneshot::channel();
        self.hand_back(Verdict::Keep(Member { nudges, done }));
        durable.await.map_err(|_| closed())?
    }

    fn hand_back(&mut self, verdict: Verdict) {
        if let (Some(connection), Some(back)) = (self.connection.take(), self.back.take()) {
            back.send(Returned { connection, verdict }).ok();
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let because = self.blame.take();
        self.hand_back(Verdict::Discard { because });
    }
}

struct Task {
    /// Absent after a failure that left its state unknown; opened again for the next group.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    inbox: mpsc::Receiver<Request>,
    nudges: Nudges,
    counts: Arc<Counts>,
}

type Begin = oneshot::Sender<Result<Lent, StoreError>>;

impl Task {
    async fn run(mut self) {
        let mut closing = None;
        while closing.is_none()
            && let Some(request) = self.inbox.recv().await
        {
            closing = match request {
                Request::Begin(reply) => self.group(reply).await,
                Request::Close(done) => Some(done),
            };
        }
        self.inbox.close();
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "cannot close the database cleanly; it is repaired at the next start");
        }
        if let Some(done) = closing {
            done.send(()).ok();
        }
    }

    /// Runs one transaction and those that queue up behind it, then makes all of them durable.
    ///
    /// Returns the request to close, if one came in between.
    async fn group(&mut self, first: Begin) -> Option<oneshot::Sender<()>> {
        let mut connection = match self.open().await {
            Ok(connection) => connection,
            Err(error) => {
                first.send(Err(error)).ok();
                return None;
            }
        };
        let mut members = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        let mut oldest = None;
        let mut result = Ok(());
        while let Some(reply) = next.take() {
            let (back, verdict) = match lend(connection, reply).await {
                Ok(returned) => returned,
                Err(error) => {
                    settle(members, &Err(error));
                    return None;
                }
            };
            connection = back;
            match verdict {
                Ok(Some(member)) => members.push(member),
                Ok(None) => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
            let since = *oldest.get_or_insert_with(Instant::now);
            if members.len() < LARGEST_GROUP && since.elapsed() < OLDEST_GROUP {
                match self.inbox.try_recv() {
                    Ok(Request::Begin(reply)) => next = Some(reply),
                    Ok(Request::Close(done)) => closing = Some(done),
                    Err(_) => {}
                }
            }
        }
        self.finish(connection, members, result).await;
        closing
    }

    async fn open(&mut self) -> Result<SqliteConnection, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(StoreError::from_engine)?,
        };
        run(&mut connection, "begin immediate").await?;
        Ok(connection)
    }

    /// Ends the outer transaction and tells every member.
    async fn finish(
        &mut self,
        mut connection: SqliteConnection,
        members: Vec<Member>,
        mut result: Result<(), StoreError>,
    ) {
        if result.is_ok() && !members.is_empty() {
            result = run(&mut connection, "commit").await;
        }
        // A connection that cannot even undo is dropped, which closes it; a new one is opened later.
        if (result.is_ok() && !members.is_empty()) || run(&mut connection, "rollback").await.is_ok() {
            self.connection = Some(connection);
        }
        if result.is_ok() && !members.is_empty() {
            self.counts.commits.fetch_add(1, Ordering::Relaxed);
            let transactions = u64::try_from(members.len()).unwrap_or(u64::MAX);
            self.counts.transactions.fetch_add(transactions, Ordering::Relaxed);
            self.nudges.send(members.iter().flat_map(|member| member.nudges.iter().cloned()));
        }
        settle(members, &result);
    }
}

/// Gives the connection to one transaction and takes it back.
///
/// The outer error means that the connection is lost; the inner one that the outer transaction is.
async fn lend(
    mut connection: SqliteConnection,
    reply: Begin,
) -> Result<(SqliteConnection, Result<Option<Member>, StoreError>), StoreError> {
    if reply.is_closed() {
        return Ok((connection, Ok(None)));
    }
    if let Err(error) = run(&mut connection, "savepoint member").await {
        reply.send(Err(error.clone())).ok();
        return Ok((connection, Err(error)));
    }
    let (back, returned) = oneshot::channel();
    let lent = Lent { connection: Some(connection), back: Some(back), blame: None };
    // Nobody there any more: the answer comes back, is dropped, and so hands the connection back.
    drop(reply.send(Ok(lent)));
    let since = Instant::now();
    let Returned { mut connection, verdict } = returned.await.map_err(|_| closed())?;
    if since.elapsed() > LONG {
        tracing::warn!(seconds = since.elapsed().as_secs(), "a transaction kept all others waiting");
    }
    let verdict = match verdict {
        Verdict::Keep(member) => match run(&mut connection, "release member").await {
            Ok(()) => Ok(Some(member)),
            Err(error) => {
                settle(vec![member], &Err(error.clone()));
                Err(error)
            }
        },
        // After some errors (a full disk is one) SQLite undoes the outer transaction by itself. Then
        // there is no savepoint left, and what the others in the group did is gone as well.
        Verdict::Discard { because } => run(&mut connection, "rollback to member; release member")
            .await
            .map(|()| None)
            .map_err(|error| because.unwrap_or(error)),
    };
    Ok((connection, verdict))
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(StoreError::from_engine)
}

fn settle(members: Vec<Member>, result: &Result<(), StoreError>) {
    for member in members {
        member.done.send(result.clone()).ok();
    }
}

#[cfg(test)]
mod tests;
