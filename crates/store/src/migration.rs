//! The migrations: forward only, never edited once released, each in the words of both engines.
//!
//! Listed here and not by `sqlx::migrate!`: one list keeps the two folders in step by construction, and
//! leaves out a procedural macro that would compile both engines a second time for the build itself.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use crate::error::StoreError;

/// Reads one migration from both folders. A macro because `include_str!` wants a literal.
macro_rules! migration {
    ($version:literal, $what:literal) => {
        Texts {
            version: $version,
            what: $what,
            sqlite: include_str!(concat!("../migrations/sqlite/", $version, "_", $what, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $version, "_", $what, ".sql")),
        }
    };
}

/// Every migration, oldest first.
#[expect(clippy::unreadable_literal, reason = "a date and a time, as in the file's name")]
const MIGRATIONS: &[Texts] = &[
    migration!(202611201000, "first"),
    migration!(202611210900, "forges"),
    migration!(202611211400, "kites"),
];

struct Texts {
    version: i64,
    what: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// The migrations for SQLite.
pub(crate) fn sqlite() -> Migrator {
    migrator(|texts| texts.sqlite)
}

/// The migrations for PostgreSQL.
pub(crate) fn postgres() -> Migrator {
    migrator(|texts| texts.postgres)
}

fn migrator(pick: fn(&Texts) -> &'static str) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|texts| {
        let sql = pick(texts).into_sql_str();
        Migration::new(texts.version, Cow::Borrowed(texts.what), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Applies what has not been applied yet. Of several servers that start at once, one does it.
pub(crate) async fn apply(migrator: &Migrator, connection: &mut impl Migrate) -> Result<(), StoreError> {
    // Not `run`, whose generic argument keeps the future from being `Send`.
    migrator.run_direct(None, connection, false).await.map_err(in_words)
}

/// Puts the migration problems people meet into words.
fn in_words(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::unavailable(format!(
            "a newer Hearth has used it (migration {version}); install that version or restore a backup"
        )),
        MigrateError::Execute(error) => StoreError::from_engine(error),
        MigrateError::ExecuteMigration(error, version) => {
            let reason = StoreError::from_engine(error);
            StoreError::unavailable(format!("migration {version} did not work: {reason}"))
        }
        other => StoreError::unavailable(format!("cannot bring its tables up to date: {other}")),
    }
}
