//! Who may call what: every operation of the document, by every kind of caller.

use domain::{Scope, SessionId, SnapshotId, TokenId};
use http::Method;
use serde_json::{Value, json};
use testkit::{FakeClock, SeededEntropy};

use crate::app::{Person, TestApp};
use crate::document::{self, Operation};
use crate::http::Call;

/// One operation: its id, the body sent, the scopes of the token that must not do, and the answers to
/// nobody, a stranger, the owner, an administrator, that token, somebody suspended, and the owner's
/// browser on another site's page. `ok` is anything but a refusal: the operation was let through.
struct Row(&'static str, Option<fn() -> Value>, &'static [Scope], &'static str);

const READ: &[Scope] = &[Scope::WorkspacesRead];
const ENTER: &[Scope] = &[Scope::WorkspacesEnter];
/// Right for everything but what only a person may do.
const ALL: &[Scope] = &[Scope::All];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                           nobody stranger owner admin token suspended cross-site
    Row("show_setup", None, READ,                                    "ok  ok  ok  ok  ok  ok  403"),
    Row("set_up", Some(|| json!({"token": "x", "name": "eve", "password": "long enough"})), READ,
                                                                     "ok  ok  ok  ok  ok  ok  403"),
    Row("sign_in", Some(|| json!({"name": "owner", "password": crate::app::PASSWORD})), READ,
                                                                     "ok  ok  ok  ok  ok  ok  403"),
    Row("show_version", None, READ,                                  "ok  ok  ok  ok  ok  ok  403"),
    Row("show_openapi", None, READ,                                  "ok  ok  ok  ok  ok  ok  403"),
    // Agents have a credential of their own and say which workspace they are: no person's request does.
    Row("connect_agent", None, READ,                                 "400 400 400 400 400 400 403"),

    Row("show_me", None, READ,                                       "401 ok  ok  ok  ok  401 403"),
    Row("list_sessions", None, ALL,                                  "401 ok  ok  ok  403 401 403"),
    Row("revoke_session", None, ALL,                                 "401 404 404 404 403 401 403"),
    Row("change_password", Some(|| json!({"old": "wrong", "new": "long enough"})), ALL,
                                                                     "401 ok  ok  ok  403 401 403"),
    Row("list_tokens", None, ALL,                                    "401 ok  ok  ok  403 401 403"),
    Row("create_token", Some(|| json!({"name": "ci", "scopes": ["all"]})), ALL,
                                                                     "401 ok  ok  ok  403 401 403"),
    Row("revoke_token", None, ALL,                                   "401 404 404 404 403 401 403"),

    Row("sign_in_options", None, READ,                               "ok  ok  ok  ok  ok  ok  403"),
    Row("sign_in_with", Some(no_forge), READ,                        "404 404 404 404 404 404 403"),
    Row("list_integrations", None, READ,                             "401 ok  ok  ok  403 401 403"),
    Row("create_link", Some(no_forge), ALL,                          "401 404 404 404 403 401 403"),
    Row("remove_link", None, ALL,                                    "401 404 404 404 403 401 403"),
    Row("show_ssh_key", None, READ,                                  "401 ok  ok  ok  ok  401 403"),
    Row("regenerate_ssh_key", None, ALL,                             "401 ok  ok  ok  403 401 403"),
    Row("upload_ssh_key", None, ALL,                                 "401 ok  ok  ok  403 401 403"),
    Row("show_git_preferences", None, READ,                          "401 ok  ok  ok  ok  401 403"),
    Row("change_git_preferences", Some(|| json!({"sign_commits": true})), ALL,
                                                                     "401 ok  ok  ok  403 401 403"),
    Row("resolve_context", Some(|| json!({"url": "https://code.example.com/a/b"})), ENTER,
                                                                     "401 ok  ok  ok  403 401 403"),

    Row("list_forges", None, READ,                                   "401 ok  ok  ok  403 401 403"),
    Row("create_forge", Some(|| json!({"kind": "gitlab", "web_url": "https://code.example.com"})), READ,
                                                                     "401 403 403 ok  403 401 403"),
    Row("show_forge", None, READ,                                    "401 404 ok  ok  403 401 403"),
    Row("update_forge", Some(|| json!({"name": "other"})), READ,     "401 404 ok  ok  403 401 403"),
    Row("check_forge", None, READ,                                   "401 404 ok  ok  403 401 403"),
    Row("delete_forge", None, READ,                                  "401 404 ok  ok  403 401 403"),

    Row("list_teams", None, ENTER,                                   "401 ok  ok  ok  403 401 403"),
    Row("create_team", Some(|| json!({"slug": "others"})), READ,     "401 403 403 ok  403 401 403"),
    Row("show_team", None, ENTER,                                    "401 404 ok  ok  403 401 403"),
    Row("update_team", Some(|| json!({"name": "Crew"})), READ,       "401 404 ok  ok  403 401 403"),
    Row("list_members", None, READ,                                  "401 404 ok  ok  403 401 403"),
    Row("set_member", Some(|| json!({"role": "member"})), READ,      "401 404 ok  ok  403 401 403"),
    Row("remove_member", None, READ,                                 "401 404 ok  ok  403 401 403"),
    Row("list_invitations", None, READ,                              "401 404 ok  ok  403 401 403"),
    Row("create_invitation", Some(|| json!({})), READ,               "401 404 ok  ok  403 401 403"),
    Row("revoke_invitation", None, READ,                             "401 404 404 404 403 401 403"),
    Row("preview_invitation", Some(|| json!({"token": "x"})), READ,  "ok  ok  ok  ok  ok  ok  403"),
    Row("accept_invitation", Some(|| json!({"token": "x"})), ALL,    "401 ok  ok  ok  403 401 403"),
    Row("list_secrets", None, READ,                                  "401 404 ok  ok  403 401 403"),
    Row("set_secret", Some(|| json!({"value": "v"})), READ,          "401 404 ok  ok  403 401 403"),
    Row("delete_secret", None, READ,                                 "401 404 ok  ok  403 401 403"),
    Row("delete_team", None, READ,                                   "401 404 ok  ok  403 401 403"),

    Row("show_keys", None, ALL,                                      "401 403 403 ok  403 401 403"),
    Row("rotate_keys", Some(|| json!({"level": "data"})), ALL,       "401 403 403 ok  403 401 403"),
    Row("show_settings", None, ALL,                                  "401 403 403 ok  403 401 403"),
    Row("change_settings", Some(settings), ALL,                      "401 403 403 ok  403 401 403"),

    Row("list_users", None, ALL,                                     "401 403 403 ok  403 401 403"),
    Row("create_user", Some(|| json!({"name": "no one", "password": "long enough"})), ALL,
                                                                     "401 403 403 ok  403 401 403"),
    Row("update_user", Some(|| json!({"role": "member"})), ALL,      "401 403 403 ok  403 401 403"),
    Row("list_audit", None, ALL,                                     "401 403 403 ok  403 401 403"),
    Row("show_doctor", None, ALL,                                    "401 403 403 ok  403 401 403"),
    Row("list_images", None, ALL,                                    "401 403 403 ok  403 401 403"),
    Row("add_image", Some(|| json!({"reference": "debian:13"})), ALL, "401 403 403 ok  403 401 403"),
    Row("remove_image", None, ALL,                                   "401 403 403 ok  403 401 403"),

    Row("list_kites", None, ENTER,                                   "401 ok  ok  ok  403 401 403"),
    Row("watch_kites", None, ENTER,                                  "401 ok  ok  ok  403 401 403"),
    Row("show_kite", None, ENTER,                                    "401 404 ok  ok  403 401 403"),
    // Whoever runs the platform sees an agent and does not enter by it.
    Row("create_kite_token", None, READ,                             "401 404 ok  403 403 401 403"),
    Row("list_kite_shares", None, ENTER,                             "401 404 ok  404 403 401 403"),
    Row("share_kite", None, READ,                                    "401 404 ok  404 403 401 403"),
    Row("unshare_kite", None, READ,                                  "401 404 ok  404 403 401 403"),
    Row("list_kite_keys", None, READ,                                "401 ok  ok  ok  403 401 403"),
    Row("create_kite_key", Some(|| json!({"name": "ci"})), ALL,      "401 ok  ok  ok  403 401 403"),
    Row("revoke_kite_key", None, READ,                               "401 404 404 404 403 401 403"),
    Row("create_kite_code", Some(|| json!({})), ALL,                 "401 ok  ok  ok  403 401 403"),
    Row("list_registry_keys", None, ALL,                             "401 403 403 ok  403 401 403"),
    Row("rotate_registry_key", Some(|| json!({})), ALL,              "401 403 403 ok  403 401 403"),

    Row("watch_events", None, ENTER,                                 "401 ok  ok  ok  403 401 403"),
    Row("list_workspaces", None, ENTER,                              "401 ok  ok  ok  403 401 403"),
    Row("create_workspace", Some(|| json!({"name": "-"})), READ,     "401 ok  ok  ok  403 401 403"),
    Row("show_workspace", None, ENTER,                               "401 404 ok  ok  403 401 403"),
    Row("rename_workspace", Some(|| json!({"name": "other"})), READ, "401 404 ok  ok  403 401 403"),
    Row("show_usage", None, ENTER,                                   "401 404 ok  ok  403 401 403"),
    Row("read_log", None, ENTER,                                     "401 404 ok  ok  403 401 403"),
    Row("run_command", Some(|| json!({"command": ["true"]})), READ,  "401 404 ok  403 403 401 403"),
    Row("stream_command", None, READ,                                "401 404 ok  403 403 401 403"),
    Row("list_terminals", None, READ,                                "401 404 ok  403 403 401 403"),
    Row("open_terminal", Some(|| json!({"command": ["sleep", "60"]})), READ,
                                                                     "401 404 ok  403 403 401 403"),
    Row("attach_terminal", None, READ,                               "401 404 ok  403 403 401 403"),
    Row("close_terminal", None, READ,                                "401 404 ok  403 403 401 403"),
    Row("list_files", None, READ,                                    "401 404 ok  403 403 401 403"),
    Row("write_file", None, READ,                                    "401 404 ok  403 403 401 403"),
    Row("read_file", None, READ,                                     "401 404 ok  403 403 401 403"),
    Row("delete_file", None, READ,                                   "401 404 ok  403 403 401 403"),
    Row("start_workspace", None, READ,                               "401 404 ok  ok  403 401 403"),
    Row("fork_workspace", None, READ,                                "401 404 ok  ok  403 401 403"),
    Row("take_snapshot", None, READ,                                 "401 404 ok  ok  403 401 403"),
    Row("list_snapshots", None, ENTER,                               "401 ok  ok  ok  403 401 403"),
    Row("delete_snapshot", None, READ,                               "401 404 404 404 403 401 403"),
    Row("stop_workspace", None, READ,                                "401 404 ok  ok  403 401 403"),
    Row("delete_workspace", None, READ,                              "401 404 ok  ok  403 401 403"),
    // Last: it ends the callers' sessions.
    Row("sign_out", None, READ,                                      "401 ok  ok  ok  ok  401 403"),
];

