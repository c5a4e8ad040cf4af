//! People: first run, signing in, tokens, rights.

use std::collections::BTreeSet;

use control::{Control, NewUser, NewWorkspace, SetUp, UserChange};
use domain::{Caller, Role, Scope, SignedDuration, Via};
use vault::Secret;

use crate::sim::{Server, World, is_running};

const PASSWORD: &str = "correct horse battery";

fn secret(text: &str) -> Secret<String> {
    text.to_owned().into()
}

fn setting_up(token: &str) -> SetUp {
    SetUp {
        token: token.into(),
        name: "grace".into(),
        password: secret(PASSWORD),
        email: Some("grace@example.com".into()),
        user_agent: "a browser".into(),
    }
}

async fn member(server: &Server, name: &str) -> Caller {
    let wish = NewUser { name: name.into(), password: secret(PASSWORD), role: Role::Member, email: None };
    server.control.create_user(&server.admin, wish).await.unwrap();
    session(&server.control, name, PASSWORD).await
}

async fn session(control: &Control, name: &str, password: &str) -> Caller {
    let signed_in = control.sign_in(name, secret(password), "a browser").await.unwrap();
    control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_run_makes_one_administrator_whoever_comes_first() {
    let world = World::new().await;
    let (control, _) = world.idle(world.settings());
    assert!(control.setup_needed().await.unwrap());
    let stale = control.new_setup_token().await.unwrap();
    let token = control.new_setup_token().await.unwrap();
    let local = control.local_caller("ada").await.unwrap();

    let refused = control.set_up(setting_up(stale.expose())).await.err().unwrap();
    let signed_in = control.set_up(setting_up(token.expose())).await.unwrap();
    let again = control.set_up(setting_up(token.expose())).await.err().unwrap();

    assert_eq!(refused.code(), "invalid");
    assert_eq!(signed_in.user.id, local.user, "the local administrator is the same person");
    assert_eq!(again.code(), "set_up");
    assert!(!control.setup_needed().await.unwrap());
    assert_eq!(control.new_setup_token().await.err().unwrap().code(), "set_up");
    assert_eq!(control.local_caller("ada").await.unwrap().user, local.user);
    assert_eq!(control.me(&local).await.unwrap().name.as_str(), "grace");
    assert_eq!(session(&control, "grace", PASSWORD).await.role, Role::Admin);
}

#[tokio::test]
async fn the_set_up_link_ends_after_a_day() {
    let world = World::new().await;
    let (control, _) = world.idle(world.settings());
    let token = control.new_setup_token().await.unwrap();

    world.clock.advance(SignedDuration::from_hours(25));
    let refused = control.set_up(setting_up(token.expose())).await.err().unwrap();

    assert!(refused.mend().contains("restarting the server"), "{}", refused.mend());
}

#[tokio::test]
async fn names_and_passwords_that_will_not_do_are_refused_with_the_reason() {
    let world = World::new().await;
    let server = world.server().await;
    let wish = |name: &str, password: &str, email: Option<&str>| NewUser {
        name: name.into(),
        password: secret(password),
        role: Role::Member,
        email: email.map(Into::into),
    };
    member(&server, "eve").await;

    for (wish, code, what) in [
        (wish("with space", PASSWORD, None), "invalid", "spaces"),
        (wish("bob", "short", None), "invalid", "at least 10"),
        (wish("bob", PASSWORD, Some("nobody")), "invalid", "not an e-mail address"),
        (wish("eve", PASSWORD, None), "name_taken", "already"),
    ] {
        let error = server.control.create_user(&server.admin, wish).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer_and_soon_none() {
    let world = World::new().await;
    let server = world.server().await;
    member(&server, "eve").await;
    let control = &server.control;
    let wrong = async |name| control.sign_in(name, secret("not the password"), "x").await.err().unwrap();

    assert_eq!(wrong("eve").await.to_string(), wrong("nobody").await.to_string());
    for _ in 0..9 {
        assert_eq!(wrong("eve").await.code(), "unauthenticated");
    }
    assert_eq!(wrong("eve").await.code(), "too_many");
    assert_eq!(wrong("EVE").await.code(), "too_many", "spelling does not give more tries");
    assert_eq!(wrong("nobody").await.code(), "unauthenticated");
    world.clock.advance(SignedDuration::from_secs(10));
    session(control, "eve", PASSWORD).await;
}

#[tokio::test]
async fn a_session_ends_by_time_by_its_owner_and_with_the_password() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let first = member(&server, "eve").await;
    let second = session(control, "eve", PASSWORD).await;
    let sessions = control.sessions(&first).await.unwrap();
    assert_eq!(sessions.len(), 2);
    let Via::Session(second_id) = second.via else { panic!("no session") };

    assert!(control.revoke_session(&server.admin, second_id).await.is_err(), "somebody else's");
    control.revoke_session(&first, second_id).await.unwrap();
    assert_eq!(control.sessions(&first).await.unwrap().len(), 1);

    let third = control.sign_in("eve", secret(PASSWORD), "x").await.unwrap();
    let wrong = control.change_password(&first, Some(secret("wrong")), secret("another long one")).await;
    assert_eq!(wrong.unwrap_err().to_string(), "the present password is wrong");
    control.change_password(&first, Some(secret(PASSWORD)), secret("another long one")).await.unwrap();
    assert_eq!(control.caller_of_session(third.token.expose()).await.unwrap(), None);
    let kept = control.sign_in("eve", secret("another long one"), "x").await.unwrap();

    world.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(control.caller_of_session(kept.token.expose()).await.unwrap(), None);
    control.expire().await.unwrap();
}

#[tokio::test]
async fn a_token_may_what_its_scopes_say_until_it_ends() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let eve = member(&server, "eve").await;
    let day = std::time::Duration::from_hours(24);
    let scopes = BTreeSet::from([Scope::WorkspacesRead]);
    let (made, token) = control.create_token(&eve, "ci", scopes.clone(), Some(day)).await.unwrap();
    assert!(token.expose().starts_with("hearth_"));

    let caller = control.caller_of_token(token.expose()).await.unwrap().unwrap();
    assert!(control.workspaces(&caller, None, 10).await.unwrap().is_empty());
    let forbidden = control.create_workspace(&caller, NewWorkspace::default()).await.unwrap_err();
    let person_only = control.create_token(&caller, "more", scopes, None).await.err().unwrap();
    assert_eq!((forbidden.code(), person_only.code()), ("forbidden", "forbidden"));

    assert!(control.tokens(&eve).await.unwrap()[0].last_used_at.is_some());
    world.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(control.caller_of_token(token.expose()).await.unwrap(), None);
    control.revoke_token(&eve, made.id).await.unwrap();
    assert!(control.tokens(&eve).await.unwrap().is_empty());
    let nothing = control.create_token(&eve, "x", BTreeSet::new(), None).await.err().unwrap();
    assert_eq!(nothing.code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_nothing_and_an_administrator_does_not_get_inside() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (member(&server, "eve").await, member(&server, "bob").await);
    let id = control.create_workspace(&eve, NewWorkspace::default()).await.unwrap().id;
    server.until(id, is_running).await;

    assert_eq!(control.workspace(&bob, id).await.unwrap_err().code(), "not_found");
    assert_eq!(control.stop_workspace(&bob, id).await.unwrap_err().code(), "not_found");
    assert!(control.log(&bob, id, 0).await.is_err());
    assert!(control.workspaces(&bob, None, 10).await.unwrap().is_empty());
    assert_eq!(control.enter(&server.admin, id).await.err().unwrap().code(), "forbidden");
    assert_eq!(control.workspaces(&server.admin, None, 10).await.unwrap().len(), 1);
    control.stop_workspace(&server.admin, id).await.unwrap();
    assert!(control.users(&eve).await.is_err() && control.doctor(&eve).await.is_err());
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let server = world.server().await;
    let change = UserChange { role: Some(Role::Member), ..UserChange::default() };

    let refused = server.control.update_user(&server.admin, server.admin.user, change).await.unwrap_err();

    assert_eq!(refused.code(), "last_admin");
}

#[tokio::test]
async fn what_people_did_is_written_down_without_secrets() {
    let world = World::new().await;
    let server = world.server().await;
    let eve = member(&server, "eve").await;
    server.control.create_workspace(&eve, NewWorkspace::default()).await.unwrap();
    let (_, token) =
        server.control.create_token(&eve, "ci", BTreeSet::from([Scope::All]), None).await.unwrap();

    let entries = server.control.audit(&server.admin, None, 100).await.unwrap();

    let actions: Vec<&str> = entries.iter().rev().map(|(_, entry)| entry.action.as_str()).collect();
    assert_eq!(actions, ["setup.local", "user.create", "session.open", "workspace.create", "token.create"]);
    let all = format!("{entries:?}");
    assert!(!all.contains(PASSWORD) && !all.contains(token.expose()));
    assert_eq!(server.control.audit(&eve, None, 100).await.unwrap_err().code(), "forbidden");
}

#[tokio::test]
async fn a_repeated_request_gets_the_answer_of_the_first() {
    let world = World::new().await;
    let server = world.server().await;
    let (control, admin) = (&server.control, &server.admin);

    assert_eq!(control.recall(admin, "key", "create a").await.unwrap(), None);
    control.remember(admin, "key", "create a", "made a").await.unwrap();
    control.remember(admin, "key", "create a", "made another").await.unwrap();

    assert_eq!(control.recall(admin, "key", "create a").await.unwrap().as_deref(), Some("made a"));
    assert_eq!(control.recall(admin, "key", "create b").await.unwrap_err().code(), "key_reused");
    assert_eq!(control.recall(admin, "", "x").await.unwrap_err().code(), "invalid");
    world.clock.advance(SignedDuration::from_hours(25));
    control.expire().await.unwrap();
    assert_eq!(control.recall(admin, "key", "create a").await.unwrap(), None);
}
