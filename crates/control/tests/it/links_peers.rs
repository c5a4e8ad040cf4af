//! The same with real servers: the OAuth server that GitLab is made of, and an OpenID provider.

use control::{CallbackOutcome, Control, ForgeSettings, NewForge, StepOutcome};
use domain::{Caller, ForgeId, LinkState, Role, SignedDuration, Timestamp};
use testkit::doorkeeper::{Doorkeeper, Profile};
use testkit::oidc_provider::{OidcProvider, Quirk};
use testkit::peers::or_skip;
use vault::Secret;

use crate::forge_world::{Trip, code, link_of, new_gitlab, person, serve, told};
use crate::sim::World;

/// The servers have clocks of their own.
fn show_the_time(world: &World) {
    #[expect(clippy::disallowed_methods, reason = "a real server cannot be told another time")]
    world.clock.set(Timestamp::now());
}

async fn give_application(control: &Control, admin: &Caller, forge: ForgeId, (id, secret): (String, String)) {
    let settings = ForgeSettings {
        client_id: Some(id),
        client_secret: Some(Secret::new(secret)),
        ..ForgeSettings::default()
    };
    crate::forge_world::change(control, admin, forge, settings).await;
}

async fn link_at(
    control: &Control,
    caller: &Caller,
    forge: ForgeId,
    doorkeeper: &Doorkeeper,
    user: &str,
) -> CallbackOutcome {
    let wish = control::LinkWish { forge, scopes: None, return_to: None };
    let begun = control.begin_link(caller, wish, None).await.unwrap();
    let back = doorkeeper.consent(begun.authorize_url.as_str(), user).await;
    let back = back.unwrap_or_else(|page| panic!("{}", page.text));
    let trip = Trip { back, browser: begun.browser.expose().clone() };
    control.callback(trip.input(Some(caller))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_gitlab_embeds_links_renews_once_and_revokes() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let world = World::new().await;
    show_the_time(&world);
    let server = serve(&world).await;
    let two = world.server_with(crate::forge_world::settings(&world, "two")).await;
    let control = &server.control;
    let admin = person(&server, "grace", Role::Admin).await;
    let made = control.create_forge(&admin, new_gitlab(peer.url())).await.unwrap();
    let (forge, scopes) = (made.forge.id, made.forge.scopes.join(" "));
    let application = peer.application(&made.redirect_uri, &scopes).await;
    give_application(control, &admin, forge, (application.id.clone(), application.secret.clone())).await;

    let outcome = link_at(control, &admin, forge, &peer, "root").await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    world.clock.advance(SignedDuration::from_mins(115));
    let before = peer.token_requests().await;
    let asks = async |control: &Control| {
        let found = control.check_forge(&admin, forge).await.unwrap();
        let step = found.steps.into_iter().find(|step| step.name == "authorise").unwrap();
        assert_eq!(step.outcome, StepOutcome::Ok, "{step:?}");
    };
    let here = futures_util::future::join_all((0..6).map(|_| asks(control)));
    let there = futures_util::future::join_all((0..6).map(|_| asks(&two.control)));
    tokio::join!(here, there);

    let after = peer.token_requests().await;
    assert_eq!((before.exchanged, before.refreshed), (1, 0));
    assert_eq!(after.refreshed, 1, "{after:?}");
    assert_eq!(peer.living_tokens(&application.id).await, 1);
    let link = link_of(control, &admin, forge).await.link;
    assert!(control.disconnect(&admin, link.id).await.unwrap().revoked);
    assert_eq!(peer.living_tokens(&application.id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_gitlab_embeds_tells_a_lost_answer_and_a_wrong_secret_apart() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let world = World::new().await;
    show_the_time(&world);
    let server = serve(&world).await;
    let control = &server.control;
    let admin = person(&server, "grace", Role::Admin).await;
    let made = control.create_forge(&admin, new_gitlab(peer.url())).await.unwrap();
    let (forge, scopes) = (made.forge.id, made.forge.scopes.join(" "));
    let application = peer.application(&made.redirect_uri, &scopes).await;
    give_application(control, &admin, forge, (application.id.clone(), application.secret.clone())).await;
    assert_eq!(code(&link_at(control, &admin, forge, &peer, "root").await), "linked");

    // The secret is renewed over there: the forge is in trouble, and no link.
    let renewed = peer.renew_secret(&application.id).await;
    world.clock.advance(SignedDuration::from_mins(115));
    control.check_forge(&admin, forge).await.unwrap();
    let state = control.forge(&admin, forge).await.unwrap().forge.state;
    assert!(matches!(state, domain::ForgeState::Faulty { .. }), "{state:?}");
    assert_eq!(link_of(control, &admin, forge).await.link.state, LinkState::Active);

    // With the new one it goes on, until an answer gets lost.
    give_application(control, &admin, forge, (renewed.id, renewed.secret)).await;
    peer.lose_next_answer().await;
    world.clock.advance(SignedDuration::from_mins(2));
    control.check_forge(&admin, forge).await.unwrap();
    let link = link_of(control, &admin, forge).await.link;
    assert!(matches!(link.state, LinkState::SignInNeeded { .. }), "{link:?}");
    show_the_time(&world);
    assert_eq!(code(&link_at(control, &admin, forge, &peer, "root").await), "linked");
    assert_eq!(link_of(control, &admin, forge).await.link.state, LinkState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_an_openid_provider_and_not_when_it_lies() {
    let Some(provider) = or_skip(OidcProvider::start(&[]).await) else { return };
    let world = World::new().await;
    show_the_time(&world);
    let server = serve(&world).await;
    let control = &server.control;
    let admin = person(&server, "grace", Role::Admin).await;
    let wish = NewForge { kind: "open_id".into(), ..new_gitlab(provider.url()) };
    let made = control.create_forge(&admin, wish).await.unwrap();
    let client = provider.client(&made.redirect_uri).await;
    give_application(control, &admin, made.forge.id, (client.id, client.secret)).await;
    let go = async |subject: &str, caller: Option<&Caller>| {
        let begun = match caller {
            Some(caller) => {
                let wish = control::LinkWish { forge: made.forge.id, scopes: None, return_to: None };
                control.begin_link(caller, wish, None).await.unwrap()
            }
            None => control.begin_sign_in(made.forge.id, None, None).await.unwrap(),
        };
        let back = provider.consent(begun.authorize_url.as_str(), subject).await;
        let back = back.unwrap_or_else(|page| panic!("{}", page.text));
        let trip = Trip { back, browser: begun.browser.expose().clone() };
        control.callback(trip.input(caller)).await
    };
    let outcome = go("grace-there", Some(&admin)).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));

    let outcome = go("grace-there", None).await;
    let CallbackOutcome::SignedIn { signed_in, .. } = &outcome else { panic!("{}", told(&outcome)) };
    assert_eq!(signed_in.user.id, admin.user);
    assert_eq!(code(&go("somebody", None).await), "sign_up_closed");

    // What a hostile or broken provider, or somebody in between, could try.
    for quirk in [
        Quirk::CallbackIssuer,
        Quirk::IdTokenIssuer,
        Quirk::IdTokenExpired,
        Quirk::IdTokenNonce,
        Quirk::IdTokenAudience,
        Quirk::IdTokenUnsigned,
        Quirk::IdTokenSignedWithPublicKey,
        Quirk::IdTokenUnknownKey,
    ] {
        provider.misbehave(&[quirk]).await;
        let outcome = go("grace-there", None).await;
        assert_eq!(code(&outcome), "unexpected_answer", "{quirk:?}: {}", told(&outcome));
    }
    provider.misbehave(&[]).await;
    assert_eq!(code(&go("grace-there", None).await), "signed in");

    // `email_verified` counts only as a JSON true.
    let settings = ForgeSettings {
        sign_up: Some("domains".into()),
        sign_up_domains: Some(vec!["example.com".into()]),
        ..ForgeSettings::default()
    };
    crate::forge_world::change(control, &admin, made.forge.id, settings).await;
    for quirk in [
        Quirk::EmailVerifiedText,
        Quirk::EmailVerifiedNumber,
        Quirk::EmailVerifiedAbsent,
        Quirk::EmailUnverified,
    ] {
        provider.misbehave(&[quirk]).await;
        assert_eq!(code(&go("newcomer", None).await), "sign_up_unverified", "{quirk:?}");
    }
}
