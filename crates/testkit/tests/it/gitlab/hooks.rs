//! Hooks leave as GitLab sends them: which, with what headers, how often, and when no more.

mod receiver;

pub(super) use receiver::{Delivery, Receiver};

use std::sync::Arc;
use std::time::Duration;

use domain::SignedDuration;
use serde_json::{Value, json};
use testkit::FakeClock;
use testkit::gitlab::{
    AccessLevel, GitlabDouble, HookFault, HookPolicy, NewUser, Options, Project, User, Version, Visibility,
};

use super::{call, get};

/// 32 bytes, as GitLab makes them.
const SIGNING_TOKEN: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

struct Stand {
    gitlab: GitlabDouble,
    clock: FakeClock,
    dev: User,
    token: String,
    project: Project,
    receiver: Receiver,
}

async fn stand(version: &str) -> Stand {
    stand_with(Options::version(version)).await
}

async fn stand_with(options: Options) -> Stand {
    let clock = FakeClock::default();
    let gitlab = GitlabDouble::start(Options { clock: Arc::new(clock.clone()), ..options }).await;
    let dev = gitlab.add_user("dev");
    let token = gitlab.add_personal_token(&dev, &["api"]);
    let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
    Stand { gitlab, clock, dev, token, project, receiver: Receiver::start().await }
}

impl Stand {
    fn base(&self) -> String {
        format!("api/v4/projects/{}/hooks", self.project.id)
    }

    /// A hook for pushes, merge requests, issues and notes, with changes to its fields.
    async fn hook(&self, change: Value) -> u64 {
        let mut fields = json!({
            "url": self.receiver.url, "push_events": true, "tag_push_events": true, "note_events": true,
            "merge_requests_events": true, "issues_events": true, "pipeline_events": true,
            "job_events": true, "deployment_events": true, "releases_events": true, "token": "the secret",
        });
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, made) = call(&self.gitlab, "POST", &self.token, &self.base(), fields).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_u64().unwrap()
    }

    async fn push(&self, name: &str) -> String {
        let sha = self.gitlab.push_commit(&self.project, &self.dev, "main", (name, "x\n"));
        self.gitlab.hooks_idle().await;
        sha
    }

    async fn state(&self, hook: u64) -> Value {
        get(&self.gitlab, &self.token, &format!("{}/{hook}", self.base())).await.1
    }
}

#[tokio::test]
async fn a_push_arrives_with_the_headers_of_the_release() {
    for (version, present, absent) in [
        (
            "12.10.0",
            vec![],
            vec!["x-gitlab-event-uuid", "x-gitlab-instance", "idempotency-key", "webhook-id"],
        ),
        (
            "15.5.0",
            vec!["x-gitlab-event-uuid", "x-gitlab-instance"],
            vec!["x-gitlab-webhook-uuid", "idempotency-key"],
        ),
        ("17.4.0", vec!["x-gitlab-webhook-uuid", "idempotency-key"], vec!["webhook-signature"]),
        ("19.0.0", vec!["idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature"], vec![]),
    ] {
        let stand = stand(version).await;
        stand.hook(json!({ "signing_token": SIGNING_TOKEN })).await;

        let sha = stand.push("a.txt").await;

        let delivery = stand.receiver.only();
        assert_eq!(delivery.headers["x-gitlab-event"], "Push Hook");
        assert_eq!(delivery.headers["x-gitlab-token"], "the secret");
        assert_eq!(delivery.headers["user-agent"], format!("GitLab/{version}"));
        for name in present {
            assert!(delivery.headers.contains_key(name), "{version} sends {name}");
        }
        for name in absent {
            assert!(!delivery.headers.contains_key(name), "{version} does not send {name}");
        }
        let body = delivery.json();
        assert_eq!(
            (&body["object_kind"], &body["after"], &body["checkout_sha"]),
            (&json!("push"), &json!(sha), &json!(sha))
        );
        assert_eq!(
            (&body["total_commits_count"], &body["commits"][0]["added"]),
            (&json!(1), &json!(["a.txt"]))
        );
        assert_eq!(body["project"]["path_with_namespace"], "group/sub/project");
    }
}

