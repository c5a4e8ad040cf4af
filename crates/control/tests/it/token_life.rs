//! The life of tokens: renewed once, never lost, and ended cleanly.

use std::sync::Arc;
use std::time::Duration;

use control::{Control, ForgeCheck, StepOutcome};
use domain::{Caller, ForgeId, ForgeState, LinkState, SignedDuration};
use testkit::gitlab::{Fault, GitlabDouble, Matcher, Options};
use testkit::{postgres, wait_until};

use crate::forge_world::{
    Ready, change, code, go_and_agree, link, link_of, options, ready, ready_at, serve, set_application,
    settings, told,
};
use crate::sim::{LIMIT, Machine, World};

/// Every token of two hours is due by then, and none has lapsed.
const NEARLY_OVER: SignedDuration = SignedDuration::from_mins(115);

async fn check(control: &Control, caller: &Caller, forge: ForgeId) -> ForgeCheck {
    control.check_forge(caller, forge).await.unwrap()
}

/// Whether the forge knows the caller by the caller's own token.
fn knows(check: &ForgeCheck) -> Result<(), String> {
    let step = check.steps.iter().find(|step| step.name == "authorise").unwrap();
    if step.outcome == StepOutcome::Ok { Ok(()) } else { Err(format!("{step:?}")) }
}

async fn asks(control: &Control, ready: &Ready) -> Result<(), String> {
    knows(&check(control, &ready.admin, ready.forge).await)
}

