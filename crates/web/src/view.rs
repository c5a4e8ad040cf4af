//! How what `control` answers looks in the API.

use control::{ApiToken, AuditEntry, LogLine, Session, Snapshot, StoredImage, Support, Usage};
use domain::{Caller, Limits, Phase, Source, User, Workspace};
use wire::api::{
    AuditView, Doctor, FailureView, ImageView, Lack, LimitsView, LogLineView, Me, PhaseName, Scope,
    SessionView, SnapshotView, SourceView, StepView, TokenView, UsageView, UserRef, UserView, Via,
    WorkspaceView,
};

use crate::app::App;
use crate::error::ApiError;

mod context;
mod forge;
mod kite;
mod link;
mod team;

pub(crate) use context::context;
pub(crate) use forge::{forge, forge_check, forge_settings};
pub(crate) use kite::{kite, kite_key, kite_share, registry_key};
pub(crate) use link::{integration, link, upload_state};
pub(crate) use team::{TeamNames, team};

/// A workspace, with its owner and team named.
pub(crate) async fn workspace(app: &App, workspace: Workspace) -> Result<WorkspaceView, ApiError> {
    named(app, workspace, &mut TeamNames::default()).await
}

async fn named(app: &App, workspace: Workspace, teams: &mut TeamNames) -> Result<WorkspaceView, ApiError> {
    let name = app.control.user_name(workspace.owner).await?.to_string();
    let owner = UserRef { id: workspace.owner, name };
    let failure = match &workspace.phase {
        Phase::Failed(failure) => Some(FailureView {
            step: failure.step.into(),
            reason: failure.reason.clone(),
            mend: failure.mend.clone(),
            at: failure.at,
        }),
        Phase::Queued
        | Phase::Preparing
        | Phase::Creating
        | Phase::Starting { .. }
        | Phase::Initialising { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. }
        | Phase::Stopped
        | Phase::Deleting
        | Phase::Deleted => None,
    };
    Ok(WorkspaceView {
        id: workspace.id,
        name: workspace.name.to_string(),
        owner,
        team: teams.name(app, workspace.team).await?,
        source: workspace.source.as_ref().map(source),
        rootfs: workspace.rootfs.to_string(),
        base: workspace.base,
        limits: limits(workspace.limits),
        phase: PhaseName::from(&workspace.phase),
        desired: workspace.phase.desired().to_owned(),
        failure,
        run: workspace.run,
        steps: workspace.steps.iter().map(StepView::from).collect(),
        folder: workspace.folder(),
        notices: workspace.notices,
        created_at: workspace.created_at,
        updated_at: workspace.updated_at,
        last_activity_at: workspace.last_activity_at,
    })
}

/// Several workspaces, in order.
pub(crate) async fn workspaces(app: &App, list: Vec<Workspace>) -> Result<Vec<WorkspaceView>, ApiError> {
    let mut teams = TeamNames::default();
    let mut views = Vec::with_capacity(list.len());
    for item in list {
        views.push(named(app, item, &mut teams).await?);
    }
    Ok(views)
}

fn source(source: &Source) -> SourceView {
    SourceView {
        repository: source.repository.to_string(),
        reference: source.reference.as_ref().map(ToString::to_string),
        ref_kind: source.checkout.ref_kind.map(|kind| ref_kind(kind).to_owned()),
        revision: source.checkout.revision.clone(),
        local_branch: source.checkout.local_branch.as_ref().map(ToString::to_string),
        upstream: source.checkout.upstream.as_ref().map(ToString::to_string),
        path: source.checkout.path.clone(),
        title: source.checkout.title.clone(),
    }
}

/// A kind of ref as the API has it.
pub(crate) fn ref_kind(kind: domain::RefKind) -> &'static str {
    match kind {
        domain::RefKind::Branch => "branch",
        domain::RefKind::Tag => "tag",
        domain::RefKind::Revision => "revision",
    }
}

fn limits(limits: Limits) -> LimitsView {
    LimitsView { cpu_millis: limits.cpu_millis, memory_bytes: limits.memory_bytes, pids: limits.pids }
}

/// A person.
pub(crate) fn user(user: User) -> UserView {
    UserView {
        id: user.id,
        name: user.name.to_string(),
        display_name: user.display_name,
        email: user.email,
        role: user.role.into(),
        suspended_at: user.suspended_at,
        created_at: user.created_at,
    }
}

/// The person behind a request.
pub(crate) fn me(person: User, caller: &Caller) -> Me {
    let (via, scopes) = match &caller.via {
        domain::Via::LocalSocket => (Via::Local, vec![Scope::All]),
        domain::Via::Session(_) => (Via::Session, vec![Scope::All]),
        domain::Via::Token { scopes, .. } => (Via::Token, scopes.iter().copied().map(Into::into).collect()),
    };
    Me { user: user(person), via, scopes }
}

/// The person who has just signed in.
pub(crate) fn signed_in(person: User) -> Me {
    Me { user: user(person), via: Via::Session, scopes: vec![Scope::All] }
}

/// A session, as `caller` sees it.
pub(crate) fn session(session: Session, with: Option<String>, caller: &Caller) -> SessionView {
    SessionView {
        current: caller.via == domain::Via::Session(session.id),
        id: session.id,
        user_agent: session.user_agent,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
        signed_in_with: with,
    }
}

/// An API token.
pub(crate) fn token(token: ApiToken) -> TokenView {
    TokenView {
        id: token.id,
        name: token.name,
        scopes: token.scopes.into_iter().map(Into::into).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}

/// One thing somebody did.
pub(crate) fn audit((id, entry): (i64, AuditEntry)) -> AuditView {
    AuditView {
        id,
        at: entry.at,
        caller: entry.caller,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
    }
}

/// One line of a log.
pub(crate) fn log_line(line: LogLine) -> LogLineView {
    LogLineView { sequence: line.sequence, time: line.time, step: line.step.map(Into::into), text: line.text }
}

/// What a workspace uses.
pub(crate) fn usage(usage: &Usage) -> UsageView {
    let agent = usage.agent.as_ref();
    UsageView {
        cpu_micros: usage.cpu_micros,
        memory_bytes: usage.memory_bytes,
        pids: usage.pids,
        limits: limits(usage.limits),
        disk_free_bytes: agent.map_or(0, |agent| agent.disk_free_bytes),
        disk_total_bytes: agent.map_or(0, |agent| agent.disk_total_bytes),
        last_activity_at: Some(usage.last_activity_at),
    }
}

/// A sealed disk.
pub(crate) fn snapshot(snapshot: Snapshot) -> SnapshotView {
    SnapshotView {
        id: snapshot.id,
        workspace: snapshot.workspace,
        workspace_name: snapshot.workspace_name,
        source: snapshot.source.as_ref().map(source),
        rootfs: snapshot.rootfs.to_string(),
        created_at: snapshot.created_at,
    }
}

/// An image.
pub(crate) fn image(image: StoredImage) -> ImageView {
    ImageView { id: image.id, names: image.names, size_bytes: image.size_bytes, created_at: image.created_at }
}

/// What the machine gives.
pub(crate) fn doctor(support: Support) -> Doctor {
    let lack = |lack: control::Lack| Lack { what: lack.what, mend: lack.mend, fatal: lack.fatal };
    Doctor {
        usable: support.usable,
        summary: support.summary,
        lacks: support.lacks.into_iter().map(lack).collect(),
    }
}
