use domain::{KiteVia, ShareSubject, TeamId};
use registry::{AGENT_NAME, Place, Whose};
use serde_json::json;

use crate::hall::{Hall, a_kite, origin, soon};

#[tokio::test(start_paused = true)]
async fn an_agent_is_the_kite_of_its_workspace_whatever_it_says() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agent = hall.agent(id);

    let answer = agent.call("register", json!({"url": "http://evil.test/"})).await.unwrap();

    let url = format!("https://hearth.test/kite/relay/{id}");
    assert_eq!(answer, json!({"url": url, "heartbeatInterval": 0}));
    let entry = hall.registry.get(&id.to_string()).unwrap();
    assert_eq!(entry.kite.path(), format!("/alice/hearth/{AGENT_NAME}/0.1.0/local/box9/{id}"));
    assert_eq!((entry.via, &entry.place), (KiteVia::Agent, &Place::Workspace { id, team: TeamId::NIL }));
}

#[tokio::test(start_paused = true)]
async fn an_agent_goes_with_its_connection_and_needs_no_heartbeats() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();
    hall.pass(120).await;
    assert_eq!(hall.ids(), [id.to_string()]);

    agent.peer.close();

    hall.until_ids(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_an_agent_takes_its_place() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let (old, new) = (hall.agent(id), hall.agent(id));
    old.call("register", json!({"url": ""})).await.unwrap();
    new.call("register", json!({"url": ""})).await.unwrap();
    let generation = hall.registry.get(&id.to_string()).unwrap().generation;

    old.peer.close();
    soon(old.peer.closed()).await;
    hall.pass(2).await;

    assert_eq!(hall.registry.get(&id.to_string()).unwrap().generation, generation);
}

#[tokio::test(start_paused = true)]
async fn an_agent_may_register_and_report_and_nothing_else() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();
    // A credential on its connection makes no difference.
    agent.peer.set_authentication(Some(kite::Authentication::kite_key(hall.kite_key("alice-key").expose())));

    agent.call("report", json!({"calls": 3, "errors": 1})).await.unwrap();

    assert_eq!(hall.registry.get(&id.to_string()).unwrap().calls, Some(3));
    for (method, argument) in [
        ("getKites", json!({"query": {"username": "alice"}})),
        ("getToken", json!({"username": "alice"})),
        ("share", json!({"id": id.to_string(), "username": "bob"})),
        ("unshare", json!({"id": id.to_string(), "username": "bob"})),
        ("shared", json!({})),
        ("cancelWatcher", json!("x")),
    ] {
        let refused = agent.call(method, argument).await.unwrap_err();
        assert_eq!(refused.kind, registry::kind::NOT_ALLOWED, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_learns_about_the_servers_machine_or_writes_into_its_log() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let nobody = hall.client(a_kite("cli"), None, origin(None));

    for caller in [hall.agent(id), hall.connect("alice-key"), nobody] {
        for method in ["kite.systemInfo", "kite.log", "kite.print"] {
            let refused = caller.call(method, json!("text")).await.unwrap_err();
            assert_eq!(refused.kind, kite::error::kind::METHOD_NOT_FOUND, "{method}");
        }
        assert_eq!(caller.call("kite.ping", json!(null)).await.unwrap(), "pong");
    }
}

#[tokio::test(start_paused = true)]
async fn a_workspace_whose_news_were_lost_is_found_again_within_a_minute() {
    let hall = Hall::new().await;
    let renamed = hall.world.workspace(8, hall.alice, TeamId::NIL);
    let moved = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agents = [hall.agent(renamed), hall.agent(moved)];
    for agent in &agents {
        agent.call("register", json!({"url": ""})).await.unwrap();
    }

    {
        let mut facts = hall.world.facts();
        facts.seats.get_mut(&renamed).unwrap().hostname = "renamed".into();
        let seat = facts.seats.get_mut(&moved).unwrap();
        (seat.owner, seat.username) = (hall.bob, "bob".into());
    }
    hall.pass(61).await;

    assert_eq!(hall.registry.get(&renamed.to_string()).unwrap().kite.hostname, "renamed");
    let moved = hall.registry.get(&moved.to_string()).unwrap();
    assert_eq!((moved.owner, moved.kite.username.as_str()), (hall.bob, "bob"));
}

#[tokio::test(start_paused = true)]
async fn many_agents_are_named_again_by_turns() {
    let hall = Hall::new().await;
    let mut agents = Vec::new();
    for number in 0..120 {
        let id = hall.world.workspace(number, hall.alice, TeamId::NIL);
        let agent = hall.agent(id);
        agent.call("register", json!({"url": ""})).await.unwrap();
        agents.push((id, agent));
    }
    let renamed = || {
        let is_renamed =
            |id: &domain::WorkspaceId| hall.registry.get(&id.to_string()).unwrap().kite.hostname == "renamed";
        agents.iter().filter(|(id, _)| is_renamed(id)).count()
    };
    for (id, _) in &agents {
        hall.world.facts().seats.get_mut(id).unwrap().hostname = "renamed".into();
    }

    hall.pass(61).await;
    let first = renamed();
    hall.pass(60).await;
    let second = renamed();

    assert_eq!((first, second), (100, 120));
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_gone_registers_no_agent() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    hall.world.facts().seats.clear();

    let refused = hall.agent(id).call("register", json!({"url": ""})).await.unwrap_err();

    assert_eq!(refused.kind, registry::kind::NOT_ALLOWED);
}

#[tokio::test(start_paused = true)]
async fn an_agents_kite_follows_the_names_of_its_workspace_and_owner() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();
    hall.world.share(hall.alice, ShareSubject::Workspace(id), hall.bob);
    let bob = hall.connect("bob-key");
    let (_, mut events) = bob.watch("watchCallback", json!({"name": "klient"})).await;

    hall.world.facts().seats.get_mut(&id).unwrap().hostname = "renamed".into();
    hall.registry.rights_changed(Whose::Workspace(id));

    let (gone, came) = (events.next().await, events.next().await);
    assert_eq!(
        (gone["action"].as_str(), gone["kite"]["hostname"].as_str()),
        (Some("DEREGISTER"), Some("box9"))
    );
    assert_eq!(
        (came["action"].as_str(), came["kite"]["hostname"].as_str()),
        (Some("REGISTER"), Some("renamed"))
    );
    hall.world.facts().seats.get_mut(&id).unwrap().username = "ali/ce".into();
    hall.registry.rights_changed(Whose::User(hall.alice));
    assert_eq!(events.brief().await.0, "DEREGISTER");
    assert_eq!(events.next().await["kite"]["username"], "ali%2Fce");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_workspace_takes_its_kite_along_and_keeps_the_link() {
    let hall = Hall::new().await;
    let id = hall.world.workspace(9, hall.alice, TeamId::NIL);
    let agent = hall.agent(id);
    agent.call("register", json!({"url": ""})).await.unwrap();

    hall.world.facts().seats.clear();
    hall.registry.rights_changed(Whose::Workspace(id));

    hall.until_ids(&[]).await;
    assert!(!agent.peer.is_closed(), "the connection carries more than the registry's messages");
}
