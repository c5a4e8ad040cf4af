//! Signing in, consent, codes, refresh tokens, OpenID Connect: the facts measured on GitLab's own OAuth server.

use std::sync::Arc;
use std::time::Duration;

use domain::SignedDuration;
use serde_json::{Value, json};
use testkit::FakeClock;
use testkit::browser::{Browser, Visit};
use testkit::gitlab::{
    Application, GitlabDouble, HookPolicy, NewApplication, NewUser, Options, Tls, User, Version,
};
use url::Url;

use super::get;

/// Nobody listens there: the browser stops before it.
const REDIRECT: &str = "http://127.0.0.1:1/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPES: [&str; 4] = ["read_user", "api", "openid", "email"];

struct Stand {
    gitlab: GitlabDouble,
    clock: FakeClock,
    user: User,
    application: Application,
}

async fn stand(version: &str) -> Stand {
    stand_with(Options::version(version)).await
}

async fn stand_with(options: Options) -> Stand {
    let clock = FakeClock::default();
    let gitlab = GitlabDouble::start(Options { clock: Arc::new(clock.clone()), ..options }).await;
    let user = gitlab.add_user("dev");
    let application = gitlab.add_application(NewApplication::new(REDIRECT, &SCOPES));
    Stand { gitlab, clock, user, application }
}

impl Stand {
    fn authorize_url(&self, change: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("client_id", self.application.client_id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "read_user openid email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in change {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        Url::parse_with_params(&format!("{}/oauth/authorize", self.gitlab.url()), &fields).unwrap().into()
    }

    async fn code(&self, change: &[(&str, &str)]) -> String {
        let back = self.gitlab.approve(&self.user, &self.authorize_url(change), REDIRECT).await.unwrap();
        parameter(&back, "code")
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let application = &self.application;
        let own = [("client_id", application.client_id.as_str()), ("client_secret", &application.secret)];
        post(&self.gitlab, "oauth/token", &[fields, &own].concat()).await
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, pair: &Value) -> (u16, Value) {
        let token = pair["refresh_token"].as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("redirect_uri", REDIRECT)])
            .await
    }
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

