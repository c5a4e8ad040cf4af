//! The GitLab double does what GitLab does, says independent clients; and breaks on demand.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "functions that tests share fail as tests do"
)]

mod api;
mod clients;
mod faults;
mod git;
mod hooks;
mod oauth;

use serde_json::Value;
use testkit::browser::Browser;
use testkit::gitlab::GitlabDouble;

/// Gets a path below the instance with a bearer token; answers status and JSON.
async fn get(gitlab: &GitlabDouble, token: &str, path: &str) -> (u16, Value) {
    call(gitlab, "GET", token, path, Value::Null).await
}

/// Calls the API with JSON; answers status and JSON, or text where it is none.
async fn call(gitlab: &GitlabDouble, method: &str, token: &str, path: &str, body: Value) -> (u16, Value) {
    let browser = Browser::new(gitlab.ca_pem());
    let method = method.parse::<http::Method>().unwrap();
    let mut request = browser.http().request(method, format!("{}/{path}", gitlab.url()));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
