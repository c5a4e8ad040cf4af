//! Who may see, call, register and share which kite.

use std::collections::BTreeSet;

use control::{Control, UserChange};
use domain::{Caller, Scope, TeamRole, WorkspaceId};
use serde_json::json;

use crate::kites_world::{
    a_key, a_kite, a_service, a_workspace, an_agent, call, call_with_token, connect, register, seen,
    until_unseen,
};
use crate::sim::{LIMIT, Server, World};
use crate::teams::{a_team, person};

/// Somebody with an agent in a team, a service for that team, and one of their own.
struct Scene {
    owner: Caller,
    workspace: WorkspaceId,
    _peers: [kite::Peer; 3],
}

async fn a_scene(server: &Server) -> Scene {
    let control = &server.control;
    let owner = person(server, "olga").await;
    a_team(server, "acme", &owner).await;
    let workspace = a_workspace(control, &owner, "acme").await;
    let (_, own_key) = a_key(control, &owner, None).await;
    let (_, team_key) = a_key(control, &owner, Some("acme")).await;
    let peers = [
        an_agent(control, workspace).await,
        a_service(control, &own_key, "own").await,
        a_service(control, &team_key, "shared").await,
    ];
    Scene { owner, workspace, _peers: peers }
}

/// Somebody with a place in the team.
async fn member(server: &Server, owner: &Caller, name: &str, role: TeamRole) -> Caller {
    let caller = person(server, name).await;
    server.control.set_member(owner, "acme", caller.user, role).await.unwrap();
    caller
}

/// What happens when somebody asks for a token for a kite.
async fn token(control: &Control, caller: &Caller, id: &str) -> &'static str {
    control.kite_token(caller, id).await.map_or_else(|error| error.code(), |_| "token")
}

#[tokio::test]
async fn the_table_of_who_sees_and_calls_what() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();
    let stranger = person(&server, "sam").await;
    let fellow = member(&server, &scene.owner, "max", TeamRole::Member).await;
    let boss = member(&server, &scene.owner, "tina", TeamRole::Admin).await;
    let guest = person(&server, "gus").await;
    control.share_kite(&scene.owner, &agent, "gus").await.unwrap();
    control.share_kite(&scene.owner, "production/own", "gus").await.unwrap();

    for (who, caller, of_agent, of_own, of_shared) in [
        ("owner", &scene.owner, "token", "token", "token"),
        ("stranger", &stranger, "not_found", "not_found", "not_found"),
        ("member", &fellow, "not_found", "not_found", "token"),
        ("team's administrator", &boss, "forbidden", "not_found", "token"),
        ("administrator", &server.admin, "forbidden", "forbidden", "forbidden"),
        ("guest", &guest, "token", "token", "not_found"),
    ] {
        let table = [(agent.as_str(), of_agent), ("own-1", of_own), ("shared-1", of_shared)];
        for (id, expected) in table {
            assert_eq!(token(control, caller, id).await, expected, "{who}: {id}");
        }
        let mut listed = seen(control, caller).await;
        let mut expected: Vec<_> = table
            .iter()
            .filter(|(_, answer)| *answer != "not_found")
            .map(|(id, answer)| ((*id).to_owned(), *answer == "token"))
            .collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected, "{who}");
    }
}

#[tokio::test]
async fn the_protocol_answers_as_the_table_says() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();
    let stranger = person(&server, "sam").await;
    let fellow = member(&server, &scene.owner, "max", TeamRole::Member).await;
    let boss = member(&server, &scene.owner, "tina", TeamRole::Admin).await;
    let peer = connect(control, &a_kite("client"));

    for (who, caller, kites, calls_agent, calls_shared) in [
        ("owner", &scene.owner, 3, true, true),
        ("stranger", &stranger, 0, false, false),
        ("member", &fellow, 1, false, true),
        ("team's administrator", &boss, 2, false, true),
        ("administrator", &server.admin, 3, false, false),
    ] {
        let (_, key) = a_key(control, caller, None).await;
        let query = json!({ "query": { "username": "olga" } });
        let found = call(&peer, &key, "getKites", query).await.unwrap();
        assert_eq!(found["kites"].as_array().unwrap().len(), kites, "{who}: {found}");
        for (id, may) in [(agent.as_str(), calls_agent), ("shared-1", calls_shared)] {
            let answer = call(&peer, &key, "getToken", json!({ "id": id })).await;
            assert_eq!(answer.is_ok(), may, "{who}: {id}: {answer:?}");
        }
        // A credential of a hidden kite's reader is as good as one for nothing there.
        let hidden = call(&peer, &key, "getToken", json!({ "id": "nothing-1" })).await.unwrap_err();
        if !calls_agent && kites < 2 {
            let answer = call(&peer, &key, "getToken", json!({ "id": agent })).await.unwrap_err();
            assert_eq!((answer.kind, answer.message), (hidden.kind, hidden.message), "{who}");
        }
    }
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_scopes() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();
    person(&server, "gus").await;
    let peer = connect(control, &a_kite("fourth"));

    for (scopes, reads, calls, does_all) in [
        (vec![Scope::WorkspacesRead], true, false, false),
        (vec![Scope::WorkspacesRead, Scope::WorkspacesEnter], true, true, false),
        (vec![Scope::WorkspacesWrite], false, false, false),
        (vec![Scope::All], true, true, true),
    ] {
        let set = BTreeSet::from_iter(scopes.clone());
        let (_, text) = control.create_token(&scene.owner, "x", set, None).await.unwrap();
        let text = text.expose();
        let caller = control.caller_of_token(text).await.unwrap().unwrap();

        assert_eq!(control.kite(&caller, &agent).await.is_ok(), reads, "{scopes:?}");
        assert_eq!(control.kite_token(&caller, &agent).await.is_ok(), calls, "{scopes:?}");
        assert_eq!(control.share_kite(&caller, &agent, "gus").await.is_ok(), does_all, "{scopes:?}");
        assert_eq!(control.kite_keys(&caller).await.is_ok(), does_all, "{scopes:?}");
        let query = json!({ "query": { "username": "olga" } });
        let found = call_with_token(&peer, text, "getKites", query).await;
        let count = found.as_ref().ok().and_then(|found| found["kites"].as_array()).map_or(0, Vec::len);
        assert_eq!(count > 0, reads, "{scopes:?}: {found:?}");
        let answer = call_with_token(&peer, text, "getToken", json!({ "id": agent })).await;
        assert_eq!(answer.is_ok(), calls, "{scopes:?}: {answer:?}");
        let url = json!({ "url": "http://192.0.2.1:1/kite" });
        let answer = call_with_token(&peer, text, "register", url).await;
        assert_eq!(answer.is_ok(), does_all, "{scopes:?}: {answer:?}");
    }
}