async fn post(gitlab: &GitlabDouble, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Browser::new(gitlab.ca_pem()).http().post(format!("{}/{path}", gitlab.url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_user_signs_in_consents_and_the_code_gives_tokens_once() {
    let stand = stand("18.1.1-ee").await;
    let back = stand.gitlab.approve(&stand.user, &stand.authorize_url(&[]), REDIRECT).await.unwrap();
    assert_eq!(parameter(&back, "state"), "the-state");
    let code = parameter(&back, "code");

    let (status, pair) = stand.exchange(&code).await;

    assert_eq!(status, 200, "{pair}");
    assert_eq!((&pair["token_type"], &pair["expires_in"]), (&json!("Bearer"), &json!(7200)));
    assert_eq!(pair["scope"], "read_user openid email");
    assert_eq!(pair["access_token"].as_str().unwrap().len(), 64);
    let (status, user) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "api/v4/user").await;
    assert_eq!((status, &user["username"]), (200, &json!("dev")));
    let (status, again) = stand.exchange(&code).await;
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));
    // On a server of GitLab's age the tokens live on after their code was played again.
    let (status, _) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "api/v4/user").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_verifier_that_is_missing_or_wrong_is_refused_in_doorkeepers_words() {
    let stand = stand("18.1.1-ee").await;
    let code = stand.code(&[]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];

    let (status, missing) = stand.token(&fields).await;
    assert_eq!((status, &missing["error"]), (400, &json!("invalid_request")));
    assert_eq!(missing["error_description"], "Missing required parameter: code_verifier.");
    let (status, wrong) = stand.token(&[&fields[..], &[("code_verifier", "wrong")]].concat()).await;
    assert_eq!((status, &wrong["error"]), (400, &json!("invalid_grant")));
    assert_eq!(stand.exchange(&code).await.0, 200);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let stand = stand("18.1.1-ee").await;
    let code = stand.code(&[]).await;
    stand.clock.advance(SignedDuration::from_secs(601));

    assert_eq!(stand.exchange(&code).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_shown_on_a_page_without_a_way_back() {
    let stand = stand("18.1.1-ee").await;
    for (change, text) in [
        (("scope", "no_such_scope"), "The requested scope is invalid, unknown, or malformed."),
        (("scope", "read_repository"), "The requested scope is invalid, unknown, or malformed."),
        (("redirect_uri", "http://127.0.0.1:1/other"), "The redirect URI included is not valid."),
        (("client_id", "unknown"), "Client authentication failed due to unknown client"),
        (("response_type", "token"), "does not support this response type"),
    ] {
        let page =
            stand.gitlab.approve(&stand.user, &stand.authorize_url(&[change]), REDIRECT).await.unwrap_err();
        assert_eq!(page.status, 200, "{change:?}");
        assert!(page.text.contains(text), "{change:?}: {}", page.text);
    }
    let unconfirmed = stand.gitlab.add_new_user(NewUser { confirmed: false, ..NewUser::named("new") });
    let page = stand.gitlab.approve(&unconfirmed, &stand.authorize_url(&[]), REDIRECT).await.unwrap_err();
    assert!(page.text.contains("Verify the email address"), "{}", page.text);
}

#[tokio::test]
async fn whoever_says_no_is_sent_back_with_that() {
    let stand = stand("18.1.1-ee").await;
    let browser = Browser::new(None);
    let Visit::Page(page) = browser.open(&stand.authorize_url(&[]), REDIRECT).await.unwrap() else {
        panic!()
    };
    let form = &page.forms()[0];
    let wrong = [("user[login]", "dev"), ("user[password]", "wrong")];
    let Visit::Page(page) = browser.send(&page, form, &wrong, REDIRECT).await.unwrap() else { panic!() };
    assert!(page.text.contains("Invalid login or password."));
    let right = [("user[login]", "dev"), ("user[password]", stand.user.password.as_str())];
    let form = &page.forms()[0];
    let Visit::Page(page) = browser.send(&page, form, &right, REDIRECT).await.unwrap() else { panic!() };
    assert_eq!(page.forms().len(), 2, "{}", page.text);

    let deny = &page.forms()[1];
    let Visit::SentBack(back) = browser.send(&page, deny, &[], REDIRECT).await.unwrap() else { panic!() };

    assert_eq!(parameter(&back, "error"), "access_denied");
    assert_eq!(parameter(&back, "state"), "the-state");
}

#[tokio::test]
async fn consent_is_skipped_for_trusted_applications_and_for_a_known_confidential_one() {
    let mut stand = stand("18.1.1-ee").await;
    let browser = Browser::new(None);
    stand.gitlab.approve_in(&browser, &stand.user, &stand.authorize_url(&[]), REDIRECT).await.unwrap();
    let Visit::Page(page) = browser.open(&stand.authorize_url(&[]), REDIRECT).await.unwrap() else {
        panic!()
    };
    assert_eq!(page.forms().len(), 2, "no token yet, so it asks again");
    stand.gitlab.issue_tokens(&stand.user, &stand.application, &["read_user", "openid", "email"]);
    let Visit::Page(page) = browser.open(&stand.authorize_url(&[]), REDIRECT).await.unwrap() else {
        panic!()
    };
    assert_eq!((page.status, page.forms().len()), (200, 0));
    assert!(page.text.contains("window.location"), "a page, not a redirect: {}", page.text);

    let new = NewApplication { trusted: true, ..NewApplication::new(REDIRECT, &SCOPES) };
    stand.application = stand.gitlab.add_application(new);
    let Visit::Page(page) = browser.open(&stand.authorize_url(&[]), REDIRECT).await.unwrap() else {
        panic!()
    };
    assert!(page.text.contains("window.location"));
}

#[tokio::test]
async fn a_refresh_token_works_once_and_ends_the_old_access_token() {
    let stand = stand("18.1.1-ee").await;
    let (_, old) = stand.exchange(&stand.code(&[]).await).await;
    let attempts = (0..8).map(|_| stand.refresh(&old));

    let answers = futures(attempts).await;

    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|(_, body)| body["error"] == "invalid_grant").count(), 7);
    assert_eq!(stand.gitlab.refreshes(), 1);
    let (status, body) = get(&stand.gitlab, old["access_token"].as_str().unwrap(), "api/v4/user").await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
    assert_eq!(body["error_description"], "Token was revoked. You have to re-authorize from the user.");
    let new = &answers.iter().find(|(status, _)| *status == 200).unwrap().1;
    assert_eq!(get(&stand.gitlab, new["access_token"].as_str().unwrap(), "api/v4/user").await.0, 200);
    // Playing the old one again does not harm the newer pair.
    assert_eq!(stand.refresh(&old).await.0, 400);
    assert_eq!(get(&stand.gitlab, new["access_token"].as_str().unwrap(), "api/v4/user").await.0, 200);
}

