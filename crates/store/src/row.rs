//! A row of either engine, and how its columns become values, or a named corruption.

use std::str::FromStr;

use domain::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Row as _, Type};
use vault::TokenHash;

use crate::error::StoreError;
use crate::statement::Statement;

/// One row that knows which table it is from.
pub(crate) struct Row {
    statement: Statement,
    columns: Columns,
}

pub(crate) enum Columns {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn new(statement: Statement, columns: Columns) -> Self {
        Self { statement, columns }
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(crate) fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    /// Reads a number that is never negative and fits `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        match self.integer(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let micros: Option<i64> = self.get(column)?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(|_| self.corrupt(column))
    }

    /// Reads text that has to be a domain value: an id, a name.
    pub(crate) fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn optional_parsed<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|_| self.corrupt(column))).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| self.corrupt(column))).transpose()
    }

    /// Reads an enum that serde writes as one word, such as `admin`.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let word = serde_json::Value::String(self.text(column)?);
        serde_json::from_value(word).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    pub(crate) fn token_hash(&self, column: &'static str) -> Result<TokenHash, StoreError> {
        let bytes = self.bytes(column)?;
        TokenHash::from_bytes(&bytes).ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        let key = self.statement.key;
        let row = self
            .try_get::<String>(key)
            .or_else(|_| self.try_get::<i64>(key).map(|number| number.to_string()))
            .unwrap_or_else(|_| "?".into());
        StoreError::Corrupt { table: self.statement.table, column, row }
    }

    fn get<T: Cell>(&self, column: &'static str) -> Result<T, StoreError> {
        self.try_get(column).map_err(|_| self.corrupt(column))
    }

    fn try_get<T: Cell>(&self, column: &'static str) -> Result<T, sqlx::Error> {
        match &self.columns {
            Columns::Sqlite(row) => row.try_get(column),
            Columns::Postgres(row) => row.try_get(column),
        }
    }
}

/// What both engines can decode.
trait Cell:
    for<'r> Decode<'r, sqlx::Sqlite>
    + Type<sqlx::Sqlite>
    + for<'r> Decode<'r, sqlx::Postgres>
    + Type<sqlx::Postgres>
where
    &'static str: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
{
}

impl<T> Cell for T where
    T: for<'r> Decode<'r, sqlx::Sqlite>
        + Type<sqlx::Sqlite>
        + for<'r> Decode<'r, sqlx::Postgres>
        + Type<sqlx::Postgres>
{
}

/// Writes an enum as the one word serde gives it.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Writes a value as JSON. The types stored here (structs with text keys) always can be.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::unavailable(format!("cannot write a value as JSON: {error}")))
}
