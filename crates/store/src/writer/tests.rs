//! Group commit, counted and not timed, and what a failing disk does to a group.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use testkit::wait_until;
use tokio::task::JoinHandle;

use super::{Lent, WriteCounts};
use crate::error::StoreError;
use crate::nudge::Nudges;
use crate::sqlite::Sqlite;

const LIMIT: Duration = Duration::from_secs(10);

struct File {
    sqlite: Sqlite,
    nudges: Nudges,
    folder: TempDir,
}

async fn file_with(change: fn(SqliteConnectOptions) -> SqliteConnectOptions) -> File {
    let folder = TempDir::with_prefix("hearth-writer-").unwrap();
    let url = format!("sqlite:{}/hearth.db", folder.path().display());
    let options = SqliteConnectOptions::from_str(&url).unwrap().create_if_missing(true);
    let nudges = Nudges::new();
    let sqlite = Sqlite::open_with(change(options), nudges.clone()).await.unwrap();
    File { sqlite, nudges, folder }
}

async fn file() -> File {
    file_with(|options| options).await
}

impl File {
    async fn begin(&self) -> Lent {
        self.sqlite.writer.begin().await.unwrap()
    }

    /// Sets `key` in a transaction of its own.
    async fn set(&self, key: &str) {
        let mut lent = self.begin().await;
        set(&mut lent, key).await.unwrap();
        lent.commit(vec![]).await.unwrap();
    }

    /// Queues a transaction that sets `key` and commits, behind one that is under way.
    async fn queue(&self, key: &'static str) -> JoinHandle<Result<(), StoreError>> {
        let (writer, waiting) = (self.sqlite.writer.clone(), self.counts().waiting);
        let task = tokio::spawn(async move {
            let mut lent = writer.begin().await?;
            set(&mut lent, key).await.map_err(StoreError::from_engine)?;
            lent.commit(vec![key.into()]).await
        });
        wait_until(LIMIT, async || self.counts().waiting > waiting).await;
        task
    }

    fn counts(&self) -> WriteCounts {
        self.sqlite.writer.counts()
    }

    async fn keys(&self) -> Vec<String> {
        let keys = sqlx::query_scalar("select key from settings order by key");
        keys.fetch_all(&self.sqlite.readers).await.unwrap()
    }
}

async fn set(lent: &mut Lent, key: &str) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("insert into settings (key, value) values ($1, '')").bind(key.to_owned());
    insert.execute(lent.connection().unwrap()).await.map(drop)
}

/// Makes the commit of the whole group impossible: a reference to nobody, checked only then.
async fn spoil_the_commit(lent: &mut Lent) {
    let sql = "pragma defer_foreign_keys = on; \
               insert into agent_credentials (workspace, hash) values ('nobody', x'00')";
    sqlx::raw_sql(sql).execute(lent.connection().unwrap()).await.unwrap();
}

