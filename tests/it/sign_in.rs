//! People, a GitLab and Hearth: registering, linking, signing in, leaving. The other side is the OAuth server
//! that GitLab is made of.

use std::time::Duration;

use blackbox::forge::Forge;
use blackbox::gitlab::Gitlab;
use blackbox::person::Person;
use blackbox::server::Server;
use serde_json::{Value, json};
use testkit::doorkeeper::{Doorkeeper, Profile};
use testkit::peers::or_skip;

/// Far less than the half minute after which rights are looked up anyhow, and more than any machine needs.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn options(browser: &Person) -> Vec<Value> {
    let options = browser.get("/session/options").await.ok();
    options["forges"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gitlab_is_registered_in_two_steps_checked_linked_and_left() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let stranger = Person::stranger(&server);

    // The first step needs nothing from over there, the second brings its application.
    let forge = Forge::register(&ada, "gitlab", peer.url(), json!({"sign_in": true})).await;
    assert_eq!(forge.redirect_uri, format!("{}/oauth/callback/{}", server.url, forge.id));
    let shown = forge.shown(&ada).await;
    assert_eq!((&shown["state"], &shown["has_client_secret"]), (&json!("pending"), &json!(false)));
    let (_, mend) = forge.check(&ada).await.expect("application", "failed");
    assert!(mend.contains(&forge.redirect_uri), "{mend}");
    let application = peer.application(&forge.redirect_uri, &forge.scopes).await;
    let shown = forge.give(&ada, &application.id, &application.secret).await;
    assert_eq!(shown["has_client_secret"], true);
    assert!(!shown.to_string().contains(&application.secret), "{shown}");
    assert!(options(&stranger).await.is_empty(), "nobody has shown that it works");

    let check = forge.check(&ada).await;
    let names =
        ["application", "authorise", "clone", "reach_back", "resolve", "scopes", "ssh", "tls", "version"];
    assert_eq!(check.names(), names);
    for step in ["resolve", "tls", "application"] {
        check.expect(step, "ok");
    }
    for step in ["version", "authorise", "scopes", "clone", "ssh"] {
        check.expect(step, "skipped");
    }
    assert!(check.ok);

    // Whoever registered it verifies it by linking.
    let gitlab = Gitlab { server, peer, forge, application, ada };
    let landing = gitlab.link(&gitlab.ada, "root").await;
    let expected = format!("/settings/integrations?from=test&linked={}#top", gitlab.forge.id);
    assert_eq!(landing.place(), expected);
    let shown = gitlab.forge.shown(&gitlab.ada).await;
    assert_eq!((&shown["state"], &shown["links"]), (&json!("verified"), &json!(1)));
    assert_eq!(options(&stranger).await[0]["forge"], *gitlab.forge.id);
    let check = gitlab.forge.check(&gitlab.ada).await;
    assert!(check.expect("authorise", "ok").0.contains("`root`"));
    assert!(check.expect("version", "warning").0.contains("18.1.1"), "it lacks what came later");
    check.expect("scopes", "ok");

    // A second person links, comes in with it, and leaves it.
    let grace = Person::made_by(&gitlab.ada, &gitlab.server, "grace").await;
    gitlab.link(&grace, "developer").await.succeeded();
    let link = gitlab.forge.link_of(&grace).await;
    assert_eq!(
        (&link["login"], &link["signs_in"], &link["last_way_in"]),
        (&json!("developer"), &json!(true), &json!(false))
    );
    gitlab.living(2).await;
    let again = gitlab.come_in("developer").await;
    assert_eq!(again.who().await, grace.who().await);
    let sessions = again.get("/me/sessions").await.ok();
    let sessions = sessions["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions.iter().filter(|one| one["signed_in_with"].is_string()).count(), 1, "{sessions:?}");
    gitlab.living(2).await;
    assert_eq!(gitlab.forge.disconnect(&grace).await.status, 204);
    gitlab.living(1).await;
    assert!(gitlab.forge.link_of(&grace).await.is_null());
    let landing = gitlab.sign_in(&Person::stranger(&gitlab.server), "developer").await;
    landing.failed("sign_up_closed");
    gitlab.living(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_people_come_by_the_rule_and_stay_who_they_are() {
    let Some(mut gitlab) = Gitlab::verified(Profile::Modern).await else { return };
    let stranger = Person::stranger(&gitlab.server);

    let landing = gitlab.sign_in(&stranger, "maintainer").await;
    landing.failed("sign_up_closed");
    assert_eq!((landing.path(), landing.value("forge")), ("/sign-in", Some(gitlab.forge.id.clone())));
    gitlab.sign_up("domains", &["corp.example"]).await;
    gitlab.sign_in(&stranger, "maintainer").await.failed("sign_up_domain");
    stranger.get("/me").await.refused(401, "unauthenticated");
    gitlab.sign_up("domains", &["corp.example", "example.com"]).await;
    let maintainer = gitlab.come_in("maintainer").await;
    let who = maintainer.who().await;
    assert_eq!(who.1, "maintainer");
    gitlab.sign_up("open", &[]).await;
    // A name that is taken here is somebody else's.
    let here = Person::made_by(&gitlab.ada, &gitlab.server, "developer").await;
    let developer = gitlab.come_in("developer").await;
    assert_ne!(developer.who().await.0, here.who().await.0);
    assert_eq!(developer.who().await.1, "developer2");
    gitlab.sign_up("closed", &[]).await;

    // Neither a new name nor a new address over there makes them somebody else.
    let id = gitlab.peer.user("maintainer").id;
    gitlab.peer.rename_user(id, "renamed").await;
    gitlab.peer.change_email(id, "somebody@elsewhere.example").await;
    assert_eq!(gitlab.come_in("renamed").await.who().await, who);
    assert_eq!(gitlab.forge.link_of(&maintainer).await["login"], "renamed");
    gitlab.peer.add_user("maintainer", false).await;
    gitlab.sign_in(&stranger, "maintainer").await.failed("sign_up_closed");

    // Their only way in cannot be taken away, neither by themselves nor unseen by an administrator.
    assert_eq!(gitlab.forge.link_of(&maintainer).await["last_way_in"], true);
    gitlab.forge.disconnect(&maintainer).await.refused(409, "last_way_in");
    let path = format!("/forges/{}", gitlab.forge.id);
    let refused = gitlab.ada.delete(&path).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains('2'), "it says how many: {}", refused.text);
    assert_eq!(gitlab.ada.delete(&format!("{path}?force=true")).await.status, 204);
    gitlab.living(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_suspended_is_out_at_once_and_does_not_come_in_again() {
    let Some(gitlab) = Gitlab::verified(Profile::Modern).await else { return };
    let eve = Person::made_by(&gitlab.ada, &gitlab.server, "eve").await;
    gitlab.link(&eve, "developer").await.succeeded();
    let browser = gitlab.come_in("developer").await;
    let mut events = browser.stream("/events").await;
    assert!(events.chunk().await.unwrap().is_some(), "the stream begins");
    let on_its_way = gitlab.forge.begin_link(&eve).await;
    let path = format!("/users/{}", eve.who().await.0);

    gitlab.ada.patch(&path, json!({"suspended": true})).await.ok();

    let ended =
        tokio::time::timeout(AT_ONCE, async { while let Ok(Some(_)) = events.chunk().await {} }).await;
    assert!(ended.is_ok(), "the stream goes on");
    for session in [&browser, &eve] {
        session.get("/me").await.refused(401, "unauthenticated");
    }
    gitlab.sign_in(&Person::stranger(&gitlab.server), "developer").await.failed("suspended");
    let back = gitlab.consent(&on_its_way, "developer").await;
    let landing = eve.come_back(&back).await;
    assert!(landing.value("link_error").is_some(), "{landing:?}");
    gitlab.ada.patch(&path, json!({"suspended": false})).await.ok();
    assert_eq!(gitlab.come_in("developer").await.who().await.1, "eve");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_signs_in_one_person_only_and_a_person_has_one_account() {
    let Some(gitlab) = Gitlab::verified(Profile::Modern).await else { return };
    let grace = Person::made_by(&gitlab.ada, &gitlab.server, "grace").await;
    gitlab.link(&grace, "developer").await.succeeded();
    let mary = Person::made_by(&gitlab.ada, &gitlab.server, "mary").await;

    let (detail, mend) = gitlab.link(&mary, "developer").await.failed("account_taken");
    assert!(!detail.contains("grace") && !mend.contains("grace"), "nobody is named: {detail} {mend}");
    gitlab.link(&grace, "maintainer").await.failed("other_account");

    assert_eq!(gitlab.forge.link_of(&grace).await["login"], "developer");
    assert!(gitlab.forge.link_of(&mary).await.is_null());
    // What was granted for nothing is taken back: one pair of the administrator's and one of hers.
    gitlab.living(2).await;
    // Linked anew, the pair before is worth nothing any more.
    gitlab.link(&grace, "developer").await.succeeded();
    gitlab.living(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gitlab_of_before_14_3_is_linked_signed_in_with_and_left() {
    let Some(gitlab) = Gitlab::verified(Profile::Pre143).await else { return };
    gitlab.sign_up("open", &[]).await;

    let first = gitlab.come_in("developer").await;
    // It gives the same pair for the same consent: that must not be taken for a replaced one.
    let second = gitlab.come_in("developer").await;
    gitlab.link(&second, "developer").await.succeeded();

    assert_eq!(first.who().await, second.who().await);
    let check = gitlab.forge.check(&gitlab.ada).await;
    let (detail, _) = check.expect("version", "warning");
    assert!(detail.contains("14.2.7"), "{detail}");
    assert_eq!(gitlab.forge.link_of(&first).await["state"], "active");
    assert_eq!(gitlab.forge.disconnect(&gitlab.ada).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gitlab_below_a_path_is_linked_and_signed_in_with() {
    let Some(gitlab) = Gitlab::verified(Profile::PathPrefix("/some/gitlab")).await else { return };
    gitlab.sign_up("open", &[]).await;

    assert_eq!(gitlab.come_in("developer").await.who().await.1, "developer");
    let check = gitlab.forge.check(&gitlab.ada).await;
    assert!(check.expect("authorise", "ok").0.contains("`root`"));
    let shown = gitlab.forge.shown(&gitlab.ada).await;
    assert_eq!(shown["web_url"], gitlab.peer.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_outlives_its_tokens_of_seconds_and_nobody_has_to_sign_in_again() {
    let Some(gitlab) = Gitlab::verified(Profile::ShortTtl(6)).await else { return };
    gitlab.peer.add_project("group/sub/project", "private").await;
    let url = format!("{}/group/sub/project", gitlab.peer.url());

    for round in 1..=3 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let context = gitlab.ada.post("/contexts", json!({"url": url})).await.ok();
        assert_eq!(context["repository"], "project");
        assert!(gitlab.peer.token_requests().await.refreshed >= round);
    }

    assert_eq!(gitlab.forge.link_of(&gitlab.ada).await["state"], "active");
    assert_eq!(gitlab.peer.token_requests().await.refused, 0);
}
