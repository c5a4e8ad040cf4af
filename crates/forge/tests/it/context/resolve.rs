//! What a page stands for: against a forge in memory, one rule at a time.

use domain::{Context, ForgeKind, RefKind};
use forge::Fault;
use forge::context::branch_for_issue;

use super::memory::{Hosted, Memory, Request, sha};

const GITLAB: &str = "https://gitlab.example.com";
const GITHUB: &str = "https://github.example.com";

fn gitlab() -> Memory {
    let project = Hosted {
        files: vec!["README.md", "src/main.rs", "feature/notes.md"],
        issues: vec![(12, "Fix the Überlong thing: crash!")],
        requests: vec![
            Request {
                number: 7,
                title: "Add a thing",
                source: Some(("fork/project", "thing")),
                head: Some(sha("thing")),
                target: "main",
            },
            Request {
                number: 8,
                title: "Own",
                source: Some(("group/project", "feature/x")),
                head: None,
                target: "main",
            },
            Request {
                number: 9,
                title: "Branch gone",
                source: Some(("fork/project", "gone")),
                head: Some(sha("gone")),
                target: "main",
            },
            Request { number: 10, title: "Fork gone", source: None, head: None, target: "main" },
        ],
        ..Hosted::new("main")
            .branch("feature/x")
            .tag("main/src")
            .tag("main/README.md")
            .tag("v1.0")
            .branch("übung")
            .branch("deadbeef")
    };
    Memory::new(ForgeKind::Gitlab)
        .with("group/project", project)
        .with("group/sub/project", Hosted::new("trunk"))
        .with("fork/project", Hosted { parent: Some("group/project"), ..Hosted::new("main").branch("thing") })
        .with("group/empty", Hosted { default_branch: Some("main"), ..Hosted::default() })
        .with("group/bare", Hosted::default())
}

fn github() -> Memory {
    let repository = Hosted {
        issues: vec![(3, "An issue")],
        requests: vec![Request {
            number: 4,
            title: "A change",
            source: Some(("owner/repo", "change")),
            head: None,
            target: "main",
        }],
        ..Hosted::new("main").branch("change")
    };
    Memory::new(ForgeKind::Github).with("owner/repo", repository)
}

