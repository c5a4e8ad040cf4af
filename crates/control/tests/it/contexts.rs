//! What pasted addresses mean, asked with people's own accounts, and the workspaces made of them.

use control::{Error, ForgeSettings, NewForge, NewTeam, NewUser, NewWorkspace, Settings};
use domain::{Caller, ForgeId, RefKind, Role, TeamRole, Via, Workspace};
use testkit::gitlab::{GitlabDouble, Options, Project, User, Visibility};
use vault::Secret;

use crate::sim::{Server, World, phase_of};

async fn serve(world: &World) -> Server {
    let network = outbound::Policy::with_loopback();
    world.server_with(Settings { network, ..world.settings() }).await
}

/// Somebody on the local socket.
async fn person(server: &Server, name: &str) -> Caller {
    let password = "correct horse battery".to_owned().into();
    let wish = NewUser { name: name.into(), password, role: Role::Member, email: None };
    let user = server.control.create_user(&server.admin, wish).await.unwrap();
    Caller { user: user.id, role: user.role, via: Via::LocalSocket }
}

/// A GitLab with a private project that `dev` may see.
struct Forge {
    gitlab: GitlabDouble,
    dev: User,
    project: Project,
}

impl Forge {
    async fn start() -> Self {
        let gitlab = GitlabDouble::start(Options::default()).await;
        let dev = gitlab.add_user("dev");
        let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
        Self { gitlab, dev, project }
    }

    /// Registers it, for the platform or a team.
    async fn register(&self, server: &Server, by: &Caller, team: Option<&str>) -> ForgeId {
        let settings =
            ForgeSettings { auth_method: Some("personal_token".into()), ..ForgeSettings::default() };
        let wish = NewForge {
            kind: "gitlab".into(),
            name: Some("Our GitLab".into()),
            web_url: Some(self.gitlab.url().into()),
            team: team.map(Into::into),
            settings,
        };
        server.control.create_forge(by, wish).await.unwrap().forge.id
    }

    /// Links an account there.
    async fn link(&self, server: &Server, caller: &Caller, forge: ForgeId, user: &User) {
        let token = self.gitlab.add_personal_token(user, &["api"]);
        server.control.link_with_token(caller, forge, Secret::new(token)).await.unwrap();
    }

    /// Registers it for everybody; it has been verified by its registrar's own account.
    async fn ready(&self, server: &Server) -> ForgeId {
        let forge = self.register(server, &server.admin, None).await;
        let root = self.gitlab.add_user("root");
        self.link(server, &server.admin, forge, &root).await;
        forge
    }

    fn page(&self, page: &str) -> String {
        format!("{}/group/sub/project{page}", self.gitlab.url())
    }
}

fn of(url: &str) -> NewWorkspace {
    NewWorkspace { url: Some(url.into()), ..NewWorkspace::default() }
}

