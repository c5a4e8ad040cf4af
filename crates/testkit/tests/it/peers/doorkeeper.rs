//! What GitLab's OAuth server does, seen on the real thing.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::doorkeeper::{Application, Doorkeeper, Profile, TokenRequests};
use testkit::{peers, wait_until};

use super::client::{REDIRECT, VERIFIER, authorize_url, claims, get, parameter, post};

async fn signed_in(peer: &Doorkeeper, application: &Application, scope: &str) -> Value {
    let url = authorize_url(&format!("{}/oauth/authorize", peer.url()), &application.id, scope);
    let back = peer.consent(&url, "developer").await.unwrap();
    assert_eq!(parameter(&back, "state"), "the-state");
    let (status, tokens) = exchange(peer, application, &parameter(&back, "code"), VERIFIER).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn exchange(peer: &Doorkeeper, application: &Application, code: &str, verifier: &str) -> (u16, Value) {
    let browser = Browser::new(peer.ca_pem().as_deref());
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &application.id),
        ("client_secret", &application.secret),
        ("redirect_uri", REDIRECT),
        ("code", code),
        ("code_verifier", verifier),
    ];
    post(&browser, &format!("{}/oauth/token", peer.url()), &fields).await
}

async fn refresh(peer: &Doorkeeper, application: &Application, token: &Value) -> (u16, Value) {
    let browser = Browser::new(peer.ca_pem().as_deref());
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &application.id),
        ("client_secret", &application.secret),
        ("redirect_uri", REDIRECT),
        ("refresh_token", token["refresh_token"].as_str().unwrap()),
    ];
    post(&browser, &format!("{}/oauth/token", peer.url()), &fields).await
}

