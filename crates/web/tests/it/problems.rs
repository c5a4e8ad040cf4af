//! Every error is a problem document, whoever in the stack found it.

use http::Method;
use serde_json::json;

use crate::app::TestApp;
use crate::http::Call;

#[tokio::test]
async fn each_class_of_error_is_a_problem_with_its_code_and_mend() {
    let app = TestApp::start().await;
    let me = &app.admin.session;
    let post = |path: &str| app.call(Method::POST, path).session(me);

    app.get("/api/v1/nothing").send().await.problem(404, "not_found");
    app.get("/api").send().await.problem(404, "not_found");
    app.call(Method::PUT, "/api/v1/version").session(me).send().await.problem(405, "method_not_allowed");
    app.get("/api/v1/me").send().await.problem(401, "unauthenticated");
    app.get("/api/v1/workspaces?limit=0").session(me).send().await.problem(400, "malformed");
    app.get("/api/v1/workspaces?limit=many").session(me).send().await.problem(400, "malformed");
    app.get("/api/v1/workspaces?after=elsewhere").session(me).send().await.problem(400, "malformed");
    app.get("/api/v1/workspaces/not-an-id").session(me).send().await.problem(404, "not_found");
    app.get("/api/v1/workspaces/%ff").session(me).send().await.problem(404, "not_found");
    post("/api/v1/workspaces").body("{}").send().await.problem(415, "wrong_type");
    post("/api/v1/workspaces")
        .body("{}")
        .header("content-type", "text/plain")
        .send()
        .await
        .problem(415, "wrong_type");
    post("/api/v1/workspaces")
        .body("{")
        .header("content-type", "application/json")
        .send()
        .await
        .problem(400, "malformed");
    post("/api/v1/workspaces")
        .json(&json!({"url": "ftp://example.com/a"}))
        .send()
        .await
        .problem(422, "invalid");
    post("/api/v1/images")
        .body("x")
        .header("content-type", "text/plain")
        .send()
        .await
        .problem(415, "wrong_type");
    app.get("/api/v1/workspaces/ws_00000000000000000000000000/exec")
        .session(me)
        .send()
        .await
        .problem(426, "upgrade_required");
    app.get("/api/v1/agent/connect").send().await.problem(426, "handshake");
}

#[tokio::test]
async fn the_blamed_field_is_named() {
    let app = TestApp::start().await;
    let post = |body| app.post("/api/v1/workspaces", &body).session(&app.admin.session).send();

    let unknown = post(json!({"ulr": "https://example.com/a/b"})).await.problem(422, "invalid");
    let refused = post(json!({"name": "No Good"})).await.problem(422, "invalid");
    let missing = app
        .post("/api/v1/session", &json!({"name": "admin"}))
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .problem(422, "invalid");

    assert_eq!(unknown["field"], "ulr");
    assert_eq!(refused["field"], "name");
    assert_eq!(missing["field"], "password");
}

#[tokio::test]
async fn a_long_json_body_is_refused_whatever_it_announces() {
    let app = TestApp::start().await;
    let body = json!({"url": "x".repeat(2 << 20)});

    let answer = app.post("/api/v1/workspaces", &body).session(&app.admin.session).send().await;

    answer.problem(413, "too_large");
}

#[tokio::test]
async fn a_deep_json_body_is_refused_and_not_followed_down() {
    let app = TestApp::start().await;
    let body = "[".repeat(100_000);

    let answer = app
        .call(Method::POST, "/api/v1/workspaces")
        .session(&app.admin.session)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;

    assert!(answer.status.is_client_error(), "{answer:?}");
}

#[tokio::test]
async fn an_upload_that_announces_too_much_is_refused_before_it_is_sent() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let path = app.driver.folder_of(id).join("huge");
    let head = format!(
        "PUT /api/v1/workspaces/{id}/files{} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: 99999999999999\r\n\r\n",
        path.display(),
        app.address,
        app.token(&app.admin, &[domain::Scope::All]).await,
    );

    let answer = crate::sockets::raw(app.address, head.as_bytes()).await;

    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_request_keeps_the_id_its_proxy_gave_it_unless_that_could_mislead() {
    let app = TestApp::start().await;
    let ask = |id: &'static str| app.get("/api/v1/me").header("x-request-id", id).send();

    let kept = ask("proxy-0123456789").await;
    let replaced = ask("a b <script>").await;
    let (one, other) = (app.get("/healthz").send().await, app.get("/healthz").send().await);

    assert_eq!(kept.problem(401, "unauthenticated")["request_id"], "proxy-0123456789");
    assert!(replaced.header("x-request-id").starts_with("req-"));
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn a_panic_is_an_answer_without_its_text() {
    fn broken(_: &str) -> Option<web::Asset> {
        panic!("the secret is 42")
    }
    let app = TestApp::start_as("http://hearth.test/", |app| app.with_ui(broken)).await;

    let answer = app.get("/").send().await;

    answer.problem(500, "internal");
    assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
    app.get("/healthz").send().await.expect(200);
}

#[tokio::test]
async fn answers_of_the_api_cannot_be_shown_framed_or_kept() {
    let app = TestApp::start().await;

    for path in ["/api/v1/me", "/api/v1/version", "/api/v1/nothing"] {
        let answer = app.get(path).session(&app.admin.session).send().await;

        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn a_head_request_has_the_headers_and_no_body() {
    let app = TestApp::start().await;

    let answer = Call::new(app.address, Method::HEAD, "/api/v1/version").send().await.expect(200);

    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn the_version_tells_where_people_reach_the_server() {
    let app = TestApp::start_as("https://hearth.test/", |app| app).await;

    let version = app.get("/api/v1/version").send().await.expect(200).json();

    assert_eq!(version["public_url"], "https://hearth.test/");
}