fn exchanges(gitlab: &GitlabDouble) -> usize {
    gitlab.requests().iter().filter(|request| request.path.ends_with("/oauth/token")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_one_renews_and_all_get_the_new_token() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let before = link_of(&server.control, &ready.admin, ready.forge).await.link;
    world.clock.advance(NEARLY_OVER);

    let all = (0..6).map(|_| asks(&server.control, &ready));
    let all = futures_util::future::join_all(all).await;

    assert_eq!(all, vec![Ok(()); 6]);
    assert_eq!(ready.gitlab.refreshes(), 1);
    let after = link_of(&server.control, &ready.admin, ready.forge).await.link;
    assert_eq!(after.generation, before.generation + 1);
    assert!(after.expires_at > before.expires_at);
    assert_eq!(server.control.token_counts().renewed, 1);
}

async fn two_servers_renew_once(world: World) {
    let one = serve(&world).await;
    let two = world.server_with(settings(&world, "two")).await;
    let ready = ready(&world, &one).await;
    world.clock.advance(NEARLY_OVER);
    // Long enough for both to be at it at the same time.
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::Delay(Duration::from_millis(300)), 1);

    let here = futures_util::future::join_all((0..6).map(|_| asks(&one.control, &ready)));
    let there = futures_util::future::join_all((0..6).map(|_| asks(&two.control, &ready)));
    let (here, there) = tokio::join!(here, there);

    assert_eq!(here, vec![Ok(()); 6]);
    assert_eq!(there, vec![Ok(()); 6]);
    assert_eq!(ready.gitlab.refreshes(), 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_sqlite_file_renew_once() {
    two_servers_renew_once(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_postgresql_renew_once() {
    let Some(postgres) = postgres().await else { return };
    two_servers_renew_once(World::on_database(Machine::new(), &postgres.database().await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_stop_the_renewal() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    world.clock.advance(NEARLY_OVER);
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::Delay(Duration::from_millis(500)), 1);
    let before = exchanges(&ready.gitlab);

    let (control, admin, forge) = (server.control.clone(), ready.admin.clone(), ready.forge);
    let asking = tokio::spawn(async move { control.check_forge(&admin, forge).await.map(drop) });
    wait_until(LIMIT, async || exchanges(&ready.gitlab) > before).await;
    asking.abort();

    wait_until(LIMIT, async || {
        link_of(&server.control, &ready.admin, ready.forge).await.link.generation == 2
    })
    .await;
    assert_eq!(asks(&server.control, &ready).await, Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_new_token_before_it_is_kept() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    world.clock.advance(NEARLY_OVER);
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::Delay(Duration::from_secs(4)), 1);
    let before = exchanges(&ready.gitlab);
    let (control, admin, forge) = (server.control.clone(), ready.admin.clone(), ready.forge);
    let asking = tokio::spawn(async move { knows(&check(&control, &admin, forge).await) });

    wait_until(LIMIT, async || exchanges(&ready.gitlab) > before).await;
    // The store is busy from now on: nothing can be kept.
    let busy = world.store.begin().await.unwrap();
    assert_eq!(ready.gitlab.refreshes(), 0, "the answer is still under way");
    wait_until(LIMIT, async || ready.gitlab.refreshes() == 1).await;
    let users = |gitlab: &GitlabDouble| gitlab.requests().iter().filter(|r| r.path == "/api/v4/user").count();
    let asked = users(&ready.gitlab);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!asking.is_finished());
    assert_eq!(users(&ready.gitlab), asked, "the new token was not used");
    drop(busy);

    assert_eq!(asking.await.unwrap(), Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_out_with_the_old_token_and_its_owner_asked_to_sign_in() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    world.clock.advance(NEARLY_OVER);
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::DropAfterApply, 1);

    let refused = asks(&server.control, &ready).await.unwrap_err();

    assert!(refused.contains("the answer was lost"), "{refused}");
    assert_eq!(ready.gitlab.refreshes(), 1, "the forge did its part");
    let link = link_of(&server.control, &ready.admin, ready.forge).await.link;
    assert!(matches!(link.state, LinkState::SignInNeeded { .. }), "{link:?}");
    let audit = server.control.audit(&ready.admin, None, 100).await.unwrap();
    assert_eq!(audit.iter().filter(|(_, entry)| entry.action == "link.sign_in_needed").count(), 1);
    // Asked again, nothing goes out any more.
    let before = exchanges(&ready.gitlab);
    world.clock.advance(SignedDuration::from_mins(2));
    assert!(asks(&server.control, &ready).await.is_err());
    assert_eq!(exchanges(&ready.gitlab), before + 1, "but for the look at the application");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_costs_nothing_when_the_request_had_not_arrived() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    world.clock.advance(NEARLY_OVER);
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::Drop, 1);

    assert_eq!(asks(&server.control, &ready).await, Ok(()));

    assert_eq!(ready.gitlab.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_forge_is_left_alone_and_the_old_token_used_meanwhile() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    world.clock.advance(NEARLY_OVER);
    let limited = Fault::RateLimited { retry_after: Some(90), plain: true };
    ready.gitlab.fault(Matcher::path("/oauth/token"), limited, 1);

    assert_eq!(asks(&server.control, &ready).await, Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 0);
    let link = link_of(&server.control, &ready.admin, ready.forge).await.link;
    assert_eq!(link.state, LinkState::Active, "that is no failure of the link");

    world.clock.advance(SignedDuration::from_secs(91));
    assert_eq!(asks(&server.control, &ready).await, Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_secret_makes_the_forge_faulty_and_no_link() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let renewed = ready.gitlab.renew_secret(&ready.application);
    world.clock.advance(SignedDuration::from_hours(3));

    let refused = asks(&server.control, &ready).await.unwrap_err();

    assert!(refused.contains("does not take Hearth's application"), "{refused}");
    let state = server.control.forge(&ready.admin, ready.forge).await.unwrap().forge.state;
    assert!(matches!(state, ForgeState::Faulty { .. }), "{state:?}");
    assert_eq!(link_of(&server.control, &ready.admin, ready.forge).await.link.state, LinkState::Active);
    assert!(server.control.token_counts().invalid_client > 0);

    set_application(&server.control, &ready.admin, ready.forge, &renewed).await;
    assert_eq!(asks(&server.control, &ready).await, Ok(()), "links go on with the new secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_application_is_not_taken_for_thousands_of_dead_links() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    ready.gitlab.delete_application(&ready.application);
    world.clock.advance(NEARLY_OVER);

    assert!(asks(&server.control, &ready).await.is_err());

    let state = server.control.forge(&ready.admin, ready.forge).await.unwrap().forge.state;
    assert!(matches!(state, ForgeState::Faulty { .. }), "{state:?}");
    assert_eq!(link_of(&server.control, &ready.admin, ready.forge).await.link.state, LinkState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_lapsed_by_the_forges_clock_is_renewed_and_the_question_asked_again() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    assert_eq!(asks(&server.control, &ready).await, Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 0);

    ready.gitlab.set_clock_skew(SignedDuration::from_mins(121));

    assert_eq!(asks(&server.control, &ready).await, Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_seconds_are_renewed_as_often_as_it_takes() {
    let world = World::new().await;
    let server = serve(&world).await;
    let options = Options { access_token_ttl: SignedDuration::from_secs(20), ..options(&world) };
    let ready = ready_at(GitlabDouble::start(options).await, &server).await;

    for round in 1..=5 {
        world.clock.advance(SignedDuration::from_secs(19));
        assert_eq!(asks(&server.control, &ready).await, Ok(()));
        assert_eq!(ready.gitlab.refreshes(), round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_an_end_are_never_renewed_and_a_pair_given_twice_is_not_revoked() {
    let world = World::new().await;
    let server = serve(&world).await;
    let old = Options { clock: Arc::new(world.clock.clone()), ..Options::version("13.12.15") };
    let ready = ready_at(GitlabDouble::start(old).await, &server).await;
    // Without an identity token, whose nonce differs from consent to consent.
    let scopes = Some(vec!["read_user".into(), "api".into()]);
    let settings = control::ForgeSettings { scopes, ..control::ForgeSettings::default() };
    change(&server.control, &ready.admin, ready.forge, settings).await;
    let eve = crate::forge_world::person(&server, "eve", domain::Role::Admin).await;
    let user = ready.gitlab.add_user("eve");
    assert_eq!(code(&link(&server.control, &eve, ready.forge, &ready.gitlab, &user).await), "linked");
    assert_eq!(link_of(&server.control, &eve, ready.forge).await.link.expires_at, None);

    // Such servers give the same pair for the same consent.
    let trip = go_and_agree(&server.control, &eve, ready.forge, &ready.gitlab, &user).await;
    let again = server.control.callback(trip.input(Some(&eve))).await;
    assert_eq!(code(&again), "linked", "{}", told(&again));
    world.clock.advance(SignedDuration::from_hours(2));
    server.control.pass().await.unwrap();

    assert_eq!(knows(&check(&server.control, &eve, ready.forge).await), Ok(()));
    world.clock.advance(SignedDuration::from_hours(24 * 20));
    assert_eq!(knows(&check(&server.control, &eve, ready.forge).await), Ok(()));
    assert_eq!(ready.gitlab.refreshes(), 0);
}

#[test]
fn a_server_that_dies_with_the_answer_in_hand_leaves_a_link_that_asks_to_sign_in() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (stays, dies) = (runtime(), runtime());
    let world = stays.block_on(World::new());
    let server = stays.block_on(serve(&world));
    let ready = stays.block_on(ready(&world, &server));
    // Nobody else has anything to ask meanwhile.
    stays.block_on(server.stop());
    world.clock.advance(NEARLY_OVER);
    ready.gitlab.fault(Matcher::path("/oauth/token"), Fault::Delay(Duration::from_secs(4)), 1);
    let before = exchanges(&ready.gitlab);

    // A second server, on a machine of its own, asks; nothing can be kept when the answer comes, and then
    // the machine is gone.
    let (control, _) = dies.block_on(async { world.idle(settings(&world, "two")) });
    let (admin, forge) = (ready.admin.clone(), ready.forge);
    drop(dies.spawn(async move { control.check_forge(&admin, forge).await.map(drop) }));
    let busy = stays.block_on(async {
        wait_until(LIMIT, async || exchanges(&ready.gitlab) > before).await;
        let busy = world.store.begin().await.unwrap();
        assert_eq!(ready.gitlab.refreshes(), 0, "the answer is still under way");
        wait_until(LIMIT, async || ready.gitlab.refreshes() == 1).await;
        busy
    });
    dies.shutdown_timeout(Duration::from_secs(5));
    stays.block_on(async { drop(busy) });

    // It comes back under its name and takes up its own lease.
    let (again, _) = stays.block_on(async { world.idle(settings(&world, "two")) });
    let refused = stays.block_on(asks(&again, &ready)).unwrap_err();

    assert!(refused.contains("does not take the token any more"), "{refused}");
    let link = stays.block_on(link_of(&again, &ready.admin, ready.forge)).link;
    assert!(matches!(link.state, LinkState::SignInNeeded { .. }), "{link:?}");
    assert_eq!(ready.gitlab.refreshes(), 1);
}
