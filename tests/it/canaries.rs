//! Every kind of secret in the product is used once, and then looked for where none may be: in the data
//! folder, in the log, in what other processes can read of the server, in every answer of the API.
//!
//! Two kinds have no value that could be looked for. The private SSH key is made by the server and never
//! leaves it: its header is looked for instead. The PKCE verifier goes to the forge only; the code that it
//! protects is looked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blackbox::forge::Forge;
use blackbox::person::{PASSWORD, Person};
use blackbox::server::{Options, Server, hearth, text};
use domain::Entropy;
use serde_json::{Value, json};
use testkit::SeededEntropy;
use testkit::gitlab::{self, GitlabDouble, NewApplication, Visibility};

/// What a team's workspaces see as a variable.
const TEAM_SECRET: &str = "canary-of-a-team-secret-6b1f";
/// How a private key begins, whatever wrote it down.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// Tokens, codes and secrets of the forge have this many random bytes.
const TOKEN_BYTES: usize = 32;
/// A stream of events that says nothing for so long has said what it had.
const SILENCE: Duration = Duration::from_millis(500);

/// Random bytes that are remembered: the forge makes every token, code and secret of them.
struct Remembering {
    inner: SeededEntropy,
    made: Mutex<Vec<Vec<u8>>>,
}

impl Entropy for Remembering {
    fn fill(&self, buffer: &mut [u8]) {
        self.inner.fill(buffer);
        self.made.lock().unwrap().push(buffer.to_vec());
    }
}

impl Remembering {
    /// Everything long enough to be a token, as the forge writes it.
    fn tokens(&self) -> Vec<String> {
        let hex = |bytes: &Vec<u8>| hex::encode(bytes);
        self.made.lock().unwrap().iter().filter(|bytes| bytes.len() == TOKEN_BYTES).map(hex).collect()
    }
}

/// What may be found nowhere, by what it is.
#[derive(Default)]
struct Canaries(BTreeMap<String, String>);

impl Canaries {
    fn add(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 12, "`{what}` is too short to look for");
        self.0.insert(what.to_owned(), value.to_owned());
    }

    /// Names those that are in here.
    fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let is_there = |value: &str| bytes.windows(value.len()).any(|window| window == value.as_bytes());
        let there = self.0.iter().filter(|(_, value)| is_there(value));
        there.map(|(what, _)| format!("{what} in {place}")).collect()
    }

    /// Names those that are in any file of a folder, which stays on one disk.
    fn found_below(&self, folder: &Path) -> Vec<String> {
        let mut found = vec![];
        for file in files_below(folder) {
            let Ok(bytes) = std::fs::read(&file) else { continue };
            found.extend(self.found_in(&file.display().to_string(), &bytes));
        }
        found
    }
}

/// Every ordinary file that a folder holds itself: nothing behind links and mounts.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let device = std::fs::metadata(folder).unwrap().dev();
    let (mut pending, mut files) = (vec![folder.to_owned()], vec![]);
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let Ok(about) = entry.path().symlink_metadata() else { continue };
            if about.is_dir() && about.dev() == device {
                pending.push(entry.path());
            } else if about.is_file() {
                files.push(entry.path());
            }
        }
    }
    files
}

/// A certificate for us and its key, PEM.
fn client_certificate(folder: &Path) -> Option<(String, String)> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=hearth", "-days", "2", "-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: `openssl` is not installed");
        return None;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    Some((read("certificate.pem"), read("key.pem")))
}

fn link_with_token(server: &Server, forge: &str, token: &str) {
    let mut child = Command::new(hearth())
        .args(["link", "add", forge, "--token-stdin"])
        .env("HEARTH_DATA_DIR", server.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), token.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
}

