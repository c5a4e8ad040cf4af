//! Workspaces, their agents' credentials, and snapshots.

use domain::lifecycle::AfterStop;
use domain::{Checkout, Effect, Failure, Phase, Rootfs, SnapshotId, Source, Step, Workspace, WorkspaceId};
use store::{Snapshot, StoreError};
use vault::TokenHash;

use crate::database::Database;
use crate::fixture::{ENTROPY, a_workspace, line, saved_user, saved_workspace, saved_workspaces, t, t0};

fn every_phase() -> Vec<Phase> {
    let failure =
        Failure { step: Step::Clone, reason: "`x` is not there".into(), mend: "look".into(), at: t(3) };
    vec![
        Phase::Queued,
        Phase::Preparing,
        Phase::Creating,
        Phase::Starting { deadline: t(30) },
        Phase::Initialising { deadline: t(3600) },
        Phase::Running { since: t(4) },
        Phase::Stopping { then: AfterStop::Rest },
        Phase::Stopping { then: AfterStop::Start },
        Phase::Stopping { then: AfterStop::Show(failure.clone()) },
        Phase::Stopped,
        Phase::Failed(failure),
        Phase::Deleting,
        Phase::Deleted,
    ]
}

pub(crate) async fn a_workspace_comes_back_as_saved_in_every_phase(database: Database) {
    let store = database.open().await;
    let mut workspace = a_workspace(saved_user(&store, "ada").await, "one");
    workspace.source = Some(Source {
        repository: "https://example.org/group/project".parse().unwrap(),
        reference: Some("main".parse().unwrap()),
        checkout: Checkout::default(),
    });
    workspace.rootfs = "debian:12".parse().unwrap();
    workspace.base = Some(SnapshotId::generate(t0(), &*ENTROPY));
    workspace.notices = vec!["no memory limit".into(), "zero \0 in it".into()];
    workspace.initialised = true;
    workspace.steps[0].begin(t(1));
    workspace.steps[0].detail = Some("12 of 40 MB".into());
    let mut tx = store.begin().await.unwrap();
    tx.insert_workspace(&workspace).await.unwrap();

    for (number, phase) in every_phase().into_iter().enumerate() {
        workspace.phase = phase;
        workspace.run = u32::try_from(number).unwrap();
        workspace.updated_at = t(i64::from(workspace.run));
        workspace.last_activity_at = t(i64::from(workspace.run) + 1);
        tx.save_workspace(&workspace).await.unwrap();
        assert_eq!(tx.workspace(workspace.id).await.unwrap(), Some(workspace.clone()));
        assert_eq!(tx.workspace_for_update(workspace.id).await.unwrap(), Some(workspace.clone()));
    }
    assert_eq!(tx.workspace(WorkspaceId::generate(t0(), &*ENTROPY)).await.unwrap(), None);
}

pub(crate) async fn a_taken_workspace_name_conflicts_for_the_same_owner_only(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let mut tx = store.begin().await.unwrap();
    tx.insert_workspace(&a_workspace(ada, "one")).await.unwrap();

    let second = tx.insert_workspace(&a_workspace(ada, "one")).await;
    tx.insert_workspace(&a_workspace(bob, "one")).await.unwrap();

    assert!(matches!(second, Err(StoreError::Conflict { what: "workspace name" })));
    assert_eq!(tx.count_workspaces(ada).await.unwrap(), 1);
    assert_eq!(tx.count_workspaces(bob).await.unwrap(), 1);
}

pub(crate) async fn a_workspace_cannot_be_renamed_onto_another(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    let (one, two) = (a_workspace(ada, "one"), a_workspace(ada, "two"));
    let mut tx = store.begin().await.unwrap();
    tx.insert_workspace(&one).await.unwrap();
    tx.insert_workspace(&two).await.unwrap();

    let onto = tx.save_workspace(&Workspace { name: one.name.clone(), ..two.clone() }).await;
    let free = Workspace { name: "three".parse().unwrap(), ..two.clone() };
    tx.save_workspace(&free).await.unwrap();

    assert!(matches!(onto, Err(StoreError::Conflict { what: "workspace name" })));
    assert_eq!(tx.workspace(two.id).await.unwrap(), Some(free));
}

pub(crate) async fn saving_a_workspace_that_is_gone_conflicts(database: Database) {
    let store = database.open().await;
    let workspace = a_workspace(saved_user(&store, "ada").await, "one");
    let mut tx = store.begin().await.unwrap();

    let saved = tx.save_workspace(&workspace).await;

    assert!(matches!(saved, Err(StoreError::Conflict { .. })));
}

