//! A new workspace: parse what is wished, record it, and let the reconcilers make it.

use domain::{
    Caller, Effect, Limits, Phase, Rootfs, Scope, SnapshotId, Source, StepRecord, TeamDefaults, TeamId,
    Timestamp, UserId, Variable, Workspace, WorkspaceId, WorkspaceName,
};
use store::Tx;

use super::name::{Naming, insert_named, parse_name};
use super::{EFFECT_TOPIC, announce};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// What a person wants a workspace to be. Texts as they came in; they are parsed here.
#[derive(Debug, Clone, Default)]
pub struct NewWorkspace {
    /// Address of any page of a forge, or of a repository; an empty workspace without.
    pub url: Option<String>,
    /// Branch, tag or commit, in place of what the address names.
    pub reference: Option<String>,
    /// Name; made from the repository's where absent.
    pub name: Option<String>,
    /// `host` or an image reference.
    pub rootfs: Option<String>,
    /// What it may use; what is absent is the server's default.
    pub limits: LimitsWanted,
    /// A snapshot to stand on; repository and root file system are then the snapshot's.
    pub snapshot: Option<SnapshotId>,
    /// The team it is for, by id or address; the caller's default team where absent.
    pub team: Option<String>,
    /// Names of the address's variables that the person has confirmed.
    pub confirmed_variables: Vec<String>,
}

/// Wished limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitsWanted {
    /// Processor time in thousandths of one core.
    pub cpu_millis: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads at the same time.
    pub pids: Option<u32>,
}

/// What a workspace is made of, wherever that came from.
pub(super) struct Making {
    pub(super) owner: UserId,
    pub(super) team: TeamId,
    pub(super) source: Option<Source>,
    pub(super) rootfs: Rootfs,
    pub(super) base: Option<SnapshotId>,
    pub(super) initialised: bool,
    pub(super) limits: Limits,
    pub(super) variables: Vec<Variable>,
    pub(super) notices: Vec<String>,
    pub(super) naming: Naming,
}

impl Control {
    /// Makes a workspace. It is answered in `queued`; the reconcilers do the rest.
    ///
    /// # Errors
    ///
    /// `invalid` names the field; 409 `name_taken` when a chosen name is taken, `too_many_workspaces`; and those
    /// of [`Control::resolve_context`] where the address is a page of a forge.
    pub async fn create_workspace(&self, caller: &Caller, wish: NewWorkspace) -> Result<Workspace, Error> {
        caller.scope(Scope::WorkspacesWrite)?;
        let chosen =
            wish.name.as_deref().filter(|name| !name.trim().is_empty()).map(parse_name).transpose()?;
        let team = self.team_for(caller, wish.team.as_deref()).await?;
        let limits = self.limits(wish.limits, &team.defaults)?;
        let rootfs = self.rootfs(wish.rootfs.as_deref(), &team.defaults)?;
        let basis = self.basis(caller, &wish).await?;
        let making = Making {
            owner: caller.user,
            team: team.id,
            naming: chosen.map_or_else(|| Naming::Like(WorkspaceName::nearest(&basis.like)), Naming::Chosen),
            source: basis.source,
            rootfs: basis.rootfs.unwrap_or(rootfs),
            base: basis.base,
            initialised: basis.initialised,
            limits,
            variables: basis.variables,
            notices: basis.notices,
        };
        let mut tx = self.inner.store.begin().await?;
        if let Some(base) = making.base
            && tx.snapshot(base).await?.is_none()
        {
            return Err(Error::missing("snapshot", base));
        }
        let workspace = self.insert(&mut tx, making).await?;
        note(&mut tx, caller.user, workspace.created_at, ("workspace.create", workspace.id.to_string()), {
            workspace.source.as_ref().map(|source| source.repository.to_string()).unwrap_or_default()
        })
        .await?;
        tx.commit().await?;
        tracing::info!(workspace.id = %workspace.id, "workspace `{}` wanted", workspace.name);
        Ok(workspace)
    }

    /// Records a new workspace and wants it to run.
    pub(super) async fn insert(&self, tx: &mut Tx, making: Making) -> Result<Workspace, Error> {
        let now = self.now();
        let most = self.inner.settings.max_per_user;
        if tx.count_workspaces(making.owner).await? >= most {
            return Err(Error::Conflict {
                code: "too_many_workspaces",
                what: format!("there are {most} workspaces already, which is the most one person may have"),
                mend: "delete those that are not needed any more".into(),
            });
        }
        let mut workspace = self.fresh(&making, now);
        insert_named(tx, &mut workspace, &making.naming).await?;
        announce(tx, &workspace);
        tx.put_effect(workspace.id, Effect::Admit, now).await?;
        tx.nudge(format!("{EFFECT_TOPIC}{}", workspace.id));
        Ok(workspace)
    }

    fn fresh(&self, making: &Making, now: Timestamp) -> Workspace {
        Workspace {
            id: WorkspaceId::generate(now, &*self.inner.entropy),
            name: making.naming.first(),
            owner: making.owner,
            team: making.team,
            source: making.source.clone(),
            rootfs: making.rootfs.clone(),
            base: making.base,
            limits: making.limits,
            variables: making.variables.clone(),
            phase: Phase::Queued,
            run: 1,
            steps: StepRecord::fresh(),
            initialised: making.initialised,
            notices: making.notices.clone(),
            created_at: now,
            updated_at: now,
            last_activity_at: now,
        }
    }

    fn limits(&self, wanted: LimitsWanted, team: &TeamDefaults) -> Result<Limits, Error> {
        let default = team.limits.unwrap_or(self.inner.settings.limits);
        let limits = Limits {
            cpu_millis: wanted.cpu_millis.unwrap_or(default.cpu_millis),
            memory_bytes: wanted.memory_bytes.unwrap_or(default.memory_bytes),
            pids: wanted.pids.unwrap_or(default.pids),
        };
        let mend = "choose a value in between, or leave it out for the default";
        limits.validate().map_err(|bad| Error::invalid("limits", bad, mend))
    }

    fn rootfs(&self, wanted: Option<&str>, team: &TeamDefaults) -> Result<Rootfs, Error> {
        let Some(text) = wanted.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(team.rootfs.as_ref().unwrap_or(&self.inner.settings.rootfs).clone());
        };
        let mend = "write `host`, or an image such as `docker.io/library/debian:13`";
        text.parse().map_err(|bad| Error::invalid("rootfs", bad, mend))
    }
}
