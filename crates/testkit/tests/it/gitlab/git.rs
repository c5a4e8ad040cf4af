//! Git over HTTP and SSH, by the real git and ssh programs.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use testkit::gitlab::{AccessLevel, GitlabDouble, NewApplication, Options, Project, Tls, User, Visibility};
use testkit::wait_until;

use super::{call, get};

/// A hundred times what any of these takes.
const LIMIT: Duration = Duration::from_mins(1);

struct Stand {
    gitlab: GitlabDouble,
    dev: User,
    project: Project,
    folder: tempfile::TempDir,
}

async fn stand(options: Options) -> Stand {
    let gitlab = GitlabDouble::start(options).await;
    let dev = gitlab.add_user("dev");
    let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
    Stand { gitlab, dev, project, folder: tempfile::tempdir().unwrap() }
}

impl Stand {
    fn url(&self, name: &str, password: &str) -> String {
        self.project.http_url.replace("://", &format!("://{name}:{password}@"))
    }

    fn token(&self, scopes: &[&str]) -> String {
        let application = self.gitlab.add_application(NewApplication::new("http://localhost/", scopes));
        self.gitlab.issue_tokens(&self.dev, &application, scopes)["access_token"].as_str().unwrap().to_owned()
    }

    async fn git(&self, arguments: &[&str]) -> Output {
        git(self.folder.path(), arguments, &[]).await
    }
}

/// git with nothing of the machine's settings, on a thread that may wait.
async fn git(folder: &Path, arguments: &[&str], more: &[(&str, String)]) -> Output {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(folder)
        .envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ])
        .envs([("GIT_AUTHOR_NAME", "Test"), ("GIT_AUTHOR_EMAIL", "test@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Test"), ("GIT_COMMITTER_EMAIL", "test@example.com")])
        .envs(more.iter().map(|(name, value)| (*name, value.as_str())));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn git_clones_and_pushes_with_a_token_and_the_api_sees_the_commit() {
    let stand = stand(Options::default()).await;
    let url = stand.url("oauth2", &stand.token(&["api"]));
    let cloned = stand.git(&["clone", "-q", &url, "copy"]).await;
    assert!(cloned.status.success(), "{}", said(&cloned));
    let copy = stand.folder.path().join("copy");
    std::fs::write(copy.join("new.txt"), "new\n").unwrap();
    git(&copy, &["add", "."], &[]).await;
    git(&copy, &["commit", "-q", "-m", "Add new"], &[]).await;

    let pushed = git(&copy, &["push", "-q", "origin", "HEAD:refs/heads/topic"], &[]).await;

    assert!(pushed.status.success(), "{}", said(&pushed));
    let token = stand.token(&["api"]);
    let path = format!("api/v4/projects/{}/repository/branches/topic", stand.project.id);
    assert_eq!(get(&stand.gitlab, &token, &path).await.1["commit"]["title"], "Add new");
    let (_, events) = get(&stand.gitlab, &token, "api/v4/events").await;
    assert_eq!(events[0]["push_data"]["ref"], "topic");
}

#[tokio::test]
async fn git_is_refused_by_scope_membership_and_block_as_gitlab_refuses() {
    let stand = stand(Options::default()).await;
    let read = stand.url("oauth2", &stand.token(&["read_repository"]));
    assert!(stand.git(&["clone", "-q", &read, "copy"]).await.status.success());
    let copy = stand.folder.path().join("copy");
    let pushed = git(&copy, &["push", "-q", "origin", "HEAD:refs/heads/no"], &[]).await;
    assert!(said(&pushed).contains("403"), "{}", said(&pushed));

    let wrong = stand.url("oauth2", &stand.token(&["read_user"]));
    let refused = stand.git(&["ls-remote", &wrong]).await;
    assert!(said(&refused).contains("403"), "{}", said(&refused));
    let refused = stand.git(&["ls-remote", &stand.project.http_url]).await;
    assert!(!refused.status.success());
    let refused = stand.git(&["ls-remote", &stand.url("oauth2", "nonsense")]).await;
    assert!(said(&refused).contains("Authentication failed"), "{}", said(&refused));

    let guest = stand.gitlab.add_user("guest");
    let personal = stand.gitlab.add_personal_token(&guest, &["api"]);
    let refused = stand.git(&["ls-remote", &stand.url("anything", &personal)]).await;
    assert!(said(&refused).contains("not found"), "{}", said(&refused));
    stand.gitlab.add_member(&stand.project, &guest, AccessLevel::Reporter);
    assert!(stand.git(&["ls-remote", &stand.url("anything", &personal)]).await.status.success());
    assert!(stand.git(&["ls-remote", &stand.url("guest", &guest.password)]).await.status.success());
    stand.gitlab.block_user(&guest);
    let refused = stand.git(&["ls-remote", &stand.url("anything", &personal)]).await;
    assert!(said(&refused).contains("Authentication failed"), "{}", said(&refused));
}