pub(crate) async fn workspaces_are_paged_newest_first(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let mut tx = store.begin().await.unwrap();
    let mut expected = Vec::new();
    for number in 0..7 {
        let mut workspace = a_workspace(ada, &format!("w{number}"));
        workspace.id = WorkspaceId::generate(t(number), &*ENTROPY);
        tx.insert_workspace(&workspace).await.unwrap();
        expected.insert(0, workspace.id);
    }
    let bobs = a_workspace(bob, "w");
    tx.insert_workspace(&bobs).await.unwrap();

    let mut seen = Vec::new();
    loop {
        let page = tx.workspaces(Some(ada), seen.last().copied(), 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        seen.extend(page.iter().map(|workspace| workspace.id));
    }

    assert_eq!(seen, expected);
    assert_eq!(tx.workspaces(Some(bob), None, 100).await.unwrap(), [bobs]);
    assert_eq!(tx.workspaces(None, None, 100).await.unwrap().len(), 8);
    assert_eq!(tx.workspaces(None, Some(expected[0]), 100).await.unwrap().len(), 7);
}

pub(crate) async fn deleting_a_workspace_takes_everything_of_it_along(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_effect(id, Effect::Remove, t0()).await.unwrap();
    tx.set_agent_credential(id, &TokenHash::of("agent")).await.unwrap();
    tx.append_log(id, 1, &[line("hello")]).await.unwrap();

    assert!(tx.delete_workspace(id).await.unwrap());
    assert!(!tx.delete_workspace(id).await.unwrap());

    assert_eq!(tx.workspace(id).await.unwrap(), None);
    assert_eq!(tx.claim_effects(t(1), t(2), "a", 9).await.unwrap(), []);
    assert_eq!(tx.agent_credential(id).await.unwrap(), None);
    assert_eq!(tx.log(id, None, 0, 9).await.unwrap(), []);
    assert_eq!(tx.log(id, Some(1), 0, 9).await.unwrap(), []);
}

pub(crate) async fn every_workspace_is_listed_with_its_phase(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    let mut tx = store.begin().await.unwrap();
    let mut expected = Vec::new();
    for (number, phase) in every_phase().into_iter().enumerate() {
        let mut workspace = a_workspace(ada, &format!("w{number}"));
        workspace.phase = phase.clone();
        workspace.initialised = true;
        tx.insert_workspace(&workspace).await.unwrap();
        expected.push((workspace.id, phase));
    }
    expected.sort_by_key(|(id, _)| *id);

    assert_eq!(tx.every_workspace().await.unwrap(), expected);
}

pub(crate) async fn changes_under_lock_do_not_get_lost(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;

    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let mut workspace = tx.workspace_for_update(id).await.unwrap().unwrap();
                tokio::task::yield_now().await;
                workspace.run += 1;
                tx.save_workspace(&workspace).await.unwrap();
                tx.commit().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let workspace = store.read().await.unwrap().workspace(id).await.unwrap().unwrap();
    assert_eq!(workspace.run, 1 + 8);
}

pub(crate) async fn activity_is_noted_without_touching_the_rest(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();
    let before = tx.workspace(id).await.unwrap().unwrap();

    tx.touch_workspace(id, t(60)).await.unwrap();
    tx.touch_workspace(id, t(50)).await.unwrap();

    let expected = Workspace { last_activity_at: t(60), ..before };
    assert_eq!(tx.workspace(id).await.unwrap(), Some(expected));
}

pub(crate) async fn an_agent_credential_is_replaced(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();

    assert_eq!(tx.agent_credential(id).await.unwrap(), None);
    tx.set_agent_credential(id, &TokenHash::of("first")).await.unwrap();
    tx.set_agent_credential(id, &TokenHash::of("second")).await.unwrap();

    assert_eq!(tx.agent_credential(id).await.unwrap(), Some(TokenHash::of("second")));
}

pub(crate) async fn a_snapshot_outlives_its_workspace(database: Database) {
    let store = database.open().await;
    let id = saved_workspaces(&store, 2).await[0];
    let mut tx = store.begin().await.unwrap();
    let workspace = tx.workspace(id).await.unwrap().unwrap();
    let snapshot = Snapshot {
        id: SnapshotId::generate(t0(), &*ENTROPY),
        owner: workspace.owner,
        workspace: Some(id),
        workspace_name: workspace.name.to_string(),
        source: Some(Source {
            repository: "https://example.org/a/b".parse().unwrap(),
            reference: None,
            checkout: Checkout::default(),
        }),
        rootfs: Rootfs::Host,
        initialised: true,
        created_at: t(5),
    };

    tx.insert_snapshot(&snapshot).await.unwrap();
    assert_eq!(tx.snapshot(snapshot.id).await.unwrap(), Some(snapshot.clone()));
    tx.delete_workspace(id).await.unwrap();

    let orphan = Snapshot { workspace: None, ..snapshot };
    assert_eq!(tx.snapshots_of(orphan.owner).await.unwrap(), std::slice::from_ref(&orphan));
    assert!(tx.delete_snapshot(orphan.id).await.unwrap());
    assert_eq!(tx.snapshot(orphan.id).await.unwrap(), None);
}