async fn who(peer: &Doorkeeper, tokens: &Value) -> (u16, Value) {
    let browser = Browser::new(peer.ca_pem().as_deref());
    get(&browser, &format!("{}/api/v4/user", peer.url()), tokens["access_token"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_modern_gitlab_gives_pairs_of_which_each_refreshes_once() {
    let Some(mut peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let application = peer.application(REDIRECT, "api read_user openid email profile").await;

    let first = signed_in(&peer, &application, "read_user openid email profile").await;
    let (status, second) = refresh(&peer, &application, &first).await;
    let (_, replayed) = refresh(&peer, &application, &first).await;

    assert_eq!(first["expires_in"], 7200);
    assert_eq!(first["access_token"].as_str().unwrap().len(), 64);
    assert_eq!((status, &replayed["error"]), (200, &json!("invalid_grant")));
    let id_token = claims(first["id_token"].as_str().unwrap());
    let developer = peer.user("developer").clone();
    assert_eq!(id_token["sub"], developer.id.to_string());
    assert_eq!((&id_token["iss"], &id_token["nonce"]), (&json!(peer.url()), &json!("the-nonce")));
    assert_eq!(
        (&id_token["email"], &id_token["email_verified"]),
        (&json!("developer@example.com"), &json!(true))
    );

    let (status, old) = who(&peer, &first).await;
    assert_eq!((status, &old["error"]), (401, &json!("invalid_token")));
    assert!(old["error_description"].as_str().unwrap().starts_with("Token was revoked."));
    assert_eq!(who(&peer, &second).await.1["username"], "developer");
    peer.rename_user(developer.id, "renamed").await;
    let (_, renamed) = who(&peer, &second).await;
    assert_eq!((&renamed["id"], &renamed["username"]), (&json!(developer.id), &json!("renamed")));
    peer.block_user(developer.id).await;
    assert_eq!(who(&peer, &second).await.0, 403);
    let url = authorize_url(&format!("{}/oauth/authorize", peer.url()), &application.id, "openid");
    assert!(peer.consent(&url, "renamed").await.unwrap_err().text.contains("blocked"));
    assert_eq!(
        peer.token_requests().await,
        TokenRequests { exchanged: 1, refreshed: 1, revoked: 0, refused: 1 }
    );
}

#[tokio::test]
async fn of_refreshes_at_once_exactly_one_succeeds_and_a_lost_answer_has_still_used_the_token() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let application = peer.application(REDIRECT, "read_user").await;
    let tokens = signed_in(&peer, &application, "read_user").await;

    let at_once = || refresh(&peer, &application, &tokens);
    let ((first, second, third), (fourth, fifth, sixth)) =
        tokio::join!(async { tokio::join!(at_once(), at_once(), at_once()) }, async {
            tokio::join!(at_once(), at_once(), at_once())
        },);
    let mut answers = [first, second, third, fourth, fifth, sixth];
    answers.sort_by_key(|(status, _)| *status);
    assert_eq!(answers.each_ref().map(|(status, _)| *status), [200, 400, 400, 400, 400, 400]);

    let url = format!("{}/oauth/token", peer.url());
    peer.lose_next_answer().await;
    let body = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        application.id,
        application.secret,
        answers[0].1["refresh_token"].as_str().unwrap()
    );
    let lost =
        Browser::new(None).http().post(url).header("content-type", "application/x-www-form-urlencoded");
    assert!(lost.body(body).send().await.is_err());
    let (status, refused) = refresh(&peer, &application, &answers[0].1).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));

    peer.refuse_next(429, &[("retry-after", "7")], "Retry later").await;
    assert_eq!(refresh(&peer, &application, &tokens).await, (429, json!("Retry later")));
    assert_eq!(
        peer.token_requests().await,
        TokenRequests { exchanged: 1, refreshed: 2, revoked: 0, refused: 7 }
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_as_gitlab_tells_it() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let application = peer.application(REDIRECT, "api read_user").await;
    let endpoint = format!("{}/oauth/authorize", peer.url());
    let authorize = |scope: &str| authorize_url(&endpoint, &application.id, scope);

    let page = peer.consent(&authorize("sudo"), "developer").await.unwrap_err();
    assert!(page.text.contains("scope"), "{}", page.text);
    let elsewhere = authorize("api").replace("%2Foauth%2Fcallback", "%2Felsewhere");
    assert!(peer.consent(&elsewhere, "developer").await.is_err());
    assert_eq!(
        parameter(&peer.deny(&authorize("api"), "developer").await.unwrap(), "error"),
        "access_denied"
    );

    let back = peer.consent(&authorize("api"), "developer").await.unwrap();
    let code = parameter(&back, "code");
    assert_eq!(exchange(&peer, &application, &code, "another-verifier").await.1["error"], "invalid_grant");
    let back = peer.consent(&authorize("api"), "developer").await.unwrap();
    let (_, tokens) = exchange(&peer, &application, &parameter(&back, "code"), VERIFIER).await;

    let renewed = peer.renew_secret(&application.id).await;
    assert_eq!(refresh(&peer, &application, &tokens).await.1["error"], "invalid_client");
    let (status, tokens) = refresh(&peer, &renewed, &tokens).await;
    assert_eq!(status, 200);

    let browser = Browser::new(None);
    let revoke = format!("{}/oauth/revoke", peer.url());
    let token = tokens["access_token"].as_str().unwrap();
    let (status, refused) = post(&browser, &revoke, &[("token", token)]).await;
    assert_eq!((status, &refused["error"]), (403, &json!("unauthorized_client")));
    let ours = [("token", token), ("client_id", &renewed.id), ("client_secret", &renewed.secret)];
    assert_eq!(post(&browser, &revoke, &ours).await, (200, json!({})));
    assert_eq!(peer.living_tokens(&renewed.id).await, 0);
    peer.delete_application(&renewed.id).await;
    // Its tokens are deleted with it, and a token is looked up before its client.
    assert_eq!(refresh(&peer, &renewed, &tokens).await.1["error"], "invalid_grant");
    assert_eq!(exchange(&peer, &renewed, &code, VERIFIER).await.1["error"], "invalid_client");
}

#[tokio::test]
async fn a_key_belongs_to_one_person_and_needs_the_right_scope() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let application = peer.trusted_application(REDIRECT, "api read_user").await;
    let id = peer.add_project("acme/shop", "private").await;
    let api = signed_in(&peer, &application, "api").await;
    let reader = signed_in(&peer, &application, "read_user").await;
    let keys = format!("{}/api/v4/user/keys", peer.url());
    let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPkVBdkRl8cVqrV4oxlCoL2N3ZQWUqpYyTRrqqBmqiYQ here";
    let add = async |tokens: &Value| {
        let token = tokens["access_token"].as_str().unwrap();
        post(&Browser::new(None), &keys, &[("title", "Hearth"), ("key", text), ("access_token", token)]).await
    };

    let (refused, why) = add(&reader).await;
    let (added, key) = add(&api).await;
    let (again, taken) = add(&api).await;

    assert_eq!((refused, &why["error"], &why["scope"]), (403, &json!("insufficient_scope"), &json!("api")));
    assert_eq!((added, &key["key"]), (201, &json!(text)));
    assert_eq!((again, &taken["message"]["fingerprint"]), (400, &json!(["has already been taken"])));
    let token = api["access_token"].as_str().unwrap();
    let browser = Browser::new(None);
    assert_eq!(get(&browser, &keys, token).await.1, json!([key]));
    let project = format!("{}/api/v4/projects/acme%2Fshop", peer.url());
    assert_eq!(get(&browser, &project, token).await.1["id"], id);
    let one = format!("{keys}/{}", key["id"]);
    assert_eq!(browser.http().delete(&one).bearer_auth(token).send().await.unwrap().status(), 204);
    assert_eq!(get(&browser, &one, token).await.0, 404);
}

