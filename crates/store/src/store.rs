//! The store: opened once, cloned freely, on SQLite or PostgreSQL.

use tokio::sync::broadcast;

use crate::error::StoreError;
use crate::log_writer::LogWriter;
use crate::nudge::{Nudges, Topic};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::statement::every_statement;
use crate::tx::Tx;
use crate::writer::WriteCounts;

/// The database of one Hearth.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    nudges: Nudges,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens `sqlite:/path/hearth.db` or `postgres://…`, and brings its tables up to date.
    ///
    /// The folder of a SQLite file must exist; the file is made if need be, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] with the reason, also for a database that a newer Hearth has used.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let nudges = Nudges::new();
        let engine = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Engine::Sqlite(Sqlite::open(url, nudges.clone()).await?),
            Some("postgres" | "postgresql") => Engine::Postgres(Postgres::open(url, nudges.clone()).await?),
            _ => {
                // The URL may hold a password, so it is not repeated.
                let why = "its URL starts neither with `sqlite:` nor with `postgres:`";
                return Err(StoreError::unavailable(why));
            }
        };
        Ok(Self { engine, nudges })
    }

    /// Begins a transaction that may write. On SQLite it waits for its turn.
    ///
    /// It may see what others have committed before [`Store::read`] does, because transactions share
    /// flushes. Whoever wants to insert what may be there looks here, not in a reading transaction, and
    /// commits before it relies on what it found.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.writer.begin().await.map(Tx::sqlite_write),
            Engine::Postgres(postgres) => postgres.begin().await.map(Tx::postgres_write),
        }
    }

    /// Begins a transaction that only reads: one consistent state, which waits for no writer.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let tx = sqlite.readers.begin().await.map_err(StoreError::from_engine)?;
                Ok(Tx::sqlite_read(tx))
            }
            Engine::Postgres(postgres) => postgres.read().await.map(Tx::postgres_read),
        }
    }

    /// Listens to the nudges of every transaction committed from now on.
    pub fn nudges(&self) -> broadcast::Receiver<Topic> {
        self.nudges.subscribe()
    }

    /// Starts a writer of log lines that puts many lines into few transactions.
    pub fn log_writer(&self) -> LogWriter {
        LogWriter::start(self.clone())
    }

    /// How many transactions shared how many flushes; `None` on PostgreSQL, which counts by itself.
    pub fn write_counts(&self) -> Option<WriteCounts> {
        match &self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.writer.counts()),
            Engine::Postgres(_) => None,
        }
    }

    /// Has the engine prepare every statement there is, and says how many there are.
    ///
    /// # Errors
    ///
    /// The first statement that does not fit the tables, as `Unavailable` with the engine's words.
    pub async fn check_statements(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut tx = self.begin().await?;
        for statement in every_statement() {
            tx.prepare(*statement).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Ends what is under way and closes every connection. Clones are closed with it.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                sqlite.readers.close().await;
                sqlite.writer.close().await;
            }
            Engine::Postgres(postgres) => postgres.pool.close().await,
        }
    }
}
