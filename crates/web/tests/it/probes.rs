//! What operators' tools ask.

use runtime::Support;

use crate::app::TestApp;

#[tokio::test]
async fn a_working_server_is_up_and_ready() {
    let app = TestApp::start().await;

    app.get("/healthz").send().await.expect(200);
    let ready = app.get("/readyz").send().await.expect(200).json();

    assert_eq!(ready["ready"], true, "{ready}");
}

#[tokio::test]
async fn a_machine_that_can_run_nothing_is_up_but_not_ready_and_says_what_to_do() {
    let support = Support { usable: false, summary: "no user namespaces".into(), lacks: Vec::new() };
    let app = TestApp::start_on(support, "http://hearth.test/", |app| app).await;

    app.get("/healthz").send().await.expect(200);
    let report = app.get("/readyz").send().await.expect(503).json();

    assert_eq!(
        (&report["checks"][0]["passed"], &report["checks"][1]["passed"]),
        (&true.into(), &false.into())
    );
    assert!(report["checks"][1]["mend"].as_str().unwrap().contains("hearth doctor"), "{report}");
}

#[tokio::test]
async fn the_metrics_count_requests_by_route_and_never_by_path() {
    let app = TestApp::start().await;
    app.running_workspace(&app.admin).await;
    app.get("/api/v1/me").send().await.expect(401);
    app.get("/api/v1/workspaces/ws_00000000000000000000000000").send().await.expect(401);
    app.get("/some/page").send().await.expect(200);

    let answer = app.get("/metrics").send().await.expect(200);

    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for line in [
        "hearth_http_requests_total{method=\"GET\",route=\"/api/v1/me\",status=\"401\"} 1",
        "hearth_http_requests_total{method=\"GET\",route=\"/api/v1/workspaces/{id}\",status=\"401\"} 1",
        "hearth_http_request_seconds_bucket{method=\"GET\",route=\"/api/v1/me\",le=\"+Inf\"} 1",
        "hearth_workspaces{phase=\"running\"} 1",
        "hearth_agents_connected 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
    }
    assert!(!text.contains("ws_") && !text.contains("/some/page"), "{text}");
    let memory = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    assert!(memory.is_some_and(|bytes| bytes.parse::<u64>().unwrap() > 1 << 20), "{text}");
}

#[tokio::test]
async fn the_metrics_count_what_passed_between_the_server_forges_and_workspaces() {
    let app = TestApp::start().await;

    let answer = app.get("/metrics").send().await.expect(200);

    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for (name, label, values) in [
        (
            "hearth_link_tokens_total",
            "outcome",
            &["renewed", "race_avoided", "invalid_grant", "invalid_client", "unavailable"][..],
        ),
        ("hearth_git_asks_total", "answer", &["credential", "signature", "connection", "refused"][..]),
    ] {
        assert!(text.contains(&format!("# TYPE {name} counter\n")), "{text}");
        for value in values {
            let line = format!("{name}{{{label}=\"{value}\"}} 0");
            assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_a_forge_refuses_is_counted() {
    let world = crate::forge_world::ForgeWorld::start().await;
    world.gitlab.renew_secret(&world.application);

    let over = world.sign_in(&world.root, "/").await.expect(303);

    assert_eq!(crate::forge_world::told(&over, "link_error").as_deref(), Some("application_refused"));
    let answer = world.app.get("/metrics").send().await.expect(200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains("hearth_link_tokens_total{outcome=\"invalid_client\"} 1\n"), "{text}");
}

#[tokio::test]
async fn every_line_of_the_metrics_is_of_the_form_prometheus_reads() {
    let app = TestApp::start().await;
    app.get("/api/v1/me").send().await.expect(401);

    let answer = app.get("/metrics").send().await.expect(200);

    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in String::from_utf8(answer.body.to_vec()).unwrap().lines().filter(|line| !line.starts_with('#'))
    {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(name.starts_with("hearth_") || name.starts_with("process_"), "{line}");
    }
}