fn no_forge() -> Value {
    json!({"forge": "forge_00000000000000000000000000"})
}

fn settings() -> Value {
    json!({
        "ssh_algorithm": "ed25519", "password_sign_in": true, "make_teams": "admins", "default_team": "everybody",
    })
}

#[test]
fn the_table_names_every_operation_once() {
    let mut listed: Vec<&str> = TABLE.iter().map(|Row(id, ..)| *id).collect();
    let mut documented: Vec<String> =
        document::operations().into_iter().map(|operation| operation.id).collect();

    listed.sort_unstable();
    documented.sort_unstable();

    assert_eq!(listed, documented, "every operation needs its line in the table");
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let app = TestApp::start().await;
    let matrix = Matrix::prepare(&app).await;
    let mut wrong = Vec::new();

    for Row(id, body, scopes, expected) in TABLE {
        let operation = document::operations().into_iter().find(|operation| operation.id == *id).unwrap();
        let token = matrix.token(scopes, id).await;
        let expected: Vec<&str> = expected.split_whitespace().collect();
        // Refusals first, so that whoever may do it does not take it away from them.
        for (who, index) in [
            ("nobody", 0),
            ("suspended", 5),
            ("cross-site", 6),
            ("token", 4),
            ("stranger", 1),
            ("admin", 3),
            ("owner", 2),
        ] {
            let path = matrix.path(&operation).await;
            let mut call = app.call(operation.method.clone(), &path);
            if let Some(body) = body {
                call = call.json(&body());
            }
            if operation.is_socket {
                call = call.upgrade();
            }
            let call = matrix.identify(who, call, &token);
            let status = call.open().await.status().as_u16();
            let fits = match expected[index] {
                "ok" => !matches!(status, 401 | 403 | 404 | 405) && status < 500,
                number => number.parse() == Ok(status),
            };
            if !fits {
                wrong.push(format!("{id} by {who}: {status}, not {}", expected[index]));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Matrix<'a> {
    app: &'a TestApp,
    owner: Person,
    stranger: Person,
    suspended: Person,
    workspace: String,
    terminal: u32,
    /// Counts the teams made to be taken away.
    made: std::sync::atomic::AtomicU32,
}

/// The owner's team.
const TEAM: &str = "crew";

impl<'a> Matrix<'a> {
    async fn prepare(app: &'a TestApp) -> Self {
        let owner = app.member("owner").await;
        let stranger = app.member("stranger").await;
        let suspended = app.member("suspended").await;
        let change = control::UserChange { suspended: Some(true), ..Default::default() };
        app.control.update_user(&app.admin.caller, suspended.caller.user, change).await.unwrap();
        let id = app.running_workspace(&owner).await;
        let entered = app.control.enter(&owner.caller, id).await.unwrap();
        let wish = wire::agent::OpenTerminal {
            command: Some(vec!["sleep".into(), "60".into()]),
            ..Default::default()
        };
        let terminal = entered.agent.open_terminal(&wish).await.unwrap().id;
        let matrix =
            Self { app, owner, stranger, suspended, workspace: id.to_string(), terminal, made: 0.into() };
        matrix.team(TEAM).await;
        matrix
    }

    /// A team that belongs to `owner`.
    async fn team(&self, slug: &str) {
        let wish = control::NewTeam { slug: slug.to_owned(), name: None };
        let admin = &self.app.admin.caller;
        self.app.control.create_team(admin, wish).await.unwrap();
        let role = domain::TeamRole::Owner;
        self.app.control.set_member(admin, slug, self.owner.caller.user, role).await.unwrap();
    }

    /// A forge of the owner's team.
    async fn forge(&self) -> String {
        let wish = control::NewForge {
            kind: "gitlab".into(),
            name: None,
            web_url: Some("https://code.example.com".into()),
            team: Some(TEAM.into()),
            settings: control::ForgeSettings::default(),
        };
        self.app.control.create_forge(&self.owner.caller, wish).await.unwrap().forge.id.to_string()
    }

    /// Something of the team that the operation can act on, made afresh where it takes it away.
    async fn of_team(&self, operation: &Operation) -> String {
        let mut slug = TEAM.to_owned();
        match operation.id.as_str() {
            "delete_team" => {
                slug = format!("gone-{}", self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                self.team(&slug).await;
            }
            "set_member" => drop(self.app.member_named("leaver").await),
            "remove_member" => {
                let (admin, user) = (&self.app.admin.caller, self.app.member_named("leaver").await);
                self.app.control.set_member(admin, TEAM, user, domain::TeamRole::Member).await.unwrap();
            }
            "delete_secret" => {
                let value = "v".to_owned().into();
                self.app.control.set_secret(&self.owner.caller, TEAM, "NAME", value).await.unwrap();
            }
            _ => {}
        }
        let invitation = domain::InvitationId::NIL.to_string();
        let path = operation.path.replace("{team}", &slug).replace("{name}", "NAME");
        path.replace("{user}", "leaver").replace("{id}", &invitation)
    }

    /// The operation's path with something real in every place that must be real to be refused.
    async fn path(&self, operation: &Operation) -> String {
        use domain::Clock;

        let pattern = operation.path.as_str();
        if pattern.contains("{team}") {
            return self.of_team(operation).await;
        }
        if operation.id == "delete_workspace" {
            // One for each who may: the first takes it away.
            let wish = control::NewWorkspace::default();
            let made = self.app.control.create_workspace(&self.owner.caller, wish).await.unwrap();
            return pattern.replace("{id}", &made.id.to_string());
        }

        if pattern.contains("/shares/{user}") {
            self.app.member_named("leaver").await;
            if operation.id == "unshare_kite" {
                self.app.control.share_kite(&self.owner.caller, &self.workspace, "leaver").await.unwrap();
            }
            return pattern.replace("{id}", &self.workspace).replace("{user}", "leaver");
        }

        let (now, entropy) = (FakeClock::default().now(), SeededEntropy::new(99));
        let own = match pattern {
            _ if pattern.contains("/forges/") => self.forge().await,
            _ if pattern.contains("/me/links/") => domain::LinkId::NIL.to_string(),
            _ if pattern.contains("/me/sessions/") => SessionId::generate(now, &entropy).to_string(),
            _ if pattern.contains("/me/tokens/") => TokenId::generate(now, &entropy).to_string(),
            _ if pattern.contains("/snapshots/") => SnapshotId::generate(now, &entropy).to_string(),
            _ if pattern.contains("/kite-keys/") => domain::KiteKeyId::generate(now, &entropy).to_string(),
            _ if pattern.contains("/users/") => self.stranger.caller.user.to_string(),
            _ if pattern.contains("/images/") => crate::images::IMAGE.into(),
            _ => self.workspace.clone(),
        };
        let file = self.app.driver.folder_of(self.workspace.parse().unwrap()).join("file");
        pattern
            .replace("{id}", &own)
            .replace("{terminal}", &self.terminal.to_string())
            .replace("/{path}", &file.display().to_string())
    }

    /// A token that must not do: the owner's, and an administrator's where only the scope is in the way.
    async fn token(&self, scopes: &[Scope], id: &str) -> String {
        let whose = if id == "sign_out" { &self.app.admin } else { &self.owner };
        self.app.token(whose, scopes).await
    }

    fn identify(&self, who: &str, call: Call, token: &str) -> Call {
        match who {
            "stranger" => call.session(&self.stranger.session),
            "owner" => call.session(&self.owner.session),
            "admin" => call.session(&self.app.admin.session),
            "suspended" => call.session(&self.suspended.session),
            "token" => call.bearer(token),
            "cross-site" => call
                .header("cookie", &format!("hearth_session={}", self.owner.session))
                .header("sec-fetch-site", "cross-site"),
            _ => call,
        }
    }
}

#[tokio::test]
async fn an_administrators_token_without_the_scope_does_not_administer() {
    let app = TestApp::start().await;
    let scopes = [Scope::WorkspacesRead, Scope::WorkspacesWrite, Scope::WorkspacesEnter];
    let token = app.token(&app.admin, &scopes).await;

    for path in ["/api/v1/users", "/api/v1/images", "/api/v1/doctor", "/api/v1/audit"] {
        app.get(path).bearer(&token).send().await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_token_counts_even_where_a_good_session_is_sent_with_it() {
    let app = TestApp::start().await;

    let answer = app.get("/api/v1/me").session(&app.admin.session).bearer("hearth_wrong").send().await;

    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn whoever_comes_through_the_socket_is_the_caller_it_was_made_for() {
    let app = TestApp::start().await;
    let caller = app.control.local_caller("root").await.unwrap();
    let router = web::local_router(app.web.clone(), caller);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let me = Call::new(address, Method::GET, "/api/v1/me").send().await.expect(200).json();
    let made =
        Call::new(address, Method::POST, "/api/v1/workspaces").json(&json!({})).send().await.expect(202);

    assert_eq!(me["via"], "local");
    assert_eq!(me["role"], "admin");
    assert_eq!(made.json()["owner"]["name"], "admin");
}