/// Awaits all at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn access_tokens_end_and_refresh_tokens_do_not() {
    let stand = stand("18.1.1-ee").await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    stand.clock.advance(SignedDuration::from_secs(7200));

    let (status, body) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "api/v4/user").await;

    assert_eq!(status, 401);
    assert_eq!(
        body["error_description"],
        "Token is expired. You can either do re-authorization or token refresh."
    );
    stand.clock.advance(SignedDuration::from_hours(24 * 365));
    assert_eq!(stand.refresh(&pair).await.0, 200);
}

#[tokio::test]
async fn old_releases_give_the_same_endless_pair_twice() {
    let stand = stand("12.10.0").await;
    let (_, first) = stand.exchange(&stand.code(&[]).await).await;
    let (_, second) = stand.exchange(&stand.code(&[]).await).await;

    assert_eq!(first["access_token"], second["access_token"]);
    assert_eq!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(first["token_type"], "bearer");
    assert!(first.get("expires_in").is_none(), "{first}");
    assert_eq!(stand.refresh(&first).await.0, 200);
    assert_eq!(get(&stand.gitlab, second["access_token"].as_str().unwrap(), "api/v4/user").await.0, 401);

    let stand = self::stand("15.0.0").await;
    let (_, first) = stand.exchange(&stand.code(&[]).await).await;
    let (_, second) = stand.exchange(&stand.code(&[]).await).await;
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(stand.gitlab.living_tokens(&stand.application), 2);
}

