//! The OpenAPI document: complete, true, and the one the web interface was made from.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;

use crate::app::TestApp;

/// Where browsers are sent and programs never go: not in the document, but in `docs/api.md`.
const FOR_BROWSERS: [&str; 8] = [
    "/oauth/callback/{forge}",
    "/oauth/callback",
    "/-/oauth/gitlab/callback",
    "/api/v1/connectors/gitlab/callback",
    "/Home/my-account",
    "/auth/enter",
    "/auth/cross",
    "/auth/arrive",
];

/// Addresses for Kite clients, which speak another protocol than the API's.
const FOR_KITES: [&str; 8] = [
    "/kite",
    "/kite/",
    "/kite/register",
    "/kite/heartbeat",
    "/kite/relay/{id}",
    "/kite/relay/{id}/",
    "/register",
    "/heartbeat",
];

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) is_socket: bool,
    pub(crate) takes_json: bool,
    /// Whether it asks a forge, which may not do what it is asked.
    pub(crate) asks_forge: bool,
}

pub(crate) fn document() -> Value {
    serde_json::to_value(web::openapi()).unwrap()
}

/// Every operation of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let document = document();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                is_socket: operation["responses"].get("101").is_some(),
                takes_json: operation["requestBody"]["content"].get("application/json").is_some(),
                asks_forge: operation["responses"]["502"]["description"]
                    .as_str()
                    .is_some_and(|text| text.contains("forge")),
            });
        }
    }
    found
}

#[test]
fn operations_and_their_answers_are_as_reviewed() {
    let document = document();
    let mut lines = Vec::new();
    for operation in operations() {
        let method = operation.method.as_str().to_lowercase();
        let answers = document["paths"][&operation.path][&method]["responses"].as_object().unwrap();
        let statuses: Vec<&str> = answers.keys().map(String::as_str).collect();
        lines.push(format!(
            "{:6} {:52} {:22} {}",
            operation.method.as_str(),
            operation.path,
            operation.id,
            statuses.join(" ")
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn it_is_of_the_version_the_client_generator_reads() {
    assert_eq!(document()["openapi"], "3.1.0");
}

#[test]
fn the_web_interface_was_made_from_this_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap();

    let is_same = kept == web::openapi_json();

    assert!(is_same, "run `cargo run -p web --example openapi > ui/openapi.json`, then `npm run api` in ui/");
}

#[test]
fn every_operation_documents_its_errors_as_problems() {
    let document = document();
    for operation in operations() {
        let method = operation.method.as_str().to_lowercase();
        let item = &document["paths"][&operation.path][&method];
        let answers = item["responses"].as_object().unwrap();
        for (status, answer) in answers.iter().filter(|(status, _)| status.as_str() >= "400") {
            let schema = &answer["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{} {status}", operation.id);
        }
        let is_open = item["security"] == serde_json::json!([{}]);
        let takes_body = item.get("requestBody").is_some();
        assert!(answers.contains_key("500"), "{}", operation.id);
        assert!(is_open || answers.contains_key("401") && answers.contains_key("403"), "{}", operation.id);
        assert!(!takes_body || answers.contains_key("413"), "{}", operation.id);
        assert!(!operation.path.contains('{') || answers.contains_key("404"), "{}", operation.id);
        assert!(item["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{}", operation.id);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut pending = vec![&document];
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    assert!(document.pointer(&target[1..]).is_some(), "{target}");
                }
                pending.extend(fields.values());
            }
            Value::Array(items) => pending.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn no_word_of_it_is_in_the_notation_of_the_source() {
    let text = web::openapi_json();
    assert!(!text.contains("[`"), "{:?}", text.lines().find(|line| line.contains("[`")));
}

/// axum tells its routes to nobody but the debug form, which lists their paths as strings.
#[tokio::test]
async fn every_route_is_documented() {
    let app = TestApp::start().await;
    let shown = format!("{:?}", web::router(app.web.clone()));
    let routed: BTreeSet<String> = shown
        .split('"')
        .filter(|text| text.starts_with('/'))
        .map(|path| path.replace("{*", "{"))
        .filter(|path| !path.contains("__private__"))
        .collect();

    let mut known: BTreeSet<String> = operations().into_iter().map(|operation| operation.path).collect();
    // `/` is what the fallback is called.
    known.extend(["/", "/healthz", "/readyz", "/metrics"].map(String::from));
    known.extend(FOR_BROWSERS.map(String::from));
    known.extend(FOR_KITES.map(String::from));

    assert_eq!(routed, known);
}

#[test]
fn the_addresses_for_browsers_are_explained_where_people_read_about_the_api() {
    let text = include_str!("../../../../docs/api.md");

    for path in FOR_BROWSERS {
        assert!(text.contains(&format!("`{path}`")), "{path}");
    }
}

#[test]
fn the_addresses_for_kites_are_explained_where_people_read_about_kites() {
    let text = include_str!("../../../../docs/kite.md");

    for path in FOR_KITES {
        assert!(text.contains(&format!("`{}`", path.trim_end_matches('/'))), "{path}");
    }
}

#[tokio::test]
async fn every_documented_path_takes_the_documented_methods_and_no_other() {
    let app = TestApp::start().await;
    let paths: BTreeSet<String> = operations().into_iter().map(|operation| operation.path).collect();
    for path in paths {
        let answer = app.call("PROPFIND".parse().unwrap(), &path.replace(['{', '}'], "")).send().await;
        answer.problem(405, "method_not_allowed");

        let allowed: BTreeSet<&str> =
            answer.header("allow").split(',').filter(|name| *name != "HEAD").collect();
        let documented = operations().into_iter().filter(|operation| operation.path == path);
        let documented: Vec<Method> = documented.map(|operation| operation.method).collect();
        assert_eq!(allowed, documented.iter().map(Method::as_str).collect(), "{path}");
    }
}

#[tokio::test]
async fn the_server_serves_it() {
    let app = TestApp::start().await;

    let answer = app.get("/api/v1/openapi.json").send().await.expect(200);

    assert_eq!(answer.json(), document());
    assert_eq!(answer.header("content-type"), "application/json");
}