async fn gitlab_context(path: &str) -> Context {
    gitlab().resolve(&format!("{GITLAB}/{path}")).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Kind, name, path and whether that is a file, in one line.
pub(super) fn place(context: &Context) -> String {
    let kind = context.ref_kind.map(|kind| format!("{kind:?}").to_lowercase());
    let name = context.reference.as_ref().map(ToString::to_string);
    let path = context
        .path
        .as_ref()
        .map(|path| format!(" {}:{path}", if context.is_file { "file" } else { "folder" }));
    format!("{} {}{}", kind.unwrap_or_default(), name.unwrap_or_default(), path.unwrap_or_default())
}

#[tokio::test]
async fn refs_and_paths_are_told_apart() {
    let main = sha("main");
    for (path, expected) in [
        ("group/project".to_owned(), "branch main"),
        ("group/project/-/pipelines".into(), "branch main"),
        ("group/project/-/tree/main".into(), "branch main"),
        ("group/project/-/tree/main/feature".into(), "branch main folder:feature"),
        ("group/project/-/blob/main/src/main.rs".into(), "branch main file:src/main.rs"),
        // A tag and a branch may overlap: the whole is tried first, unless the last part is a file's.
        ("group/project/-/tree/main/src".into(), "tag main/src"),
        ("group/project/-/tree/main/README.md".into(), "tag main/README.md"),
        ("group/project/-/blob/main/README.md".into(), "branch main file:README.md"),
        ("group/project/-/tree/main/src?ref_type=heads".into(), "branch main folder:src"),
        ("group/project/-/tree/feature/x".into(), "branch feature/x"),
        ("group/project/-/blob/feature/x/README.md".into(), "branch feature/x file:README.md"),
        ("group/project/-/tree/v1.0".into(), "tag v1.0"),
        ("group/project/-/tags/v1.0".into(), "tag v1.0"),
        ("group/project/-/tree/%C3%BCbung".into(), "branch übung"),
        // A branch may look like an abbreviated commit.
        ("group/project/-/tree/deadbeef".into(), "branch deadbeef"),
        (format!("group/project/-/blob/{main}/README.md"), "revision  file:README.md"),
        (format!("group/project/-/tree/{}/src", &main[..8]), "revision  folder:src"),
        (format!("group/project/-/commit/{}", &main[..7]), "revision "),
        ("group/project/merge_requests/8".into(), "branch feature/x"),
        ("group/sub/project".into(), "branch trunk"),
        ("group/sub/project/pipelines".into(), "branch trunk"),
    ] {
        let context = gitlab_context(&path).await;
        assert_eq!(place(&context), expected, "{path}");
        assert_eq!(context.warnings, Vec::<String>::new(), "{path}");
        assert_eq!(context.kind, Some(ForgeKind::Gitlab));
    }
}

#[tokio::test]
async fn a_title_names_repository_and_place() {
    for (path, title) in [
        ("group/project", "group/project - main".to_owned()),
        ("group/project/-/tree/v1.0", "group/project - v1.0".into()),
        (
            &format!("group/project/-/commit/{}", sha("v1.0")),
            format!("group/project - {}", &sha("v1.0")[..8]),
        ),
        ("group/empty", "group/empty".into()),
        ("group/project/-/merge_requests/7", "Add a thing".into()),
        ("group/project/-/issues/12", "Fix the Überlong thing: crash!".into()),
    ] {
        assert_eq!(gitlab_context(path).await.title, title);
    }
    let prebuild = gitlab().resolve(&format!("prebuild/{GITLAB}/group/project")).await.unwrap();
    assert_eq!(prebuild.title, "Prebuild of \"group/project - main\"");
    let refused =
        gitlab().resolve(&format!("prebuild/{GITLAB}/group/project/-/issues/12")).await.unwrap_err();
    assert_eq!(refused.code(), "prebuild_of_issue");
}

#[tokio::test]
async fn an_empty_repository_has_no_ref() {
    for path in ["group/empty", "group/bare"] {
        let context = gitlab_context(path).await;
        assert_eq!((context.ref_kind, context.reference, context.revision), (None, None, None), "{path}");
        assert_eq!(context.warnings, Vec::<String>::new());
    }
    let context = gitlab_context("group/empty/-/tree/main").await;
    assert!(context.warnings[0].ends_with("the repository is empty"), "{:?}", context.warnings);
}

#[tokio::test]
async fn a_missing_ref_is_said_and_the_default_branch_taken() {
    for (path, hint) in [
        ("group/project/-/tree/nothing", None),
        ("group/project/-/tree/nothing/at/all", None),
        ("group/project/-/tree/1.0", Some("did you mean `v1.0`?")),
        ("group/project/-/tree/Feature/X", Some("did you mean `feature/x`?")),
        ("group/project/-/tree/v1.0?ref_type=heads", Some("did you mean `v1.0`?")),
        ("group/project/-/tree/master", Some("did you mean `main`?")),
        ("group/project/-/tags/none", None),
    ] {
        let context = gitlab_context(path).await;
        assert_eq!(place(&context), "branch main", "{path}");
        let [warning] = context.warnings.as_slice() else { panic!("{path}: {:?}", context.warnings) };
        assert!(warning.contains("has no ") && warning.contains("`main` is taken instead"), "{warning}");
        assert_eq!(warning.contains("did you mean"), hint.is_some(), "{warning}");
        assert!(hint.is_none_or(|hint| warning.contains(hint)), "{warning}");
    }
}

#[tokio::test]
async fn a_missing_path_is_said() {
    let context = gitlab_context("group/project/-/blob/main/nothing.rs").await;

    assert_eq!(place(&context), "branch main");
    assert_eq!(context.warnings, ["there is no file or folder `nothing.rs`"]);
}

#[tokio::test]
async fn a_merge_request_is_its_source_with_the_target_as_upstream() {
    let context = gitlab_context("group/project/-/merge_requests/7").await;

    assert_eq!(context.repository.owner, "fork");
    assert_eq!(place(&context), "branch thing");
    assert_eq!(context.revision, Some(sha("thing")));
    assert_eq!(context.upstream.unwrap().to_string(), "https://git.example.com/group/project.git");
    let base = context.base.unwrap();
    assert_eq!((base.repository.owner.as_str(), base.reference.as_str()), ("group", "main"));
    assert_eq!(context.merge_request.unwrap().number, 7);

    let own = gitlab_context("group/project/-/merge_requests/8").await;
    assert_eq!((own.upstream, own.base.is_some()), (None, true), "a remote beside itself is of no use");
}

#[tokio::test]
async fn of_a_request_whose_source_is_gone_the_last_commit_is_taken() {
    let context = gitlab_context("group/project/-/merge_requests/9").await;

    assert_eq!((context.repository.owner.as_str(), context.ref_kind), ("group", Some(RefKind::Revision)));
    assert_eq!((context.reference, context.revision), (None, Some(sha("gone"))));
    assert!(
        context.warnings[0].contains("branch `gone` in `fork/project` was deleted"),
        "{:?}",
        context.warnings
    );

    let error = gitlab().resolve(&format!("{GITLAB}/group/project/-/merge_requests/10")).await.unwrap_err();
    assert_eq!(error.code(), "source_gone");
    assert!(error.mend().contains("restore"), "{}", error.mend());
}

#[tokio::test]
async fn a_forks_parent_is_its_upstream() {
    let context = gitlab_context("fork/project/-/tree/thing").await;
    assert_eq!(context.upstream.unwrap().to_string(), "https://git.example.com/group/project.git");
    assert_eq!(gitlab_context("group/project").await.upstream, None);
}

#[tokio::test]
async fn an_issue_gets_a_branch_of_its_own() {
    let context = gitlab_context("group/project/-/issues/12").await;

    assert_eq!(place(&context), "branch main");
    assert_eq!(context.local_branch.unwrap().as_str(), "ada-example/fix-the-berlong-thing-12");
    assert_eq!(context.issue.unwrap().number, 12);
}

#[test]
fn the_branch_of_an_issue_is_named_after_login_title_and_number() {
    for (login, title, expected) in [
        ("Ada", "Fix it", "ada/fix-it-7"),
        ("ada", "", "ada/7"),
        ("ada", "日本語", "ada/7"),
        ("ada", "One2Three", "ada/one-three-7"),
        // The length is looked at before a word, so that one long word passes.
        (
            "ada",
            "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb c",
            "ada/aaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbbbbbb-7",
        ),
        ("ada", "aaaaaaaaaaaaaaaaaaaaaaaaaa b", "ada/aaaaaaaaaaaaaaaaaaaaaaaaaa-7"),
        ("a b~c", "x", "a-b-c/x-7"),
        ("-+ada", "x", "ada/x-7"),
        ("", "x", "x-7"),
        ("a..b", "x", "issue-7"),
        (".ada", "x", "issue-7"),
    ] {
        assert_eq!(branch_for_issue(login, title, 7).unwrap().as_str(), expected, "{login} {title}");
    }
}

#[tokio::test]
async fn where_numbers_are_shared_either_address_leads_to_either() {
    for (path, is_request) in [("pull/4", true), ("issues/4", true), ("issues/3", false), ("pull/3", false)] {
        let context = github().resolve(&format!("{GITHUB}/owner/repo/{path}")).await.unwrap();
        assert_eq!(context.merge_request.is_some(), is_request, "{path}");
        assert_eq!(context.issue.is_some(), !is_request, "{path}");
    }
    let error = github().resolve(&format!("{GITHUB}/owner/repo/pull/5")).await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("number_missing", "`owner/repo` has no pull request 5")
    );
    let error = gitlab().resolve(&format!("{GITLAB}/group/project/-/issues/7")).await.unwrap_err();
    assert_eq!(error.code(), "number_missing", "GitLab counts issues and requests apart");
}

