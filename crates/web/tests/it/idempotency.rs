//! `Idempotency-Key`: sent twice, done once.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::Answer;

async fn create(app: &TestApp, key: &str, body: &Value) -> Answer {
    let call = app.post("/api/v1/workspaces", body).session(&app.admin.session);
    call.header("idempotency-key", key).send().await
}

async fn count(app: &TestApp) -> usize {
    let list = app.get("/api/v1/workspaces").session(&app.admin.session).send().await.expect(200).json();
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_again() {
    let app = TestApp::start().await;
    let body = json!({"name": "once"});

    let first = create(&app, "key-1", &body).await.expect(202);
    let second = create(&app, "key-1", &body).await.expect(202);

    assert_eq!(first.json(), second.json());
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn the_same_key_for_another_body_is_refused() {
    let app = TestApp::start().await;

    create(&app, "key-1", &json!({"name": "one"})).await.expect(202);
    let second = create(&app, "key-1", &json!({"name": "two"})).await;

    second.problem(409, "key_reused");
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn keys_of_different_people_have_nothing_to_do_with_each_other() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    let body = json!({"name": "same"});

    create(&app, "key-1", &body).await.expect(202);
    let theirs =
        app.post("/api/v1/workspaces", &body).session(&member.session).header("idempotency-key", "key-1");
    let theirs = theirs.send().await.expect(202).json();

    assert_eq!(theirs["owner"]["name"], "ada");
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let app = TestApp::start().await;

    create(&app, "key-1", &json!({"name": "Not Good"})).await.expect(422);
    create(&app, "key-1", &json!({"name": "good"})).await.expect(202);
}

#[tokio::test]
async fn many_at_once_do_it_once() {
    let app = TestApp::start().await;
    let body = json!({"name": "once"});

    let answers = futures_util::future::join_all((0..8).map(|_| create(&app, "key-1", &body))).await;

    for answer in &answers {
        assert!(matches!(answer.status.as_u16(), 202 | 409), "{answer:?}");
    }
    assert!(answers.iter().any(|answer| answer.status == 202));
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn a_secret_is_not_kept_for_a_second_asking() {
    let app = TestApp::start().await;
    let body = json!({"name": "ci", "scopes": ["all"]});
    let ask = || {
        let call = app.post("/api/v1/me/tokens", &body).session(&app.admin.session);
        call.header("idempotency-key", "key-1").send()
    };

    ask().await.expect(201);
    ask().await.problem(409, "already_done");

    let list = app.get("/api/v1/me/tokens").session(&app.admin.session).send().await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = TestApp::start().await;

    create(&app, &"k".repeat(300), &json!({})).await.problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_once_and_what_comes_with_a_cookie_is_not_kept() {
    let world = crate::forge_world::ForgeWorld::start().await;
    let app = &world.app;
    let team = control::NewTeam { slug: "crew".into(), name: None };
    app.control.create_team(&app.admin.caller, team).await.unwrap();
    let eve = app.member("eve").await;
    let user = world.gitlab.add_user("eve");
    let token = world.gitlab.add_personal_token(&user, &["api"]);
    let forge = world.forge.to_string();

    for (index, (path, body, person)) in [
        ("/api/v1/teams/crew/invitations", json!({}), &app.admin),
        ("/api/v1/me/links", json!({"forge": forge, "token": token}), &eve),
        ("/api/v1/me/links", json!({"forge": forge}), &app.admin),
        ("/api/v1/session/forge", json!({"forge": forge}), &app.admin),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{index}");
        let ask = async || {
            app.post(path, &body).session(&person.session).header("idempotency-key", &key).send().await
        };
        let first = ask().await.expect(201);
        let second = ask().await;
        second.problem(409, "already_done");
        assert!(second.headers.get("set-cookie").is_none(), "{path} after {first:?}");
    }
}

#[tokio::test]
async fn what_holds_no_secret_is_answered_again() {
    let app = TestApp::start().await;
    let wish = json!({"kind": "gitlab", "web_url": "https://code.example.com", "client_secret": "canary"});
    let ask = || {
        app.post("/api/v1/forges", &wish)
            .session(&app.admin.session)
            .header("idempotency-key", "key-1")
            .send()
    };

    let (first, second) = (ask().await.expect(201), ask().await.expect(201));

    assert_eq!(first.json(), second.json());
    assert!(!String::from_utf8_lossy(&second.body).contains("canary"));
}
