//! Signing in with an OpenID provider, which may lie.

use blackbox::forge::Forge;
use blackbox::person::{Landing, Person};
use blackbox::server::Server;
use serde_json::json;
use testkit::oidc_provider::{OidcProvider, Quirk};
use testkit::peers::or_skip;

struct World {
    server: Server,
    provider: OidcProvider,
    forge: Forge,
    ada: Person,
}

impl World {
    async fn start() -> Option<Self> {
        let provider = or_skip(OidcProvider::start(&[]).await)?;
        let server = Server::start();
        let ada = Person::first(&server, "ada").await;
        let forge = Forge::register(&ada, "open_id", provider.url(), json!({"sign_in": true})).await;
        let client = provider.client(&forge.redirect_uri).await;
        forge.give(&ada, &client.id, &client.secret).await;
        Some(Self { server, provider, forge, ada })
    }

    async fn go(&self, browser: &Person, to: String, subject: &str) -> Landing {
        let back = self.provider.consent(&to, subject).await;
        browser.come_back(&back.unwrap_or_else(|page| panic!("{}", page.text))).await
    }

    async fn sign_in(&self, browser: &Person, subject: &str) -> Landing {
        let to = self.forge.begin_sign_in(browser).await;
        self.go(browser, to, subject).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_with_an_openid_provider_and_not_when_it_lies() {
    let Some(world) = World::start().await else { return };
    let to = world.forge.begin_link(&world.ada).await;
    world.go(&world.ada, to, "ada-there").await.succeeded();
    let browser = Person::stranger(&world.server);
    assert_eq!(world.sign_in(&browser, "ada-there").await.place(), "/new#x");
    assert_eq!(browser.who().await, world.ada.who().await);

    // What a hostile or broken provider, or somebody in between, could try.
    let stranger = Person::stranger(&world.server);
    for quirk in [
        Quirk::CallbackIssuer,
        Quirk::IdTokenIssuer,
        Quirk::IdTokenExpired,
        Quirk::IdTokenNonce,
        Quirk::IdTokenWithoutNonce,
        Quirk::IdTokenAudience,
        Quirk::IdTokenSecondAudience,
        Quirk::IdTokenUnsigned,
        Quirk::IdTokenSignedWithPublicKey,
        Quirk::IdTokenUnknownKey,
        Quirk::NoIdToken,
    ] {
        world.provider.misbehave(&[quirk]).await;
        let landing = world.sign_in(&stranger, "ada-there").await;
        assert_eq!(
            landing.value("link_error").as_deref(),
            Some("unexpected_answer"),
            "{quirk:?}: {landing:?}"
        );
        stranger.get("/me").await.refused(401, "unauthenticated");
    }
    world.provider.misbehave(&[]).await;
    let to = world.forge.begin_sign_in(&stranger).await;
    let back = world.provider.deny(&to).await.unwrap();
    stranger.come_back(&back).await.failed("denied");

    // A new key is nothing to worry about.
    world.provider.rotate_key().await;
    world.sign_in(&stranger, "ada-there").await.succeeded();
    assert_eq!(stranger.who().await, world.ada.who().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_counts_only_when_the_provider_says_plainly_that_it_is_verified() {
    let Some(world) = World::start().await else { return };
    let to = world.forge.begin_link(&world.ada).await;
    world.go(&world.ada, to, "ada-there").await.succeeded();
    let rule = json!({"sign_up": "domains", "sign_up_domains": ["example.com"]});
    world.forge.change(&world.ada, rule).await;
    let stranger = Person::stranger(&world.server);

    for quirk in [
        Quirk::EmailVerifiedText,
        Quirk::EmailVerifiedNumber,
        Quirk::EmailVerifiedAbsent,
        Quirk::EmailUnverified,
    ] {
        world.provider.misbehave(&[quirk]).await;
        let landing = world.sign_in(&stranger, "newcomer").await;
        assert_eq!(landing.value("link_error").as_deref(), Some("sign_up_unverified"), "{quirk:?}");
    }
    world.provider.misbehave(&[]).await;
    world.sign_in(&stranger, "newcomer").await.succeeded();
    assert_eq!(stranger.get("/me").await.ok()["role"], "member");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_calls_itself_something_else_is_not_gone_to() {
    let Some(world) = World::start().await else { return };
    world.provider.misbehave(&[Quirk::DiscoveryIssuer]).await;

    let refused = world.ada.post("/me/links", json!({"forge": world.forge.id})).await;

    let problem = refused.refused(502, "forge");
    assert!(problem["detail"].as_str().unwrap().contains("another address"), "{problem}");
}
