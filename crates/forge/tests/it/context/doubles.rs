//! Every form of an address against the doubles of the products, through the real providers.

use domain::{Context, ForgeKind};
use forge::Credential;
use forge::context::{Asking, ContextError, Site, Target, parse, resolve};
use testkit::forge_double::{ForgeDouble, commit};
use testkit::gitlab::{GitlabDouble, Options, Visibility};
use vault::Secret;

use super::resolve::place;
use crate::forge_row::{open, row};

/// A product's double, and its provider.
struct World {
    url: String,
    site: Site,
    provider: std::sync::Arc<dyn forge::Provider>,
    credential: Credential,
}

impl World {
    fn new(kind: ForgeKind, url: &str, token: String) -> Self {
        let row = row(kind, url, "id", &["api"]);
        let credential = Credential::PersonalToken(Secret::new(token).into());
        Self { url: url.into(), site: Site::of(&row), provider: open(&row, "secret"), credential }
    }

    async fn ask(&self, path: &str, credential: &Credential) -> Result<Context, ContextError> {
        let parsed = parse(&format!("{}/{path}", self.url), std::slice::from_ref(&self.site))?;
        let Target::Site { page, .. } = &parsed.target else { panic!("{path}: no site") };
        let asking = Asking { provider: &*self.provider, credential, site: &self.site, login: "ada" };
        resolve(&asking, &parsed, page).await
    }

    async fn see(&self, path: &str) -> Context {
        let kind = self.site.kind;
        self.ask(path, &self.credential).await.unwrap_or_else(|error| panic!("{kind}: {path}: {error}"))
    }
}

async fn check(world: &World, cases: &[(String, &str)]) {
    let kind = world.site.kind;
    for (path, expected) in cases {
        let context = world.see(path).await;
        assert_eq!(place(&context), *expected, "{kind}: {path}");
        assert_eq!(context.warnings, Vec::<String>::new(), "{kind}: {path}");
    }
}

/// The pages of the standard content that are the same but for their addresses.
fn pages(kind: ForgeKind) -> Vec<(String, &'static str)> {
    let main = commit("main");
    let tree = |kind_word: &str, name: &str| match kind {
        ForgeKind::Github => format!("acme/shop/tree/{name}"),
        _ => format!("acme/shop/src/{kind_word}/{name}"),
    };
    let blob = |kind_word: &str, name: &str| match kind {
        ForgeKind::Github => format!("acme/shop/blob/{name}"),
        _ => format!("acme/shop/src/{kind_word}/{name}"),
    };
    let request = if kind == ForgeKind::Github { "pull" } else { "pulls" };
    vec![
        ("acme/shop".into(), "branch main"),
        ("acme/shop.git".into(), "branch main"),
        ("acme/shop/actions".into(), "branch main"),
        (tree("branch", "main"), "branch main"),
        (tree("branch", "feature/one"), "branch feature/one"),
        (tree("branch", "feature/one/docs"), "branch feature/one folder:docs"),
        (tree("branch", "feat/%C3%BCber"), "branch feat/über"),
        (tree("tag", "v1.0"), "tag v1.0"),
        (tree("tag", "release/2/docs/guide"), "tag release/2 folder:docs/guide"),
        (blob("branch", "main/src/main.rs"), "branch main file:src/main.rs"),
        (tree("commit", &main), "revision "),
        (blob("commit", &format!("{main}/README.md")), "revision  file:README.md"),
        (tree("commit", &format!("{}/docs", &main[..8])), "revision  folder:docs"),
        ("acme/shop/releases/tag/release/2".into(), "tag release/2"),
        (format!("acme/shop/commit/{main}"), "revision "),
        (format!("acme/shop/commit/{}", &main[..7]), "revision "),
        (format!("acme/shop/{request}/2"), "branch fix/typo"),
        ("acme/shop/issues/1".into(), "branch main"),
        // One numbering for both.
        ("acme/shop/issues/2".into(), "branch fix/typo"),
        (format!("acme/shop/{request}/1"), "branch main"),
        ("acme/secret".into(), "branch main"),
        ("developer/shop".into(), "branch main"),
    ]
}