#[tokio::test]
async fn what_is_not_there_is_an_error_that_names_it() {
    for (path, code, expected) in [
        ("group/nothing", "repository_missing", "`group/nothing` at `gitlab.example.com`"),
        ("group/project/-/commit/abcdef0123", "commit_missing", "no commit `abcdef0123`"),
        ("group/project/-/merge_requests/99", "number_missing", "no merge request 99"),
    ] {
        let error = gitlab().resolve(&format!("{GITLAB}/{path}")).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.mend().is_empty());
    }
}

#[tokio::test]
async fn a_forge_that_cannot_be_asked_is_an_error_of_its_own() {
    let memory = Memory { fault: Some(Fault::Forbidden), ..gitlab() };
    assert_eq!(memory.resolve(&format!("{GITLAB}/group/project")).await.unwrap_err().code(), "forbidden");
    let memory = Memory { fault: Some(Fault::NotFound), ..gitlab() };
    assert_eq!(
        memory.resolve(&format!("{GITLAB}/group/project")).await.unwrap_err().code(),
        "repository_missing"
    );
}

#[tokio::test]
async fn one_address_costs_few_questions() {
    let memory = gitlab();
    memory.resolve(&format!("{GITLAB}/group/project/-/tree/feature/x")).await.unwrap();
    assert_eq!((memory.count("repository"), memory.count("ref")), (1, 1));

    let memory = gitlab();
    let deep = "x/".repeat(100);
    memory.resolve(&format!("{GITLAB}/group/project/-/tree/{deep}")).await.unwrap();
    assert!(memory.count("") < 30, "{}", memory.count(""));
}
