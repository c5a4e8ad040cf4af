//! GitLab's API, asked of a double that independent clients vouch for.

use domain::{ForgeKind, RefKind};
use forge::{
    AddKey, CommitState, CommitStatus, Credential, Fault, Hook, HookEvent, HookProof, NewHook, PathKind,
    Provider, Sent, Subject,
};
use http::Method;
use testkit::gitlab::{
    Authorization, Fault as Trouble, GitlabDouble, Matcher, Options, Project, User, Visibility,
};
use url::Url;
use vault::Secret;

use crate::forge_row::{open, row};

struct World {
    gitlab: GitlabDouble,
    dev: User,
    project: Project,
    provider: std::sync::Arc<dyn Provider>,
    credential: Credential,
}

async fn world(options: Options) -> World {
    let gitlab = GitlabDouble::start(options).await;
    let dev = gitlab.add_user("dev");
    let project = gitlab.add_project("group/sub/project", Visibility::Private, &dev);
    let token = gitlab.add_personal_token(&dev, &["api"]);
    let provider = open(&row(ForgeKind::Gitlab, gitlab.url(), "id", &["api"]), "secret");
    let credential = Credential::PersonalToken(Secret::new(token).into());
    World { gitlab, dev, project, provider, credential }
}

impl World {
    async fn repository(&self) -> domain::Repository {
        let found = self.provider.repository(&self.credential, &self.project.path).await.unwrap();
        found.unwrap().repository
    }
}

#[tokio::test]
async fn a_project_is_found_by_its_path_however_deep() {
    let world = world(Options::default()).await;

    let found = world.provider.repository(&world.credential, "group/sub/project").await.unwrap().unwrap();

    assert_eq!((found.repository.owner.as_str(), found.repository.name.as_str()), ("group/sub", "project"));
    assert_eq!(found.repository.id, world.project.id.to_string());
    assert_eq!(
        found.repository.clone_url.to_string(),
        format!("{}/group/sub/project.git", world.gitlab.url())
    );
    assert_eq!(found.repository.default_branch.unwrap().as_str(), "main");
    assert!(found.repository.private);
    let nobody = Credential::Anonymous;
    assert!(world.provider.repository(&nobody, "group/sub/project").await.unwrap().is_none());
    for path in ["group/none", "none", "", "..", "group/../x", "group/sub/project/-/tree"] {
        assert!(world.provider.repository(&world.credential, path).await.unwrap().is_none(), "{path}");
    }
}

#[tokio::test]
async fn visibility_forks_and_empty_projects_are_told() {
    let world = world(Options::default()).await;
    let (gitlab, dev) = (&world.gitlab, &world.dev);
    let open = gitlab.add_project("group/open", Visibility::Public, dev);
    gitlab.add_project("group/inner", Visibility::Internal, dev);
    gitlab.add_empty_project("group/empty", Visibility::Public, dev);
    let other = gitlab.add_user("other");
    gitlab.fork_project(&open, &other);
    let get = async |credential: &Credential, path: &str| {
        world.provider.repository(credential, path).await.unwrap().unwrap()
    };

    assert!(!get(&world.credential, "group/open").await.repository.private);
    assert!(!get(&Credential::Anonymous, "group/open").await.repository.private);
    assert!(get(&world.credential, "group/inner").await.repository.private);
    assert_eq!(get(&world.credential, "group/empty").await.repository.default_branch, None);
    let fork = get(&world.credential, "other/open").await;
    assert_eq!(fork.parent.unwrap().id, open.id.to_string());
}

#[tokio::test]
async fn a_moved_project_is_found_where_it_was() {
    let world = world(Options::version("18.1.1-ee")).await;
    world.gitlab.move_project(&world.project, "elsewhere/renamed");

    let found = world.provider.repository(&world.credential, "group/sub/project").await.unwrap().unwrap();

    assert_eq!((found.repository.owner.as_str(), found.repository.name.as_str()), ("elsewhere", "renamed"));
}

#[tokio::test]
async fn names_stand_for_branches_tags_and_commits() {
    let world = world(Options::default()).await;
    let repository = world.repository().await;
    let find = async |name: &str, kind| {
        world.provider.find_ref(&world.credential, &repository, name, kind).await.unwrap()
    };

    let main = find("main", None).await.unwrap();
    assert_eq!(main.kind, RefKind::Branch);
    assert_eq!(find("feature/one", None).await.unwrap().kind, RefKind::Branch);
    assert_eq!(find("feat/umlaut-ü", None).await.unwrap().name, "feat/umlaut-ü");
    let annotated = find("v1.1", None).await.unwrap();
    assert_eq!((annotated.kind, &annotated.sha), (RefKind::Tag, &main.sha), "followed to its commit");
    assert!(find("v1.0", Some(RefKind::Branch)).await.is_none());
    assert_eq!(find(&main.sha[..8], Some(RefKind::Revision)).await.unwrap().sha, main.sha);
    for name in ["feature", "none", "", "..", "a..b", &main.sha] {
        assert!(find(name, None).await.is_none(), "{name}");
    }
    let commit = async |sha: &str| world.provider.commit(&world.credential, &repository, sha).await.unwrap();
    assert_eq!(commit(&main.sha[..7]).await.as_deref(), Some(main.sha.as_str()));
    assert_eq!(commit("main").await, None, "a branch is no commit");
    assert_eq!(commit("0000000").await, None);
}

