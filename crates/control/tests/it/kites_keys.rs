//! Kite keys and the registry's own keys: made, renewed, replaced, revoked, and never in clear.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use control::{KiteKeyWish, OlderKeys, RotationLevel, UserChange};
use domain::{Caller, Clock, Role, Scope, SignedDuration, Via};
use kite::{Authentication, MethodOptions, Service};
use serde_json::{Value, json};
use testkit::wait_until;

use crate::kites_world::{a_key, a_kite, a_service, call, connect, connect_as, register, seen, until_unseen};
use crate::sim::{LIMIT, Machine, Server, World};
use crate::teams::{a_team, person};

/// Waits until the registry has its first pair.
async fn until_there_are_keys(server: &Server) {
    wait_until(LIMIT, async || !server.control.registry_keys(&server.admin).await.unwrap().is_empty()).await;
}

#[tokio::test]
async fn the_private_key_is_nowhere_in_clear_and_survives_a_restart() {
    let world = World::new().await;
    let server = world.server().await;
    let (_, key) = a_key(&server.control, &server.admin, None).await;
    let before = server.control.registry_keys(&server.admin).await.unwrap();

    server.stop().await;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().as_bytes().starts_with(b"hearth.db") {
            let bytes = std::fs::read(file.path()).unwrap();
            for secret in ["PRIVATE KEY", key.as_str(), &key[key.len() - 60..]] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret:?} is in {}", file.path().display());
            }
        }
    }

    let server = world.server().await;
    assert_eq!(server.control.registry_keys(&server.admin).await.unwrap(), before);
    let peer = a_service(&server.control, &key, "math").await;
    assert_eq!(seen(&server.control, &server.admin).await, [("math-1".to_owned(), true)]);
    peer.close();
}

#[tokio::test]
async fn of_servers_that_start_at_once_one_makes_the_key() {
    let Some(postgres) = testkit::postgres().await else { return };
    let url = postgres.database().await;
    let world = World::on_database(Machine::new(), &url).await;
    let servers = [world.server_named("one").await, world.server_named("two").await];

    for server in &servers {
        until_there_are_keys(server).await;
        a_key(&server.control, &server.admin, None).await;
    }

    let keys = servers[0].control.registry_keys(&servers[0].admin).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].kite_keys, 2);
}

#[tokio::test]
async fn a_kite_key_is_shown_once_and_listed_for_its_owner_alone() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, eve) = (person(&server, "olga").await, person(&server, "eve").await);
    a_team(&server, "acme", &olga).await;
    let (made, key) = a_key(control, &olga, Some("acme")).await;
    let _peer = a_service(control, &key, "math").await;

    assert_eq!(key.split('.').count(), 3);
    wait_until(LIMIT, async || control.kite_keys(&olga).await.unwrap()[0].kites == 1).await;
    let listed = control.kite_keys(&olga).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id, listed[0].name.as_str()), (made.id, "machine"));
    assert_eq!(listed[0].team, Some(control.team(&olga, "acme").await.unwrap().team.id));
    assert_eq!(listed[0].expires_at, made.created_at + SignedDuration::from_hours(30 * 24));
    assert!(listed[0].last_used_at.is_some());
    assert_eq!(control.kite_keys(&eve).await.unwrap(), []);
    assert_eq!(control.revoke_kite_key(&eve, made.id).await.unwrap_err().code(), "not_found");
    let wish = |name: &str, team: Option<&str>, days| KiteKeyWish {
        name: name.into(),
        team: team.map(str::to_owned),
        days,
    };
    for (bad, code) in [
        (wish("", None, None), "invalid"),
        (wish("a\nb", None, None), "invalid"),
        (wish("x", None, Some(0)), "invalid"),
        (wish("x", None, Some(366)), "invalid"),
        (wish("x", Some("acme"), None), "not_found"),
    ] {
        assert_eq!(control.create_kite_key(&eve, bad).await.err().unwrap().code(), code);
    }
    let outsider = control.create_kite_key(&server.admin, wish("x", Some("acme"), None)).await;
    assert_eq!(outsider.err().unwrap().code(), "not_member");
}