async fn make(server: &Server, caller: &Caller, wish: NewWorkspace) -> Workspace {
    server.control.create_workspace(caller, wish).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_page_is_shown_to_whoever_has_linked_an_account_that_may_see_it() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let id = forge.ready(&server).await;
    let (ada, eve) = (person(&server, "ada-l").await, person(&server, "eve").await);
    let stranger = forge.gitlab.add_user("stranger");
    forge.link(&server, &ada, id, &forge.dev).await;
    let page = forge.page("/-/tree/feature/one");

    let context = server.control.resolve_context(&ada, &page).await.unwrap();
    let unlinked = server.control.resolve_context(&eve, &page).await.unwrap_err();
    forge.link(&server, &eve, id, &stranger).await;
    let not_theirs = server.control.resolve_context(&eve, &page).await.unwrap_err();

    assert_eq!((context.forge, context.ref_kind), (Some(id), Some(RefKind::Branch)));
    assert_eq!(context.reference.unwrap().as_str(), "feature/one");
    assert!(context.repository.private);
    let Error::LinkNeeded { forge, name, why } = unlinked else { panic!("{unlinked:?}") };
    assert_eq!((forge, name.as_str()), (id, "Our GitLab"));
    assert!(why.contains("does not exist or is private"), "{why}");
    assert_eq!(not_theirs.code(), "repository_missing", "{not_theirs}");
    assert!(not_theirs.mend().contains("whether your account"), "{}", not_theirs.mend());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_page_needs_no_account_and_what_is_not_there_is_named() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let id = forge.ready(&server).await;
    forge.gitlab.add_project("group/open", Visibility::Public, &forge.dev);
    let eve = person(&server, "eve").await;
    let open = format!("{}/group/open", forge.gitlab.url());

    let context = server.control.resolve_context(&eve, &format!("#A=1/{open}")).await.unwrap();
    let missing = server.control.resolve_context(&eve, &format!("{open}/-/issues/99")).await.unwrap_err();
    let senseless = server.control.resolve_context(&eve, &format!("{open}/-/commit/x")).await.unwrap_err();

    assert_eq!((context.forge, context.url.as_str()), (Some(id), open.as_str()));
    assert_eq!(context.options.variables.len(), 1);
    assert_eq!(missing.code(), "number_missing", "{missing}");
    assert_eq!(senseless.code(), "invalid", "{senseless}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_account_still_reads_what_everybody_may() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let id = forge.ready(&server).await;
    forge.gitlab.add_project("group/open", Visibility::Public, &forge.dev);
    let ada = person(&server, "ada-l").await;
    forge.link(&server, &ada, id, &forge.dev).await;
    forge.gitlab.delete_user(&forge.dev);

    let open = format!("{}/group/open", forge.gitlab.url());
    let context = server.control.resolve_context(&ada, &open).await.unwrap();
    let private = server.control.resolve_context(&ada, &forge.page("")).await.unwrap_err();

    assert_eq!(context.title, "group/open - main");
    assert_eq!(private.code(), "link_needed", "{private}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_forge_is_known_to_its_members_only() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let (ada, eve) = (person(&server, "ada-l").await, person(&server, "eve").await);
    server.control.create_team(&server.admin, NewTeam { slug: "acme".into(), name: None }).await.unwrap();
    server.control.set_member(&server.admin, "acme", ada.user, TeamRole::Owner).await.unwrap();
    let id = forge.register(&server, &ada, Some("acme")).await;
    forge.link(&server, &ada, id, &forge.dev).await;

    let known = server.control.resolve_context(&ada, &forge.page("")).await.unwrap();
    // What goes on by itself after a link, such as looking at the account, is no question about an address.
    let asked = || forge.gitlab.requests().iter().filter(|it| it.path.contains("/projects/")).count();
    let before = asked();
    let unknown = server.control.resolve_context(&eve, &forge.page("")).await.unwrap();

    assert_eq!(known.forge, Some(id));
    assert_eq!((unknown.forge, unknown.kind), (None, None));
    assert!(before > 0, "{:?}", forge.gitlab.requests().iter().map(|it| &it.path).collect::<Vec<_>>());
    assert_eq!(asked(), before, "of an unknown forge nothing is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_nobody_verified_is_known_to_its_registrar_only() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let eve = person(&server, "eve").await;
    forge.gitlab.add_project("group/open", Visibility::Public, &forge.dev);
    let id = forge.register(&server, &server.admin, None).await;
    let open = format!("{}/group/open", forge.gitlab.url());

    assert_eq!(server.control.resolve_context(&server.admin, &open).await.unwrap().forge, Some(id));
    assert_eq!(server.control.resolve_context(&eve, &open).await.unwrap().forge, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_request_becomes_a_workspace_of_its_source() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let id = forge.ready(&server).await;
    let ada = person(&server, "ada-l").await;
    forge.link(&server, &ada, id, &forge.dev).await;
    let fork = forge.gitlab.fork_project(&forge.project, &forge.dev);
    let head = forge.gitlab.push_commit(&fork, &forge.dev, "change/it", ("a.txt", "a\n"));
    let request = forge.gitlab.add_merge_request(&forge.project, &fork, "change/it", &forge.dev, "Change it");
    let page = forge.page(&format!("/-/merge_requests/{}", request.iid));

    let workspace = make(&server, &ada, of(&page)).await;
    let other = make(&server, &ada, NewWorkspace { reference: Some("main".into()), ..of(&page) }).await;

    assert_eq!(workspace.name.as_str(), format!("project-mr-{}", request.iid));
    let source = workspace.source.unwrap();
    assert_eq!(source.repository.to_string(), fork.http_url);
    assert_eq!(source.reference.unwrap().as_str(), "change/it");
    assert_eq!((source.checkout.ref_kind, source.checkout.revision), (Some(RefKind::Branch), Some(head)));
    assert_eq!(source.checkout.upstream.unwrap().to_string(), forge.project.http_url);
    assert_eq!(source.checkout.upstream_branch.unwrap().as_str(), "main");
    assert_eq!(source.checkout.title.as_deref(), Some("Change it"));
    let source = other.source.unwrap();
    assert_eq!(source.reference.unwrap().as_str(), "main", "what was wished for wins over the page");
    assert_eq!((source.checkout.ref_kind, source.checkout.revision), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_and_a_file_become_workspaces() {
    let (world, forge) = (World::new().await, Forge::start().await);
    let server = serve(&world).await;
    let id = forge.ready(&server).await;
    let ada = person(&server, "ada-l").await;
    forge.link(&server, &ada, id, &forge.dev).await;
    let issue = forge.gitlab.add_issue(&forge.project, &forge.dev, "It is slow");

    let of_issue = make(&server, &ada, of(&forge.page(&format!("/-/issues/{}", issue.iid)))).await;
    let of_file = make(&server, &ada, of(&forge.page("/-/blob/v1.1/docs/guide.md"))).await;
    let of_nothing = make(&server, &ada, of(&forge.page("/-/tree/nothing"))).await;

    assert_eq!(of_issue.name.as_str(), format!("project-issue-{}", issue.iid));
    let checkout = of_issue.source.unwrap().checkout;
    assert_eq!(checkout.local_branch.unwrap().as_str(), format!("dev/it-is-slow-{}", issue.iid));
    let source = of_file.source.unwrap();
    assert_eq!((source.reference.unwrap().as_str(), source.checkout.ref_kind), ("v1.1", Some(RefKind::Tag)));
    assert_eq!(source.checkout.path.as_deref(), Some("docs/guide.md"));
    assert_eq!(of_nothing.source.unwrap().reference.unwrap().as_str(), "main");
    let [notice] = of_nothing.notices.as_slice() else { panic!("{:?}", of_nothing.notices) };
    assert!(notice.contains("no branch or tag `nothing`"), "{notice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_act_only_when_they_are_confirmed_and_nothing_is_left_out_in_silence() {
    let world = World::new().await;
    let server = world.server().await;
    let url = format!("imagebuild/open-prebuild/p1/A=1,B=2,LD_PRELOAD=x/{}", world.url());

    let confirmed = vec!["A".into(), "LD_PRELOAD".into(), "C".into()];
    let wish = NewWorkspace { confirmed_variables: confirmed, ..of(&url) };
    let workspace = make(&server, &server.admin, wish).await;

    let set: Vec<(&str, &str)> = workspace
        .variables
        .iter()
        .map(|variable| (variable.name.as_str(), variable.value.as_str()))
        .collect();
    assert_eq!(set, [("A", "1")]);
    let notices = workspace.notices.join("\n");
    for expected in ["variables `B`", "variable `LD_PRELOAD`", "`imagebuild/`", "prebuild `p1`"] {
        assert!(notices.contains(expected), "{expected}: {notices}");
    }
    assert_eq!(workspace.source.unwrap().repository.to_string(), world.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_for_a_prebuild_makes_no_workspace() {
    let world = World::new().await;
    let server = world.server().await;

    let wish = of(&format!("prebuild/{}", world.url()));
    let error = server.control.create_workspace(&server.admin, wish).await.unwrap_err();

    assert_eq!(error.code(), "invalid");
    assert!(error.mend().contains("`prebuild/`"), "{}", error.mend());
    assert!(server.control.workspaces(&server.admin, None, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshots_address_leads_to_the_callers_own_only() {
    let world = World::new().await;
    let server = world.server().await;
    let eve = person(&server, "eve").await;
    let first = server.running(&world).await;
    server.control.stop_workspace(&server.admin, first.id).await.unwrap();
    server.until(first.id, phase_of("stopped")).await;
    let snapshot = server.control.take_snapshot(&server.admin, first.id).await.unwrap();
    let url = format!("#A=1/snapshot/{}", snapshot.id);

    let wish = NewWorkspace { confirmed_variables: vec!["A".into()], ..of(&url) };
    let workspace = make(&server, &server.admin, wish).await;
    let context = server.control.resolve_context(&server.admin, &url).await.unwrap();

    assert_eq!((workspace.base, workspace.variables.len()), (Some(snapshot.id), 1));
    assert_eq!(workspace.source, first.source);
    assert_eq!(context.repository.clone_url.to_string(), world.url());
    assert!(context.title.starts_with("Snapshot of "), "{}", context.title);
    assert_eq!(server.control.resolve_context(&eve, &url).await.unwrap_err().code(), "not_found");
    assert_eq!(server.control.create_workspace(&eve, of(&url)).await.unwrap_err().code(), "not_found");
    let wish = NewWorkspace { reference: Some("main".into()), ..of(&url) };
    assert_eq!(server.control.create_workspace(&server.admin, wish).await.unwrap_err().code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_repository_is_taken_without_asking_anybody() {
    let world = World::new().await;
    let server = world.server().await;

    // Nothing answers there, which only the start finds out.
    let workspace = make(&server, &server.admin, of("https://no-such-host.invalid/team/thing.git")).await;
    let context =
        server.control.resolve_context(&server.admin, "git@no-such-host.invalid:team/thing").await.unwrap();

    assert_eq!(workspace.name.as_str(), "thing");
    let source = workspace.source.unwrap();
    assert_eq!((source.reference, source.checkout), (None, domain::Checkout::default()));
    assert_eq!(context.title, "team/thing");
    assert_eq!(context.repository.clone_url.to_string(), "https://no-such-host.invalid/team/thing");
    assert!(context.warnings[0].contains("over HTTPS instead"), "{:?}", context.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_made_in_a_team_of_its_owners() {
    let world = World::new().await;
    let server = world.server().await;
    let eve = person(&server, "eve").await;
    let team =
        server.control.create_team(&server.admin, NewTeam { slug: "acme".into(), name: None }).await.unwrap();

    let wish = NewWorkspace { team: Some("acme".into()), ..NewWorkspace::default() };
    let made = make(&server, &server.admin, wish.clone()).await;
    let refused = server.control.create_workspace(&eve, wish).await.unwrap_err();
    server.until(made.id, phase_of("running")).await;
    server.control.stop_workspace(&server.admin, made.id).await.unwrap();
    server.until(made.id, phase_of("stopped")).await;
    let fork = server.control.fork_workspace(&server.admin, made.id).await.unwrap();

    assert_eq!((made.team, fork.team), (team.team.id, team.team.id));
    assert_eq!(refused.code(), "not_found", "{refused}");
}