#[tokio::test]
async fn transactions_that_queue_up_share_one_commit() {
    let file = file().await;
    let mut first = file.begin().await;
    set(&mut first, "a").await.unwrap();
    let queued = [file.queue("b").await, file.queue("c").await, file.queue("d").await];

    first.commit(vec![]).await.unwrap();
    for task in queued {
        task.await.unwrap().unwrap();
    }

    assert_eq!(file.counts(), WriteCounts { transactions: 4, commits: 1, waiting: 0 });
    assert_eq!(file.keys().await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn transactions_one_after_the_other_commit_one_by_one() {
    let file = file().await;

    for key in ["a", "b", "c"] {
        file.set(key).await;
        assert!(file.keys().await.contains(&key.to_owned()), "committed means readable");
    }

    assert_eq!(file.counts(), WriteCounts { transactions: 3, commits: 3, waiting: 0 });
}

#[tokio::test]
async fn a_dropped_member_undoes_only_itself() {
    let file = file().await;
    let mut first = file.begin().await;
    set(&mut first, "a").await.unwrap();
    let writer = file.sqlite.writer.clone();
    let dropped = tokio::spawn(async move {
        let mut lent = writer.begin().await.unwrap();
        set(&mut lent, "b").await.unwrap();
    });
    wait_until(LIMIT, async || file.counts().waiting == 1).await;
    let third = file.queue("c").await;

    first.commit(vec![]).await.unwrap();
    dropped.await.unwrap();
    third.await.unwrap().unwrap();

    assert_eq!(file.keys().await, ["a", "c"]);
    // One commit or two: on a busy machine the group's time may be over before the third has its turn.
    let counts = file.counts();
    assert_eq!((counts.transactions, counts.waiting), (2, 0));
}

#[tokio::test]
async fn a_member_is_told_only_when_the_whole_group_is_durable() {
    let file = file().await;
    let mut nudges = file.nudges.subscribe();
    let mut first = file.begin().await;
    set(&mut first, "a").await.unwrap();
    let writer = file.sqlite.writer.clone();
    let (go, gate) = tokio::sync::oneshot::channel::<()>();
    let second = tokio::spawn(async move {
        let lent = writer.begin().await.unwrap();
        gate.await.unwrap();
        lent.commit(vec![]).await
    });
    wait_until(LIMIT, async || file.counts().waiting == 1).await;

    let commit = tokio::spawn(first.commit(vec!["a".into()]));
    wait_until(LIMIT, async || file.counts().waiting == 0).await;
    assert!(!commit.is_finished());
    assert!(nudges.try_recv().is_err());
    assert_eq!(file.keys().await, [""; 0]);
    go.send(()).unwrap();

    commit.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(&*nudges.try_recv().unwrap(), "a");
    assert_eq!(file.keys().await, ["a"]);
}

#[tokio::test]
async fn a_failed_commit_fails_every_member_and_the_next_group_works() {
    let file = file().await;
    let mut nudges = file.nudges.subscribe();
    let mut first = file.begin().await;
    spoil_the_commit(&mut first).await;
    let queued = [file.queue("b").await, file.queue("c").await];

    assert!(first.commit(vec![]).await.is_err());
    for task in queued {
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(file.keys().await, [""; 0]);
    assert!(nudges.try_recv().is_err());

    file.set("d").await;
    assert_eq!(file.keys().await, ["d"]);
    assert_eq!(file.counts(), WriteCounts { transactions: 1, commits: 1, waiting: 0 });
}

#[tokio::test]
async fn a_request_that_went_away_in_the_queue_is_passed_over() {
    let file = file().await;
    let first = file.begin().await;
    let gone = file.queue("gone").await;
    let last = file.queue("last").await;

    gone.abort();
    drop(gone.await);
    drop(first);

    last.await.unwrap().unwrap();
    assert_eq!(file.keys().await, ["last"]);
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_undoes_the_group_truthfully() {
    // The schema takes some hundred pages; this leaves room for a few more.
    let file = file_with(|options| options.pragma("max_page_count", "200")).await;
    let mut first = file.begin().await;
    set(&mut first, "kept").await.unwrap();
    let writer = file.sqlite.writer.clone();
    let greedy = tokio::spawn(async move {
        let mut tx = crate::Tx::sqlite_write(writer.begin().await?);
        tx.set_setting("large", &"x".repeat(1_000_000)).await?;
        tx.commit().await
    });
    wait_until(LIMIT, async || file.counts().waiting == 1).await;

    let first = first.commit(vec![]).await;
    let error = greedy.await.unwrap().unwrap_err();

    assert!(matches!(error, StoreError::Unavailable { .. }));
    assert!(error.to_string().contains("the disk that holds the database is full"), "{error}");
    assert!(error.is_disk_full());
    assert_eq!(file.keys().await, if first.is_ok() { vec!["kept"] } else { vec![] });
    file.set("after").await;
    assert!(file.keys().await.contains(&"after".to_owned()));
    assert!(file.folder.path().exists());
}
