//! The strict provider, and each way it can be asked to misbehave.

use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::oidc_provider::{Client, OidcProvider, Quirk};
use testkit::peers;

use super::client::{REDIRECT, VERIFIER, authorize_url, claims, get, parameter, post};

async fn tokens(peer: &OidcProvider, client: &Client) -> Value {
    let url = authorize_url(&format!("{}/auth", peer.url()), &client.id, "openid email profile");
    let back = peer.consent(&url, "somebody").await.unwrap();
    assert_eq!(parameter(&back, "state"), "the-state");
    let fields = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", &parameter(&back, "code")),
        ("code_verifier", VERIFIER),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let browser = Browser::new(None);
    // The provider's default way for a client to prove itself is the header.
    let request = browser.http().post(format!("{}/token", peer.url()));
    let request = request.basic_auth(&client.id, Some(&client.secret));
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// Whether an ID token, by its header and claims, is wrong in the wanted way.
type Wrong = fn(&Value, &Value) -> bool;

fn header(token: &str) -> Value {
    use base64::Engine;
    let text = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test]
async fn the_provider_signs_people_in_and_can_misbehave_in_every_way_it_knows() {
    let Some(peer) = peers::or_skip(OidcProvider::start(&[]).await) else { return };
    let client = peer.client(REDIRECT).await;
    let browser = Browser::new(None);
    let keys = async || {
        let text = Browser::new(None).get(&format!("{}/jwks", peer.url())).await.unwrap().text;
        serde_json::from_str::<Value>(&text).unwrap()["keys"].clone()
    };

    let good = tokens(&peer, &client).await;
    let good_claims = claims(good["id_token"].as_str().unwrap());
    assert_eq!(good_claims["sub"], "somebody");
    assert_eq!(good_claims["email_verified"], true);
    assert_eq!((&good_claims["iss"], &good_claims["nonce"]), (&json!(peer.url()), &json!("the-nonce")));
    assert!(good["refresh_token"].is_string());
    assert_eq!(header(good["id_token"].as_str().unwrap())["kid"], keys().await[0]["kid"]);
    let me = get(&browser, &format!("{}/me", peer.url()), good["access_token"].as_str().unwrap()).await.1;
    assert_eq!((&me["sub"], &me["preferred_username"]), (&json!("somebody"), &json!("somebody")));

    let id_tokens: [(Quirk, Wrong); 13] = [
        (Quirk::IdTokenIssuer, |_, claims| claims["iss"] == "https://elsewhere.example"),
        (Quirk::IdTokenExpired, |_, claims| {
            claims["exp"].as_u64() < claims["auth_time"].as_u64().or(Some(u64::MAX))
        }),
        (Quirk::IdTokenNonce, |_, claims| claims["nonce"] == "somebody else's"),
        (Quirk::IdTokenWithoutNonce, |_, claims| claims.get("nonce").is_none()),
        (Quirk::IdTokenAudience, |_, claims| claims["aud"] == "another-client"),
        (Quirk::IdTokenSecondAudience, |_, claims| claims["aud"].is_array()),
        (Quirk::IdTokenUnsigned, |header, _| header["alg"] == "none"),
        (Quirk::IdTokenSignedWithPublicKey, |header, _| header["alg"] == "HS256"),
        (Quirk::IdTokenUnknownKey, |header, _| header["alg"] == "RS256"),
        (Quirk::EmailVerifiedText, |_, claims| claims["email_verified"] == "true"),
        (Quirk::EmailVerifiedNumber, |_, claims| claims["email_verified"] == 1),
        (Quirk::EmailVerifiedAbsent, |_, claims| claims.get("email_verified").is_none()),
        (Quirk::EmailUnverified, |_, claims| claims["email_verified"] == false),
    ];
    for (quirk, is_wrong) in id_tokens {
        peer.misbehave(&[quirk]).await;
        let tokens = tokens(&peer, &client).await;
        let id_token = tokens["id_token"].as_str().unwrap();
        assert!(is_wrong(&header(id_token), &claims(id_token)), "{quirk:?}: {}", claims(id_token));
        let is_known = keys().await[0]["kid"] == header(id_token)["kid"];
        let is_unknown = matches!(quirk, Quirk::IdTokenUnknownKey | Quirk::IdTokenUnsigned);
        assert_eq!(is_known, !is_unknown, "{quirk:?}");
    }

    peer.misbehave(&[Quirk::NoIdToken, Quirk::NoRefreshToken, Quirk::UserinfoSubject]).await;
    let bare = tokens(&peer, &client).await;
    assert!(bare.get("id_token").is_none() && bare.get("refresh_token").is_none());
    let me = get(&browser, &format!("{}/me", peer.url()), bare["access_token"].as_str().unwrap()).await.1;
    assert_eq!(me["sub"], "somebody-else");

    peer.misbehave(&[Quirk::DiscoveryIssuer, Quirk::CallbackIssuer]).await;
    let discovery = browser.get(&format!("{}/.well-known/openid-configuration", peer.url())).await.unwrap();
    assert!(discovery.text.contains("elsewhere.example"), "{}", discovery.text);
    let url = authorize_url(&format!("{}/auth", peer.url()), &client.id, "openid");
    let back = peer.consent(&url, "somebody").await.unwrap();
    assert_eq!(parameter(&back, "iss"), "https://elsewhere.example");
    assert_eq!(parameter(&peer.deny(&url).await.unwrap(), "error"), "access_denied");

    peer.misbehave(&[]).await;
    let before = keys().await[0]["kid"].clone();
    peer.rotate_key().await;
    let after = tokens(&peer, &client).await;
    assert_ne!(keys().await[0]["kid"], before);
    assert_eq!(header(after["id_token"].as_str().unwrap())["kid"], keys().await[0]["kid"]);

    let token = format!("{}/token", peer.url());
    let wrong = post(&browser, &token, &[("grant_type", "authorization_code"), ("code", "x")]).await;
    assert_eq!(wrong.0, 400, "{}", wrong.1);
    let asked = peer.token_requests().await;
    assert_eq!(asked.first(), Some(&("authorization_code".to_owned(), 200)));
}
