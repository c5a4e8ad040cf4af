//! Signing in with accounts of forges.

use control::{CallbackOutcome, ForgeSettings, NewUser, SignedIn, UserChange};
use domain::{Caller, Role, SignedDuration};
use testkit::gitlab::{NewUser as NewAccount, User};

use crate::forge_world::{
    PASSWORD, Ready, change, code, link_of, linked, person, ready, serve, session, sign_in, told,
};
use crate::sim::{Server, World};

async fn open_door(server: &Server, ready: &Ready) {
    let settings = ForgeSettings { sign_up: Some("open".into()), ..ForgeSettings::default() };
    change(&server.control, &ready.admin, ready.forge, settings).await;
}

async fn comes_in(server: &Server, ready: &Ready, user: &User) -> SignedIn {
    match sign_in(&server.control, ready.forge, &ready.gitlab, user).await {
        CallbackOutcome::SignedIn { signed_in, return_to, .. } => {
            assert_eq!(return_to.as_str(), "/new#x");
            signed_in
        }
        other => panic!("{}", told(&other)),
    }
}

async fn caller(server: &Server, signed_in: &SignedIn) -> Option<Caller> {
    server.control.caller_of_session(signed_in.token.expose()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_time_makes_an_account_and_later_ones_find_it() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let user = ready.gitlab.add_user("eve");

    let first = comes_in(&server, &ready, &user).await;
    let second = comes_in(&server, &ready, &user).await;

    assert_eq!((first.user.name.as_str(), first.user.role), ("eve", Role::Member));
    assert_eq!(first.user.id, second.user.id);
    let eve = caller(&server, &first).await.unwrap();
    assert_eq!(server.control.sessions(&eve).await.unwrap()[0].forge, Some(ready.forge));
    let own = link_of(&server.control, &eve, ready.forge).await;
    assert!(own.signs_in && own.last_way_in);
    assert_eq!(own.link.generation, 1, "the second sign-in leaves the link's own tokens alone");
    testkit::wait_until(crate::sim::LIMIT, async || ready.gitlab.living_tokens(&ready.application) == 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_name_nor_an_address_makes_somebody_somebody_else() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let account = ready.gitlab.add_user("eve");
    let wish = NewUser {
        name: "eve".into(),
        password: PASSWORD.to_owned().into(),
        role: Role::Admin,
        email: Some(account.email.clone()),
    };
    let here = server.control.create_user(&server.admin, wish).await.unwrap();

    let stranger = comes_in(&server, &ready, &account).await;

    assert_ne!(stranger.user.id, here.id);
    assert_eq!((stranger.user.name.as_str(), stranger.user.role), ("eve2", Role::Member));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_door_lets_in_only_whoever_has_linked() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let (eve, of_eve) = linked(&server, &ready, "eve").await;

    let outcome =
        sign_in(&server.control, ready.forge, &ready.gitlab, &ready.gitlab.add_user("mallory")).await;

    assert_eq!(code(&outcome), "sign_up_closed", "{}", told(&outcome));
    assert!(told(&outcome).contains("(/sign-in?link_error=sign_up_closed&"), "{}", told(&outcome));
    assert_eq!(server.control.users(&ready.admin).await.unwrap().len(), 3);
    assert_eq!(comes_in(&server, &ready, &of_eve).await.user.id, eve.user);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_people_of_the_listed_domains_get_an_account() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let settings = ForgeSettings {
        sign_up: Some("domains".into()),
        sign_up_domains: Some(vec!["corp.example".into()]),
        ..ForgeSettings::default()
    };
    change(&server.control, &ready.admin, ready.forge, settings).await;
    let with = |name: &str, email: &str| {
        ready.gitlab.add_new_user(NewAccount { email: email.into(), ..NewAccount::named(name) })
    };

    for (name, email, expected) in [
        ("a", "a@corp.example", "signed in"),
        ("b", "b@evil-corp.example", "sign_up_domain"),
        ("c", "c@sub.corp.example", "sign_up_domain"),
        ("d", "d@corp.example.evil.example", "sign_up_domain"),
    ] {
        let outcome = sign_in(&server.control, ready.forge, &ready.gitlab, &with(name, email)).await;
        assert_eq!(code(&outcome), expected, "{email}: {}", told(&outcome));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_or_address_over_there_changes_nothing_about_who_one_is() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let user = ready.gitlab.add_user("eve");
    let before = comes_in(&server, &ready, &user).await;

    ready.gitlab.rename_user(&user, "evelyn");
    // Somebody else takes the name that became free.
    let other =
        ready.gitlab.add_new_user(NewAccount { email: "x@example.org".into(), ..NewAccount::named("eve") });
    let after = comes_in(&server, &ready, &User { username: "evelyn".into(), ..user }).await;
    let stranger = comes_in(&server, &ready, &other).await;

    assert_eq!(before.user.id, after.user.id);
    assert_ne!(before.user.id, stranger.user.id);
    let eve = caller(&server, &after).await.unwrap();
    assert_eq!(link_of(&server.control, &eve, ready.forge).await.link.account.login, "evelyn");
    assert_eq!(after.user.name.as_str(), "eve", "the name here stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_suspended_does_not_get_in_this_way_either() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let (eve, user) = linked(&server, &ready, "eve").await;
    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    server.control.update_user(&server.admin, eve.user, suspended).await.unwrap();

    let outcome = sign_in(&server.control, ready.forge, &ready.gitlab, &user).await;

    assert_eq!(code(&outcome), "suspended", "{}", told(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_shut_out_at_the_forge_is_put_out_here_when_it_shows() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let user = ready.gitlab.add_user("eve");
    let signed_in = comes_in(&server, &ready, &user).await;
    let promoted = UserChange { role: Some(Role::Admin), ..UserChange::default() };
    server.control.update_user(&server.admin, signed_in.user.id, promoted).await.unwrap();
    let eve = caller(&server, &signed_in).await.unwrap();
    let cut = tokio::spawn(server.control.revoked(&eve));

    ready.gitlab.block_user(&user);
    ready.gitlab.revoke_tokens_of(&user);
    world.clock.advance(SignedDuration::from_mins(119));
    let found = server.control.check_forge(&eve, ready.forge).await.unwrap();

    assert!(
        found.steps.iter().any(|step| step.name == "authorise" && step.detail.contains("any more")),
        "{found:?}"
    );
    assert_eq!(caller(&server, &signed_in).await, None);
    tokio::time::timeout(crate::sim::LIMIT, cut).await.expect("its streams end").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_cannot_be_taken_away() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let signed_in = comes_in(&server, &ready, &ready.gitlab.add_user("eve")).await;
    let eve = caller(&server, &signed_in).await.unwrap();
    let own = link_of(&server.control, &eve, ready.forge).await;

    let refused = server.control.disconnect(&eve, own.link.id).await.unwrap_err();
    assert_eq!(refused.code(), "last_way_in");
    let lost =
        server.control.delete_forge(&ready.admin, ready.forge, control::LockOut::Refuse).await.unwrap_err();
    assert_eq!(lost.code(), "locks_out");
    assert!(lost.to_string().starts_with("1 person has"), "{lost}");

    let with_password = UserChange { password: Some(PASSWORD.to_owned().into()), ..UserChange::default() };
    server.control.update_user(&server.admin, eve.user, with_password).await.unwrap();
    let eve = session(&server.control, "eve").await;
    assert!(!link_of(&server.control, &eve, ready.forge).await.last_way_in);
    server.control.disconnect(&eve, own.link.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_was_linked_before_it_signed_people_in_knows_its_people() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let off = ForgeSettings { sign_in: Some(false), ..ForgeSettings::default() };
    change(&server.control, &ready.admin, ready.forge, off).await;
    let (eve, user) = linked(&server, &ready, "eve").await;
    assert_eq!(
        server.control.begin_sign_in(ready.forge, None, None).await.err().unwrap().code(),
        "not_found"
    );
    assert!(server.control.sign_in_options().await.unwrap().is_empty());

    let on = ForgeSettings { sign_in: Some(true), ..ForgeSettings::default() };
    change(&server.control, &ready.admin, ready.forge, on).await;

    assert_eq!(comes_in(&server, &ready, &user).await.user.id, eve.user);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_address_is_not_confirmed_does_not_get_past_gitlab() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let user = ready.gitlab.add_new_user(NewAccount { confirmed: false, ..NewAccount::named("eve") });
    let begun = server.control.begin_sign_in(ready.forge, None, None).await.unwrap();

    let back = ready.gitlab.approve(&user, begun.authorize_url.as_str(), "http://hearth.example.com/").await;

    assert!(back.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_a_link_in_two_tabs_do_not_end_each_other() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;
    let user = ready.gitlab.add_user("eve");

    let first = crate::forge_world::go_and_agree(control, &eve, ready.forge, &ready.gitlab, &user).await;
    let begun = control.begin_sign_in(ready.forge, None, Some(&first.browser)).await.unwrap();
    let second = crate::forge_world::agree(begun, &ready.gitlab, &user).await;

    assert_eq!(first.browser, second.browser);
    assert_eq!(code(&control.callback(first.input(Some(&eve))).await), "linked");
    assert_eq!(code(&control.callback(second.input(Some(&eve))).await), "signed in");
    for bad in ["", "hattempt_short", "hattempt_with spaces and other things that are not in tokens ...."] {
        let begun = control.begin_sign_in(ready.forge, None, Some(bad)).await.unwrap();
        assert_ne!(begun.browser.expose(), bad);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_back_that_lead_elsewhere_are_refused_before_anybody_leaves() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;

    for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "/%2f%2fevil.example"] {
        let refused = server.control.begin_sign_in(ready.forge, Some(bad.into()), None).await.err().unwrap();
        assert_eq!(refused.code(), "invalid", "{bad}");
    }
}

/// A forge says nothing by itself; the account is asked about.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_the_forge_shuts_their_account_out() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    open_door(&server, &ready).await;
    let [blocked, revoked, welcome] = ["eve", "mallory", "trent"].map(|name| ready.gitlab.add_user(name));
    let sessions = [
        comes_in(&server, &ready, &blocked).await,
        comes_in(&server, &ready, &revoked).await,
        comes_in(&server, &ready, &welcome).await,
    ];

    ready.gitlab.block_user(&blocked);
    ready.gitlab.revoke_tokens_of(&revoked);
    server.control.look_at_sign_ins().await.unwrap();

    assert!(caller(&server, &sessions[0]).await.is_none(), "blocked at the forge");
    assert!(caller(&server, &sessions[1]).await.is_none(), "tokens taken back");
    assert!(caller(&server, &sessions[2]).await.is_some());
}
