//! Lists come in pages that miss nothing and repeat nothing.

use std::collections::BTreeSet;

use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn following_next_visits_every_item_once_newest_first() {
    let app = TestApp::start().await;
    for number in 0..7 {
        let body = json!({"name": format!("number-{number}")});
        app.post("/api/v1/workspaces", &body).session(&app.admin.session).send().await.expect(202);
    }

    let (mut seen, mut path) = (Vec::new(), "/api/v1/workspaces?limit=3".to_owned());
    loop {
        let page = app.get(&path).session(&app.admin.session).send().await.expect(200).json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/workspaces?limit=3&after={next}");
    }

    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7);
}

#[tokio::test]
async fn the_audit_is_read_backwards() {
    let app = TestApp::start().await;
    for name in ["ada", "ben", "cleo"] {
        app.member(name).await;
    }

    let first = app.get("/api/v1/audit?limit=2").session(&app.admin.session).send().await.expect(200).json();
    let next = format!("/api/v1/audit?limit=2&after={}", first["next"].as_str().unwrap());
    let second = app.get(&next).session(&app.admin.session).send().await.expect(200).json();

    let ids = |page: &serde_json::Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    };
    assert!(ids(&first)[0] > ids(&first)[1] && ids(&first)[1] > ids(&second)[0]);
}

#[tokio::test]
async fn a_member_lists_own_workspaces_and_an_administrator_all() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    app.post("/api/v1/workspaces", &json!({})).session(&member.session).send().await.expect(202);
    app.post("/api/v1/workspaces", &json!({})).session(&app.admin.session).send().await.expect(202);

    let own = app.get("/api/v1/workspaces").session(&member.session).send().await.expect(200).json();
    let all = app.get("/api/v1/workspaces").session(&app.admin.session).send().await.expect(200).json();

    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(own["items"][0]["owner"]["name"], "ada");
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}
