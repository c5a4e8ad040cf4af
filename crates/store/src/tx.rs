//! One transaction on either engine. Queries are methods in the files of their tables.

use std::sync::Arc;

use sqlx::{Postgres, Sqlite, Transaction};

use crate::error::StoreError;
use crate::nudge::Topic;
use crate::postgres::PostgresTx;
use crate::row::{Columns, Row};
use crate::statement::Statement;
use crate::value::Value;
use crate::writer::Lent;

/// A transaction. Dropping it, also by cancelling the future that holds it, undoes it.
///
/// After [`StoreError::Conflict`] from an `insert_…` or `save_…` the transaction is as before and can
/// go on, except that PostgreSQL may need a new one when two servers raced; then every later call
/// says so. After any other error it can only be dropped.
///
/// SQLite has one writer, and transactions share a flush to disk: do not wait for anything but the
/// store itself while holding one that writes.
pub struct Tx {
    connection: Connection,
    nudges: Vec<Topic>,
    /// The first error of the engine. Engines disagree on what a transaction may do after one.
    broken: Option<StoreError>,
    /// A statement was begun and has not answered; it stays so when its future was dropped half-way.
    unanswered: bool,
}

enum Connection {
    SqliteWrite(Lent),
    SqliteRead(Transaction<'static, Sqlite>),
    Postgres(PostgresTx),
    PostgresRead(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes everything done in this transaction lasting; returns once it would survive a power cut.
    ///
    /// Once called it runs to its end, even when its future is dropped. On a transaction from
    /// [`crate::Store::read`] it does nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`]: nothing was kept, or (only when the connection to PostgreSQL broke at
    /// the very end) it is not known whether it was.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.usable()?;
        match self.connection {
            Connection::SqliteWrite(lent) => lent.commit(self.nudges).await,
            Connection::Postgres(tx) => tx.commit(self.nudges).await,
            Connection::SqliteRead(_) | Connection::PostgresRead(_) => Ok(()),
        }
    }

    /// Wakes whoever listens to [`crate::Store::nudges`], after the commit.
    pub fn nudge(&mut self, topic: impl Into<Arc<str>>) {
        let topic = topic.into();
        if !self.nudges.contains(&topic) {
            self.nudges.push(topic);
        }
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute<const N: usize>(
        &mut self,
        statement: Statement,
        values: [Value; N],
    ) -> Result<u64, StoreError> {
        self.usable()?;
        self.unanswered = true;
        let result = match &mut self.connection {
            Connection::SqliteWrite(lent) => {
                let query = sqlite_query(statement, values);
                query.execute(lent.connection()?).await.map(|done| done.rows_affected())
            }
            Connection::SqliteRead(tx) => {
                sqlite_query(statement, values).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Connection::Postgres(PostgresTx { tx, .. }) | Connection::PostgresRead(tx) => {
                postgres_query(statement, values).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        };
        self.unanswered = false;
        result.map_err(|error| self.broke(error))
    }

    /// Runs a statement and collects its rows.
    pub(crate) async fn rows<const N: usize>(
        &mut self,
        statement: Statement,
        values: [Value; N],
    ) -> Result<Vec<Row>, StoreError> {
        self.usable()?;
        self.unanswered = true;
        let sqlite = |rows: Vec<_>| rows.into_iter().map(Columns::Sqlite).collect::<Vec<_>>();
        let postgres = |rows: Vec<_>| rows.into_iter().map(Columns::Postgres).collect::<Vec<_>>();
        let result = match &mut self.connection {
            Connection::SqliteWrite(lent) => {
                sqlite_query(statement, values).fetch_all(lent.connection()?).await.map(sqlite)
            }
            Connection::SqliteRead(tx) => {
                sqlite_query(statement, values).fetch_all(&mut **tx).await.map(sqlite)
            }
            Connection::Postgres(PostgresTx { tx, .. }) | Connection::PostgresRead(tx) => {
                postgres_query(statement, values).fetch_all(&mut **tx).await.map(postgres)
            }
        };
        self.unanswered = false;
        let rows = result.map_err(|error| self.broke(error))?;
        Ok(rows.into_iter().map(|columns| Row::new(statement, columns)).collect())
    }

    /// Runs a statement that gives at most one row.
    pub(crate) async fn row<const N: usize>(
        &mut self,
        statement: Statement,
        values: [Value; N],
    ) -> Result<Option<Row>, StoreError> {
        // All rows are fetched, so that SQLite finishes the statement before the next one starts.
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Runs an insert that does nothing when `what` is taken.
    pub(crate) async fn insert<const N: usize>(
        &mut self,
        what: &'static str,
        statement: Statement,
        values: [Value; N],
    ) -> Result<(), StoreError> {
        match self.execute(statement, values).await? {
            0 => Err(StoreError::Conflict { what }),
            _ => Ok(()),
        }
    }

    /// Runs a statement that gives one number called `count`.
    pub(crate) async fn count<const N: usize>(
        &mut self,
        statement: Statement,
        values: [Value; N],
    ) -> Result<u64, StoreError> {
        self.row(statement, values).await?.map_or(Ok(0), |row| row.number("count"))
    }

    /// Asks the engine to understand a statement without running it.
    pub(crate) async fn prepare(&mut self, statement: Statement) -> Result<(), StoreError> {
        use sqlx::{Executor, SqlSafeStr};

        let (sqlite, postgres) = (statement.sqlite.into_sql_str(), statement.postgres.into_sql_str());
        let result = match &mut self.connection {
            Connection::SqliteWrite(lent) => lent.connection()?.prepare(sqlite).await.map(drop),
            Connection::SqliteRead(tx) => (**tx).prepare(sqlite).await.map(drop),
            Connection::Postgres(PostgresTx { tx, .. }) | Connection::PostgresRead(tx) => {
                (**tx).prepare(postgres).await.map(drop)
            }
        };
        result.map_err(|error| self.broke(error))
    }

    pub(crate) fn sqlite_write(lent: Lent) -> Self {
        Self::on(Connection::SqliteWrite(lent))
    }

    pub(crate) fn sqlite_read(tx: Transaction<'static, Sqlite>) -> Self {
        Self::on(Connection::SqliteRead(tx))
    }

    pub(crate) fn postgres_write(tx: PostgresTx) -> Self {
        Self::on(Connection::Postgres(tx))
    }

    pub(crate) fn postgres_read(tx: Transaction<'static, Postgres>) -> Self {
        Self::on(Connection::PostgresRead(tx))
    }

    fn on(connection: Connection) -> Self {
        Self { connection, nudges: Vec::new(), broken: None, unanswered: false }
    }

    fn usable(&self) -> Result<(), StoreError> {
        if self.unanswered {
            let why = "a statement of this transaction was interrupted; it can only be dropped";
            return Err(StoreError::unavailable(why));
        }
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn broke(&mut self, error: sqlx::Error) -> StoreError {
        let error = StoreError::from_engine(error);
        self.broken = Some(error.clone());
        if let Connection::SqliteWrite(lent) = &mut self.connection {
            lent.blame(error.clone());
        }
        error
    }
}

fn sqlite_query<const N: usize>(
    statement: Statement,
    values: [Value; N],
) -> sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments> {
    values.into_iter().fold(sqlx::query(statement.sqlite), |query, value| value.bind_sqlite(query))
}

fn postgres_query<const N: usize>(
    statement: Statement,
    values: [Value; N],
) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
    values.into_iter().fold(sqlx::query(statement.postgres), |query, value| value.bind_postgres(query))
}
