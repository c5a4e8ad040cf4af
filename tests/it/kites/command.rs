//! `hearth kite`, as people and scripts use it.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use blackbox::server::{PATIENCE, text};
use serde_json::{Value, json};
use testkit::wait_until;

use super::klient::workspace;
use super::{Place, key_of, kites_of, kites_until};

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn succeeded(place: &Place, arguments: &[&str]) -> String {
    let output = place.server.cli(arguments);
    assert!(output.status.success(), "hearth {arguments:?}: {}", said(&output));
    said(&output)
}

/// With whom the first administrator shares it, by name.
fn shared_with(place: &Place, kite: &str) -> Vec<Value> {
    let shares = place.server.json(&["kite", "shares", kite]);
    shares["items"].as_array().unwrap().iter().map(|share| share["user"]["name"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_called_with_options_after_the_arguments() {
    let place = Place::new().await;
    workspace(&place.ada, "shed").await;
    kites_until(&place.ada, 1).await;
    let call = ["kite", "call", "shed", "exec", r#"{"command":"echo hello"}"#, "--timeout", "60", "--json"];
    let output = place.server.cli(&call);
    assert!(output.status.success(), "{}", said(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["stdout"], "hello\n", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_workspace_is_shared_listed_and_taken_back() {
    let place = Place::new().await;
    let grace = place.person("grace").await;
    let id = workspace(&place.ada, "shed").await;
    // An administrator's list holds this one too, and before their own.
    let other = grace.post("/workspaces", json!({"name": "shed"})).await.ok();
    assert_ne!(other["id"], id.as_str());
    succeeded(&place, &["stop", &id]);
    wait_until(PATIENCE, async || kites_of(&place.ada).await.iter().all(|kite| kite["id"] != id.as_str()))
        .await;

    for kite in ["shed", &id] {
        succeeded(&place, &["kite", "share", kite, "grace"]);
        for kite in ["shed", &id] {
            assert_eq!(shared_with(&place, kite), ["grace"], "{kite}");
        }
        succeeded(&place, &["kite", "unshare", kite, "grace"]);
        assert_eq!(shared_with(&place, kite), Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_shared_by_name_while_it_is_there_and_by_environment_and_name_always() {
    let place = Place::new().await;
    place.person("grace").await;
    succeeded(&place, &["kite", "share", "dev/math", "grace"]);
    assert_eq!(shared_with(&place, "dev/math"), ["grace"]);
    let away = place.server.cli(&["kite", "shares", "math"]);
    assert_eq!(away.status.code(), Some(1), "{}", said(&away));
    assert!(said(&away).contains("mend:") && said(&away).contains("production/math"), "{}", said(&away));

    // Two kites are one service.
    let key = key_of(&place.ada, None).await;
    for id in ["math-1", "math-2"] {
        register(&place, &key, id, "dev").await;
    }
    assert_eq!(shared_with(&place, "math"), ["grace"]);
    assert_eq!(shared_with(&place, "math-2"), ["grace"]);
    register(&place, &key, "math-3", "production").await;
    let several = place.server.cli(&["kite", "unshare", "math", "grace"]);
    assert!(said(&several).contains("dev/math, production/math"), "{}", said(&several));

    succeeded(&place, &["kite", "unshare", "dev/math", "grace"]);
    assert_eq!(shared_with(&place, "dev/math"), Vec::<Value>::new());
}

/// Registers a service `math` over HTTP, which keeps no connection.
async fn register(place: &Place, key: &str, id: &str, environment: &str) {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let wish = json!({
        "url": "http://127.0.0.1:7000/kite",
        "kite": {
            "id": id, "username": "ada", "environment": environment, "name": "math", "version": "1.2.3",
            "region": "here", "hostname": "box",
        },
        "auth": {"type": "kiteKey", "key": key},
    });
    let url = format!("{}/register", place.registry());
    let answer = client.post(url).body(wish.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_in_a_new_file_only() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/kite.key");
    let create = ["kite", "key", "create", "a test", "--output", file.to_str().unwrap()];
    let shown = succeeded(&place, &create);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with("eyJ") && !shown.contains(&kept), "{shown}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);

    let again = place.server.cli(&create);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("is there already") && said(&again).contains("mend:"), "{}", said(&again));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);
    let keys = place.server.json(&["kite", "key", "list"]);
    assert_eq!(keys["items"].as_array().map(Vec::len), Some(1), "no second key was made: {keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_comes_with_where_and_how_it_is_exchanged() {
    let place = Place::new().await;
    let output = place.server.cli(&["kite", "key", "code"]);
    let (result, beside) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(result.lines().count(), 1, "a script reads the code alone: {result}");
    assert!(beside.contains(&place.registry()) && beside.contains("registerMachine"), "{beside}");
    let code = place.server.json(&["kite", "key", "code"]);
    assert_eq!(code["registry"], place.registry(), "{code}");
    assert!(code["code"].is_string() && code["expires_at"].is_string(), "{code}");
}
