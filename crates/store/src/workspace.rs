//! Workspaces: columns for what is searched for, one JSON document for the rest.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::{
    Limits, Phase, Rootfs, SnapshotId, Source, StepRecord, TeamId, Timestamp, UserId, Variable, Workspace,
    WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

statements! { "workspaces", key "id";
    INSERT = "insert into workspaces \
              (id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
    BY_ID = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team \
             from workspaces where id = $1";
    FOR_UPDATE = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team \
                  from workspaces where id = $1", postgres " for update";
    PAGE = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team \
            from workspaces where id < $1 order by id desc limit $2";
    PAGE_OF = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team \
               from workspaces where owner = $1 and id < $2 order by id desc limit $3";
    PAGE_OF_TEAM = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, details, team \
                    from workspaces where team = $1 and id < $2 order by id desc limit $3";
    PAGE_OF_TEAM_AND_OWNER = "select id, owner, name, phase, run, created_at, updated_at, last_activity_at, \
                              details, team from workspaces \
                              where team = $1 and owner = $4 and id < $2 order by id desc limit $3";
    SAVE = "update workspaces set name = $3, phase = $4, run = $5, updated_at = $6, \
            last_activity_at = $7, details = $8, owner = $2, team = $9 \
            where id = $1 and not exists \
            (select id from workspaces where owner = $2 and name = $3 and id <> $1)";
    TOUCH = "update workspaces set last_activity_at = $2 where id = $1 and last_activity_at < $2";
    DELETE = "delete from workspaces where id = $1";
    EVERY_PHASE = "select id, phase, details from workspaces order by id";
    OWNER_OF = "select id, owner from workspaces where id = $1";
    OWNERS = "select id, owner from workspaces";
    COUNT_OF_TEAM = "select count(*) as count from workspaces where team = $1";
    COUNT_OF = "select count(*) as count from workspaces where owner = $1";
}

/// Sorts behind every id: the page after it is the first.
const PAST_EVERY_ID: &str = "~";

impl Tx {
    /// Adds a workspace.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "workspace name" }` when its owner has another one of this name.
    pub async fn insert_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        debug_assert_eq!(workspace.broken_invariant(), None);
        let values = [
            workspace.id.into(),
            workspace.owner.into(),
            workspace.name.as_str().into(),
            workspace.phase.name().into(),
            workspace.run.into(),
            workspace.created_at.into(),
            workspace.updated_at.into(),
            workspace.last_activity_at.into(),
            json(&Details::of(workspace))?.into(),
            workspace.team.into(),
        ];
        self.insert("workspace name", INSERT, values).await
    }

    /// The workspace with this id.
    pub async fn workspace(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(workspace).transpose()
    }

    /// The workspace with this id, which nobody else can change before this transaction ends.
    pub async fn workspace_for_update(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.row(FOR_UPDATE, [id.into()]).await?.as_ref().map(workspace).transpose()
    }

    /// One page of workspaces, newest first: of one owner or of all, older than `after`.
    pub async fn workspaces(
        &mut self,
        owner: Option<UserId>,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Workspace>, StoreError> {
        let before = after.map_or_else(|| PAST_EVERY_ID.to_owned(), |id| id.to_string());
        let rows = match owner {
            Some(owner) => self.rows(PAGE_OF, [owner.into(), before.into(), limit.into()]).await?,
            None => self.rows(PAGE, [before.into(), limit.into()]).await?,
        };
        rows.iter().map(workspace).collect()
    }

    /// One page of a team's workspaces, newest first: of one owner or of all, older than `after`.
    pub async fn workspaces_of_team(
        &mut self,
        team: TeamId,
        owner: Option<UserId>,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<Workspace>, StoreError> {
        let before = after.map_or_else(|| PAST_EVERY_ID.to_owned(), |id| id.to_string());
        let rows = match owner {
            Some(owner) => {
                let values = [team.into(), before.into(), limit.into(), owner.into()];
                self.rows(PAGE_OF_TEAM_AND_OWNER, values).await?
            }
            None => self.rows(PAGE_OF_TEAM, [team.into(), before.into(), limit.into()]).await?,
        };
        rows.iter().map(workspace).collect()
    }

    /// How many workspaces a team has.
    pub async fn count_workspaces_of_team(&mut self, team: TeamId) -> Result<u64, StoreError> {
        self.count(COUNT_OF_TEAM, [team.into()]).await
    }

    /// Saves everything about a workspace.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "workspace name" }` when the owner has another one of this name, or when the
    /// workspace is gone.
    pub async fn save_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        debug_assert_eq!(workspace.broken_invariant(), None);
        let values = [
            workspace.id.into(),
            workspace.owner.into(),
            workspace.name.as_str().into(),
            workspace.phase.name().into(),
            workspace.run.into(),
            workspace.updated_at.into(),
            workspace.last_activity_at.into(),
            json(&Details::of(workspace))?.into(),
            workspace.team.into(),
        ];
        self.insert("workspace name", SAVE, values).await
    }

    /// Notes that somebody works in the workspace, without touching the rest of the record.
    pub async fn touch_workspace(&mut self, id: WorkspaceId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(TOUCH, [id.into(), now.into()]).await.map(drop)
    }

    /// Removes a workspace with its wanted effect, log and credential; says whether there was one.
    pub async fn delete_workspace(&mut self, id: WorkspaceId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }

    /// Every workspace and its phase, for comparing with what runs outside.
    pub async fn every_workspace(&mut self) -> Result<Vec<(WorkspaceId, Phase)>, StoreError> {
        let rows = self.rows(EVERY_PHASE, []).await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, phase(row)?))).collect()
    }

    /// Whose a workspace is, without reading the rest of it.
    pub async fn workspace_owner(&mut self, id: WorkspaceId) -> Result<Option<UserId>, StoreError> {
        self.row(OWNER_OF, [id.into()]).await?.map(|row| row.parsed("owner")).transpose()
    }

    /// Whose every workspace is, without reading the rest of them.
    pub async fn workspace_owners(&mut self) -> Result<HashMap<WorkspaceId, UserId>, StoreError> {
        let rows = self.rows(OWNERS, []).await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, row.parsed("owner")?))).collect()
    }

    /// How many workspaces a person has.
    pub async fn count_workspaces(&mut self, owner: UserId) -> Result<u64, StoreError> {
        self.count(COUNT_OF, [owner.into()]).await
    }
}

