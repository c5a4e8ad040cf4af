//! Linking accounts: the round trip, what it refuses, and taking links back.

use control::{CallbackInput, CallbackOutcome, LinkWish, REVOKE_TOKENS, UserChange};
use domain::{ForgeState, LinkMethod, LinkState, Role, SignedDuration};
use testkit::gitlab::{Fault, Matcher, NewApplication};
use testkit::wait_until;
use vault::Secret;

use crate::forge_world::{
    agree, code, gitlab, go_and_agree, link, link_of, linked, person, ready, register, serve, session,
    settings, told,
};
use crate::sim::{LIMIT, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_of_its_registrar_makes_a_forge_usable_for_everybody() {
    let world = World::new().await;
    let server = serve(&world).await;
    let gitlab = gitlab(&world).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let (forge, _) = register(&server.control, &admin, &gitlab).await;
    let eve = person(&server, "eve", Role::Member).await;
    assert!(server.control.integrations(&eve).await.unwrap().is_empty(), "nobody else sees a pending one");
    assert!(server.control.sign_in_options().await.unwrap().is_empty());

    let outcome = link(&server.control, &admin, forge, &gitlab, &gitlab.add_user("root")).await;

    let CallbackOutcome::Linked { return_to, .. } = &outcome else { panic!("{}", told(&outcome)) };
    assert_eq!(return_to.as_str(), format!("/w/x?tab=git&linked={forge}#top"));
    let facts = server.control.forge(&admin, forge).await.unwrap();
    assert!(matches!(facts.forge.state, ForgeState::Verified { by: Some(by), .. } if by == admin.user));
    let seen = &server.control.integrations(&eve).await.unwrap()[0];
    assert_eq!((seen.forge.name.as_str(), seen.link.is_none()), ("Our GitLab", true));
    assert_eq!(server.control.sign_in_options().await.unwrap()[0].forge, forge);
    let own = link_of(&server.control, &admin, forge).await;
    assert_eq!((own.link.account.login.as_str(), own.link.method), ("root", LinkMethod::Oauth2));
    assert!(own.link.scopes.contains(&"api".to_owned()) && own.signs_in && !own.last_way_in);
    wait_until(LIMIT, async || {
        server.control.forge(&admin, forge).await.unwrap().forge.version.is_some_and(|v| v.starts_with('1'))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_works_once_in_the_browser_that_began_it_and_at_its_own_address() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let eve = person(&server, "eve", Role::Member).await;
    let user = ready.gitlab.add_user("eve");
    let control = &server.control;
    let go = async || go_and_agree(control, &eve, ready.forge, &ready.gitlab, &user).await;
    let end = async |input: CallbackInput| code(&control.callback(input).await);

    let trip = go().await;
    assert_eq!(
        end(CallbackInput { query: "code=x".into(), ..trip.input(Some(&eve)) }).await,
        "state_missing"
    );
    assert_eq!(
        end(CallbackInput { query: "code=x&state=y".into(), ..trip.input(Some(&eve)) }).await,
        "attempt_over"
    );
    let stolen = CallbackInput { browser: Some("hattempt_stolen".into()), ..trip.input(Some(&eve)) };
    assert_eq!(end(stolen).await, "other_browser");
    assert_eq!(end(trip.input(Some(&eve))).await, "attempt_over", "it was used up");

    assert_eq!(end(CallbackInput { browser: None, ..go().await.input(Some(&eve)) }).await, "other_browser");
    let elsewhere = CallbackInput { path: "/oauth/callback".into(), ..go().await.input(Some(&eve)) };
    assert_eq!(end(elsewhere).await, "other_address");

    let late = go().await;
    world.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(end(late.input(Some(&eve))).await, "attempt_over");

    let trip = go().await;
    assert_eq!(end(trip.input(Some(&eve))).await, "linked");
    assert_eq!(end(trip.input(Some(&eve))).await, "attempt_over", "a replay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_only_for_the_person_who_is_still_signed_in() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;
    let bob = person(&server, "bob", Role::Member).await;
    let user = ready.gitlab.add_user("eve");
    let go = async || go_and_agree(control, &eve, ready.forge, &ready.gitlab, &user).await;

    assert_eq!(code(&control.callback(go().await.input(None)).await), "session_gone");
    assert_eq!(code(&control.callback(go().await.input(Some(&bob))).await), "session_gone");
    let trip = go().await;
    control.sign_out(&eve).await.unwrap();
    assert_eq!(code(&control.callback(trip.input(Some(&eve))).await), "session_gone");

    // Signed in anew in the same browser, she may finish.
    let again = session(control, "eve").await;
    let trip = go_and_agree(control, &again, ready.forge, &ready.gitlab, &user).await;
    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, eve.user, suspended).await.unwrap();
    assert_eq!(code(&control.callback(trip.input(Some(&again))).await), "suspended");
    wait_until(LIMIT, async || ready.gitlab.living_tokens(&ready.application) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_others_and_other_accounts_are_not_linked() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let (eve, of_eve) = linked(&server, &ready, "eve").await;
    let bob = person(&server, "bob", Role::Member).await;

    let taken = link(control, &bob, ready.forge, &ready.gitlab, &of_eve).await;
    let other = link(control, &eve, ready.forge, &ready.gitlab, &ready.gitlab.add_user("mallory")).await;

    assert_eq!(code(&taken), "account_taken");
    assert!(!told(&taken).contains("eve"), "whose it is stays secret: {}", told(&taken));
    assert_eq!(code(&other), "other_account");
    assert!(told(&other).contains("disconnect"), "{}", told(&other));
    assert_eq!(link_of(control, &eve, ready.forge).await.link.account.login, "eve");
    // What was granted for nothing was taken back: root's and eve's pairs are left.
    wait_until(LIMIT, async || ready.gitlab.living_tokens(&ready.application) == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linking_again_replaces_the_pair_and_revokes_the_old_one() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let (eve, user) = linked(&server, &ready, "eve").await;
    let before = link_of(control, &eve, ready.forge).await.link;
    ready.gitlab.rename_user(&user, "evelyn");
    let user = testkit::gitlab::User { username: "evelyn".into(), ..user };

    let wish = LinkWish {
        forge: ready.forge,
        scopes: Some(vec!["read_user".into(), "read_repository".into()]),
        return_to: None,
    };
    let begun = control.begin_link(&eve, wish, None).await.unwrap();
    let trip = agree(begun, &ready.gitlab, &user).await;
    let outcome = control.callback(trip.input(Some(&eve))).await;

    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    let after = link_of(control, &eve, ready.forge).await.link;
    assert_eq!((after.id, after.generation), (before.id, before.generation + 1));
    assert_eq!(after.account.login, "evelyn", "a new name, the same person");
    assert_eq!(after.scopes, ["read_user", "read_repository"]);
    assert_eq!(
        ready.gitlab.living_tokens(&ready.application),
        3,
        "the old pair is revoked by a job, a little later"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forge_refuses_is_told_with_a_mend() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;
    let user = ready.gitlab.add_user("eve");
    let go = async || go_and_agree(control, &eve, ready.forge, &ready.gitlab, &user).await;

    // She says no.
    let mut no = go().await.input(Some(&eve));
    let state = no.query.split('&').find(|pair| pair.starts_with("state=")).unwrap().to_owned();
    no.query = format!("error=access_denied&error_description=no&{state}");
    let denied = control.callback(no).await;
    assert_eq!(code(&denied), "denied");
    let CallbackOutcome::Failed { return_to, .. } = &denied else { panic!("{}", told(&denied)) };
    assert!(return_to.as_str().starts_with("/w/x?tab=git&link_error=denied&detail="), "{return_to}");

    // A word of the query does not make the forge faulty: anybody can write it there.
    let mut crafted = go().await.input(Some(&eve));
    let state = crafted.query.split('&').find(|pair| pair.starts_with("state=")).unwrap().to_owned();
    crafted.query = format!("error=unauthorized_client&{state}");
    assert_ne!(code(&control.callback(crafted).await), "linked");
    assert!(control.forge(&ready.admin, ready.forge).await.unwrap().forge.is_verified());

    // Another server's name beside the code: the sign of a mix-up.
    let mut mixed = go().await.input(Some(&eve));
    mixed.query.push_str("&iss=https%3A%2F%2Fevil.example");
    assert_eq!(code(&control.callback(mixed).await), "unexpected_answer");

    // The code has lapsed there.
    let trip = go().await;
    ready.gitlab.set_clock_skew(SignedDuration::from_mins(11));
    assert_eq!(code(&control.callback(trip.input(Some(&eve))).await), "sign_in_needed");
    ready.gitlab.set_clock_skew(SignedDuration::ZERO);

    // The forge is down, answers with a page, or with far too much.
    for (fault, expected) in [
        (Fault::Drop, "unavailable"),
        (Fault::Status(502, "<html>bad gateway</html>".into()), "unavailable"),
        (Fault::NotJson, "unexpected_answer"),
        (Fault::Huge(40 << 20), "unexpected_answer"),
    ] {
        let trip = go().await;
        let what = format!("{fault:?}");
        ready.gitlab.fault(Matcher::path("/oauth/token"), fault, 10);
        let outcome = control.callback(trip.input(Some(&eve))).await;
        ready.gitlab.clear_faults();
        assert_eq!(code(&outcome), expected, "{what}: {}", told(&outcome));
    }
    assert_eq!(code(&control.callback(go().await.input(Some(&eve))).await), "linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_refuses_the_application_is_faulty_until_somebody_gets_through() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;
    let user = ready.gitlab.add_user("eve");

    let trip = go_and_agree(control, &eve, ready.forge, &ready.gitlab, &user).await;
    let renewed = ready.gitlab.renew_secret(&ready.application);
    let outcome = control.callback(trip.input(Some(&eve))).await;

    assert_eq!(code(&outcome), "application_refused", "{}", told(&outcome));
    let state = control.forge(&ready.admin, ready.forge).await.unwrap().forge.state;
    assert!(matches!(state, ForgeState::Faulty { .. }), "{state:?}");
    let own = link_of(control, &ready.admin, ready.forge).await.link;
    assert_eq!(own.state, LinkState::Active, "links stay as they are");

    // A new secret has to be proved by whoever may manage the forge.
    crate::forge_world::set_application(control, &ready.admin, ready.forge, &renewed).await;
    assert!(matches!(
        control.forge(&ready.admin, ready.forge).await.unwrap().forge.state,
        ForgeState::Pending
    ));
    let wish = LinkWish { forge: ready.forge, scopes: None, return_to: None };
    assert_eq!(control.begin_link(&eve, wish, None).await.err().unwrap().code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_gitlab_shows_on_a_page_of_its_own_leave_an_attempt_that_ends() {
    let world = World::new().await;
    let server = serve(&world).await;
    let gitlab = gitlab(&world).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let control = &server.control;
    let (forge, _) = register(control, &admin, &gitlab).await;
    let root = gitlab.add_user("root");
    let begin = async || {
        let wish = LinkWish { forge, scopes: None, return_to: None };
        control.begin_link(&admin, wish, None).await.unwrap()
    };
    let redirect_uri = control.forge(&admin, forge).await.unwrap().redirect_uri;

    // An application without the scopes, and one with another address to come back to.
    for application in [
        NewApplication::new(&redirect_uri, &["read_user"]),
        NewApplication::new("http://elsewhere.example.com", &["api"]),
    ] {
        let application = gitlab.add_application(application);
        crate::forge_world::set_application(control, &admin, forge, &application).await;
        let begun = begin().await;
        let page = gitlab.approve(&root, begun.authorize_url.as_str(), "http://hearth.example.com/").await;
        assert!(page.is_err(), "GitLab shows a page and sends nobody back");
    }

    let begun = begin().await;
    let state = begun.authorize_url.query_pairs().find(|(name, _)| name == "state").unwrap().1.to_string();
    world.clock.advance(SignedDuration::from_mins(11));
    let input = CallbackInput {
        path: format!("/oauth/callback/{forge}"),
        query: format!("code=x&state={state}"),
        browser: Some(begun.browser.expose().clone()),
        user_agent: String::new(),
        caller: Some(admin.clone()),
    };
    assert_eq!(code(&control.callback(input).await), "attempt_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_revokes_the_tokens_and_forgets_the_account() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let (eve, user) = linked(&server, &ready, "eve").await;
    let bob = person(&server, "bob", Role::Member).await;
    let id = link_of(control, &eve, ready.forge).await.link.id;
    assert_eq!(control.disconnect(&bob, id).await.unwrap_err().code(), "not_found", "somebody else's");

    let done = control.disconnect(&eve, id).await.unwrap();

    assert!(done.revoked && done.manage_url.is_some());
    assert_eq!(ready.gitlab.living_tokens(&ready.application), 1, "only the administrator's is left");
    let seen = control.integrations(&eve).await.unwrap();
    assert!(seen.iter().find(|it| it.forge.id == ready.forge).unwrap().link.is_none());
    // The account is free for somebody else.
    assert_eq!(code(&link(control, &bob, ready.forge, &ready.gitlab, &user).await), "linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_works_while_the_forge_is_down() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let (eve, _) = linked(&server, &ready, "eve").await;
    let id = link_of(control, &eve, ready.forge).await.link.id;
    ready.gitlab.fault(Matcher::path("/oauth/revoke"), Fault::Drop, 100);

    let done = control.disconnect(&eve, id).await.unwrap();

    assert!(!done.revoked);
    assert_eq!(control.disconnect(&eve, id).await.unwrap_err().code(), "not_found", "it is gone here");
    assert_eq!(ready.gitlab.living_tokens(&ready.application), 2);
    // The job tries again, also on another server.
    server.stop().await;
    let (control, _) = world.idle(settings(&world, "two"));
    let later = world.clock.advance(SignedDuration::from_hours(2));
    let mut tx = world.store.begin().await.unwrap();
    let jobs = tx.claim_jobs(later, later + SignedDuration::from_mins(1), "two", 10).await.unwrap();
    tx.commit().await.unwrap();
    let job = jobs.iter().find(|job| job.kind == REVOKE_TOKENS).unwrap();
    assert!(!job.payload.to_string().contains("access"), "no token is in it: {}", job.payload);
    assert!(control.revoke_tokens(job).await.is_err(), "still down");
    ready.gitlab.clear_faults();
    control.revoke_tokens(job).await.unwrap();
    assert_eq!(ready.gitlab.living_tokens(&ready.application), 1);
    control.revoke_tokens(job).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_access_token_links_and_never_signs_in() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;
    let user = ready.gitlab.add_user("eve");
    let token = ready.gitlab.add_personal_token(&user, &["api", "read_user"]);
    let give =
        async |text: &str| control.link_with_token(&eve, ready.forge, Secret::new(text.to_owned())).await;

    for bad in ["", "with space", "two\nlines", "glpat-unknown"] {
        assert_eq!(give(bad).await.unwrap_err().code(), "invalid", "{bad:?}");
    }
    let made = give(&format!(" {token}\n")).await.unwrap();

    assert_eq!((made.link.method, made.link.account.login.as_str()), (LinkMethod::PersonalToken, "eve"));
    assert!(!made.signs_in && made.link.expires_at.is_none());
    assert!(made.link.scopes.contains(&"api".to_owned()));
    let signed_in = crate::forge_world::sign_in(control, ready.forge, &ready.gitlab, &user).await;
    assert_eq!(code(&signed_in), "sign_up_closed", "who holds a token need not be its owner");
    control.disconnect(&eve, made.link.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn forges_of_one_kind_beside_each_other_do_not_pass_for_each_other() {
    let world = World::new().await;
    let server = serve(&world).await;
    let first = ready(&world, &server).await;
    let second = gitlab(&world).await;
    let (other, _) = register(&server.control, &first.admin, &second).await;
    let eve = person(&server, "eve", Role::Admin).await;
    let user = first.gitlab.add_user("eve");

    // The browser comes back from one forge to the address of the other.
    let trip = go_and_agree(&server.control, &eve, first.forge, &first.gitlab, &user).await;
    let mixed = CallbackInput { path: format!("/oauth/callback/{other}"), ..trip.input(Some(&eve)) };
    let outcome = server.control.callback(mixed).await;

    assert_eq!(code(&outcome), "other_address");
    assert!(second.requests().iter().all(|request| request.path != "/oauth/token"), "no code went there");
}
