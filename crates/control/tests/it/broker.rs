//! What Git inside a workspace gets: credentials for its own repositories, only as long as its owner may.

use std::time::Duration;

use control::{GitPreferencesChange, LinkWish, NewWorkspace, UserChange};
use domain::{Caller, Role, UploadState, WorkspaceId};
use testkit::gitlab::{NewApplication, Project, Visibility};
use testkit::wait_until;
use wire::agent::{AskAnswer, CredentialFor, Question};

use crate::forge_world::{Ready, agree, code, link_of, linked, person, ready, serve, set_application, told};
use crate::sim::{LIMIT, Server, World, is_running};

/// Somebody with a running workspace of a private project.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) server: Server,
    pub(crate) ready: Ready,
    pub(crate) caller: Caller,
    pub(crate) user: testkit::gitlab::User,
    pub(crate) project: Project,
    pub(crate) id: WorkspaceId,
}

pub(crate) async fn scene() -> Scene {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let (caller, user) = linked(&server, &ready, "ada-lovelace").await;
    let project = ready.gitlab.add_project("group/sub/project", Visibility::Private, &user);
    let id = workspace(&server, &caller, &project.http_url).await;
    Scene { world, server, ready, caller, user, project, id }
}

pub(crate) async fn workspace(server: &Server, caller: &Caller, url: &str) -> WorkspaceId {
    let wish = NewWorkspace { url: Some(url.into()), ..NewWorkspace::default() };
    let id = server.control.create_workspace(caller, wish).await.unwrap().id;
    server.until(id, is_running).await;
    id
}

