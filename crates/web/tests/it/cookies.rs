//! Signing in and out, as the browser's cookie tells it.

use http::Method;
use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::http::Answer;

fn cookie(answer: &Answer) -> Vec<&str> {
    answer.header("set-cookie").split("; ").collect()
}

async fn sign_in(app: &TestApp) -> Answer {
    let body = json!({"name": "admin", "password": PASSWORD});
    app.post("/api/v1/session", &body).header("sec-fetch-site", "same-origin").send().await.expect(200)
}

#[tokio::test]
async fn a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let app = TestApp::start().await;

    let answer = sign_in(&app).await;

    let cookie = cookie(&answer);
    let token = cookie[0].strip_prefix("hearth_session=").unwrap();
    assert!(token.len() > 40);
    for part in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(&part), "{cookie:?}");
    }
    assert!(!cookie.contains(&"Secure"), "the public URL is plain HTTP");
    assert!(!String::from_utf8_lossy(&answer.body).contains(token));
    assert_eq!(app.get("/api/v1/me").session(token).send().await.expect(200).json()["name"], "admin");
}

#[tokio::test]
async fn over_tls_the_cookie_travels_over_nothing_else() {
    let app = TestApp::start_as("https://hearth.test/", |app| app).await;

    let answer = sign_in(&app).await;

    assert!(cookie(&answer).contains(&"Secure"));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie_back() {
    let app = TestApp::start().await;

    let answer =
        app.call(Method::DELETE, "/api/v1/session").session(&app.admin.session).send().await.expect(204);

    assert!(cookie(&answer).contains(&"hearth_session=") && cookie(&answer).contains(&"Max-Age=0"));
    app.get("/api/v1/me").session(&app.admin.session).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_apart_by_nothing() {
    let app = TestApp::start().await;
    let refuse = async |name: &str| {
        let body = json!({"name": name, "password": "wrong password"});
        let mut problem = app.post("/api/v1/session", &body).send().await.problem(401, "unauthenticated");
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    };

    assert_eq!(refuse("admin").await, refuse("nobody-here").await);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_until_when() {
    let app = TestApp::start().await;
    let body = json!({"name": "admin", "password": "wrong password"});
    let mut last = app.post("/api/v1/session", &body).send().await;

    for _ in 0..50 {
        if last.status == 429 {
            break;
        }
        last = app.post("/api/v1/session", &body).send().await;
    }

    last.problem(429, "too_many");
    assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{last:?}");
}

#[tokio::test]
async fn one_of_several_sessions_can_be_ended_and_knows_itself() {
    let app = TestApp::start().await;
    let other = app.sign_in("admin").await;

    let list = app.get("/api/v1/me/sessions").session(&app.admin.session).send().await.expect(200).json();
    let foreign = list["items"].as_array().unwrap().iter().find(|item| item["current"] == false).unwrap();
    let path = format!("/api/v1/me/sessions/{}", foreign["id"].as_str().unwrap());
    app.call(Method::DELETE, &path).session(&app.admin.session).send().await.expect(204);

    app.get("/api/v1/me").session(&other.session).send().await.problem(401, "unauthenticated");
    app.get("/api/v1/me").session(&app.admin.session).send().await.expect(200);
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let app = TestApp::start().await;
    let body = json!({"name": "ci", "scopes": ["workspaces:read"], "expires_in_days": 30});

    let made =
        app.post("/api/v1/me/tokens", &body).session(&app.admin.session).send().await.expect(201).json();
    let token = made["token"].as_str().unwrap();
    let me = app.get("/api/v1/me").bearer(token).send().await.expect(200).json();
    let list = app.get("/api/v1/me/tokens").session(&app.admin.session).send().await.expect(200);
    let path = format!("/api/v1/me/tokens/{}", made["id"].as_str().unwrap());
    app.call(Method::DELETE, &path).session(&app.admin.session).send().await.expect(204);

    assert!(token.starts_with("hearth_"));
    assert_eq!((me["via"].as_str(), me["scopes"].as_array().unwrap().len()), (Some("token"), 1));
    assert!(!String::from_utf8_lossy(&list.body).contains(token));
    app.get("/api/v1/me").bearer(token).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let app = TestApp::start().await;
    let body = json!({"token": "hsetup_x", "name": "eve", "password": "long enough"});

    let needed = app.get("/api/v1/setup").send().await.expect(200).json();

    assert_eq!(needed, json!({"needed": false}));
    app.post("/api/v1/setup", &body).send().await.problem(409, "set_up");
}
