//! Independent clients say whether the double tells the truth: python-gitlab, gitbeaker, PyJWT and the
//! Standard Webhooks library. Their scripts assert; a script that ends with 0 is satisfied.

use std::process::Stdio;

use serde_json::json;
use testkit::gitlab::{GitlabDouble, NewApplication, Options, Project, User, Visibility};
use testkit::peers::{self, Skip};
use tokio::process::Command;

use super::call;
use super::hooks::Receiver;

/// More than one page of the largest size.
const PROJECTS: usize = 120;
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test@example.com";

struct Stand {
    gitlab: GitlabDouble,
    dev: User,
    project: Project,
    token: String,
    limited: String,
    receiver: Receiver,
}

async fn stand(options: Options) -> Stand {
    let gitlab = GitlabDouble::start(options).await;
    let dev = gitlab.add_user("dev");
    let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
    for index in 1..PROJECTS {
        gitlab.add_empty_project(&format!("group/p{index}"), Visibility::Private, &dev);
    }
    gitlab.add_merge_request(&project, &project, "feature/one", &dev, "Draft: One");
    gitlab.add_issue(&project, &dev, "Broken");
    let token = gitlab.add_personal_token(&dev, &["api"]);
    let limited = gitlab.add_personal_token(&dev, &["read_user"]);
    Stand { gitlab, dev, project, token, limited, receiver: Receiver::start().await }
}

impl Stand {
    /// What a script is told, as one JSON argument.
    fn facts(&self) -> String {
        let branch = testkit::git::git(&self.project.repository, &["rev-parse", "main"]);
        json!({
            "url": self.gitlab.url(), "token": self.token, "limited": self.limited, "user": self.dev.id,
            "project": self.project.id, "path": self.project.path, "main": branch, "count": PROJECTS,
            "hook": self.receiver.url, "key": KEY,
        })
        .to_string()
    }
}

async fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = [String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)].concat();
    assert!(done.status.success(), "{said}");
}

async fn python(script: &str, argument: &str) -> bool {
    let python = peers::python().ok_or_else(|| Skip::missing("python-gitlab"));
    let Some(python) = peers::or_skip(python) else { return false };
    run(Command::new(python).args(["-I", "-c", script, argument])).await;
    true
}

#[tokio::test]
async fn python_gitlab_recognises_a_gitlab() {
    let stand = stand(Options::default()).await;
    if !python(include_str!("clients/python_gitlab.py"), &stand.facts()).await {
        return;
    }
    stand.gitlab.hooks_idle().await;
    let kinds: Vec<String> = stand.receiver.all().iter().map(super::hooks::Delivery::summary).collect();
    assert!(kinds.contains(&"Note Hook create".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn gitbeaker_recognises_a_gitlab() {
    let modules = peers::node_modules().ok_or_else(|| Skip::missing("@gitbeaker/rest"));
    let Some(modules) = peers::or_skip(modules) else { return };
    let stand = stand(Options { path_prefix: Some("/gitlab".to_owned()), ..Options::default() }).await;
    // Modules are looked for beside the script.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let script = folder.path().join("gitbeaker.mjs");
    std::fs::write(&script, include_str!("clients/gitbeaker.mjs")).unwrap();

    run(Command::new(peers::node()).arg(script).arg(stand.facts())).await;
}

#[tokio::test]
async fn the_standard_webhooks_library_verifies_a_signed_delivery() {
    let stand = stand(Options::version("19.0.0")).await;
    let path = format!("api/v4/projects/{}/hooks", stand.project.id);
    let signing_token = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let body = json!({ "url": stand.receiver.url, "signing_token": signing_token });
    assert_eq!(call(&stand.gitlab, "POST", &stand.token, &path, body).await.0, 201);
    stand.gitlab.push_commit(&stand.project, &stand.dev, "main", ("ü.txt", "ü\n"));
    stand.gitlab.hooks_idle().await;
    let delivery = stand.receiver.only();
    let told = json!({ "secret": signing_token, "headers": delivery.headers, "body": delivery.body });

    python(include_str!("clients/standard_webhooks.py"), &told.to_string()).await;
}

#[tokio::test]
async fn pyjwt_verifies_the_id_token_with_the_published_keys() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    let dev = gitlab.add_user("dev");
    let scopes = ["openid", "email"];
    let application = gitlab.add_application(NewApplication::new("http://localhost/", &scopes));
    let pair = gitlab.issue_tokens(&dev, &application, &scopes);
    let told = json!({
        "keys": format!("{}/oauth/discovery/keys", gitlab.url()), "token": pair["id_token"],
        "audience": application.client_id, "issuer": gitlab.url(), "subject": dev.id.to_string(),
    });

    python(include_str!("clients/pyjwt.py"), &told.to_string()).await;
}
