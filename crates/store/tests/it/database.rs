//! A fresh database on either engine.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::Store;
use tempfile::TempDir;

/// A database nobody else uses.
pub(crate) enum Database {
    Sqlite { url: String, folder: TempDir },
    Postgres { url: String },
}

impl Database {
    /// A SQLite file in a temporary folder.
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::with_prefix("hearth-store-").unwrap();
        Self::Sqlite { url: format!("sqlite:{}/hearth.db", folder.path().display()), folder }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite { url, .. } | Self::Postgres { url } => url,
        }
    }

    /// Opens it as the product does.
    pub(crate) async fn open(&self) -> Store {
        Store::open(self.url()).await.unwrap()
    }

    /// Runs SQL that the product would not, past it.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The rows of a query whose columns are all text, past the product.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Self::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }
}
