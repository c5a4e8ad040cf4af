//! Whatever is sent, the server is never at fault.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::app::TestApp;
use crate::document::{Operation, document, operations};
use crate::http::Call;

/// Enough to try each field of each body with several kinds of value.
const CASES: u32 = 150;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(Value::from("x".repeat(5000))),
        Just(json!("https://forge.invalid/a/b")),
        Just(json!("ws_00000000000000000000000000")),
        Just(json!("snap_00000000000000000000000000")),
        Just(json!("\u{0}\u{202e}\u{feff}")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,12}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A body for the operation: its own fields with values of any kind, or something else altogether.
fn any_body(fields: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    let own = fields
        .into_iter()
        .map(|field| prop::option::weighted(0.7, any_json()).prop_map(move |value| (field.clone(), value)))
        .collect::<Vec<_>>()
        .prop_map(|fields| {
            let fields = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
            Value::Object(fields.collect()).to_string().into_bytes()
        });
    prop_oneof![
        8 => own,
        2 => any_json().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

/// The fields that the document gives the operation's body.
fn fields(operation: &Operation) -> Vec<String> {
    let document = document();
    let method = operation.method.as_str().to_lowercase();
    let body = &document["paths"][&operation.path][&method]["requestBody"]["content"]["application/json"];
    let target = body["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{}", operation.id));
    names(&document, target)
}

/// The fields of a schema and of those it is put together from.
fn names(document: &Value, target: &str) -> Vec<String> {
    let schema = document.pointer(&target[1..]).unwrap();
    let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    let of_part = |part: &Value| match (part["$ref"].as_str(), part["properties"].as_object()) {
        (Some(target), _) => names(document, target),
        (None, Some(fields)) => fields.keys().cloned().collect(),
        (None, None) => panic!("{target}: {part}"),
    };
    parts.iter().flat_map(of_part).collect()
}

/// A forge to be changed at will.
async fn a_forge(app: &TestApp) -> String {
    let wish = control::NewForge {
        kind: "gitlab".into(),
        name: None,
        web_url: Some("https://code.example.com".into()),
        team: None,
        settings: control::ForgeSettings::default(),
    };
    app.control.create_forge(&app.admin.caller, wish).await.unwrap().forge.id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_makes_any_route_fail() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    let token = app.token(&app.admin, &[domain::Scope::All]).await;
    // Not running: whatever the bodies of commands and terminals say, nothing is run.
    let id = app.running_workspace(&app.admin).await;
    app.control.stop_workspace(&app.admin.caller, id).await.unwrap();
    let operations: Vec<_> = operations().into_iter().filter(|operation| operation.takes_json).collect();
    assert!(operations.len() > 10);
    let forge = a_forge(&app).await;
    let team = control::NewTeam { slug: "crew".into(), name: None };
    app.control.create_team(&app.admin.caller, team).await.unwrap();
    let targets: Vec<_> = operations
        .iter()
        .map(|operation| {
            let own = match operation.path.as_str() {
                path if path.contains("/users/") => member.caller.user.to_string(),
                path if path.contains("/forges/") => forge.clone(),
                _ => id.to_string(),
            };
            let path = operation.path.replace("{id}", &own).replace("{team}", "crew");
            let path = path.replace("{user}", "ada").replace("{name}", "NAME");
            assert!(!path.contains('{'), "{path}");
            (operation.method.clone(), path, fields(operation), operation.asks_forge)
        })
        .collect();
    let (address, session, handle) = (app.address, app.admin.session.clone(), Handle::current());

    tokio::task::spawn_blocking(move || {
        let inputs = prop::sample::select(targets).prop_flat_map(|(method, path, fields, asks)| {
            (Just((method, path, asks)), any_body(fields), any::<bool>())
        });
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        runner
            .run(&inputs, |((method, path, asks), body, with_session)| {
                let shown = String::from_utf8_lossy(&body).into_owned();
                let call = Call::new(address, method.clone(), &path).body(body);
                let call = call.header("content-type", "application/json");
                let call = if with_session { call.session(&session) } else { call.bearer(&token) };
                let status = handle.block_on(call.send()).status.as_u16();
                // Random addresses are of forges that do not answer.
                let is_good = status < 500 || asks && matches!(status, 502 | 503);
                prop_assert!(is_good, "{} for {} {}: {}", status, method, path, shown);
                Ok(())
            })
            .unwrap();
    })
    .await
    .unwrap();
}
