//! What can go wrong with a database, reduced to what a caller can act on.

use std::sync::Arc;

use sqlx::error::DatabaseError;

/// A query, a commit or the start of the store did not work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database could not do its part: unreachable, full, locked, damaged. Trying later may help.
    #[error("cannot use the database: {why}")]
    Unavailable {
        /// The reason in words for the person who runs the server.
        why: String,
        /// What the engine said.
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
    /// What was to be saved does not fit what is there. The transaction has not been changed by it.
    #[error("the {what} is taken or was changed by somebody else")]
    Conflict {
        /// What clashed: `workspace name`, `user name`, `idempotency key`.
        what: &'static str,
    },
    /// A row is not what this program writes.
    #[error("cannot read column `{column}` of row `{row}` in table `{table}`: the value makes no sense")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
}

/// How both engines' word for it is told.
const DISK_FULL: &str = "the disk that holds the database is full";

impl StoreError {
    /// Whether somebody only has to make room.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Unavailable { why, .. } if why.starts_with(DISK_FULL))
    }

    /// What the person who runs the server can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => {
                "check that the database is reachable and that its disk has room, then try again"
            }
            Self::Conflict { .. } => "read the present state and try again with another value",
            Self::Corrupt { .. } => "restore the row from a backup, or delete it",
        }
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), source: None }
    }

    /// Translates what the engine said, once, for both engines.
    pub(crate) fn from_engine(error: sqlx::Error) -> Self {
        if let Some(database) = error.as_database_error() {
            if database.is_unique_violation() {
                return Self::Conflict { what: "entry" };
            }
            if database.is_foreign_key_violation() {
                return Self::Conflict { what: "thing it belongs to" };
            }
        }
        let why = why(&error);
        Self::Unavailable { why, source: Some(Arc::new(error)) }
    }
}

fn why(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => in_words(database.as_ref()).map_or_else(
            || database.message().to_owned(),
            |words| format!("{words} ({})", database.message()),
        ),
        sqlx::Error::PoolTimedOut => "no connection became free in time".into(),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => "the store is closed".into(),
        sqlx::Error::Io(io) => format!("the connection broke: {io}"),
        other => other.to_string(),
    }
}

/// Names the failures an operator meets. Codes: sqlite.org/rescode.html (the low byte is the primary
/// code) and PostgreSQL's appendix A.
fn in_words(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code()?;
    if let Ok(code) = code.parse::<u32>()
        && code.to_string().len() < 5
    {
        return match code & 0xff {
            5 | 6 => Some("another process holds the database file"),
            8 => Some("the database file is read-only"),
            10 => Some("the database file cannot be read or written"),
            11 | 26 => Some("the database file is damaged"),
            13 => Some(DISK_FULL),
            14 => Some("the database file cannot be opened"),
            _ => None,
        };
    }
    match code.as_ref() {
        "53100" => Some(DISK_FULL),
        "53300" => Some("the database server has no connections left"),
        "40001" | "40P01" => Some("two transactions got in each other's way"),
        "28000" | "28P01" => Some("the database server refuses this user or password"),
        "3D000" => Some("the database does not exist"),
        "57P01" | "57P02" | "57P03" => Some("the database server is stopping or starting"),
        _ => None,
    }
}
