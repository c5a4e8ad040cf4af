//! The end of a caller's rights, for streams that are open.

use std::collections::BTreeSet;
use std::time::Duration;

use control::{Control, NewUser, UserChange};
use domain::{Caller, Role, Scope, SignedDuration, UserId};

use crate::sim::{Server, World};

const PASSWORD: &str = "correct horse battery";
/// What is promised.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn eve(server: &Server) -> UserId {
    let password = PASSWORD.to_owned().into();
    let wish = NewUser { name: "eve".into(), password, role: Role::Member, email: None };
    server.control.create_user(&server.admin, wish).await.unwrap().id
}

async fn session(control: &Control) -> Caller {
    let signed_in = control.sign_in("eve", PASSWORD.to_owned().into(), "x").await.unwrap();
    control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap()
}

async fn token(control: &Control, of: &Caller) -> Caller {
    let (_, token) = control.create_token(of, "x", BTreeSet::from([Scope::All]), None).await.unwrap();
    control.caller_of_token(token.expose()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_suspension_ends_every_stream_and_way_in_within_a_second() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let id = eve(&server).await;
    let by_session = session(control).await;
    let by_token = token(control, &by_session).await;
    let cut = [control.revoked(&by_session), control.revoked(&by_token)].map(tokio::spawn);
    let untouched = tokio::spawn(control.revoked(&server.admin));

    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, id, suspended).await.unwrap();

    for cut in cut {
        tokio::time::timeout(AT_ONCE, cut).await.expect("cut at once").unwrap();
    }
    assert!(!untouched.is_finished());
    let refused = control.sign_in("eve", PASSWORD.to_owned().into(), "x").await.err().unwrap();
    assert_eq!(refused.to_string(), "this account is suspended");
    // Welcome again, the token works again; sessions have to be opened anew.
    let welcome = UserChange { suspended: Some(false), ..UserChange::default() };
    control.update_user(&server.admin, id, welcome).await.unwrap();
    assert!(control.sessions(&session(control).await).await.unwrap().len() == 1);
}

#[tokio::test]
async fn a_revoked_token_or_session_ends_its_own_streams_only() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    eve(&server).await;
    let (first, second) = (session(control).await, session(control).await);
    let by_token = token(control, &first).await;
    let watch = |caller: &Caller| tokio::spawn(control.revoked(caller));
    let (first_cut, second_cut, token_cut) = (watch(&first), watch(&second), watch(&by_token));

    let tokens = control.tokens(&first).await.unwrap();
    control.revoke_token(&first, tokens[0].id).await.unwrap();
    tokio::time::timeout(AT_ONCE, token_cut).await.expect("cut at once").unwrap();
    control.sign_out(&second).await.unwrap();
    tokio::time::timeout(AT_ONCE, second_cut).await.expect("cut at once").unwrap();

    assert!(!first_cut.is_finished());
}

#[tokio::test]
async fn rights_that_ended_before_anybody_listened_end_the_stream_too() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let id = eve(&server).await;
    let caller = session(control).await;

    let admin = UserChange { role: Some(Role::Admin), ..UserChange::default() };
    control.update_user(&server.admin, id, admin).await.unwrap();
    let over = SignedDuration::from_hours(24 * 31);

    tokio::time::timeout(AT_ONCE, control.revoked(&caller)).await.expect("its role is another one");
    let later = session(control).await;
    world.clock.advance(over);
    tokio::time::timeout(AT_ONCE, control.revoked(&later)).await.expect("its session has expired");
}