#[tokio::test]
async fn public_projects_need_no_name_and_the_challenge_is_gitlabs() {
    let options = Options { path_prefix: Some("/gitlab".to_owned()), ..Options::default() };
    let stand = stand(options.https(Tls::new())).await;
    let open = stand.gitlab.add_project("group/open", Visibility::Public, &stand.dev);
    let ca = stand.folder.path().join("ca.pem");
    std::fs::write(&ca, stand.gitlab.ca_pem().unwrap()).unwrap();
    let trust = [("GIT_SSL_CAINFO", ca.display().to_string())];

    let listed = git(stand.folder.path(), &["ls-remote", &open.http_url], &trust).await;
    assert!(listed.status.success(), "{}", said(&listed));
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.contains("refs/heads/feat/umlaut-ü"), "{text}");

    let url = format!("{}/info/refs?service=git-upload-pack", stand.project.http_url);
    let browser = testkit::browser::Browser::new(stand.gitlab.ca_pem());
    let answer = browser.http().get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"GitLab\"");
}

#[tokio::test]
async fn git_goes_over_ssh_with_the_keys_of_users() {
    let stand = stand(Options { ssh: true, ..Options::default() }).await;
    let (Ok(_), Ok(known)) = (stand.gitlab.ssh_port(), stand.gitlab.ssh_known_host()) else {
        println!("{}", stand.gitlab.ssh_port().unwrap_err());
        return;
    };
    let folder = stand.folder.path();
    let key = folder.join("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    std::fs::write(folder.join("known"), format!("{known}\n")).unwrap();
    let ssh = format!(
        "ssh -F none -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile={} -i {}",
        folder.join("known").display(),
        key.display()
    );
    let ssh = [("GIT_SSH_COMMAND", ssh)];
    let url = stand.gitlab.project(stand.project.id).ssh_url;
    let refused = git(folder, &["ls-remote", &url], &ssh).await;
    assert!(said(&refused).contains("Permission denied"), "{}", said(&refused));

    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let token = stand.token(&["api"]);
    let body = serde_json::json!({ "title": "test", "key": public });
    assert_eq!(call(&stand.gitlab, "POST", &token, "api/v4/user/keys", body).await.0, 201);
    let cloned = git(folder, &["clone", "-q", &url, "copy"], &ssh).await;
    assert!(cloned.status.success(), "{}", said(&cloned));
    let pushed = git(&folder.join("copy"), &["push", "-q", "origin", "HEAD:refs/heads/by-ssh"], &ssh).await;
    assert!(pushed.status.success(), "{}", said(&pushed));
    let path = format!("api/v4/projects/{}/events", stand.project.id);
    wait_until(LIMIT, async || get(&stand.gitlab, &token, &path).await.1[0]["push_data"]["ref"] == "by-ssh")
        .await;

    let secret = stand.gitlab.add_user("other");
    let hidden = stand.gitlab.add_project("secret/project", Visibility::Private, &secret);
    let refused = git(folder, &["ls-remote", &hidden.ssh_url], &ssh).await;
    assert!(said(&refused).contains("could not be found"), "{}", said(&refused));
    stand.gitlab.block_user(&stand.dev);
    let refused = git(folder, &["ls-remote", &url], &ssh).await;
    assert!(said(&refused).contains("Permission denied"), "{}", said(&refused));
}