#[tokio::test]
async fn a_gitlab_before_14_3_gives_the_same_token_to_everybody_and_for_ever() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Pre143).await) else { return };
    let application = peer.application(REDIRECT, "api read_user").await;

    let first = signed_in(&peer, &application, "api").await;
    let second = signed_in(&peer, &application, "api").await;

    assert_eq!(first.get("expires_in"), None);
    assert_eq!(first["access_token"], second["access_token"]);
    refresh(&peer, &application, &first).await;
    assert_eq!(who(&peer, &second).await.0, 401);
}

#[tokio::test]
async fn a_short_lived_token_expires_and_its_refresh_token_does_not() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::ShortTtl(1)).await) else { return };
    let application = peer.application(REDIRECT, "api").await;
    let tokens = signed_in(&peer, &application, "api").await;

    wait_until(Duration::from_secs(30), async || who(&peer, &tokens).await.0 == 401).await;

    let why = who(&peer, &tokens).await.1;
    assert!(why["error_description"].as_str().unwrap().starts_with("Token is expired."));
    assert_eq!(refresh(&peer, &application, &tokens).await.0, 200);
}

#[tokio::test]
async fn an_instance_may_have_its_own_authority_and_lie_below_a_path() {
    let (inside, below) = tokio::join!(
        Doorkeeper::start(Profile::InternalCa),
        Doorkeeper::start(Profile::PathPrefix("/gitlab"))
    );
    let (Some(inside), Some(below)) = (peers::or_skip(inside), peers::or_skip(below)) else { return };

    assert!(Browser::new(None).get(inside.url()).await.is_err());
    assert!(inside.url().starts_with("https://") && below.url().ends_with("/gitlab"));
    for peer in [&inside, &below] {
        let browser = Browser::new(peer.ca_pem().as_deref());
        let discovery = format!("{}/.well-known/openid-configuration", peer.url());
        let found: Value = serde_json::from_str(&browser.get(&discovery).await.unwrap().text).unwrap();
        assert_eq!(found["issuer"], peer.url());
        assert_eq!(found["token_endpoint"], format!("{}/oauth/token", peer.url()));
        let application = peer.application(REDIRECT, "api openid").await;
        let tokens = signed_in(peer, &application, "api openid").await;
        assert_eq!(who(peer, &tokens).await.1["username"], "developer");
    }
}

#[tokio::test]
async fn nothing_of_an_instance_is_left_when_it_is_dropped() {
    let Some(peer) = peers::or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let (url, browser) = (peer.url().to_owned(), Browser::new(None));
    assert_eq!(browser.get(&format!("{url}/users/sign_in")).await.unwrap().status, 200);

    drop(peer);

    assert!(browser.get(&url).await.is_err());
}
