//! Rows that this program did not write.

use domain::{Effect, SessionId};
use store::{ApiToken, AuditEntry, Session, Snapshot, Store, StoreError};
use vault::TokenHash;

use crate::database::Database;
use crate::fixture::{ENTROPY, a_user, a_workspace, line, t, t0};

/// What is done to a row, and the table and column that must be named for it.
const DAMAGE: &[(&str, &str, &str)] = &[
    ("update users set name = 'two words'", "users", "name"),
    ("update users set role = 'king'", "users", "role"),
    ("update users set created_at = 9223372036854775807", "users", "created_at"),
    ("update users set suspended_at = 9223372036854775807", "users", "suspended_at"),
    ("update sessions set hash = user_agent_bytes", "sessions", "hash"),
    ("update sessions set expires_at = -9223372036854775807", "sessions", "expires_at"),
    ("update api_tokens set scopes = '[\"everything\"]'", "api_tokens", "scopes"),
    ("update api_tokens set last_used_at = 9223372036854775807", "api_tokens", "last_used_at"),
    ("update workspaces set name = 'NOT A LABEL'", "workspaces", "name"),
    ("update workspaces set phase = 'running'", "workspaces", "phase"),
    ("update workspaces set run = -1", "workspaces", "run"),
    ("update workspaces set details = '{'", "workspaces", "details"),
    ("update workspaces set details = '{}'", "workspaces", "details"),
    ("update sessions set sign_in = 'nobody'", "sessions", "sign_in"),
    ("update effects set effect = 'explode'", "effects", "effect"),
    ("update effects set generation = -5", "effects", "generation"),
    ("update jobs set payload = 'not json'", "jobs", "payload"),
    ("update snapshots set rootfs = 'Not An Image!'", "snapshots", "rootfs"),
    ("update snapshots set initialised = 7", "snapshots", "initialised"),
    ("update snapshots set source = '{\"repository\":\"nowhere\"}'", "snapshots", "source"),
    ("update audit set caller = 'somebody'", "audit", "caller"),
    ("update agent_credentials set hash = user_agent_bytes", "agent_credentials", "hash"),
    ("update log_chunks set lines = '[]'", "log_chunks", "lines"),
    ("update log_chunks set lines = '[{\"t\":9223372036854775807,\"x\":\"\"}]'", "log_chunks", "lines"),
];

/// Three bytes, in the words of each engine.
fn in_dialect(database: &Database, sql: &str) -> String {
    let bytes = match database {
        Database::Sqlite { .. } => "x'010203'",
        Database::Postgres { .. } => "'\\x010203'::bytea",
    };
    sql.replace("user_agent_bytes", bytes)
}

pub(crate) async fn a_corrupt_row_is_named(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    let (user, hash) = (a_user("ada"), TokenHash::of("secret"));
    tx.insert_user(&user, None).await.unwrap();
    let workspace = a_workspace(user.id, "one");
    tx.insert_workspace(&workspace).await.unwrap();
    let session_id = SessionId::generate(t0(), &*ENTROPY);
    let session = Session {
        id: session_id,
        user: user.id,
        hash,
        user_agent: String::new(),
        created_at: t0(),
        last_seen_at: t0(),
        expires_at: t0(),
        forge: None,
        sign_in: session_id,
    };
    tx.insert_session(&session).await.unwrap();
    let token = ApiToken {
        id: domain::TokenId::generate(t0(), &*ENTROPY),
        user: user.id,
        name: String::new(),
        hash,
        scopes: [].into(),
        created_at: t0(),
        expires_at: None,
        last_used_at: None,
    };
    tx.insert_token(&token).await.unwrap();
    let snapshot = Snapshot {
        id: domain::SnapshotId::generate(t0(), &*ENTROPY),
        owner: user.id,
        workspace: None,
        workspace_name: "one".into(),
        source: None,
        rootfs: domain::Rootfs::Host,
        initialised: true,
        created_at: t0(),
    };
    tx.insert_snapshot(&snapshot).await.unwrap();
    tx.put_effect(workspace.id, Effect::Create, t0()).await.unwrap();
    tx.enqueue_job("kind", None, &serde_json::json!(1), t0()).await.unwrap();
    tx.set_agent_credential(workspace.id, &hash).await.unwrap();
    tx.append_log(workspace.id, 1, &[line("one")]).await.unwrap();
    let entry = AuditEntry {
        at: t0(),
        caller: None,
        action: String::new(),
        subject: String::new(),
        detail: String::new(),
    };
    tx.append_audit(&entry).await.unwrap();
    tx.commit().await.unwrap();
    let names = [
        ("users", user.id.to_string()),
        ("sessions", session.id.to_string()),
        ("api_tokens", token.id.to_string()),
        ("workspaces", workspace.id.to_string()),
        ("effects", workspace.id.to_string()),
        ("agent_credentials", workspace.id.to_string()),
        ("snapshots", snapshot.id.to_string()),
        ("jobs", "1".into()),
        ("audit", "1".into()),
        ("log_chunks", "1".into()),
    ];

    for (damage, table, column) in DAMAGE {
        let backup = format!("create table backup as select * from {table}");
        database.execute(&backup).await;
        database.execute(&in_dialect(&database, damage)).await;

        let error = read_everything(&store, &user.name, &workspace, hash, table).await.unwrap_err();

        let name = names.iter().find(|(of, _)| of == table).map(|(_, name)| name.clone()).unwrap();
        assert!(
            matches!(&error, StoreError::Corrupt { table: t, column: c, row }
                if t == table && c == column && *row == name),
            "{damage}: {error:?}"
        );
        restore(&database, table).await;
    }
}

/// Undoes the damage; the key is in every table's first column or two, so whole rows are put back.
async fn restore(database: &Database, table: &str) {
    let columns = match database {
        Database::Sqlite { .. } => database.texts("select name from pragma_table_info('backup')").await,
        Database::Postgres { .. } => {
            let sql = "select column_name::text from information_schema.columns where table_name = 'backup'";
            database.texts(sql).await
        }
    };
    let sets: Vec<_> = columns
        .iter()
        .filter(|column| *column != "id")
        .map(|column| format!("{column} = (select {column} from backup)"))
        .collect();
    database.execute(&format!("update {table} set {}; drop table backup", sets.join(", "))).await;
}

async fn read_everything(
    store: &Store,
    user: &domain::UserName,
    workspace: &domain::Workspace,
    hash: TokenHash,
    table: &str,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    match table {
        "users" => tx.users().await.map(drop),
        "sessions" => {
            tx.session_by_hash(&hash).await.map(drop).and(tx.sessions_of(workspace.owner).await.map(drop))
        }
        "api_tokens" => tx.tokens_of(workspace.owner).await.map(drop),
        "workspaces" => tx.workspaces(None, None, 9).await.map(drop),
        "effects" => tx.claim_effects(t(1), t(2), "a", 9).await.map(drop),
        "jobs" => tx.claim_jobs(t(1), t(2), "a", 9).await.map(drop),
        "snapshots" => tx.snapshots_of(workspace.owner).await.map(drop),
        "audit" => tx.audit(None, 9).await.map(drop),
        "agent_credentials" => tx.agent_credential(workspace.id).await.map(drop),
        "log_chunks" => tx.log(workspace.id, None, 0, 9).await.map(drop),
        other => panic!("`{other}` is not read by this test, nor {user}"),
    }
}
