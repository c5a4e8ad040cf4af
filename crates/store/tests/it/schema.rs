//! Tables, migrations and statements of both engines.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use store::Store;

use crate::database::Database;
use crate::fixture::saved_user;

pub(crate) async fn every_statement_fits_the_tables(database: Database) {
    let store = database.open().await;

    let count = store.check_statements().await.unwrap();

    assert!(count > 60, "only {count} statements are listed");
}

pub(crate) async fn a_database_of_a_newer_version_is_refused(database: Database) {
    database.open().await.close().await;
    database.execute("update _sqlx_migrations set version = 999912312359 where version = 202611201000").await;

    let error = Store::open(database.url()).await.unwrap_err();

    assert!(error.to_string().contains("a newer Hearth has used it"), "{error}");
}

pub(crate) async fn opening_twice_changes_nothing(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    let second = database.open().await;

    assert!(second.read().await.unwrap().user(ada).await.unwrap().is_some());
}

#[test]
fn both_folders_hold_migrations_of_the_same_names() {
    let names = |dialect: &str| -> BTreeSet<_> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };

    assert_eq!(names("sqlite"), names("postgres"));
}

#[tokio::test]
async fn every_migration_file_is_applied() {
    let database = Database::sqlite();
    database.open().await;

    let applied =
        database.texts("select version || '_' || description || '.sql' from _sqlx_migrations").await;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(applied.len(), files, "{applied:?}");
}

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    let Some(server) = testkit::postgres().await else { return };
    let sqlite = Database::sqlite();
    let postgres = Database::Postgres { url: server.database().await };
    sqlite.open().await;
    postgres.open().await;

    let in_sqlite = sqlite
        .texts(
            "select m.name || '.' || p.name || ' ' || lower(p.type) || ' ' || p.\"notnull\" \
             from sqlite_master m join pragma_table_info(m.name) p \
             where m.type = 'table' and m.name not like 'sqlite%' and m.name not like '\\_%' escape '\\' \
             union all select 'index ' || name from sqlite_master where type = 'index' and sql is not null",
        )
        .await;
    let in_postgres = postgres
        .texts(
            "select table_name || '.' || column_name || ' ' || \
             case data_type when 'bigint' then 'integer' when 'bytea' then 'blob' else data_type end || ' ' || \
             case is_nullable when 'NO' then 1 else 0 end \
             from information_schema.columns \
             where table_schema = 'public' and table_name not like '\\_%' \
             union all select 'index ' || indexname from pg_indexes where schemaname = 'public' \
             and not exists (select from pg_constraint where conname = indexname)",
        )
        .await;

    let (in_sqlite, in_postgres): (BTreeSet<_>, BTreeSet<_>) =
        (in_sqlite.into_iter().collect(), in_postgres.into_iter().collect());
    let different: Vec<_> = in_sqlite.symmetric_difference(&in_postgres).collect();
    assert_eq!(different, Vec::<&String>::new());
    assert!(in_sqlite.len() > 60);
}

#[tokio::test]
async fn a_database_file_is_readable_by_its_owner_only() {
    let database = Database::sqlite();
    let store = database.open().await;
    saved_user(&store, "ada").await;

    let Database::Sqlite { folder, .. } = &database else { unreachable!() };
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn a_url_that_names_no_database_is_refused_in_words() {
    let nowhere = "sqlite:/nonexistent/folder/hearth.db";
    for (url, words) in [
        ("mysql://root:hunter2@db/hearth", "starts neither with `sqlite:` nor with `postgres:`"),
        ("hearth.db", "starts neither with `sqlite:` nor with `postgres:`"),
        ("sqlite::memory:", "name a file"),
        (nowhere, "cannot open the file `/nonexistent/folder/hearth.db`"),
    ] {
        let error = Store::open(url).await.unwrap_err().to_string();
        assert!(error.contains(words), "{url}: {error}");
        assert!(!error.contains("hunter2"));
    }
}
