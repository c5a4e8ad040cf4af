//! What can be bound to a statement: four types that both engines have.

use domain::{
    AttemptId, DataKeyId, ForgeId, InvitationId, KeyOwner, KiteKeyId, LinkId, SessionId, SnapshotId, TeamId,
    Timestamp, TokenId, UserId, WorkspaceId,
};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite};

type Query<'q, DB, A> = sqlx::query::Query<'q, DB, A>;

/// A bound value. An absent one keeps its type, because PostgreSQL needs to know it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Bytes(Vec<u8>),
}

impl Value {
    pub(crate) fn bind_sqlite(
        self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Query<'_, Sqlite, SqliteArguments> {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Integer(integer) => query.bind(integer),
            Self::Bytes(bytes) => query.bind(bytes),
        }
    }

    pub(crate) fn bind_postgres(
        self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Query<'_, Postgres, PgArguments> {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Integer(integer) => query.bind(integer),
            Self::Bytes(bytes) => query.bind(bytes),
        }
    }
}

impl From<&str> for Value {
    /// U+0000 becomes U+FFFD: PostgreSQL cannot hold it, and both engines shall hold the same.
    fn from(text: &str) -> Self {
        Self::Text(Some(text.replace('\0', "\u{fffd}")))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        if text.contains('\0') { text.as_str().into() } else { Self::Text(Some(text)) }
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(Some(integer.into()))
    }
}

impl From<u64> for Value {
    /// Saturates: the counters here (generations, sequence numbers) do not reach the end of `i64`.
    fn from(integer: u64) -> Self {
        Self::Integer(Some(i64::try_from(integer).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Integer(Some(yes.into()))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(Some(time.as_microsecond()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Integer(time.map(Timestamp::as_microsecond))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

/// Binds ids as their text. A macro because the id types share no trait but `Display`.
macro_rules! bind_ids {
    ($($id:ident)+) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }

        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self {
                Self::Text(id.map(|id| id.to_string()))
            }
        }
    )+};
}

bind_ids!(
    WorkspaceId UserId SessionId TokenId SnapshotId ForgeId LinkId TeamId InvitationId AttemptId DataKeyId KeyOwner
    KiteKeyId
);
