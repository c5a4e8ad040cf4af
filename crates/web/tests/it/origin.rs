//! What another site's page can make a signed-in browser do: nothing.

use http::Method;
use serde_json::json;

use crate::app::TestApp;
use crate::http::Call;

/// A change, as a browser with the session cookie sends it.
fn change(app: &TestApp) -> Call {
    app.post("/api/v1/workspaces", &json!({"name": "made"}))
        .header("cookie", &format!("hearth_session={}", app.admin.session))
}

/// A look, likewise.
fn look(app: &TestApp) -> Call {
    app.get("/api/v1/me").header("cookie", &format!("hearth_session={}", app.admin.session))
}

#[tokio::test]
async fn the_browsers_own_word_decides_where_there_is_one() {
    let app = TestApp::start().await;

    for site in ["cross-site", "same-site", "", "SAME-ORIGIN", "x"] {
        change(&app).header("sec-fetch-site", site).send().await.problem(403, "cross_site");
        look(&app).header("sec-fetch-site", site).send().await.problem(403, "cross_site");
    }
    // Even together with an origin that fits.
    let origin = format!("http://{}", app.address);
    let both = change(&app).header("sec-fetch-site", "cross-site").header("origin", &origin);
    both.send().await.problem(403, "cross_site");
    change(&app).header("sec-fetch-site", "same-origin").send().await.expect(202);
    look(&app).header("sec-fetch-site", "none").send().await.expect(200);
}

#[tokio::test]
async fn an_older_browser_is_judged_by_its_origin() {
    let app = TestApp::start().await;
    let port = app.address.port();
    let own =
        [format!("http://127.0.0.1:{port}"), "http://hearth.test".into(), "http://HEARTH.test:80".into()];
    let foreign = [
        "null".into(),
        String::new(),
        "http://127.0.0.1".into(),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("http://evil.example/127.0.0.1:{port}"),
        format!("file://127.0.0.1:{port}"),
        "https://hearth.test".into(),
        "http://hearth.test.evil.example".into(),
        "http://evil-hearth.test".into(),
        "chrome-extension://hearth.test".into(),
    ];

    for origin in own {
        look(&app).header("origin", &origin).send().await.expect(200);
    }
    for origin in foreign {
        look(&app).header("origin", &origin).send().await.problem(403, "cross_site");
        change(&app).header("origin", &origin).send().await.problem(403, "cross_site");
    }
}

#[tokio::test]
async fn a_cookie_without_any_proof_reads_and_changes_nothing() {
    let app = TestApp::start().await;

    look(&app).send().await.expect(200);
    change(&app).send().await.problem(403, "cross_site");
    let socket = app
        .get("/api/v1/workspaces/ws_00000000000000000000000000/exec")
        .header("cookie", &format!("hearth_session={}", app.admin.session))
        .upgrade();
    socket.send().await.problem(403, "cross_site");
}

#[tokio::test]
async fn nobody_can_be_signed_in_or_out_from_another_site() {
    let app = TestApp::start().await;
    let body = json!({"name": "admin", "password": crate::app::PASSWORD});
    let sign_in = || app.post("/api/v1/session", &body);

    sign_in().header("sec-fetch-site", "cross-site").send().await.problem(403, "cross_site");
    sign_in().header("origin", "https://evil.example").send().await.problem(403, "cross_site");
    // A program, which sends neither.
    sign_in().send().await.expect(200);
    let sign_out = app
        .call(Method::DELETE, "/api/v1/session")
        .header("cookie", &format!("hearth_session={}", app.admin.session));
    sign_out.header("origin", "https://evil.example").send().await.problem(403, "cross_site");
    look(&app).header("sec-fetch-site", "same-origin").send().await.expect(200);
}

#[tokio::test]
async fn a_token_needs_no_origin_because_no_page_can_send_it() {
    let app = TestApp::start().await;
    let token = app.token(&app.admin, &[domain::Scope::All]).await;

    let made = app
        .post("/api/v1/workspaces", &json!({"name": "made"}))
        .bearer(&token)
        .header("origin", "https://elsewhere.example");

    made.send().await.expect(202);
}

#[tokio::test]
async fn a_forged_host_helps_nobody() {
    let app = TestApp::start().await;

    // The browser writes `Host`; what it names besides is not believed.
    let forwarded = change(&app)
        .header("origin", "https://evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    forwarded.send().await.problem(403, "cross_site");
    let two_hosts = format!(
        "GET /api/v1/me HTTP/1.1\r\nhost: {}\r\nhost: evil.example\r\ncookie: hearth_session={}\r\norigin: http://evil.example\r\nconnection: close\r\n\r\n",
        app.address, app.admin.session,
    );
    let answer = crate::sockets::raw(app.address, two_hosts.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 403"), "{answer}");
}