#[tokio::test]
async fn paths_are_files_or_folders() {
    let world = world(Options::default()).await;
    let repository = world.repository().await;
    for (reference, path, expected) in [
        ("main", "", Some(PathKind::Folder)),
        ("main", "README.md", Some(PathKind::File)),
        ("main", "docs", Some(PathKind::Folder)),
        ("main", "docs/guide.md", Some(PathKind::File)),
        ("main", "docs/none.md", None),
        ("feat/umlaut-ü", "docs/übersicht.md", Some(PathKind::File)),
        ("none", "README.md", None),
        ("main", "..", None),
    ] {
        let kind = world.provider.path_kind(&world.credential, &repository, reference, path).await.unwrap();
        assert_eq!(kind, expected, "{path} in {reference}");
    }
}

#[tokio::test]
async fn merge_requests_and_issues_are_found_by_number() {
    let world = world(Options::default()).await;
    let (gitlab, dev) = (&world.gitlab, &world.dev);
    let target = gitlab.add_project("group/open", Visibility::Public, dev);
    let other = gitlab.add_user("other");
    let fork = gitlab.fork_project(&target, &other);
    let head = gitlab.push_commit(&fork, &other, "change", ("a.txt", "a\n"));
    let request = gitlab.add_merge_request(&target, &fork, "change", &other, "Change it");
    let issue = gitlab.add_issue(&target, dev, "It is slow");
    let (provider, credential) = (&world.provider, &world.credential);
    let repository = provider.repository(credential, "group/open").await.unwrap().unwrap().repository;

    let found = provider.merge_request(credential, &repository, request.iid).await.unwrap().unwrap();

    assert_eq!((found.title.as_str(), found.number), ("Change it", request.iid));
    let source = found.source.unwrap();
    assert_eq!((source.repository.owner.as_str(), source.name.as_str()), ("other", "change"));
    assert_eq!((found.target.repository.owner.as_str(), found.target.name.as_str()), ("group", "main"));
    assert_eq!(found.head.as_deref(), Some(head.as_str()));
    assert_eq!(found.head_ref.as_deref(), Some("refs/merge-requests/1/head"));
    assert!(provider.merge_request(credential, &repository, 99).await.unwrap().is_none());
    let found = provider.issue(credential, &repository, issue.iid).await.unwrap().unwrap();
    assert_eq!((found.title.as_str(), found.number), ("It is slow", issue.iid));
    assert!(provider.issue(credential, &repository, 99).await.unwrap().is_none());
    gitlab.delete_project(&fork);
    let found = provider.merge_request(credential, &repository, request.iid).await.unwrap().unwrap();
    assert!(found.source.is_none(), "the fork is gone");
}

#[tokio::test]
async fn a_key_is_uploaded_once_and_another_accounts_is_named() {
    let world = world(Options::default()).await;
    let (provider, credential) = (&world.provider, &world.credential);
    let other = world.gitlab.add_user("other");
    let others =
        Credential::PersonalToken(Secret::new(world.gitlab.add_personal_token(&other, &["api"])).into());
    let line = vault_line();

    let added = provider.add_key(credential, "Hearth", &line).await.unwrap();
    let again = provider.add_key(credential, "Hearth", &line).await.unwrap();
    let taken = provider.add_key(&others, "Hearth", &line).await.unwrap();

    let AddKey::Added { id } = added else { panic!("{added:?}") };
    assert_eq!(again, AddKey::AlreadyThere { id: id.clone() });
    assert_eq!(taken, AddKey::TakenByAnother);
    assert_eq!(provider.keys(credential).await.unwrap().len(), 1);
    provider.remove_key(credential, &id).await.unwrap();
    provider.remove_key(credential, &id).await.unwrap();
    assert!(provider.keys(credential).await.unwrap().is_empty());
    let bad = provider.add_key(credential, "Hearth", "ssh-ed25519 nonsense").await.unwrap_err();
    assert_eq!(*bad.fault(), Fault::Request, "{bad}");
}

fn vault_line() -> String {
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hearth".into()
}

