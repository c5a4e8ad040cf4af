//! The stream of changes.

use control::NewUser;
use domain::{Role, Via};
use futures_util::StreamExt;

use crate::sim::{LIMIT, World, is_running};

#[tokio::test(flavor = "multi_thread")]
async fn every_phase_is_followed_to_the_end_and_strangers_hear_nothing() {
    let world = World::new().await;
    let server = world.server().await;
    let stranger = NewUser {
        name: "eve".into(),
        password: "a long password".to_owned().into(),
        role: Role::Member,
        email: None,
    };
    let stranger = server.control.create_user(&server.admin, stranger).await.unwrap();
    let stranger = domain::Caller { user: stranger.id, role: stranger.role, via: Via::LocalSocket };
    let mut heard = server.control.changes(&server.admin).unwrap();
    let mut overheard = server.control.changes(&stranger).unwrap();
    let overheard = tokio::spawn(async move { overheard.next().await });

    let id = server.create(&world).await.id;
    server.until(id, is_running).await;
    server.control.delete_workspace(&server.admin, id).await.unwrap();

    let mut phases = vec![];
    loop {
        let change = tokio::time::timeout(LIMIT, heard.next()).await.unwrap().unwrap();
        assert_eq!(change.id, id);
        let Some(workspace) = change.workspace else { break };
        if phases.last() != Some(&workspace.phase.name()) {
            phases.push(workspace.phase.name());
        }
    }
    // Whoever is slow is told of what is, not of everything that was.
    assert!(phases.contains(&"running"), "{phases:?}");
    assert_eq!(phases.last(), Some(&"deleting"));
    assert!(!overheard.is_finished(), "a stranger hears nothing");
}