fn wanted(url: &str) -> CredentialFor {
    let (protocol, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    CredentialFor {
        protocol: protocol.into(),
        host: host.into(),
        path: Some(path.into()),
        username: None,
        is_push: false,
    }
}

impl Scene {
    async fn ask(&self, url: &str) -> AskAnswer {
        self.world.machine.ask(self.id, Question::Credential(wanted(url))).await
    }

    async fn push(&self) -> AskAnswer {
        let wanted = CredentialFor { is_push: true, ..wanted(&self.project.http_url) };
        self.world.machine.ask(self.id, Question::Credential(wanted)).await
    }

    pub(crate) async fn disconnect(&self) {
        let link = link_of(&self.server.control, &self.caller, self.ready.forge).await;
        self.server.control.disconnect(&self.caller, link.link.id).await.unwrap();
    }

    pub(crate) async fn suspend(&self) {
        let change = UserChange { suspended: Some(true), ..UserChange::default() };
        self.server.control.update_user(&self.server.admin, self.caller.user, change).await.unwrap();
    }
}

#[track_caller]
pub(crate) fn refused(answer: &AskAnswer) -> (&str, &str) {
    match answer {
        AskAnswer::Refused { why, mend } => (why, mend),
        other => panic!("{other}"),
    }
}

#[track_caller]
fn password(answer: &AskAnswer) -> &str {
    match answer {
        AskAnswer::Credential { username, password, expires_at } => {
            assert_eq!(username, "oauth2");
            assert!(expires_at.is_some());
            password
        }
        AskAnswer::Refused { why, mend } => panic!("{why}; {mend}"),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_s_token_is_given_for_the_own_repository_only() {
    let scene = scene().await;
    let url = scene.project.http_url.clone();
    let other = scene.ready.gitlab.add_project("group/sub/other", Visibility::Private, &scene.user);

    let answer = scene.ask(&url).await;
    let with_token = url.replace("http://", &format!("http://oauth2:{}@", password(&answer)));
    let refs = testkit::git::git(scene.world.folder.path(), &["ls-remote", &with_token, "main"]);
    assert!(refs.ends_with("refs/heads/main"), "{refs}");

    let answer = scene.ask(&other.http_url).await;
    let (why, mend) = refused(&answer);
    assert!(why.contains("`group/sub/other` is not a repository of this workspace"), "{why}");
    assert!(!mend.is_empty());
    for elsewhere in [
        "https://forge.example.com/group/sub/project.git".to_owned(),
        url.replace("127.0.0.1", "localhost"),
        url.replace("http://", "https://"),
        url.replace("http://", "http://evil@"),
    ] {
        assert!(matches!(scene.ask(&elsewhere).await, AskAnswer::Nothing), "{elsewhere}");
    }
    assert_eq!(scene.server.control.ask_counts().credentials, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_account_gives_nothing_and_open_connections_end() {
    let scene = scene().await;
    let address = scene.ready.gitlab.address();
    let end = scene.world.machine.open(scene.id, "127.0.0.1", address.port()).await.unwrap();

    scene.disconnect().await;

    let answer = scene.push().await;
    let (why, mend) = refused(&answer);
    assert_eq!(why, "your account at Our GitLab is not connected");
    assert!(mend.ends_with("http://hearth.example.com/settings/integrations"), "{mend}");
    tokio::time::timeout(LIMIT, end).await.expect("the connection ends").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_owner_gets_nothing_and_reaches_nothing() {
    let scene = scene().await;
    let port = scene.ready.gitlab.address().port();
    let end = scene.world.machine.open(scene.id, "127.0.0.1", port).await.unwrap();

    scene.suspend().await;

    let answer = scene.ask(&scene.project.http_url).await;
    assert!(refused(&answer).0.contains("suspended"));
    let answer = scene.world.machine.ask(scene.id, Question::SshIdentities).await;
    assert!(refused(&answer).0.contains("suspended"));
    tokio::time::timeout(LIMIT, end).await.expect("the connection ends").unwrap();
    let refused = scene.world.machine.open(scene.id, "127.0.0.1", port).await.unwrap_err();
    assert!(refused.contains("suspended"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_token_cuts_nothing() {
    let scene = scene().await;
    let port = scene.ready.gitlab.address().port();
    let mut end = scene.world.machine.open(scene.id, "127.0.0.1", port).await.unwrap();
    let answer = scene.ask(&scene.project.http_url).await;
    let before = password(&answer).to_owned();

    scene.world.clock.advance(domain::SignedDuration::from_mins(110));
    let answer = scene.ask(&scene.project.http_url).await;

    assert_ne!(password(&answer), before);
    // Whatever the renewal set off has been looked at once the next connection is open.
    drop(scene.world.machine.open(scene.id, "127.0.0.1", port).await.unwrap());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(end.try_recv().is_err(), "it is still open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_the_right_to_push_is_refused_before_the_forge_does() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let redirect_uri = server.control.forge(&ready.admin, ready.forge).await.unwrap().redirect_uri;
    let scopes = ["api", "read_user", "openid", "email", "read_api", "read_repository", "write_repository"];
    let application = ready.gitlab.add_application(NewApplication::new(&redirect_uri, &scopes));
    set_application(&server.control, &ready.admin, ready.forge, &application).await;
    // An administrator, who sees the forge before its new application is verified.
    let caller = person(&server, "ada-lovelace", Role::Admin).await;
    let user = ready.gitlab.add_user("ada-lovelace");
    let scopes = ["read_user", "read_api", "read_repository"].map(str::to_owned).to_vec();
    let wish = LinkWish { forge: ready.forge, scopes: Some(scopes), return_to: None };
    let begun = server.control.begin_link(&caller, wish, None).await.unwrap();
    let trip = agree(begun, &ready.gitlab, &user).await;
    let outcome = server.control.callback(trip.input(Some(&caller))).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    let project = ready.gitlab.add_project("group/project", Visibility::Private, &user);
    let id = workspace(&server, &caller, &project.http_url).await;
    let scene = Scene { world, server, ready, caller, user, project, id };

    password(&scene.ask(&scene.project.http_url).await);
    let answer = scene.push().await;

    let (why, mend) = refused(&answer);
    assert_eq!(why, "your connection to Our GitLab may not push: it was not granted `write_repository`");
    assert!(mend.contains("/settings/integrations"), "{mend}");
    let facts = scene.server.control.ssh_key(&scene.caller).await.unwrap();
    wait_until(LIMIT, async || {
        let facts = scene.server.control.ssh_key(&scene.caller).await.unwrap();
        facts.uploads.first().is_some_and(|upload| upload.state == UploadState::NotWanted)
    })
    .await;
    assert_eq!(facts.uploads.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_forge_did_not_take_is_looked_at_before_the_next_use() {
    let scene = scene().await;
    let url = scene.project.http_url.clone();
    password(&scene.ask(&url).await);
    scene.ready.gitlab.revoke_tokens_of(&scene.user);

    let told = scene.world.machine.ask(scene.id, Question::CredentialRefused(wanted(&url))).await;
    assert!(matches!(told, AskAnswer::Nothing));
    let answer = scene.ask(&url).await;

    let (why, mend) = refused(&answer);
    assert!(why.contains("needs to be connected again"), "{why}");
    assert!(mend.contains("/settings/integrations"), "{mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn git_is_set_up_and_follows_the_owner_s_preferences() {
    let scene = scene().await;
    let seen = || scene.world.machine.state().git.get(&scene.id).cloned().unwrap();
    let settings = seen();
    let origin = format!("http://{}", scene.ready.gitlab.address());
    assert_eq!(settings.origins, [origin]);
    assert_eq!(settings.author_name.as_deref(), Some("ada-lovelace"));
    assert!(!settings.sign_commits && settings.signing_key.is_none());

    let change = GitPreferencesChange {
        author_name: Some("Ada".into()),
        author_email: Some("ada@example.com".into()),
        sign_commits: Some(true),
        dotfiles: None,
    };
    scene.server.control.set_git_preferences(&scene.caller, change).await.unwrap();

    wait_until(LIMIT, async || seen().sign_commits).await;
    let settings = seen();
    assert_eq!(settings.author_email.as_deref(), Some("ada@example.com"));
    assert!(settings.signing_key.unwrap().starts_with("ssh-ed25519 AAAA"));
    let clones = &scene.world.machine.state().clones;
    assert_eq!(clones.last().unwrap().author_name, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_the_release_before_is_told_the_author_with_the_clone() {
    let world = World::new().await;
    world.machine.state().is_old_agent = true;
    let server = world.server().await;

    let id = server.create(&world).await.id;
    server.until(id, is_running).await;

    assert_eq!(world.machine.state().clones.last().unwrap().author_name.as_deref(), Some("ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dotfiles_are_installed_and_never_stop_a_start() {
    let world = World::new().await;
    let server = world.server().await;
    let change = GitPreferencesChange { dotfiles: Some(world.url()), ..GitPreferencesChange::default() };
    server.control.set_git_preferences(&server.admin, change).await.unwrap();
    world.machine.state().dotfiles_failure = Some(("`setup` ended with 3".into(), "run it by hand".into()));

    let with_source = server.running(&world).await;
    let empty = server.control.create_workspace(&server.admin, NewWorkspace::default()).await.unwrap();
    let empty = server.until(empty.id, is_running).await;

    assert_eq!(world.machine.state().dotfiles, [world.url(), world.url()]);
    for workspace in [with_source, empty] {
        let notices = workspace.notices.join("\n");
        assert!(notices.contains("the dotfiles were not installed: `setup` ended with 3"), "{notices}");
    }
}