/// What the API answers to a GET, streams until they fall silent.
async fn answer(person: &Person, path: &str) -> Vec<u8> {
    let mut response = person.open(path).await;
    assert!(response.status().as_u16() < 500, "{path}: {}", response.status());
    let mut bytes = vec![];
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, response.chunk()).await {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// Every address that the API's own description has a GET for, with `ids` in place of what stands in braces.
async fn addresses(person: &Person, ids: &[(&str, &str)]) -> Vec<String> {
    let document = person.get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().unwrap();
    let mut addresses = vec![];
    for (path, _) in paths.iter().filter(|(_, methods)| methods["get"].is_object()) {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        let mut filled = path.to_owned();
        for (name, id) in ids {
            filled = filled.replace(name, id);
        }
        // An id of another kind of thing is not found, which is an answer too.
        let filled = filled.replace("{id}", "none").replace("{terminal}", "1").replace("{path}", "README.md");
        assert!(!filled.contains('{'), "nothing is known for {path}");
        addresses.push(filled);
    }
    addresses
}

#[expect(clippy::too_many_lines, reason = "one journey, told from its beginning to its end")]
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_anywhere_but_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let Some((certificate, key)) = client_certificate(folder.path()) else { return };
    let entropy = Arc::new(Remembering { inner: SeededEntropy::new(7), made: Mutex::default() });
    let options = gitlab::Options { entropy: entropy.clone(), ..gitlab::Options::default() };
    let gitlab = GitlabDouble::start(options).await;
    let other = GitlabDouble::start(gitlab::Options::default()).await;
    let server = Server::start_with(Options::set(&["log.filter=debug"]));
    let mut canaries = Canaries::default();

    // Who comes in: by the one-time link, by password, by token, by invitation.
    let link = server.setup_url.clone().unwrap();
    let ada = Person::first(&server, "ada").await;
    ada.visit(&link).await;
    canaries.add("the setup token", link.split_once("token=").unwrap().1);
    canaries.add("a password", &format!("{PASSWORD}ada"));
    canaries.add("a session", ada.cookies().values().next().unwrap());
    let token = ada.token(&["all"]).await;
    canaries.add("an API token", &token);
    assert_eq!(Person::with_token(&server, &token).who().await.1, "ada");
    let grace = Person::made_by(&ada, &server, "grace").await;
    let team = ada.post("/teams", json!({"slug": "acme"})).await.ok()["id"].as_str().unwrap().to_owned();
    let invite = async || {
        let made = ada.post(&format!("/teams/{team}/invitations"), json!({})).await.ok();
        made["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
    };
    let (taken, open) = (invite().await, invite().await);
    canaries.add("an invitation", &taken);
    canaries.add("an open invitation", &open);
    grace.post("/invitations/accept", json!({"token": taken})).await.ok();
    ada.put(&format!("/teams/{team}/secrets/CANARY"), json!({"value": TEAM_SECRET})).await.ok();
    canaries.add("a team secret", TEAM_SECRET);

    // Forges: an application's secret, tokens, a certificate's key, a personal access token.
    let root = gitlab.add_user("root");
    let project = gitlab.add_project("group/project", Visibility::Private, &root);
    let forge = Forge::register(&ada, "gitlab", gitlab.url(), json!({"sign_in": true})).await;
    let scopes: Vec<&str> = forge.scopes.split(' ').collect();
    let application = gitlab.add_application(NewApplication::new(&forge.redirect_uri, &scopes));
    forge.give(&ada, &application.client_id, &application.secret).await;
    canaries.add("a client secret", &application.secret);
    let to = forge.begin_link(&ada).await;
    canaries.add("the cookie of a round trip", &ada.cookies()["hearth_attempt"]);
    let state =
        url::Url::parse(&to).unwrap().query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    canaries.add("the state of a round trip", &state);
    let back = gitlab.approve(&root, &to, &forge.redirect_uri).await.unwrap();
    ada.come_back(&back).await.succeeded();
    assert_eq!(gitlab.living_tokens(&application), 1);
    let browser = Person::stranger(&server);
    let to = forge.begin_sign_in(&browser).await;
    let back = gitlab.approve(&root, &to, &forge.redirect_uri).await.unwrap();
    browser.come_back(&back).await.succeeded();
    canaries.add("a session by the forge", browser.cookies().values().next().unwrap());
    let more = json!({"auth_method": "personal_token", "name": "Other"});
    let second = Forge::register(&ada, "gitlab", other.url(), more).await;
    let personal = other.add_personal_token(&other.add_user("root"), &["api"]);
    link_with_token(&server, "Other", &personal);
    assert_eq!(second.link_of(&ada).await["login"], "root");
    canaries.add("a personal access token", &personal);
    let certified = json!({"client_certificate": certificate, "client_key": key, "name": "Certified"});
    Forge::register(&ada, "gitlab", "https://127.0.0.1:1", certified).await;
    canaries.add("the key of a certificate", key.lines().nth(1).unwrap());
    let consumer = json!({"auth_method": "oauth1", "name": "Signed", "client_id": "hearth"});
    let signed = ada.post("/forges", merged("bitbucket_server", "http://127.0.0.1:1", &consumer)).await.ok();
    assert!(signed["public_key"].as_str().is_some_and(|key| key.contains("PUBLIC KEY")), "{signed}");
    let ssh = ada.get("/me/ssh-key").await.ok();
    assert!(ssh["public_key"].as_str().is_some_and(|line| line.starts_with("ssh-ed25519 ")), "{ssh}");

    // A workspace that uses them: it clones a private project and sees the team's secret.
    let workspace =
        server.json(&["start", &project.web_url, "--team", "acme"])["id"].as_str().unwrap().to_owned();
    assert_eq!(server.exec(&workspace, &["sh", "-c", "echo $CANARY"]), TEAM_SECRET);
    server.exec(&workspace, &["git", "fetch"]);
    for (number, token) in entropy.tokens().iter().enumerate() {
        if *token != application.client_id {
            canaries.add(&format!("token {number} of the forge"), token);
        }
    }
    assert!(entropy.tokens().len() >= 8, "a secret, an id, two codes and two pairs");

    // Nothing of that is anywhere.
    let mut found = canaries.found_below(server.data());
    found.extend(canaries.found_in("the log", server.log().as_bytes()));
    assert!(server.log().contains("DEBUG"), "everything is logged");
    for name in ["environ", "cmdline"] {
        let bytes = std::fs::read(format!("/proc/{}/{name}", server.pid())).unwrap();
        assert!(!bytes.is_empty());
        found.extend(canaries.found_in(name, &bytes));
    }
    for (id, workspaces) in [(&forge.id, true), (&second.id, false)] {
        let ids: &[(&str, &str)] = &[
            ("/forges/{id}", &format!("/forges/{id}")),
            ("/workspaces/{id}", &format!("/workspaces/{workspace}")),
            ("{team}", "acme"),
        ];
        let addresses = addresses(&ada, ids).await;
        assert!(addresses.len() > 30, "{addresses:?}");
        for path in addresses.iter().filter(|path| workspaces || path.starts_with("/forges")) {
            for (name, person) in [("ada", &ada), ("grace", &grace)] {
                found.extend(canaries.found_in(&format!("{path} for {name}"), &answer(person, path).await));
            }
        }
    }
    let keys = Canaries(BTreeMap::from([("a private key".to_owned(), PRIVATE_KEY.to_owned())]));
    found.extend(keys.found_in("the log", server.log().as_bytes()));
    for file in files_below(server.data()) {
        // Programs know how private keys begin; databases hold them sealed.
        let is_database =
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hearth.db"));
        if is_database {
            found.extend(keys.found_in(&file.display().to_string(), &std::fs::read(&file).unwrap()));
        }
    }
    assert!(found.is_empty(), "{found:#?}");

    // And it would have been found.
    let planted = server.data().join("planted");
    std::fs::write(&planted, format!("x{TEAM_SECRET}x")).unwrap();
    assert_eq!(canaries.found_below(server.data()), [format!("a team secret in {}", planted.display())]);
    let wal = server.data().join("hearth.db-wal");
    assert!(files_below(server.data()).contains(&wal), "the database's newest pages are looked at");
    // With the API token in use, its name is in the database although its value is not.
    let names = Canaries(BTreeMap::from([("a name".to_owned(), application.client_id.clone())]));
    assert!(!names.found_below(server.data()).is_empty(), "what is in the database is found");
}

fn merged(kind: &str, url: &str, more: &Value) -> Value {
    let mut wish = json!({"kind": kind, "web_url": url});
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wish
}
