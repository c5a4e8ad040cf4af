//! A new workspace: parse what is wished, record it, and let the reconcilers make it.

use domain::{
    Caller, Effect, Limits, Phase, RefName, RepositoryUrl, Rootfs, Scope, SnapshotId, Source, StepRecord,
    Timestamp, UserId, Workspace, WorkspaceId, WorkspaceName,
};
use store::{Snapshot, Tx};

use super::name::{Naming, insert_named, parse_name};
use super::{EFFECT_TOPIC, announce};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// What a person wants a workspace to be. Texts as they came in; they are parsed here.
#[derive(Debug, Clone, Default)]
pub struct NewWorkspace {
    /// Address of the repository; an empty workspace without.
    pub url: Option<String>,
    /// Branch, tag or commit.
    pub reference: Option<String>,
    /// Name; made from the repository's where absent.
    pub name: Option<String>,
    /// `host` or an image reference.
    pub rootfs: Option<String>,
    /// What it may use; what is absent is the server's default.
    pub limits: LimitsWanted,
    /// A snapshot to stand on; repository and root file system are then the snapshot's.
    pub snapshot: Option<SnapshotId>,
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
    pub(super) source: Option<Source>,
    pub(super) rootfs: Rootfs,
    pub(super) base: Option<SnapshotId>,
    pub(super) initialised: bool,
    pub(super) limits: Limits,
    pub(super) naming: Naming,
}

impl Control {
    /// Makes a workspace. It is answered in `queued`; the reconcilers do the rest.
    ///
    /// # Errors
    ///
    /// `invalid` names the field; 409 `name_taken` when a chosen name is taken, `too_many_workspaces`.
    pub async fn create_workspace(&self, caller: &Caller, wish: NewWorkspace) -> Result<Workspace, Error> {
        caller.scope(Scope::WorkspacesWrite)?;
        let limits = self.limits(wish.limits)?;
        let chosen =
            wish.name.as_deref().filter(|name| !name.trim().is_empty()).map(parse_name).transpose()?;
        let named = |fallback: WorkspaceName| chosen.clone().map_or(Naming::Like(fallback), Naming::Chosen);
        let making = if let Some(id) = wish.snapshot {
            if wish.url.is_some() || wish.reference.is_some() || wish.rootfs.is_some() {
                let mend = "leave `url`, `ref` and `rootfs` out; they are the snapshot's";
                return Err(Error::invalid("snapshot", "a snapshot brings its own repository", mend));
            }
            let snapshot = self.own_snapshot(caller, id).await?;
            Making {
                owner: caller.user,
                naming: named(WorkspaceName::nearest(&snapshot.workspace_name)),
                source: snapshot.source,
                rootfs: snapshot.rootfs,
                base: Some(id),
                initialised: snapshot.initialised,
                limits,
            }
        } else {
            let source = parse_source(wish.url.as_deref(), wish.reference.as_deref())?;
            let like = source.as_ref().map_or("workspace".into(), |source| source.repository.short_name());
            Making {
                owner: caller.user,
                naming: named(WorkspaceName::nearest(&like)),
                rootfs: self.rootfs(wish.rootfs.as_deref())?,
                source,
                base: None,
                initialised: false,
                limits,
            }
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
            source: making.source.clone(),
            rootfs: making.rootfs.clone(),
            base: making.base,
            limits: making.limits,
            phase: Phase::Queued,
            run: 1,
            steps: StepRecord::fresh(),
            initialised: making.initialised,
            notices: Vec::new(),
            created_at: now,
            updated_at: now,
            last_activity_at: now,
        }
    }

    async fn own_snapshot(&self, caller: &Caller, id: SnapshotId) -> Result<Snapshot, Error> {
        let snapshot = self.inner.store.read().await?.snapshot(id).await?;
        let own = snapshot.filter(|snapshot| snapshot.owner == caller.user);
        own.ok_or_else(|| Error::missing("snapshot", id))
    }

    fn limits(&self, wanted: LimitsWanted) -> Result<Limits, Error> {
        let default = self.inner.settings.limits;
        let limits = Limits {
            cpu_millis: wanted.cpu_millis.unwrap_or(default.cpu_millis),
            memory_bytes: wanted.memory_bytes.unwrap_or(default.memory_bytes),
            pids: wanted.pids.unwrap_or(default.pids),
        };
        let mend = "choose a value in between, or leave it out for the default";
        limits.validate().map_err(|bad| Error::invalid("limits", bad, mend))
    }

    fn rootfs(&self, wanted: Option<&str>) -> Result<Rootfs, Error> {
        let Some(text) = wanted.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(self.inner.settings.rootfs.clone());
        };
        let mend = "write `host`, or an image such as `docker.io/library/debian:13`";
        text.parse().map_err(|bad| Error::invalid("rootfs", bad, mend))
    }
}

fn parse_source(url: Option<&str>, reference: Option<&str>) -> Result<Option<Source>, Error> {
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (url, reference) = (given(url), given(reference));
    let Some(url) = url else {
        return match reference {
            None => Ok(None),
            Some(_) => {
                Err(Error::invalid("url", "a `ref` needs a repository", "give the repository's `url`"))
            }
        };
    };
    let mend = "paste the `https://` address of a repository, such as `https://gitlab.com/group/project`";
    let repository: RepositoryUrl = url.parse().map_err(|bad| Error::invalid("url", bad, mend))?;
    let mend = "give the name of a branch, a tag or a commit";
    let parse = |text: String| text.parse::<RefName>().map_err(|bad| Error::invalid("ref", bad, mend));
    Ok(Some(Source { repository, reference: reference.map(parse).transpose()? }))
}
