//! Sealed disks.

use domain::{Rootfs, SnapshotId, Source, Timestamp, UserId, WorkspaceId};

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

/// A sealed, read-only state of a workspace's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Id.
    pub id: SnapshotId,
    /// Whose.
    pub owner: UserId,
    /// The workspace it was taken of, as long as there is one.
    pub workspace: Option<WorkspaceId>,
    /// What that workspace was called then.
    pub workspace_name: String,
    /// What that workspace was made from.
    pub source: Option<Source>,
    /// What its file system starts from.
    pub rootfs: Rootfs,
    /// Whether it holds the cloned repository.
    pub initialised: bool,
    /// When it was taken.
    pub created_at: Timestamp,
}

statements! { "snapshots", key "id";
    INSERT = "insert into snapshots \
              (id, owner, workspace, workspace_name, source, rootfs, initialised, created_at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8)";
    BY_ID = "select id, owner, workspace, workspace_name, source, rootfs, initialised, created_at \
             from snapshots where id = $1";
    OF_OWNER = "select id, owner, workspace, workspace_name, source, rootfs, initialised, created_at \
                from snapshots where owner = $1 order by id desc";
    DELETE = "delete from snapshots where id = $1";
}

impl Tx {
    /// Adds a snapshot.
    pub async fn insert_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let values = [
            snapshot.id.into(),
            snapshot.owner.into(),
            snapshot.workspace.into(),
            snapshot.workspace_name.as_str().into(),
            snapshot.source.as_ref().map(json).transpose()?.into(),
            snapshot.rootfs.to_string().into(),
            snapshot.initialised.into(),
            snapshot.created_at.into(),
        ];
        self.insert("snapshot", INSERT, values).await
    }

    /// The snapshot with this id.
    pub async fn snapshot(&mut self, id: SnapshotId) -> Result<Option<Snapshot>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(snapshot).transpose()
    }

    /// A person's snapshots, newest first.
    pub async fn snapshots_of(&mut self, owner: UserId) -> Result<Vec<Snapshot>, StoreError> {
        self.rows(OF_OWNER, [owner.into()]).await?.iter().map(snapshot).collect()
    }

    /// Forgets a snapshot; says whether there was one.
    pub async fn delete_snapshot(&mut self, id: SnapshotId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }
}

fn snapshot(row: &Row) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        id: row.parsed("id")?,
        owner: row.parsed("owner")?,
        workspace: row.optional_parsed("workspace")?,
        workspace_name: row.text("workspace_name")?,
        source: row.optional_json("source")?,
        rootfs: row.parsed("rootfs")?,
        initialised: row.flag("initialised")?,
        created_at: row.time("created_at")?,
    })
}