#[tokio::test]
async fn a_rotation_reaches_kites_when_they_register() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (made, old_key) = a_key(control, &server.admin, None).await;
    let peer = connect(control, &a_kite("math"));
    let first = register(&peer, &old_key, "math").await.unwrap();
    assert_eq!(first.get("kiteKey"), None, "{first}");

    let keys = control.rotate_registry_key(&server.admin, OlderKeys::Keep).await.unwrap();

    assert_eq!(keys.len(), 2);
    assert_eq!((keys[0].retired_at, keys[0].kite_keys), (None, 0));
    assert_eq!((keys[1].retired_at, keys[1].kite_keys), (Some(world.clock.now()), 1));
    // What registered stays, and the old key is good; with the answer of a registration comes the next one.
    assert_eq!(seen(control, &server.admin).await, [("math-1".to_owned(), true)]);
    let again = register(&peer, &old_key, "math").await.unwrap();
    let new_key = again["kiteKey"].as_str().unwrap().to_owned();
    assert_eq!(again["publicKey"].as_str().unwrap(), keys[0].public_key);
    // A kite that lost the answer is given the same one again.
    let lost = register(&peer, &old_key, "math").await.unwrap();
    assert_eq!(lost["kiteKey"].as_str().unwrap(), new_key);
    let settled = register(&peer, &new_key, "math").await.unwrap();
    assert_eq!(settled.get("kiteKey"), None, "{settled}");
    let listed = control.kite_keys(&server.admin).await.unwrap();
    assert_eq!((listed.len(), listed[0].id), (1, made.id));
    // The old one ends a day later, and the pair that signed it goes then.
    world.clock.advance(SignedDuration::from_hours(25));
    control.expire().await.unwrap();
    wait_until(LIMIT, async || register(&peer, &old_key, "math").await.is_err()).await;
    register(&peer, &new_key, "math").await.unwrap();
    let left = control.registry_keys(&server.admin).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, keys[0].id);
}

#[tokio::test]
async fn a_rotation_can_void_everything_that_older_pairs_signed() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let eve = person(&server, "eve").await;
    let (_, old_key) = a_key(control, &eve, None).await;
    let peer = a_service(control, &old_key, "math").await;
    let refused = control.rotate_registry_key(&eve, OlderKeys::Keep).await.err().unwrap();
    assert_eq!(refused.code(), "forbidden");

    let keys = control.rotate_registry_key(&server.admin, OlderKeys::Revoke).await.unwrap();

    assert_eq!(keys.len(), 1);
    until_unseen(control, &eve, "math-1").await;
    tokio::time::timeout(LIMIT, peer.closed()).await.unwrap();
    let peer = connect(control, &a_kite("math"));
    register(&peer, &old_key, "math").await.unwrap_err();
    assert_eq!(control.kite_keys(&eve).await.unwrap(), []);
    let (_, new_key) = a_key(control, &eve, None).await;
    register(&peer, &new_key, "math").await.unwrap();
}

#[tokio::test]
async fn a_key_past_half_its_life_is_renewed() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (_, key) = a_key(control, &server.admin, None).await;
    let peer = connect(control, &a_kite("math"));
    world.clock.advance(SignedDuration::from_hours(24 * 14));
    assert_eq!(register(&peer, &key, "math").await.unwrap().get("kiteKey"), None);

    world.clock.advance(SignedDuration::from_hours(24 * 2));
    let answer = register(&peer, &key, "math").await.unwrap();

    let next = answer["kiteKey"].as_str().unwrap();
    let listed = control.kite_keys(&server.admin).await.unwrap();
    assert_eq!(listed.len(), 1);
    let left = listed[0].expires_at.duration_since(world.clock.now());
    assert!(left > SignedDuration::from_hours(24 * 29), "{left:?}");
    // Revoked, both are void.
    control.revoke_kite_key(&server.admin, listed[0].id).await.unwrap();
    tokio::time::timeout(LIMIT, peer.closed()).await.unwrap();
    for key in [key.as_str(), next] {
        let peer = connect(control, &a_kite("math"));
        register(&peer, key, "math").await.unwrap_err();
    }
}