#[tokio::test]
async fn a_renewed_secret_is_a_fault_of_the_application_not_of_the_link() {
    let mut stand = stand("18.1.1-ee").await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    let renewed = stand.gitlab.renew_secret(&stand.application);

    let (status, body) = stand.refresh(&pair).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    stand.application = renewed;
    assert_eq!(stand.refresh(&pair).await.0, 200);
    stand.gitlab.delete_application(&stand.application);
    assert_eq!(stand.refresh(&pair).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn revoking_either_token_ends_both_and_needs_the_client() {
    let stand = stand("18.1.1-ee").await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    let access = pair["access_token"].as_str().unwrap();
    let (id, secret) = (stand.application.client_id.as_str(), stand.application.secret.as_str());
    let client = [("client_id", id), ("client_secret", secret)];

    let (status, body) = post(&stand.gitlab, "oauth/revoke", &[("token", access)]).await;
    assert_eq!((status, &body["error"]), (403, &json!("unauthorized_client")));
    let unknown = [&[("token", "unknown")], &client[..]].concat();
    assert_eq!(post(&stand.gitlab, "oauth/revoke", &unknown).await, (200, json!({})));
    let introspect = [&[("token", access)], &client[..]].concat();
    assert_eq!(post(&stand.gitlab, "oauth/introspect", &introspect).await.1["active"], true);
    let refresh = [&[("token", pair["refresh_token"].as_str().unwrap())], &client[..]].concat();
    assert_eq!(post(&stand.gitlab, "oauth/revoke", &refresh).await, (200, json!({})));

    assert_eq!(post(&stand.gitlab, "oauth/introspect", &introspect).await.1, json!({ "active": false }));
    assert_eq!(get(&stand.gitlab, access, "oauth/token/info").await.0, 401);
    assert_eq!(stand.refresh(&pair).await.0, 400);
}

#[tokio::test]
async fn token_info_tells_owner_scopes_and_time_left() {
    let stand = stand("18.1.1-ee").await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    stand.clock.advance(SignedDuration::from_secs(100));

    let (status, info) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "oauth/token/info").await;

    assert_eq!(status, 200);
    assert_eq!(info["resource_owner_id"], stand.user.id);
    assert_eq!(info["scope"], json!(["read_user", "openid", "email"]));
    assert_eq!(info["expires_in"], 7100);
    assert_eq!(info["application"]["uid"], stand.application.client_id);
}

#[tokio::test]
async fn discovery_keys_and_userinfo_fit_together_under_a_prefix_and_tls() {
    let options = Options { path_prefix: Some("/gitlab".to_owned()), ..Options::default() };
    let stand = stand_with(options.https(Tls::new())).await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    let url = stand.gitlab.url().to_owned();
    assert!(url.starts_with("https://127.0.0.1:") && url.ends_with("/gitlab"), "{url}");

    let (_, discovery) = get(&stand.gitlab, "", ".well-known/openid-configuration").await;
    let (_, keys) = get(&stand.gitlab, "", "oauth/discovery/keys").await;
    let (_, claims) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "oauth/userinfo").await;

    assert_eq!(discovery["issuer"], url);
    assert_eq!(discovery["token_endpoint"], format!("{url}/oauth/token"));
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    assert_eq!(claims["sub"], stand.user.id.to_string());
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("dev@example.com"), &json!(true)));
    let elsewhere = stand.gitlab.url().replace("/gitlab", "/api/v4/version");
    assert_eq!(Browser::new(stand.gitlab.ca_pem()).get(&elsewhere).await.unwrap().status, 404);
}

#[tokio::test]
async fn blocked_users_cannot_sign_in_and_their_tokens_are_forbidden() {
    let stand = stand("18.1.1-ee").await;
    let (_, pair) = stand.exchange(&stand.code(&[]).await).await;
    stand.gitlab.block_user(&stand.user);

    let (status, body) = get(&stand.gitlab, pair["access_token"].as_str().unwrap(), "api/v4/user").await;
    assert_eq!((status, &body["message"]), (403, &json!("403 Forbidden - Your account has been blocked.")));
    let page = stand.gitlab.approve(&stand.user, &stand.authorize_url(&[]), REDIRECT).await.unwrap_err();
    assert!(page.text.contains("Your account has been blocked."), "{}", page.text);
}

#[tokio::test]
async fn an_administrator_may_be_kept_from_authorising_wide_scopes() {
    let options = Options { admin_oauth_disabled: true, ..Options::default() };
    let stand = stand_with(options).await;
    let root = stand.gitlab.add_new_user(NewUser::named("root").admin());

    let page =
        stand.gitlab.approve(&root, &stand.authorize_url(&[("scope", "api")]), REDIRECT).await.unwrap_err();
    assert_eq!(page.status, 403);
    assert!(stand.gitlab.approve(&root, &stand.authorize_url(&[]), REDIRECT).await.is_ok());
}

#[test]
fn releases_are_read_leniently() {
    for (text, number) in
        [("18.1.1-ee", (18, 1)), ("17.1.0-pre", (17, 1)), ("8.13", (8, 13)), ("odd", (0, 0))]
    {
        let version = Version::new(text);
        assert!(version.at_least(number.0, number.1) && !version.at_least(number.0, number.1 + 1), "{text}");
    }
    assert_eq!(HookPolicy::default().timeout, Duration::from_secs(10));
}