#[tokio::test]
async fn only_an_owner_shares_and_only_where_it_may_enter() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();
    let other = person(&server, "max").await;
    control.set_member(&scene.owner, "acme", other.user, TeamRole::Owner).await.unwrap();
    let guest = person(&server, "gus").await;

    assert_eq!(control.share_kite(&other, &agent, "gus").await.unwrap_err().code(), "not_found");
    assert_eq!(control.share_kite(&server.admin, &agent, "gus").await.unwrap_err().code(), "not_found");
    assert_eq!(control.share_kite(&server.admin, "own-1", "gus").await.unwrap_err().code(), "forbidden");
    assert_eq!(control.share_kite(&scene.owner, &agent, "nobody").await.unwrap_err().code(), "not_found");
    assert_eq!(control.share_kite(&scene.owner, &agent, "olga").await.unwrap_err().code(), "own");
    // A share of a service that somebody else owns opens nothing: it is of the sharer's own services.
    control.share_kite(&other, "production/own", "gus").await.unwrap();
    assert_eq!(seen(control, &guest).await, []);
    let first = control.share_kite(&scene.owner, "own-1", "gus").await.unwrap();
    let again = control.share_kite(&scene.owner, "production/own", &guest.user.to_string()).await.unwrap();

    assert_eq!((first.subject.to_string(), first.user), ("production/own".into(), guest.user));
    assert_eq!(again, first);
    assert_eq!(control.kite_shares(&scene.owner, "own-1").await.unwrap(), [first]);
    assert_eq!(seen(control, &guest).await, [("own-1".to_owned(), true)]);
    control.unshare_kite(&scene.owner, "own-1", "gus").await.unwrap();
    assert_eq!(control.unshare_kite(&scene.owner, "own-1", "gus").await.unwrap_err().code(), "not_found");
    assert_eq!(seen(control, &guest).await, []);
    control.share_kite(&scene.owner, &agent, "gus").await.unwrap();
    assert_eq!(seen(control, &guest).await, [(agent.clone(), true)]);
    control.remove_member(&scene.owner, "acme", scene.owner.user).await.unwrap();
    assert_eq!(seen(control, &guest).await, []);
    assert_eq!(control.share_kite(&scene.owner, &agent, "max").await.unwrap_err().code(), "not_member");
}

#[tokio::test]
async fn a_name_that_changed_is_followed() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();

    control.rename_workspace(&scene.owner, scene.workspace, "renamed").await.unwrap();

    testkit::wait_until(LIMIT, async || {
        control.kite(&scene.owner, &agent).await.unwrap().hostname == "renamed"
    })
    .await;
    let facts = control.kite(&scene.owner, &agent).await.unwrap();
    assert_eq!((facts.username.as_str(), facts.name.as_str()), ("olga", "klient"));
    assert_eq!((facts.environment.as_str(), facts.region.as_str()), ("hearth", "local"));
    assert_eq!((facts.owner, facts.workspace), (scene.owner.user, Some(scene.workspace)));
    // What the programs of the same owner say their user is, is not believed.
    assert_eq!(control.kite(&scene.owner, "own-1").await.unwrap().username, "olga");
}

#[tokio::test]
async fn somebody_shut_out_has_no_services_and_nobody_calls_their_agents() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let scene = a_scene(&server).await;
    let agent = scene.workspace.to_string();
    let guest = person(&server, "gus").await;
    control.share_kite(&scene.owner, &agent, "gus").await.unwrap();
    let (_, key) = a_key(control, &scene.owner, None).await;

    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, scene.owner.user, suspended).await.unwrap();

    until_unseen(control, &server.admin, "own-1").await;
    until_unseen(control, &server.admin, "shared-1").await;
    assert_eq!(seen(control, &guest).await, []);
    let peer = connect(control, &a_kite("own"));
    register(&peer, &key, "own").await.unwrap_err();
    assert_eq!(token(control, &server.admin, &agent).await, "forbidden");
    let welcome = UserChange { suspended: Some(false), ..UserChange::default() };
    control.update_user(&server.admin, scene.owner.user, welcome).await.unwrap();
    assert_eq!(seen(control, &guest).await, [(agent.clone(), true)]);
    // Services come back by themselves.
    testkit::wait_until(LIMIT, async || register(&peer, &key, "own").await.is_ok()).await;
}