/// What nobody searches for. The phase is here with its data; its name is a column as well.
#[derive(Serialize, Deserialize)]
struct Details<'a> {
    phase: Cow<'a, Phase>,
    source: Cow<'a, Option<Source>>,
    rootfs: Cow<'a, Rootfs>,
    base: Option<SnapshotId>,
    limits: Limits,
    #[serde(default)]
    variables: Cow<'a, [Variable]>,
    steps: Cow<'a, [StepRecord]>,
    initialised: bool,
    notices: Cow<'a, [String]>,
}

impl<'a> Details<'a> {
    fn of(workspace: &'a Workspace) -> Self {
        Self {
            phase: Cow::Borrowed(&workspace.phase),
            source: Cow::Borrowed(&workspace.source),
            rootfs: Cow::Borrowed(&workspace.rootfs),
            base: workspace.base,
            limits: workspace.limits,
            variables: Cow::Borrowed(&workspace.variables),
            steps: Cow::Borrowed(&workspace.steps),
            initialised: workspace.initialised,
            notices: Cow::Borrowed(&workspace.notices),
        }
    }
}

fn workspace(row: &Row) -> Result<Workspace, StoreError> {
    let details: Details<'static> = row.json("details")?;
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.parsed("name")?,
        owner: row.parsed("owner")?,
        team: row.parsed("team")?,
        source: details.source.into_owned(),
        rootfs: details.rootfs.into_owned(),
        base: details.base,
        limits: details.limits,
        variables: details.variables.into_owned(),
        phase: phase(row)?,
        run: row.number("run")?,
        steps: details.steps.into_owned(),
        initialised: details.initialised,
        notices: details.notices.into_owned(),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        last_activity_at: row.time("last_activity_at")?,
    })
}

/// Reads the phase out of the document and checks it against the column.
fn phase(row: &Row) -> Result<Phase, StoreError> {
    #[derive(Deserialize)]
    struct OnlyPhase {
        phase: Phase,
    }
    let phase = row.json::<OnlyPhase>("details")?.phase;
    if phase.name() == row.text("phase")? { Ok(phase) } else { Err(row.corrupt("phase")) }
}
