//! Streams of events: they begin with what is, go on with what comes, and resume where they broke off.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use testkit::wait_until;
use tokio::time::timeout;

use crate::app::{LIMIT, TestApp};
use crate::http::Call;

/// Reads a stream of events.
struct Events {
    body: Incoming,
    buffer: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Events {
    async fn open(call: Call) -> Self {
        let response = call.open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Self { body: response.into_body(), buffer: String::new() }
    }

    /// The next event with data; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let event = parse(&self.buffer[..end]);
                self.buffer.drain(..end + 2);
                if event.is_some() {
                    return event;
                }
            }
            let frame = timeout(LIMIT, self.body.frame()).await.expect("silence")?;
            let Ok(frame) = frame else { return None };
            self.buffer.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|text| text.trim().to_owned())
    };
    let data = serde_json::from_str(&field("data")?).unwrap();
    Some(Event { name: field("event").unwrap_or_default(), id: field("id"), data })
}

#[tokio::test]
async fn the_stream_begins_with_what_is_there_and_goes_on_with_what_changes() {
    let app = TestApp::start().await;
    let before = app.running_workspace(&app.admin).await.to_string();
    let mut events = Events::open(app.get("/api/v1/events").session(&app.admin.session)).await;

    let first = events.next().await.unwrap();
    let made = app
        .post("/api/v1/workspaces", &json!({}))
        .session(&app.admin.session)
        .send()
        .await
        .expect(202)
        .json();
    let mut phases = Vec::new();
    while phases.last().is_none_or(|last| last != "running") {
        let event = events.next().await.unwrap();
        if event.data["id"] == made["id"] {
            phases.push(event.data["workspace"]["phase"].as_str().unwrap().to_owned());
        }
    }
    app.call(http::Method::DELETE, &format!("/api/v1/workspaces/{before}"))
        .session(&app.admin.session)
        .send()
        .await
        .expect(202);
    while events.next().await.unwrap().data != json!({"id": before, "workspace": null}) {}

    assert_eq!((first.name.as_str(), &first.data["id"]), ("workspace", &Value::from(before)));
}

#[tokio::test]
async fn a_member_hears_of_own_workspaces_only() {
    let app = TestApp::start().await;
    let member = app.member("ada").await;
    app.running_workspace(&app.admin).await;
    let mut events = Events::open(app.get("/api/v1/events").session(&member.session)).await;

    app.running_workspace(&app.admin).await;
    let own =
        app.post("/api/v1/workspaces", &json!({})).session(&member.session).send().await.expect(202).json();
    let first = events.next().await.unwrap();

    assert_eq!(first.data["id"], own["id"]);
}

#[tokio::test]
async fn a_log_resumes_behind_the_last_line_that_was_seen() {
    let app = TestApp::start().await;
    // An image that cannot be had is worth two lines: that it is looked for, and what is used instead.
    let wish = control::NewWorkspace { rootfs: Some("local/missing:1".into()), ..Default::default() };
    let id = app.running(&app.admin, wish).await;
    let path = format!("/api/v1/workspaces/{id}/log");
    let so_far = || app.get(&format!("{path}?follow=false")).session(&app.admin.session).send();
    // Lines are written in batches, shortly after they were said.
    wait_until(LIMIT, async || so_far().await.json().as_array().unwrap().len() >= 2).await;
    let whole = so_far().await.expect(200).json();
    let lines = whole.as_array().unwrap();

    let mut all = Events::open(app.get(&path).session(&app.admin.session)).await;
    let first = all.next().await.unwrap();
    let resumed =
        app.get(&path).session(&app.admin.session).header("last-event-id", first.id.as_ref().unwrap());
    let mut resumed = Events::open(resumed).await;
    let behind = app.get(&format!("{path}?after={}", first.id.as_ref().unwrap())).session(&app.admin.session);
    let mut behind = Events::open(behind).await;

    assert_eq!((first.name.as_str(), &first.data), ("line", &lines[0]));
    assert_eq!(resumed.next().await.unwrap().data, lines[1]);
    assert_eq!(behind.next().await.unwrap().data, lines[1]);
}

#[tokio::test]
async fn a_log_ends_with_its_workspace_and_says_so() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let mut log =
        Events::open(app.get(&format!("/api/v1/workspaces/{id}/log")).session(&app.admin.session)).await;

    app.control.delete_workspace(&app.admin.caller, id).await.unwrap();
    let mut names = Vec::new();
    while let Some(event) = log.next().await {
        names.push(event.name);
    }

    assert_eq!(names.last().map(String::as_str), Some("end"));
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let app = TestApp::start().await;
    let mut events = Events::open(app.get("/api/v1/events").session(&app.admin.session)).await;

    app.stop.cancel();

    assert!(events.next().await.is_none());
}
