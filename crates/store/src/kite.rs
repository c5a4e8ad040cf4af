//! The kites that are registered, on whichever server.

use domain::{KiteVia, TeamId, Timestamp, UserId, WorkspaceId};

use crate::error::StoreError;
use crate::row::{Row, word};
use crate::statement::statements;
use crate::tx::Tx;

/// A registered kite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteRow {
    /// The kite's id; an agent's is its workspace's.
    pub id: String,
    /// Whose.
    pub owner: UserId,
    /// The workspace whose agent it is, if it is one.
    pub workspace: Option<WorkspaceId>,
    /// The workspace's team, or the one that a service's key was made for.
    pub team: Option<TeamId>,
    /// What it was registered with: a family of kite keys, or an API token. Agents have none.
    pub credential: Option<String>,
    /// Field of the kite: its owner's name.
    pub username: String,
    /// Field of the kite.
    pub environment: String,
    /// Field of the kite.
    pub name: String,
    /// Field of the kite.
    pub version: String,
    /// Field of the kite.
    pub region: String,
    /// Field of the kite.
    pub hostname: String,
    /// Where callers reach it.
    pub url: String,
    /// What keeps it registered.
    pub via: KiteVia,
    /// The registry's pair that was signing when it registered.
    pub signed_by: String,
    /// The server it is connected to.
    pub server: String,
    /// Tells this registration from others of the same id, so that the end of an older one does not remove it.
    pub generation: u64,
    /// Since when.
    pub registered_at: Timestamp,
    /// When it was last heard of; a minute stale.
    pub seen_at: Timestamp,
}

/// What became of a registration that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KitePut {
    /// It is kept.
    Kept,
    /// The id is somebody else's.
    Taken,
    /// Its owner, workspace or team is gone.
    Gone,
}

statements! { "kites", key "id";
    // Never over somebody else's, unless it is the same workspace's. Nothing where what it belongs to is
    // gone; the casts are what PostgreSQL needs in a `select`.
    PUT = "insert into kites (id, owner, workspace, team, credential, username, environment, name, version, \
           region, hostname, url, via, signed_by, server, generation, registered_at, seen_at) \
           select $1, u.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, cast($16 as bigint), \
           cast($17 as bigint), cast($18 as bigint) from users u where u.id = $2 \
           and (cast($3 as text) is null or exists (select id from workspaces where id = $3)) \
           and (cast($4 as text) is null or exists (select id from teams where id = $4)) \
           on conflict (id) do update set owner = excluded.owner, workspace = excluded.workspace, team = excluded.team, \
           credential = excluded.credential, username = excluded.username, environment = excluded.environment, \
           name = excluded.name, version = excluded.version, region = excluded.region, \
           hostname = excluded.hostname, url = excluded.url, via = excluded.via, signed_by = excluded.signed_by, \
           server = excluded.server, generation = excluded.generation, registered_at = excluded.registered_at, \
           seen_at = excluded.seen_at \
           where kites.owner = excluded.owner or kites.workspace = excluded.workspace";
    OWNER_OF = "select id, owner from kites where id = $1";
    ALL = "select id, owner, workspace, team, credential, username, environment, name, version, region, \
           hostname, url, via, signed_by, server, generation, registered_at, seen_at from kites order by id";
    TOUCH = "update kites set seen_at = $3 where id = $1 and generation = $2 and seen_at < $3";
    DELETE = "delete from kites where id = $1 and generation = $2";
    COUNT_WITH = "select credential as id, count(*) as count from kites where owner = $1 \
                  and credential is not null group by credential";
}

impl Tx {
    /// Keeps a registration, instead of an earlier one of the same owner or workspace.
    pub async fn put_kite(&mut self, kite: &KiteRow) -> Result<KitePut, StoreError> {
        let values = [
            kite.id.as_str().into(),
            kite.owner.into(),
            kite.workspace.into(),
            kite.team.into(),
            kite.credential.as_deref().into(),
            kite.username.as_str().into(),
            kite.environment.as_str().into(),
            kite.name.as_str().into(),
            kite.version.as_str().into(),
            kite.region.as_str().into(),
            kite.hostname.as_str().into(),
            kite.url.as_str().into(),
            word(&kite.via).into(),
            kite.signed_by.as_str().into(),
            kite.server.as_str().into(),
            kite.generation.into(),
            kite.registered_at.into(),
            kite.seen_at.into(),
        ];
        if self.execute(PUT, values).await? > 0 {
            return Ok(KitePut::Kept);
        }
        let owner: Option<UserId> = match self.row(OWNER_OF, [kite.id.as_str().into()]).await? {
            Some(row) => Some(row.parsed("owner")?),
            None => None,
        };
        let is_taken = owner.is_some_and(|owner| owner != kite.owner);
        Ok(if is_taken { KitePut::Taken } else { KitePut::Gone })
    }

    /// Every registration, on whichever server.
    pub async fn kites(&mut self) -> Result<Vec<KiteRow>, StoreError> {
        self.rows(ALL, []).await?.iter().map(kite).collect()
    }

    /// Notes that a registration was heard of; not of one that has been replaced.
    pub async fn touch_kite(&mut self, id: &str, generation: u64, now: Timestamp) -> Result<(), StoreError> {
        self.execute(TOUCH, [id.into(), generation.into(), now.into()]).await.map(drop)
    }

    /// Removes a registration; `false`, and no change, when a newer one has taken its place.
    pub async fn delete_kite(&mut self, id: &str, generation: u64) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into(), generation.into()]).await? > 0)
    }

    /// How many kites of an owner are registered with which credential.
    pub async fn count_kites_by_credential(
        &mut self,
        owner: UserId,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.rows(COUNT_WITH, [owner.into()]).await?;
        rows.iter().map(|row| Ok((row.text("id")?, row.number("count")?))).collect()
    }
}

fn kite(row: &Row) -> Result<KiteRow, StoreError> {
    Ok(KiteRow {
        id: row.text("id")?,
        owner: row.parsed("owner")?,
        workspace: row.optional_parsed("workspace")?,
        team: row.optional_parsed("team")?,
        credential: row.optional_text("credential")?,
        username: row.text("username")?,
        environment: row.text("environment")?,
        name: row.text("name")?,
        version: row.text("version")?,
        region: row.text("region")?,
        hostname: row.text("hostname")?,
        url: row.text("url")?,
        via: row.word("via")?,
        signed_by: row.text("signed_by")?,
        server: row.text("server")?,
        generation: row.number("generation")?,
        registered_at: row.time("registered_at")?,
        seen_at: row.time("seen_at")?,
    })
}
