//! People and workspaces to test with.

use std::sync::LazyLock;

use domain::{
    Clock, Limits, Phase, Role, Rootfs, SignedDuration, StepRecord, Timestamp, User, UserId, Workspace,
    WorkspaceId,
};
use store::{NewLine, Store};
use testkit::{FakeClock, SeededEntropy};

/// One sequence for the whole process: every id is another one.
pub(crate) static ENTROPY: LazyLock<SeededEntropy> = LazyLock::new(|| SeededEntropy::new(1));

/// The moment at which tests begin.
pub(crate) fn t0() -> Timestamp {
    FakeClock::default().now()
}

/// `t0` and so many seconds.
pub(crate) fn t(seconds: i64) -> Timestamp {
    t0() + SignedDuration::from_secs(seconds)
}

pub(crate) fn a_user(name: &str) -> User {
    User {
        id: UserId::generate(t0(), &*ENTROPY),
        name: name.parse().unwrap(),
        display_name: None,
        email: None,
        role: Role::Member,
        suspended_at: None,
        created_at: t0(),
    }
}

pub(crate) fn a_workspace(owner: UserId, name: &str) -> Workspace {
    Workspace {
        id: WorkspaceId::generate(t0(), &*ENTROPY),
        name: name.parse().unwrap(),
        owner,
        team: domain::Team::EVERYBODY,
        source: None,
        rootfs: Rootfs::Host,
        base: None,
        limits: Limits::default(),
        variables: vec![],
        phase: Phase::Queued,
        run: 1,
        steps: StepRecord::fresh(),
        initialised: false,
        notices: vec![],
        created_at: t0(),
        updated_at: t0(),
        last_activity_at: t0(),
    }
}

/// A saved person.
pub(crate) async fn saved_user(store: &Store, name: &str) -> UserId {
    let user = a_user(name);
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&user, None).await.unwrap();
    tx.commit().await.unwrap();
    user.id
}

/// So many saved workspaces of one saved person.
pub(crate) async fn saved_workspaces(store: &Store, count: usize) -> Vec<WorkspaceId> {
    let owner = saved_user(store, "owner").await;
    let mut tx = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        let workspace = a_workspace(owner, &format!("workspace-{number}"));
        tx.insert_workspace(&workspace).await.unwrap();
        ids.push(workspace.id);
    }
    tx.commit().await.unwrap();
    ids
}

/// One saved workspace.
pub(crate) async fn saved_workspace(store: &Store) -> WorkspaceId {
    saved_workspaces(store, 1).await[0]
}

pub(crate) fn line(text: &str) -> NewLine {
    NewLine { time: t0(), step: None, text: text.into() }
}
