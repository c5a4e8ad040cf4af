//! PostgreSQL: a pool, transactions, and nudges between servers.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{PgPool, Transaction};
use tokio::task::JoinHandle;

use crate::error::StoreError;
use crate::migration;
use crate::nudge::{EVERYTHING, Nudges, Topic};

/// The channel of NOTIFY. A database is used by one Hearth only.
const CHANNEL: &str = "hearth";
/// Several servers share PostgreSQL's default of 100 connections.
const CONNECTIONS: u32 = 16;
/// Between two attempts to listen again; every listener also looks by itself from time to time.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// NOTIFY carries less than 8000 bytes. A longer topic is none.
const LONGEST_TOPIC: usize = 1000;

/// The database, connected.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pub pool: PgPool,
    nudges: Nudges,
    /// Tells this store's own notifications from those of other servers.
    instance: Arc<str>,
    _listener: Arc<Listener>,
}

/// A transaction that writes.
pub(crate) struct PostgresTx {
    pub tx: Transaction<'static, sqlx::Postgres>,
    nudges: Nudges,
    instance: Arc<str>,
}

impl Postgres {
    /// Connects and migrates.
    pub(crate) async fn open(url: &str, nudges: Nudges) -> Result<Self, StoreError> {
        let options =
            PgConnectOptions::from_str(url).map_err(StoreError::from_engine)?.application_name("hearth");
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(StoreError::from_engine)?;
        let mut connection = pool.acquire().await.map_err(StoreError::from_engine)?;
        migration::apply(&migration::postgres(), &mut *connection).await?;
        drop(connection);
        let instance: Arc<str> = format!("{:016x}", RandomState::new().build_hasher().finish()).into();
        let listener = listen(&pool).await.map_err(StoreError::from_engine)?;
        let task = tokio::spawn(forward(listener, pool.clone(), nudges.clone(), instance.clone()));
        Ok(Self { pool, nudges, instance, _listener: Arc::new(Listener(task)) })
    }

    pub(crate) async fn begin(&self) -> Result<PostgresTx, StoreError> {
        let pool = self.pool.clone();
        let tx = undisturbed(async move { pool.begin().await }).await?;
        Ok(PostgresTx { tx, nudges: self.nudges.clone(), instance: self.instance.clone() })
    }

    /// One snapshot for all statements of the transaction, as SQLite gives.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, sqlx::Postgres>, StoreError> {
        let begin = "begin isolation level repeatable read, read only";
        let pool = self.pool.clone();
        undisturbed(async move { pool.begin_with(begin).await }).await
    }
}

impl PostgresTx {
    /// Commits in a task of its own: a caller that goes away half-way must not leave it undecided.
    pub(crate) async fn commit(mut self, topics: Vec<Topic>) -> Result<(), StoreError> {
        let task = tokio::spawn(async move {
            for topic in topics.iter().filter(|topic| topic.len() <= LONGEST_TOPIC) {
                sqlx::query("select pg_notify($1, $2)")
                    .bind(CHANNEL)
                    .bind(format!("{}|{topic}", self.instance))
                    .execute(&mut *self.tx)
                    .await?;
            }
            self.tx.commit().await?;
            self.nudges.send(topics);
            Ok(())
        });
        match task.await {
            Ok(result) => result.map_err(StoreError::from_engine),
            Err(_) => Err(StoreError::unavailable("the commit was cut off by the end of the program")),
        }
    }
}

/// Begins a transaction in a task of its own, which a caller that goes away does not end: sqlx 0.9 gives a connection
/// back to the pool with the transaction still open on it when it is cut off between sending BEGIN and the answer, and
/// whoever gets it next works in that one, on its old state and perhaps unable to write.
async fn undisturbed<T: Send + 'static>(
    begin: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(begin).await {
        Ok(begun) => begun.map_err(StoreError::from_engine),
        Err(_) => Err(StoreError::unavailable("the transaction was cut off by the end of the program")),
    }
}

/// Ends the task with the store.
#[derive(Debug)]
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Passes other servers' nudges on, for ever.
async fn forward(mut listener: PgListener, pool: PgPool, nudges: Nudges, instance: Arc<str>) {
    loop {
        match listener.try_recv().await {
            Ok(Some(notification)) => match notification.payload().split_once('|') {
                Some((from, topic)) if from != &*instance => nudges.send([Topic::from(topic)]),
                _ => {}
            },
            // The connection broke and is made again at the next call; what was sent meanwhile is lost.
            Ok(None) => nudges.send([Topic::from(EVERYTHING)]),
            Err(_) if pool.is_closed() => return,
            Err(error) => {
                tracing::warn!(%error, "cannot listen to PostgreSQL's notifications; trying again");
                tokio::time::sleep(LISTEN_AGAIN).await;
                if let Ok(again) = listen(&pool).await {
                    listener = again;
                    nudges.send([Topic::from(EVERYTHING)]);
                }
            }
        }
    }
}
