//! What ends with a right: registrations, connections, calls under way; and what outlives a restart.

use std::collections::BTreeSet;

use control::{Control, Settings, UserChange};
use domain::{Caller, KiteVia, Scope, TeamRole};
use futures_util::StreamExt;
use testkit::wait_until;

use crate::kites_world::{
    AT_ONCE, a_key, a_kite, a_service, a_workspace, an_agent, call_with_token, connect, register, seen,
    until_unseen,
};
use crate::sim::{LIMIT, Machine, World};
use crate::teams::{a_team, person};

/// Whether a call under way would go on.
fn goes_on(control: &Control, caller: &Caller, kite: &str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(control.kite_rights_ended(caller.user, kite))
}

async fn is_cut(waiting: tokio::task::JoinHandle<()>) {
    tokio::time::timeout(AT_ONCE, waiting).await.expect("cut within a second").unwrap();
}

#[tokio::test]
async fn a_revoked_key_or_token_takes_what_it_registered_along() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let olga = person(&server, "olga").await;
    let (made, key) = a_key(control, &olga, None).await;
    let (_, other_key) = a_key(control, &olga, None).await;
    let by_key = a_service(control, &key, "math").await;
    let other = a_service(control, &other_key, "other").await;
    let scopes = BTreeSet::from([Scope::All]);
    let (token, text) = control.create_token(&olga, "x", scopes, None).await.unwrap();
    let by_token = connect(control, &a_kite("token"));
    let url = serde_json::json!({ "url": "http://192.0.2.1:1/kite" });
    call_with_token(&by_token, text.expose(), "register", url).await.unwrap();
    let ended = goes_on(control, &olga, "math-1");
    assert_eq!(seen(control, &olga).await.len(), 3);

    control.revoke_kite_key(&olga, made.id).await.unwrap();
    tokio::time::timeout(AT_ONCE, by_key.closed()).await.expect("cut within a second");
    is_cut(ended).await;
    control.revoke_token(&olga, token.id).await.unwrap();
    tokio::time::timeout(AT_ONCE, by_token.closed()).await.expect("cut within a second");

    wait_until(LIMIT, async || seen(control, &olga).await == [("other-1".to_owned(), true)]).await;
    assert!(!other.is_closed());
}

#[tokio::test]
async fn who_leaves_the_team_loses_what_is_the_teams() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, max) = (person(&server, "olga").await, person(&server, "max").await);
    a_team(&server, "acme", &olga).await;
    control.set_member(&olga, "acme", max.user, TeamRole::Owner).await.unwrap();
    let (_, team_key) = a_key(control, &max, Some("acme")).await;
    let (_, own_key) = a_key(control, &max, None).await;
    let of_team = a_service(control, &team_key, "team").await;
    let own = a_service(control, &own_key, "own").await;
    let (_, olgas_key) = a_key(control, &olga, Some("acme")).await;
    let _olgas = a_service(control, &olgas_key, "olgas").await;
    let max_calls = goes_on(control, &max, "olgas-1");
    let olga_calls = goes_on(control, &olga, "olgas-1");

    control.remove_member(&olga, "acme", max.user).await.unwrap();

    is_cut(max_calls).await;
    tokio::time::timeout(AT_ONCE, of_team.closed()).await.expect("cut within a second");
    until_unseen(control, &olga, "team-1").await;
    assert_eq!(seen(control, &max).await, [("own-1".to_owned(), true)]);
    assert!(!own.is_closed() && !olga_calls.is_finished());
    let again = connect(control, &a_kite("team"));
    register(&again, &team_key, "team").await.unwrap_err();
}

#[tokio::test]
async fn a_withdrawn_share_a_suspension_and_a_deletion_cut_calls_under_way() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, gus) = (person(&server, "olga").await, person(&server, "gus").await);
    let workspace = a_workspace(control, &olga, "everybody").await;
    let agent = workspace.to_string();
    let _peer = an_agent(control, workspace).await;
    control.share_kite(&olga, &agent, "gus").await.unwrap();
    // Whoever may not call from the beginning is cut at once.
    is_cut(goes_on(control, &server.admin, &agent)).await;
    is_cut(goes_on(control, &olga, "nothing-1")).await;

    let (gus_calls, olga_calls) = (goes_on(control, &gus, &agent), goes_on(control, &olga, &agent));
    control.unshare_kite(&olga, &agent, "gus").await.unwrap();
    is_cut(gus_calls).await;
    assert!(!olga_calls.is_finished());

    control.share_kite(&olga, &agent, "gus").await.unwrap();
    let gus_calls = goes_on(control, &gus, &agent);
    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, olga.user, suspended).await.unwrap();
    is_cut(gus_calls).await;
    is_cut(olga_calls).await;

    let welcome = UserChange { suspended: Some(false), ..UserChange::default() };
    control.update_user(&server.admin, olga.user, welcome).await.unwrap();
    let (gus_calls, olga_calls) = (goes_on(control, &gus, &agent), goes_on(control, &olga, &agent));
    control.delete_workspace(&olga, workspace).await.unwrap();
    is_cut(gus_calls).await;
    is_cut(olga_calls).await;
    until_unseen(control, &server.admin, &agent).await;
    // With the workspace goes what was shared of it.
    wait_until(LIMIT, async || control.kite_shares(&olga, &agent).await.is_err()).await;
}