/// Trades what somebody typed for a kite key.
async fn register_machine(peer: &kite::Peer, argument: Value) -> Result<Value, kite::Error> {
    peer.call("registerMachine", [argument]).await
}

#[tokio::test]
async fn a_code_becomes_one_kite_key_however_many_try() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    a_team(&server, "acme", &olga).await;
    until_there_are_keys(&server).await;
    let code = control.create_kite_code(&olga, Some("acme")).await.unwrap();
    assert!(code.registry.ends_with("/kite"), "{}", code.registry);

    let tries: Vec<_> = (0..5)
        .map(|number| {
            let peer = connect(control, &a_kite(&format!("machine{number}")));
            let argument = json!({ "authType": "token", "token": code.code.expose() });
            tokio::spawn(async move { register_machine(&peer, argument).await })
        })
        .collect();
    let mut keys = Vec::new();
    for one in tries {
        keys.extend(one.await.unwrap());
    }

    assert_eq!(keys.len(), 1);
    let listed = control.kite_keys(&olga).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "machine"));
    assert!(listed[0].team.is_some());
    let peer = connect(control, &a_kite("math"));
    register(&peer, keys[0].as_str().unwrap(), "math").await.unwrap();
    // One that is over is none.
    let late = control.create_kite_code(&olga, None).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(10));
    let argument = json!({ "authType": "token", "token": late.code.expose() });
    register_machine(&peer, argument).await.unwrap_err();
    assert_eq!(control.kite_keys(&olga).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_password_becomes_a_kite_key_as_long_as_guessing_does_not_pay() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    until_there_are_keys(&server).await;
    let typing = |password: &'static str| {
        let open = MethodOptions::new().open();
        let program = Service::builder(a_kite("machine"))
            .method_with("kite.getPass", open, move |_| async move { Ok(password) })
            .build();
        connect_as(control, &program)
    };
    let wanted = json!({ "authType": "password", "username": "olga" });

    let key = register_machine(&typing("correct horse battery"), wanted.clone()).await.unwrap();

    let peer = connect(control, &a_kite("math"));
    register(&peer, key.as_str().unwrap(), "math").await.unwrap();
    assert_eq!(control.kite(&olga, "math-1").await.unwrap().username, "olga");
    let mut refusals = BTreeSet::new();
    for _ in 0..12 {
        let error = register_machine(&typing("a wrong one"), wanted.clone()).await.unwrap_err();
        refusals.insert(error.kind);
    }
    // At first it is wrong, then there are too many.
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    register_machine(&typing("correct horse battery"), wanted).await.unwrap_err();
    assert_eq!(control.kite_keys(&olga).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_registrys_key_moves_with_the_keys_above_it() {
    let world = World::new().await;
    let server = world.server().await;
    let (_, key) = a_key(&server.control, &server.admin, None).await;
    let before = server.control.registry_keys(&server.admin).await.unwrap();

    for level in [RotationLevel::Data, RotationLevel::Platform] {
        server.control.rotate_keys(&server.admin, level).await.unwrap();
        wait_until(LIMIT, async || {
            let status = server.control.key_status(&server.admin).await.unwrap();
            status.rotation.is_none() && status.sealed_by_retired == 0 && status.wrapped_by_older == 0
        })
        .await;
    }
    server.stop().await;

    let server = world.server().await;
    assert_eq!(server.control.registry_keys(&server.admin).await.unwrap(), before);
    let peer = connect(&server.control, &a_kite("math"));
    register(&peer, &key, "math").await.unwrap();
    server.control.kite_token(&server.admin, "math-1").await.unwrap();
}

#[tokio::test]
async fn what_is_done_with_keys_and_shares_is_written_down() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let (made, _) = a_key(control, &olga, None).await;
    control.create_kite_code(&olga, None).await.unwrap();
    control.share_kite(&olga, "production/math", &server.admin.user.to_string()).await.unwrap();
    control.unshare_kite(&olga, "production/math", &server.admin.user.to_string()).await.unwrap();
    control.revoke_kite_key(&olga, made.id).await.unwrap();
    control.rotate_registry_key(&server.admin, OlderKeys::Keep).await.unwrap();

    let written = control.audit(&server.admin, None, 20).await.unwrap();

    let actions: BTreeSet<_> = written.iter().map(|(_, entry)| entry.action.as_str()).collect();
    for action in [
        "kite_key.create",
        "kite_key.revoke",
        "kite_code.create",
        "kite.share",
        "kite.unshare",
        "registry.rotate",
    ] {
        assert!(actions.contains(action), "{action} is not among {actions:?}");
    }
}

