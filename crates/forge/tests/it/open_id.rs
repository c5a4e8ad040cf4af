//! Signing in with an OpenID Connect provider that misbehaves in every way it can.

use domain::ForgeKind;
use forge::{Begin, Fault, ForgeError, Grant, LinkFault, Provider, Purpose};
use testkit::oidc_provider::{Client, OidcProvider, Quirk};
use testkit::peers::or_skip;

use crate::forge_row::{REDIRECT, callback, open, row};

const SCOPES: &[&str] = &["openid", "profile", "email"];

fn provider(server: &OidcProvider, client: &Client) -> std::sync::Arc<dyn Provider> {
    open(&row(ForgeKind::OpenId, server.url(), &client.id, SCOPES), &client.secret)
}

async fn sign_in(server: &OidcProvider, provider: &dyn Provider) -> Result<Grant, ForgeError> {
    let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::SignIn };
    let begun = provider.begin(begin).await?;
    let back = server.consent(begun.authorize_url.as_str(), "ada").await.unwrap();
    provider.complete(&callback(&back), REDIRECT, &begun.private).await
}

#[tokio::test]
async fn somebody_signs_in() {
    let Some(server) = or_skip(OidcProvider::start(&[]).await) else { return };
    let client = server.client(REDIRECT).await;
    let provider = provider(&server, &client);

    let grant = sign_in(&server, provider.as_ref()).await.map_err(|error| error.to_string()).ok().unwrap();

    assert_eq!(grant.account.subject, "ada");
    assert!(grant.account.email_verified && grant.account.email.is_some());
    assert_eq!(provider.who(&grant.tokens.credential()).await.unwrap().subject, "ada");
}

#[tokio::test]
async fn whatever_is_wrong_with_an_identity_it_is_refused() {
    let Some(server) = or_skip(OidcProvider::start(&[]).await) else { return };
    let client = server.client(REDIRECT).await;
    for quirk in [
        Quirk::DiscoveryIssuer,
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
        server.misbehave(&[quirk]).await;

        let refused = sign_in(&server, provider(&server, &client).as_ref()).await;

        let Err(error) = refused else { panic!("{quirk:?} was taken") };
        assert_eq!(*error.fault(), Fault::Protocol, "{quirk:?}: {error}");
    }
    server.misbehave(&[]).await;
    assert!(sign_in(&server, provider(&server, &client).as_ref()).await.is_ok());
}

#[tokio::test]
async fn the_identity_token_decides_who_it_is() {
    let Some(server) = or_skip(OidcProvider::start(&[Quirk::UserinfoSubject]).await) else { return };
    let client = server.client(REDIRECT).await;
    let provider = provider(&server, &client);

    let grant = sign_in(&server, provider.as_ref()).await.ok().unwrap();

    assert_eq!(grant.account.subject, "ada");
    assert_ne!(provider.who(&grant.tokens.credential()).await.unwrap().subject, "ada");
}

#[tokio::test]
async fn only_a_json_true_verifies_an_address() {
    let Some(server) = or_skip(OidcProvider::start(&[]).await) else { return };
    let client = server.client(REDIRECT).await;
    for quirk in [
        Quirk::EmailVerifiedText,
        Quirk::EmailVerifiedNumber,
        Quirk::EmailVerifiedAbsent,
        Quirk::EmailUnverified,
    ] {
        server.misbehave(&[quirk]).await;

        let grant = sign_in(&server, provider(&server, &client).as_ref()).await.ok().unwrap();

        assert!(!grant.account.email_verified, "{quirk:?}");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let Some(server) = or_skip(OidcProvider::start(&[]).await) else { return };
    let client = server.client(REDIRECT).await;
    let provider = provider(&server, &client);
    assert!(sign_in(&server, provider.as_ref()).await.is_ok());

    server.rotate_key().await;

    assert!(sign_in(&server, provider.as_ref()).await.is_ok());
}

#[tokio::test]
async fn a_refusal_at_the_provider_and_a_wrong_secret_are_told_apart() {
    let Some(server) = or_skip(OidcProvider::start(&[]).await) else { return };
    let client = server.client(REDIRECT).await;
    let good = provider(&server, &client);
    let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::SignIn };
    let begun = good.begin(begin).await.ok().unwrap();
    let back = server.deny(begun.authorize_url.as_str()).await.unwrap();

    let denied = good.complete(&callback(&back), REDIRECT, &begun.private).await.err().unwrap();
    let wrong = Client { secret: "wrong".into(), ..client };
    let refused = sign_in(&server, provider(&server, &wrong).as_ref()).await.err().unwrap();
    let unknown = good.refresh(&vault::Secret::new("nonsense".into()), REDIRECT).await.err().unwrap();

    assert_eq!(*denied.fault(), Fault::Denied);
    assert_eq!(*refused.fault(), Fault::Application, "{refused}");
    assert_eq!(*unknown.fault(), Fault::Link(LinkFault::Grant), "{unknown}");
}