#[tokio::test]
async fn pages_of_github_and_gitea_stand_for_what_they_show() {
    for kind in [ForgeKind::Github, ForgeKind::Gitea] {
        let double = ForgeDouble::start(kind).await;
        let world = World::new(kind, double.url(), double.token("developer"));

        check(&world, &pages(kind)).await;

        let request = if kind == ForgeKind::Github { "acme/shop/pull" } else { "acme/shop/pulls" };
        let context = world.see(&format!("{request}/2")).await;
        assert_eq!((context.repository.owner.as_str(), context.title.as_str()), ("developer", "Mend a typo"));
        assert_eq!(context.revision, Some(commit("fix/typo")), "{kind}");
        assert_eq!(context.base.as_ref().unwrap().reference.as_str(), "main");
        assert_eq!(context.upstream, Some(context.base.unwrap().repository.clone_url), "{kind}");
        let gone = world.see(&format!("{request}/3")).await;
        assert_eq!((gone.reference, gone.revision), (None, Some(commit("gone"))), "{kind}");
        let lost = if kind == ForgeKind::Github {
            "`gone` in `acme/shop` was deleted"
        } else {
            "its branch or the repository"
        };
        assert!(gone.warnings[0].contains(lost), "{kind}: {:?}", gone.warnings);
        let issue = world.see("acme/shop/issues/1").await;
        assert_eq!(issue.local_branch.unwrap().as_str(), "ada/it-is-slow-1");
        assert_eq!(issue.issue.unwrap().title, "It is slow", "{kind}");
        assert!(issue.merge_request.is_none(), "{kind}");
        let missing = world.see("acme/shop/releases/tag/Release/2").await;
        assert!(missing.warnings[0].contains("did you mean `release/2`?"), "{kind}: {:?}", missing.warnings);
        let fork = world.see("developer/shop").await;
        assert!(fork.upstream.unwrap().to_string().ends_with("/acme/shop.git"), "{kind}");
        assert!(world.see("acme/secret").await.repository.private, "{kind}");
        assert!(!world.see("acme/shop").await.repository.private, "{kind}");
        for (path, code) in [
            ("acme/nothing", "repository_missing"),
            ("acme/shop/issues/99", "number_missing"),
            ("acme/shop/commit/0123456789abcdef", "commit_missing"),
        ] {
            let error = world.ask(path, &world.credential).await.unwrap_err();
            assert_eq!(error.code(), code, "{kind}: {error}");
        }
        let hidden = world.ask("acme/secret", &Credential::Anonymous).await.unwrap_err();
        assert_eq!(hidden.code(), "repository_missing", "{kind}: {hidden}");
    }
}

#[tokio::test]
async fn pages_of_gitlab_stand_for_what_they_show() {
    let double = GitlabDouble::start(Options::default()).await;
    let dev = double.add_user("dev");
    let other = double.add_user("other");
    let project = double.add_project("group/sub/project", Visibility::Private, &dev);
    let open = double.add_project("group/open", Visibility::Public, &dev);
    double.add_project("group/internal", Visibility::Internal, &dev);
    double.add_empty_project("group/empty", Visibility::Public, &dev);
    let fork = double.fork_project(&open, &other);
    let head = double.push_commit(&fork, &other, "change/it", ("a.txt", "a\n"));
    let request = double.add_merge_request(&open, &fork, "change/it", &other, "Change it");
    let issue = double.add_issue(&project, &dev, "It is slow");
    let token = double.add_personal_token(&dev, &["api"]);
    let world = World::new(ForgeKind::Gitlab, double.url(), token);
    let main = world.see("group/sub/project").await.revision.unwrap();

    let at = |page: &str| format!("group/sub/project/{page}");
    check(
        &world,
        &[
            (at(""), "branch main"),
            ("group/sub/project.git".into(), "branch main"),
            (at("-/pipelines"), "branch main"),
            (at("-/tree/feature/one"), "branch feature/one"),
            (at("-/tree/feature/one?ref_type=heads"), "branch feature/one"),
            (at("-/tree/main/docs"), "branch main folder:docs"),
            (at("-/blob/main/docs/guide.md"), "branch main file:docs/guide.md"),
            (
                at("-/blob/feat/umlaut-%C3%BC/docs/%C3%BCbersicht.md"),
                "branch feat/umlaut-ü file:docs/übersicht.md",
            ),
            (at("-/commits/v1.1"), "tag v1.1"),
            (at("-/tags/v1.0"), "tag v1.0"),
            (at(&format!("-/blob/{main}/README.md")), "revision  file:README.md"),
            (at(&format!("-/tree/{}", &main[..8])), "revision "),
            (at(&format!("-/commit/{main}")), "revision "),
            (at(&format!("-/issues/{}", issue.iid)), "branch main"),
            // As they were before there was a dash.
            (at("tree/main/docs"), "branch main folder:docs"),
            (at(&format!("issues/{}", issue.iid)), "branch main"),
            (at("pipelines"), "branch main"),
            (format!("group/open/-/merge_requests/{}", request.iid), "branch change/it"),
            ("group/empty".into(), " "),
        ],
    )
    .await;

    let context = world.see(&format!("group/open/-/merge_requests/{}/diffs", request.iid)).await;
    assert_eq!((context.title.as_str(), context.revision.as_deref()), ("Change it", Some(head.as_str())));
    assert_eq!(context.repository.owner, "other");
    assert_eq!(context.upstream.unwrap().to_string(), open.http_url);
    assert!(world.see("group/internal").await.repository.private, "not everybody in the world sees it");
    let issue = world.see(&at(&format!("-/issues/{}", issue.iid))).await;
    assert_eq!(issue.local_branch.unwrap().as_str(), "ada/it-is-slow-1");
    let missing = world.see(&at("-/tree/1.0")).await;
    assert!(missing.warnings[0].contains("did you mean `v1.0`?"), "{:?}", missing.warnings);
    for path in ["group/sub/project", "group/nothing", "group/internal"] {
        let hidden = world.ask(path, &Credential::Anonymous).await.unwrap_err();
        assert_eq!(hidden.code(), "repository_missing", "{path}: {hidden}");
    }
    double.delete_project(&fork);
    let gone =
        world.ask(&format!("group/open/-/merge_requests/{}", request.iid), &world.credential).await.unwrap();
    assert_eq!((gone.reference, gone.revision.as_deref()), (None, Some(head.as_str())));
    assert!(gone.warnings[0].contains("gone, or not yours"), "{:?}", gone.warnings);
}