#[tokio::test]
async fn nothing_but_a_kite_key_or_an_api_token_is_good_at_the_registry() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (_, key) = a_key(control, &server.admin, None).await;
    let _peer = a_service(control, &key, "math").await;
    let kite_token = control.kite_token(&server.admin, "math-1").await.unwrap();
    let client = connect(control, &a_kite("client"));
    let query = json!({ "query": { "name": "math" } });

    for wrong in [
        Authentication::token(kite_token.token.expose().clone()),
        Authentication::kite_key(kite_token.token.expose().clone()),
        Authentication::kite_key("hearth_x"),
        Authentication::token("hearth_unknown"),
        Authentication::new("sessionID", "x"),
    ] {
        let answer = client.request("getKites").args([&query]).authentication(wrong).send::<Value>().await;
        answer.unwrap_err();
    }
    call(&client, &key, "getKites", query).await.unwrap();
    // A token that reaches less than everything is none to replace keys with.
    let reads = BTreeSet::from([Scope::WorkspacesRead]);
    let limited = Caller {
        user: server.admin.user,
        role: Role::Admin,
        via: Via::Token { id: domain::TokenId::NIL, scopes: reads },
    };
    assert_eq!(
        control.rotate_registry_key(&limited, OlderKeys::Keep).await.err().unwrap().code(),
        "forbidden"
    );
}

#[tokio::test]
async fn an_api_token_makes_no_credential_that_would_outlive_it() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let (made, _) = a_key(control, &olga, None).await;
    let scopes = BTreeSet::from([Scope::All]);
    let (_, text) = control.create_token(&olga, "x", scopes, None).await.unwrap();
    let program = control.caller_of_token(text.expose()).await.unwrap().unwrap();

    let wish = KiteKeyWish { name: "machine".into(), ..KiteKeyWish::default() };
    assert_eq!(control.create_kite_key(&program, wish).await.err().unwrap().code(), "forbidden");
    assert_eq!(control.create_kite_code(&program, None).await.err().unwrap().code(), "forbidden");

    // It sees what there is, and takes back.
    assert_eq!(control.kite_keys(&program).await.unwrap().len(), 1);
    control.revoke_kite_key(&program, made.id).await.unwrap();
}

#[tokio::test]
async fn a_suspension_voids_codes_for_good() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    until_there_are_keys(&server).await;
    let code = control.create_kite_code(&olga, None).await.unwrap();

    for suspended in [true, false] {
        let change = UserChange { suspended: Some(suspended), ..UserChange::default() };
        control.update_user(&server.admin, olga.user, change).await.unwrap();
    }

    let peer = connect(control, &a_kite("machine"));
    let argument = json!({ "authType": "token", "token": code.code.expose() });
    register_machine(&peer, argument).await.unwrap_err();
    assert_eq!(control.kite_keys(&olga).await.unwrap(), []);
}
