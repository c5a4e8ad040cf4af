//! Opening a SQLite file: one connection that writes, a few that read.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

use crate::error::StoreError;
use crate::migration;
use crate::nudge::Nudges;
use crate::writer::Writer;

/// Reading is short and the file is in the page cache; more connections than this only wait for cores.
const READERS: u32 = 4;
/// The write-ahead log is cut back to this after it has grown, for instance behind a long reader.
const WAL_BYTES: &str = "67108864";
/// How long to wait for another process, such as a backup, to let go of the file.
const BUSY: Duration = Duration::from_secs(5);

/// The file, opened.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    pub writer: Writer,
    pub readers: SqlitePool,
}

impl Sqlite {
    /// Opens, makes if need be, and migrates the file that `url` names.
    pub(crate) async fn open(url: &str, nudges: Nudges) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url).map_err(StoreError::from_engine)?;
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(StoreError::unavailable("a database in memory would lose everything; name a file"));
        }
        make_private(options.get_filename())?;
        Self::open_with(options, nudges).await
    }

    pub(crate) async fn open_with(options: SqliteConnectOptions, nudges: Nudges) -> Result<Self, StoreError> {
        let options = options
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .journal_mode(SqliteJournalMode::Wal)
            // Flushed at every commit: what was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", WAL_BYTES);
        let mut connection = options.connect().await.map_err(StoreError::from_engine)?;
        migration::apply(&migration::sqlite(), &mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.clone().pragma("query_only", "on"))
            .await
            .map_err(StoreError::from_engine)?;
        Ok(Self { writer: Writer::start(connection, options, nudges), readers })
    }
}

/// Makes the file readable by its owner only; SQLite gives its side files the same rights.
fn make_private(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop).map_err(|error| {
        StoreError::unavailable(format!("cannot open the file `{}`: {error}", path.display()))
    })
}