#[tokio::test]
async fn listeners_hear_of_the_kites_they_may_see_and_no_others() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (olga, eve) = (person(&server, "olga").await, person(&server, "eve").await);
    let (_, key) = a_key(control, &olga, None).await;
    let mut olgas = control.kite_changes(&olga).await.unwrap();
    let mut eves = control.kite_changes(&eve).await.unwrap();

    let peer = a_service(control, &key, "math").await;

    let heard = tokio::time::timeout(LIMIT, olgas.next()).await.unwrap().unwrap();
    assert_eq!(heard.id.as_deref(), Some("math-1"));
    // That something is shared with her is the first that she hears of it.
    control.share_kite(&olga, "math-1", "eve").await.unwrap();
    let heard = tokio::time::timeout(LIMIT, eves.next()).await.unwrap().unwrap();
    assert_eq!(heard.id, None);
    peer.close();
    loop {
        let heard = tokio::time::timeout(LIMIT, eves.next()).await.unwrap().unwrap();
        if heard.id.as_deref() == Some("math-1") && seen(control, &eve).await.is_empty() {
            break;
        }
    }
}

#[tokio::test]
async fn what_was_registered_is_kept_over_a_restart_until_it_comes_back() {
    let world = World::new().await;
    let server = world.server().await;
    let (_, key) = a_key(&server.control, &server.admin, None).await;
    let _peer = a_service(&server.control, &key, "math").await;
    let before = server.control.kite(&server.admin, "math-1").await.unwrap();
    assert!(before.connected);

    server.stop().await;
    let server = world.server().await;

    let kept = server.control.kite(&server.admin, "math-1").await.unwrap();
    assert!(!kept.connected);
    assert_eq!((kept.registered_at, kept.via), (before.registered_at, KiteVia::Socket));
    assert_eq!(kept.url, before.url);
    let _peer = a_service(&server.control, &key, "math").await;
    assert!(server.control.kite(&server.admin, "math-1").await.unwrap().connected);
}

#[tokio::test]
async fn two_servers_see_each_others_kites() {
    let Some(postgres) = testkit::postgres().await else { return };
    let url = postgres.database().await;
    let world = World::on_database(Machine::new(), &url).await;
    let one = world.server_named("one").await;
    let other_store = store::Store::open(&url).await.unwrap();
    let two = world.server_on(other_store, Settings { server: "two".into(), ..world.settings() }).await;
    let (made, key) = a_key(&one.control, &one.admin, None).await;

    let peer = a_service(&one.control, &key, "math").await;

    wait_until(LIMIT, async || two.control.kite(&two.admin, "math-1").await.is_ok()).await;
    let seen_there = two.control.kite(&two.admin, "math-1").await.unwrap();
    assert_eq!((seen_there.server.as_str(), seen_there.connected), ("one", true));
    // A token of either is good, and the keys are one.
    two.control.kite_token(&two.admin, "math-1").await.unwrap();
    // A revocation on one server cuts what is connected to the other.
    two.control.revoke_kite_key(&two.admin, made.id).await.unwrap();
    tokio::time::timeout(LIMIT, peer.closed()).await.expect("cut from the other server");
    until_unseen(&two.control, &two.admin, "math-1").await;
    // The id is free for whoever comes, on the other server too.
    let (_, key) = a_key(&two.control, &two.admin, None).await;
    let _peer = a_service(&two.control, &key, "math").await;
    wait_until(LIMIT, async || {
        let there = one.control.kite(&one.admin, "math-1").await;
        there.is_ok_and(|there| there.server == "two")
    })
    .await;
}

#[tokio::test]
async fn a_server_without_the_platform_key_hears_of_everything_else() {
    let world = World::new().await;
    let one = world.server_named("one").await;
    let (_, key) = a_key(&one.control, &one.admin, None).await;
    // The other one finds another platform key, which does not open what there is.
    let path = world.folder.path().join("platform-key");
    std::fs::remove_file(&path).unwrap();
    vault::FileKey::create(path, std::sync::Arc::new(testkit::SeededEntropy::new(6))).unwrap();
    let two = world.server_named("two").await;
    let admin = two.admin.user;
    assert_eq!(two.control.user_name(admin).await.unwrap().as_str(), "ada");

    let _peer = a_service(&one.control, &key, "math").await;

    wait_until(LIMIT, async || two.control.kite(&two.admin, "math-1").await.is_ok()).await;
    let error = two.control.kite_token(&two.admin, "math-1").await.err().unwrap();
    assert_eq!(error.code(), "unavailable", "it has no key to sign with");
    // Nor does it call anybody by an old name.
    let wish = control::SetUp {
        token: one.control.new_setup_token().await.unwrap().expose().to_owned(),
        name: "grace".into(),
        password: "correct horse battery".to_owned().into(),
        email: None,
        user_agent: "x".into(),
    };
    one.control.set_up(wish).await.unwrap();
    wait_until(LIMIT, async || two.control.user_name(admin).await.unwrap().as_str() == "grace").await;
}
