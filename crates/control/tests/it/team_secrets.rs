//! Secrets of teams.

use control::NewWorkspace;
use domain::{Caller, KeyOwner, TeamRole, WorkspaceId};
use wire::agent::AgentConfig;

use crate::sim::{Server, World, is_running, phase_of};
use crate::teams::{a_team, person};

const VALUE: &str = "a value that is nobody else's business";

#[tokio::test]
async fn a_secret_is_sealed_listed_by_name_and_replaced() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();

    let first = control.set_secret(&eve, "acme", "NPM_TOKEN", VALUE.to_owned().into()).await.unwrap();
    world.clock.advance(domain::SignedDuration::from_secs(5));
    let second = control.set_secret(&eve, "acme", "NPM_TOKEN", "another".to_owned().into()).await.unwrap();
    control.set_secret(&server.admin, "acme", "A_KEY", VALUE.to_owned().into()).await.unwrap();

    assert_eq!(first.created_at, second.created_at);
    assert!(second.updated_at > first.updated_at);
    let names: Vec<_> =
        control.secrets(&bob, "acme").await.unwrap().into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["A_KEY", "NPM_TOKEN"]);
    let by_member = control.set_secret(&bob, "acme", "X", VALUE.to_owned().into()).await.unwrap_err();
    assert_eq!(by_member.code(), "forbidden");
    assert_eq!(control.delete_secret(&bob, "acme", "A_KEY").await.unwrap_err().code(), "forbidden");
    let team = control.team(&eve, "acme").await.unwrap().team.id;
    let mut tx = world.store.begin().await.unwrap();
    let sealed = tx.sealed("team.secret", &format!("{team}/A_KEY")).await.unwrap().unwrap();
    assert_eq!(sealed.owner, KeyOwner::Team(team));
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!holds(sealed.value.as_bytes(), VALUE));
    drop(tx);
    let mut names_found = 0;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        assert!(!holds(&bytes, VALUE), "{}", path.display());
        names_found += usize::from(holds(&bytes, "A_KEY"));
    }
    assert!(names_found > 0, "the files that were looked into hold the team's secrets");
    control.delete_secret(&eve, "acme", "A_KEY").await.unwrap();
    assert_eq!(control.delete_secret(&eve, "acme", "A_KEY").await.unwrap_err().code(), "not_found");
    assert_eq!(control.secrets(&eve, "acme").await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_that_steer_programs_and_values_no_environment_holds_are_refused() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let set = async |name: &str, value: &str| {
        control.set_secret(&server.admin, "everybody", name, value.to_owned().into()).await
    };

    for name in ["LD_PRELOAD", "PATH", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "HEARTH_X", "1X", "A B", ""] {
        let error = set(name, "x").await.unwrap_err();
        assert!(matches!(&error, control::Error::Invalid { field: "name", .. }), "{name}: {error}");
    }
    for value in ["", "a\0b", &"x".repeat((64 << 10) + 1)] {
        let error = set("A", value).await.unwrap_err();
        assert!(matches!(&error, control::Error::Invalid { field: "value", .. }), "{error}");
        assert!(value.is_empty() || !error.to_string().contains(value));
    }
    set("A", &"x".repeat(64 << 10)).await.unwrap();
    for number in 0..6 {
        set(&format!("A{number}"), &"x".repeat(64 << 10)).await.unwrap();
    }
    assert_eq!(set("TOO_MUCH", &"x".repeat(64 << 10)).await.unwrap_err().code(), "too_many_secrets");
    assert_eq!(control.secrets(&server.admin, "everybody").await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_deleted_teams_keys_and_sealed_values_are_gone() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let eve = person(&server, "eve").await;
    a_team(&server, "acme", &eve).await;
    control.set_secret(&eve, "acme", "NPM_TOKEN", VALUE.to_owned().into()).await.unwrap();
    let team = control.team(&eve, "acme").await.unwrap().team.id;
    let mut tx = world.store.begin().await.unwrap();
    let key = tx.current_data_key(KeyOwner::Team(team)).await.unwrap().unwrap().id;
    drop(tx);

    control.delete_team(&eve, "acme").await.unwrap();

    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(tx.data_key(key).await.unwrap(), None);
    assert_eq!(tx.count_sealed().await.unwrap(), 0);
    assert_eq!(tx.secret_names(team).await.unwrap(), []);
}

/// What a workspace's commands find under this name.
fn variable(world: &World, id: WorkspaceId, name: &str) -> Option<String> {
    let state = world.machine.state();
    let boot = &state.sandboxes.get(&id).unwrap().process.as_ref().unwrap().boot;
    let outside = format!("{:?} {:?}", boot.command, boot.env);
    assert!(!outside.contains(VALUE), "only the agent is told, over its descriptor");
    let config: AgentConfig = serde_json::from_slice(&boot.descriptor_3).unwrap();
    let found = config.env.into_iter().rfind(|(of, _)| of == name);
    found.map(|(_, value)| value)
}

async fn running(server: &Server, owner: &Caller, team: &str) -> WorkspaceId {
    let wish = NewWorkspace { team: Some(team.into()), ..NewWorkspace::default() };
    let id = server.control.create_workspace(owner, wish).await.unwrap().id;
    server.until(id, is_running).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_workspaces_find_its_secrets_and_no_others_do() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    control.set_secret(&eve, "acme", "NPM_TOKEN", VALUE.to_owned().into()).await.unwrap();

    let (inside, outside) = (running(&server, &bob, "acme").await, running(&server, &bob, "everybody").await);

    assert_eq!(variable(&world, inside, "NPM_TOKEN").as_deref(), Some(VALUE));
    assert_eq!(variable(&world, outside, "NPM_TOKEN"), None);
    // A new value, or none, from the next start on.
    control.set_secret(&eve, "acme", "NPM_TOKEN", "another".to_owned().into()).await.unwrap();
    assert_eq!(variable(&world, inside, "NPM_TOKEN").as_deref(), Some(VALUE));
    for expected in [Some("another"), None] {
        control.stop_workspace(&bob, inside).await.unwrap();
        server.until(inside, phase_of("stopped")).await;
        control.start_workspace(&bob, inside).await.unwrap();
        server.until(inside, is_running).await;
        assert_eq!(variable(&world, inside, "NPM_TOKEN").as_deref(), expected);
        control.delete_secret(&eve, "acme", "NPM_TOKEN").await.ok();
    }
}
