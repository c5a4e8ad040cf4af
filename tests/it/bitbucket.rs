//! Linking an account of Bitbucket Server with OAuth 1.0a: Python's oauthlib checks every signature.

use blackbox::forge::Forge;
use blackbox::person::Person;
use blackbox::server::Server;
use serde_json::json;
use testkit::oauthlib::BitbucketOauth1;
use testkit::peers::or_skip;
use url::Url;

#[tokio::test(flavor = "multi_thread")]
async fn a_bitbucket_is_linked_by_a_public_key_that_is_pasted_there() {
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    // Its address is known only when it runs, and it runs only when it knows our key.
    let more = json!({"auth_method": "oauth1", "client_id": "hearth", "sign_in": true});
    let forge = Forge::register(&ada, "bitbucket_server", "http://127.0.0.1:1", more).await;
    let key = forge.shown(&ada).await["public_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("-----BEGIN PUBLIC KEY-----"), "{key}");
    let Some(bitbucket) = or_skip(BitbucketOauth1::start("hearth", &key).await) else { return };
    let shown = forge.change(&ada, json!({"web_url": bitbucket.url()})).await;
    assert_eq!(shown["public_key"], *key, "the key stays when the address changes");
    let person = bitbucket.double().edit(|seed| seed.people[0].name.clone());

    forge.check(&ada).await.expect("application", "ok");
    let back = bitbucket.deny(&forge.begin_link(&ada).await, &forge.redirect_uri).await.unwrap();
    ada.come_back(&back).await.failed("denied");
    let back = bitbucket.consent(&forge.begin_link(&ada).await, &forge.redirect_uri, &person).await.unwrap();
    ada.come_back(&back).await.succeeded();

    assert_eq!(forge.link_of(&ada).await["login"], *person);
    let check = forge.check(&ada).await;
    assert!(check.expect("authorise", "ok").0.contains(&format!("`{person}`")));
    let browser = Person::stranger(&server);
    let to = forge.begin_sign_in(&browser).await;
    browser.come_back(&bitbucket.consent(&to, &forge.redirect_uri, &person).await.unwrap()).await.succeeded();
    assert_eq!(browser.who().await, ada.who().await);
    assert_eq!(bitbucket.refusals().await, Vec::<String>::new(), "oauthlib has nothing to complain about");

    // Another browser, or a token that was made up, gets nowhere.
    let back = bitbucket.consent(&forge.begin_link(&ada).await, &forge.redirect_uri, &person).await.unwrap();
    Person::stranger(&server).come_back(&back).await.failed("other_browser");
    let to = forge.begin_link(&ada).await;
    let mut back = bitbucket.consent(&to, &forge.redirect_uri, &person).await.unwrap();
    let pairs: Vec<_> = back.query_pairs().into_owned().collect();
    let forged = |(key, value): (String, String)| {
        if key == "oauth_token" { (key, "made-up".into()) } else { (key, value) }
    };
    back.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(forged));
    let landing = ada.come_back(&Url::parse(back.as_str()).unwrap()).await;
    assert!(landing.value("link_error").is_some(), "{landing:?}");

    // What is taken back there is known here when it is used.
    bitbucket.revoke_tokens().await;
    forge.check(&ada).await.expect("authorise", "skipped");
    assert_eq!(forge.link_of(&ada).await["state"], "sign_in_needed");
    assert_eq!(bitbucket.refusals().await, ["token_rejected"]);
}
