//! Git inside a workspace of a private project: over HTTPS and SSH, without a token or a key anywhere in it, and
//! only for as long as its owner may.

use std::process::Stdio;

use blackbox::server::{Server, hearth, text, wait_for};
use serde_json::Value;
use testkit::gitlab::{GitlabDouble, Options, Project, User, Visibility};

/// What a personal access token needs here.
const SCOPES: [&str; 4] = ["api", "read_user", "read_repository", "write_repository"];

struct Place {
    server: Server,
    gitlab: GitlabDouble,
    user: User,
    project: Project,
    token: String,
    forge: String,
}

impl Place {
    /// A server with a registered GitLab and a linked account, and a private project of that account.
    async fn new() -> Self {
        let gitlab = GitlabDouble::start(Options { ssh: true, ..Options::default() }).await;
        let user = gitlab.add_user("ada");
        let project = gitlab.add_project("group/sub/project", Visibility::Private, &user);
        let token = gitlab.add_personal_token(&user, &SCOPES);
        let server = Server::start();
        let mut wish = serde_json::json!({ "kind": "gitlab", "name": "Our GitLab", "web_url": gitlab.url() });
        if let (Ok(port), Ok(user), Ok(known)) =
            (gitlab.ssh_port(), gitlab.ssh_user(), gitlab.ssh_known_host())
        {
            let key = known.split_once(' ').map_or("", |(_, key)| key.trim());
            wish["ssh"] = serde_json::json!({
                "host": "127.0.0.1", "port": port, "user": user, "host_keys": [key],
            });
        }
        wish["auth_method"] = "personal_token".into();
        let made = call(&server, "POST", "/forges", &wish);
        let forge = made["id"].as_str().unwrap().to_owned();
        call(&server, "POST", "/me/links", &serde_json::json!({ "forge": forge, "token": token }));
        Self { server, gitlab, user, project, token, forge }
    }

    fn start(&self) -> String {
        let made = self.server.json(&["start", &self.project.http_url]);
        assert_eq!(made["phase"], "running", "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Runs a script in the workspace: whether it worked, and all it said.
    fn sh(&self, id: &str, script: &str) -> (bool, String) {
        let output = self.server.cli(&["exec", id, "--", "sh", "-c", script]);
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    }

    #[track_caller]
    fn works(&self, id: &str, script: &str) -> String {
        let (is_done, said) = self.sh(id, script);
        assert!(is_done, "{script}: {said}");
        said
    }

    fn uploaded(&self) {
        wait_for("the SSH key at GitLab", || (!self.gitlab.keys_of(&self.user).is_empty()).then_some(()));
    }

    /// Moves the clone's remote to SSH.
    fn use_ssh(&self, id: &str) -> bool {
        let Ok(_) = self.gitlab.ssh_port() else {
            eprintln!("{}", self.gitlab.ssh_port().unwrap_err());
            return false;
        };
        self.uploaded();
        self.works(id, &format!("git remote set-url origin {}", self.project.ssh_url));
        true
    }
}

/// One call of the API as the user who runs the server, expecting success.
fn call(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    use std::io::{Read, Write};
    let body = body.to_string();
    let mut socket = std::os::unix::net::UnixStream::connect(server.socket()).unwrap();
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let answer = text(&answer);
    assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let start = body.find(['{', '[']).unwrap_or(body.len());
    let end = body.rfind(['}', ']']).map_or(body.len(), |end| end + 1);
    serde_json::from_str(body.get(start..end.max(start)).unwrap_or_default()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_and_push_work_over_https_and_ssh_and_leave_no_secret_behind() {
    let place = Place::new().await;
    let id = place.start();

    place.works(&id, "echo one >> README.md && git commit -qam One && git push -q && git fetch -q");
    assert_eq!(
        place.works(&id, "git rev-parse HEAD").trim(),
        testkit::git::git(&place.project.repository, &["rev-parse", "main"])
    );
    if place.use_ssh(&id) {
        place.works(&id, "git fetch -q && echo two >> README.md && git commit -qam Two && git push -q");
        assert_eq!(
            place.works(&id, "git rev-parse HEAD").trim(),
            testkit::git::git(&place.project.repository, &["rev-parse", "main"])
        );
        let listed = place.works(&id, "ssh-add -l");
        assert!(listed.contains("hearth:"), "{listed}");
    }

    // Every file, environment and command line that can be read inside, by whoever may sudo, too.
    let search = |needle: &str, folders: &str| {
        place.works(
            &id,
            &format!(
                "grep -rlaF -D skip --exclude-dir=sys --exclude-dir=proc -- {needle} {folders} 2>/dev/null; \
                 grep -laF -- {needle} /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true"
            ),
        )
    };
    // The needle is split, so that the search does not find its own command line.
    let (head, tail) = place.token.split_at(place.token.len() / 2);
    assert_eq!(search(&format!("\"$(printf %s%s {head} {tail})\""), "/").trim(), "");
    // Programs of the machine know the words; where anything can be written nothing may have them.
    let written = "/home /workspace /tmp /run /var /root";
    assert_eq!(search("\"$(printf %s%s ' PRIVATE' ' KEY-----')\"", written).trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_account_gives_git_nothing_any_more() {
    let place = Place::new().await;
    let id = place.start();
    place.works(&id, "git fetch -q");

    let mut remove = std::process::Command::new(hearth());
    let removed = remove
        .args(["link", "remove", &place.forge])
        .env("HEARTH_DATA_DIR", place.server.data())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(removed.status.success(), "{}", text(&removed.stderr));

    let (is_done, said) = place.sh(&id, "GIT_TERMINAL_PROMPT=0 git fetch");
    assert!(!is_done);
    assert!(said.contains("your account at Our GitLab is not connected"), "{said}");
    assert!(said.contains("/settings/integrations"), "{said}");
    if place.gitlab.ssh_port().is_ok() {
        place.works(&id, &format!("git remote set-url origin {}", place.project.ssh_url));
        assert!(!place.sh(&id, "git fetch").0, "the key was taken back from GitLab");
    }
}