#[tokio::test]
async fn secrets_are_never_read_back_and_signing_is_told_only_where_it_is() {
    let stand = stand("19.0.0").await;
    let hook = stand.hook(json!({ "signing_token": SIGNING_TOKEN })).await;
    let shown = stand.state(hook).await;
    assert_eq!((&shown["token_present"], &shown["signing_token_present"]), (&json!(true), &json!(true)));
    assert!(shown.get("token").is_none() && shown.get("signing_token").is_none(), "{shown}");
    let bad = json!({ "url": stand.receiver.url, "signing_token": "whsec_c2hvcnQ=" });
    assert_eq!(call(&stand.gitlab, "POST", &stand.token, &stand.base(), bad).await.0, 422);

    let stand = self::stand("18.1.1-ee").await;
    let hook = stand.hook(json!({ "signing_token": SIGNING_TOKEN })).await;
    assert!(stand.state(hook).await.get("signing_token_present").is_none());
}

#[tokio::test]
async fn every_kind_of_a_project_is_sent_to_hooks_that_want_it() {
    let stand = stand("18.1.1-ee").await;
    stand.hook(json!({})).await;
    let (gitlab, dev, project) = (&stand.gitlab, &stand.dev, &stand.project);
    let issue = gitlab.add_issue(project, dev, "Broken");
    gitlab.close_issue(issue, dev);
    let request = gitlab.add_merge_request(project, project, "feature/one", dev, "One");
    gitlab.push_commit(project, dev, "feature/one", ("two.txt", "2\n"));
    gitlab.merge(request, dev);
    let head = testkit::git::git(&project.repository, &["rev-parse", "main"]);
    gitlab.push_refs(project, dev, &[("refs/tags/v2", &head)]);
    gitlab.delete_branch(project, dev, "feature/one");
    gitlab.run_pipeline(project, dev, "main", "running");
    gitlab.add_release(project, "v2");
    let note = json!({ "body": "Look" });
    let path = format!("api/v4/projects/{}/issues/1/notes", project.id);
    assert_eq!(call(gitlab, "POST", &stand.token, &path, note).await.0, 201);
    gitlab.hooks_idle().await;

    let mut seen: Vec<String> = stand.receiver.all().iter().map(Delivery::summary).collect();

    seen.sort();
    assert_eq!(
        seen,
        [
            "Deployment Hook ",
            "Issue Hook close",
            "Issue Hook open",
            "Job Hook ",
            "Merge Request Hook merge",
            "Merge Request Hook open",
            "Merge Request Hook update",
            "Note Hook create",
            "Pipeline Hook ",
            "Push Hook ",
            "Push Hook ",
            "Push Hook ",
            "Release Hook create",
            "Tag Push Hook ",
        ]
    );
    let deleted = stand.receiver.all().into_iter().map(|delivery| delivery.json());
    let deleted = deleted.filter(|body| body["checkout_sha"].is_null() && body["object_kind"] == "push");
    assert_eq!(deleted.count(), 1);
    let update = stand.receiver.all().into_iter().map(|delivery| delivery.json());
    let update = update.filter(|body| body["object_attributes"]["action"] == "update");
    assert!(update.into_iter().all(|body| body["object_attributes"]["oldrev"].is_string()));
}