#[tokio::test]
async fn hooks_statuses_and_comments_arrive() {
    let world = world(Options::default()).await;
    let (provider, credential) = (&world.provider, &world.credential);
    let repository = world.repository().await;
    let url = Url::parse("https://hearth.example.com/hooks/1").unwrap();
    let hook = NewHook {
        url: url.clone(),
        proof: HookProof::Shared(Secret::new("shared".into())),
        events: vec![HookEvent::Push, HookEvent::MergeRequest],
    };

    let Hook { id, .. } = provider.add_hook(credential, &repository, &hook).await.unwrap();

    let hooks = provider.hooks(credential, &repository).await.unwrap();
    assert_eq!(hooks, [Hook { id: id.clone(), url: url.as_str().into() }]);
    provider.remove_hook(credential, &repository, &id).await.unwrap();
    provider.remove_hook(credential, &repository, &id).await.unwrap();
    assert!(provider.hooks(credential, &repository).await.unwrap().is_empty());

    let main = provider.find_ref(credential, &repository, "main", None).await.unwrap().unwrap();
    let status = CommitStatus {
        state: CommitState::Success,
        name: "hearth".into(),
        description: "ready".into(),
        target_url: None,
    };
    provider.set_commit_status(credential, &repository, &main.sha, &status).await.unwrap();
    let issue = world.gitlab.add_issue(&world.project, &world.dev, "It is slow");
    provider.comment(credential, &repository, Subject::Issue(issue.iid), "Seen.").await.unwrap();
    let posted: Vec<_> = world.gitlab.requests().into_iter().filter(|it| it.method == "POST").collect();
    assert!(posted.iter().all(|it| it.status == Some(201)), "{posted:?}");
}

#[tokio::test]
async fn the_account_its_projects_and_the_version_are_told() {
    let world = world(Options::version("15.11.13")).await;
    let (provider, credential) = (&world.provider, &world.credential);
    world.gitlab.add_project("dev/notes", Visibility::Private, &world.dev);

    let account = provider.who(credential).await.unwrap();
    let listed = provider.repositories(credential, None, 1).await.unwrap();
    let found = provider.repositories(credential, Some("note"), 1).await.unwrap();

    assert_eq!((account.subject, account.login), (world.dev.id.to_string(), world.dev.username.clone()));
    assert!(!account.email_verified, "only an identity token says so");
    assert_eq!((listed.repositories.len(), listed.next), (2, None));
    assert_eq!(found.repositories.len(), 1);
    assert_eq!(provider.version(credential).await.unwrap().as_deref(), Some("15.11.13"));
    assert_eq!(provider.version(&Credential::Anonymous).await.unwrap(), None);
    assert_eq!(provider.scopes_of(credential).await.unwrap(), Some(vec!["api".into()]));
}

#[tokio::test]
async fn what_is_missing_is_named_as_a_scope() {
    let world = world(Options::default()).await;
    let token = world.gitlab.add_personal_token(&world.dev, &["read_api"]);
    let credential = Credential::PersonalToken(Secret::new(token).into());

    let error = world.provider.add_key(&credential, "Hearth", &vault_line()).await.unwrap_err();

    let Fault::MissingScope { scopes } = error.fault() else { panic!("{error:?}") };
    assert!(scopes.contains(&"api".to_owned()), "{scopes:?}");
}

#[tokio::test]
async fn tokens_travel_in_a_header_and_never_in_an_address_or_an_error() {
    let world = world(Options::default()).await;
    let (provider, gitlab) = (&world.provider, &world.gitlab);
    let secret = world.credential.token().unwrap().expose().clone();
    let troubles = [
        (Trouble::NotJson, Fault::Protocol),
        (Trouble::Huge(11 << 20), Fault::Protocol),
        (Trouble::Status(404, "<html>no</html>".into()), Fault::NotFound),
        (Trouble::Status(422, secret.clone()), Fault::Request),
    ];
    for (trouble, expected) in troubles {
        gitlab.fault(Matcher::path("/user"), trouble, 1);
        let error = provider.who(&world.credential).await.unwrap_err();
        assert_eq!(*error.fault(), expected, "{error}");
        let mut told = format!("{error:?} {error} {}", error.mend());
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            told.push_str(&cause.to_string());
            source = cause.source();
        }
        assert!(!told.contains(&secret), "{told}");
    }
    for request in gitlab.requests() {
        assert_eq!(request.authorization, Authorization::Bearer, "{request:?}");
        assert!(!request.query.contains(&secret) && !request.path.contains(&secret));
    }
}

#[tokio::test]
async fn trouble_that_passes_is_tried_again_only_where_nothing_changes() {
    let world = world(Options::default()).await;
    let (provider, gitlab, credential) = (&world.provider, &world.gitlab, &world.credential);
    let repository = world.repository().await;

    gitlab.fault(Matcher::path("/user"), Trouble::Status(502, "<html>Bad gateway</html>".into()), 1);
    let asked = provider.who(credential).await;
    gitlab.fault(Matcher::method(Method::POST, "/notes"), Trouble::Drop, 1);
    let issue = gitlab.add_issue(&world.project, &world.dev, "It is slow");
    let told = provider.comment(credential, &repository, Subject::Issue(issue.iid), "Seen.").await;

    assert!(asked.is_ok());
    let told = told.unwrap_err();
    assert_eq!(*told.fault(), Fault::Passing { sent: Sent::Unknown, retry_after: None }, "{told}");
}