#[tokio::test]
async fn more_than_three_refs_are_silent_but_for_the_system_hook() {
    let stand = stand("18.1.1-ee").await;
    stand.hook(json!({})).await;
    let root = stand.gitlab.add_new_user(NewUser::named("root").admin());
    let admin = stand.gitlab.add_personal_token(&root, &["api"]);
    let system = Receiver::start().await;
    let body = json!({ "url": system.url, "push_events": true, "repository_update_events": true });
    assert_eq!(call(&stand.gitlab, "POST", &stand.token, "api/v4/hooks", body.clone()).await.0, 403);
    assert_eq!(call(&stand.gitlab, "POST", &admin, "api/v4/hooks", body).await.0, 201);
    let head = testkit::git::git(&stand.project.repository, &["rev-parse", "main"]);
    let refs: Vec<String> = (0..4).map(|index| format!("refs/heads/b{index}")).collect();
    let refs: Vec<(&str, &str)> = refs.iter().map(|name| (name.as_str(), head.as_str())).collect();

    stand.gitlab.push_refs(&stand.project, &stand.dev, &refs);
    stand.gitlab.hooks_idle().await;

    assert!(stand.receiver.all().is_empty());
    let update = system.only();
    assert_eq!(update.headers["x-gitlab-event"], "System Hook");
    assert_eq!(update.json()["event_name"], "repository_update");
    assert_eq!(update.json()["refs"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn system_hooks_tell_of_users_keys_projects_groups_and_members() {
    let stand = stand("18.1.1-ee").await;
    let root = stand.gitlab.add_new_user(NewUser::named("root").admin());
    let admin = stand.gitlab.add_personal_token(&root, &["api"]);
    let body = json!({ "url": stand.receiver.url, "push_events": true });
    assert_eq!(call(&stand.gitlab, "POST", &admin, "api/v4/hooks", body).await.0, 201);
    let new = stand.gitlab.add_user("new");
    stand.gitlab.rename_user(&new, "renamed");
    let other = stand.gitlab.add_project("another/project", Visibility::Internal, &stand.dev);
    stand.gitlab.add_member(&other, &new, AccessLevel::Developer);
    stand.gitlab.add_group_member("another", &new, AccessLevel::Maintainer);
    stand.gitlab.remove_member(&other, &new);
    stand.gitlab.rename_group("another", "other");
    stand.gitlab.move_project(&other, "other/named");
    stand.gitlab.delete_project(&other);
    stand.gitlab.delete_user(&new);
    stand.gitlab.hooks_idle().await;

    let mut names: Vec<String> = stand
        .receiver
        .all()
        .iter()
        .map(|delivery| delivery.json()["event_name"].as_str().unwrap().to_owned())
        .collect();

    names.sort();
    assert_eq!(
        names,
        [
            "group_create",
            "group_rename",
            "project_create",
            "project_destroy",
            "project_rename",
            "user_add_to_group",
            "user_add_to_team",
            "user_create",
            "user_destroy",
            "user_remove_from_team",
            "user_rename",
        ]
    );
    let renamed = stand.receiver.all().into_iter().map(|delivery| delivery.json());
    let renamed = renamed.into_iter().find(|body| body["event_name"] == "user_rename").unwrap();
    assert_eq!((&renamed["username"], &renamed["old_username"]), (&json!("renamed"), &json!("new")));
}

#[tokio::test]
async fn failures_pause_a_hook_then_end_it_and_one_success_resets() {
    let stand = stand("18.1.1-ee").await;
    let hook = stand.hook(json!({})).await;
    stand.receiver.answer(503);
    for index in 0..3 {
        stand.push(&format!("{index}.txt")).await;
    }
    assert_eq!(stand.state(hook).await["alert_status"], "executable");
    stand.push("fourth.txt").await;
    let state = stand.state(hook).await;
    assert_eq!(
        (&state["alert_status"], &state["disabled_until"]),
        (&json!("temporarily_disabled"), &json!("2026-01-01T00:01:00.000Z"))
    );
    stand.push("unsent.txt").await;
    assert_eq!(stand.receiver.all().len(), 4, "a paused hook is not sent");
    stand.clock.advance(SignedDuration::from_secs(61));
    stand.push("fifth.txt").await;
    assert_eq!(stand.state(hook).await["disabled_until"], "2026-01-01T00:03:01.000Z", "twice as long");

    // A test delivery goes out nevertheless, and its success switches the hook on.
    stand.receiver.answer(302);
    let path = format!("{}/{hook}/test/push_events", stand.base());
    assert_eq!(call(&stand.gitlab, "POST", &stand.token, &path, Value::Null).await.0, 201);
    assert_eq!(stand.state(hook).await["alert_status"], "executable");

    stand.receiver.answer(500);
    for index in 0..40 {
        stand.push(&format!("more{index}.txt")).await;
        stand.clock.advance(SignedDuration::from_hours(25));
    }
    assert_eq!(stand.state(hook).await["alert_status"], "disabled");
}

#[tokio::test]
async fn the_log_has_whole_requests_and_sends_again_with_the_same_key() {
    let stand = stand("17.4.0").await;
    let hook = stand.hook(json!({})).await;
    stand.receiver.answer(500);
    stand.push("a.txt").await;
    let path = format!("{}/{hook}/events", stand.base());
    let (_, log) = get(&stand.gitlab, &stand.token, &format!("{path}?status=server_failure")).await;
    assert_eq!((&log[0]["response_status"], &log[0]["trigger"]), (&json!("500"), &json!("push_hooks")));
    assert_eq!(log[0]["request_data"]["object_kind"], "push");
    stand.receiver.answer(200);

    let again = format!("{path}/{}/resend", log[0]["id"]);
    let (status, body) = call(&stand.gitlab, "POST", &stand.token, &again, Value::Null).await;

    assert_eq!((status, body), (201, json!({ "response_status": 200 })));
    let keys: Vec<_> =
        stand.receiver.all().iter().map(|delivery| delivery.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys[0], keys[1]);
    let (_, log) = get(&stand.gitlab, &stand.token, &format!("{path}?status=successful")).await;
    assert_eq!(log.as_array().unwrap().len(), 1);
    let old = self::stand("17.2.0").await;
    let hook = old.hook(json!({})).await;
    assert_eq!(get(&old.gitlab, &old.token, &format!("{}/{hook}/events", old.base())).await.0, 404);
}

#[tokio::test]
async fn filters_headers_and_templates_change_what_is_sent() {
    let stand = stand("18.1.1-ee").await;
    stand
        .hook(json!({
            "push_events_branch_filter": "release/*",
            "custom_headers": [{ "key": "X-Mine", "value": "yes" }, { "key": "X-Gitlab-Event", "value": "no" }],
            "custom_webhook_template": "{\"kind\":\"{{object_kind}}\",\"ref\":\"{{ref}}\"}",
        }))
        .await;
    stand.push("unsent.txt").await;
    stand.gitlab.push_commit(&stand.project, &stand.dev, "release/1", ("sent.txt", "x\n"));
    stand.gitlab.hooks_idle().await;

    let delivery = stand.receiver.only();

    assert_eq!(
        (&delivery.headers["x-mine"], &delivery.headers["x-gitlab-event"]),
        (&"yes".to_owned(), &"Push Hook".to_owned())
    );
    assert_eq!(delivery.body, r#"{"kind":"push","ref":"refs/heads/release/1"}"#);
}

#[tokio::test]
async fn slow_receivers_large_bodies_and_private_addresses_count_as_failures() {
    let hooks = HookPolicy { timeout: Duration::from_millis(50), ..HookPolicy::default() };
    let stand = stand_with(Options { hooks, ..Options::default() }).await;
    let hook = stand.hook(json!({})).await;
    stand.receiver.hang();
    stand.push("a.txt").await;
    let path = format!("{}/{hook}/events", stand.base());
    assert_eq!(get(&stand.gitlab, &stand.token, &path).await.1[0]["response_status"], "internal error");

    let hooks = HookPolicy { body_limit: 100, ..HookPolicy::default() };
    let stand = stand_with(Options { hooks, ..Options::default() }).await;
    stand.hook(json!({})).await;
    stand.push("a.txt").await;
    assert!(stand.receiver.all().is_empty());

    let hooks = HookPolicy { private_addresses: false, ..HookPolicy::default() };
    let stand = stand_with(Options { hooks, version: Version::new("18.1.1-ee"), ..Options::default() }).await;
    let body = json!({ "url": stand.receiver.url });
    let (status, body) = call(&stand.gitlab, "POST", &stand.token, &stand.base(), body).await;
    assert_eq!(status, 422, "{body}");
}

#[tokio::test]
async fn deliveries_can_be_dropped_doubled_and_swapped() {
    let stand = stand("18.1.1-ee").await;
    stand.hook(json!({})).await;
    stand.gitlab.hook_fault(HookFault::Drop, 1);
    stand.push("dropped.txt").await;
    stand.gitlab.hook_fault(HookFault::Duplicate, 1);
    stand.push("doubled.txt").await;
    stand.gitlab.hook_fault(HookFault::Reorder, 1);
    stand.push("late.txt").await;
    stand.gitlab.hook_fault(HookFault::Delay(Duration::from_millis(1)), 1);
    stand.push("early.txt").await;

    let files: Vec<_> = stand
        .receiver
        .all()
        .iter()
        .map(|delivery| delivery.json()["commits"][0]["added"][0].clone())
        .collect();

    assert_eq!(files, ["doubled.txt", "doubled.txt", "early.txt", "late.txt"]);
}
