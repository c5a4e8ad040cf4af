use std::path::Path;

use futures_util::StreamExt;
use link::AgentClient;
use testkit::git::{Repository, git, serve, serve_private};
use wire::agent::{CloneEvent, CloneRequest};

use crate::bench::{Bench, bench, until};

pub(crate) fn request(bench: &Bench, url: &str) -> CloneRequest {
    CloneRequest { url: url.into(), folder: bench.path("sample"), ..CloneRequest::default() }
}

pub(crate) async fn run(client: &AgentClient, request: &CloneRequest) -> Vec<CloneEvent> {
    let events = client.clone_repository(request).await.unwrap();
    let events = tokio::time::timeout(crate::bench::LIMIT, events.collect::<Vec<_>>()).await.unwrap();
    events.into_iter().map(Result::unwrap).collect()
}

fn done(events: &[CloneEvent]) -> (Option<String>, Option<String>) {
    match events.last() {
        Some(CloneEvent::Done { head, branch }) => (head.clone(), branch.clone()),
        other => panic!("{other:?} in {events:?}"),
    }
}

pub(crate) fn failed(events: &[CloneEvent]) -> (String, String) {
    match events.last() {
        Some(CloneEvent::Failed { reason, mend }) => (reason.clone(), mend.clone()),
        other => panic!("{other:?} in {events:?}"),
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_repository_is_cloned_and_told_of_on_the_way() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let request = CloneRequest {
        author_name: Some("Ada".into()),
        author_email: Some("ada@example.com".into()),
        ..request(&bench, &format!("{}/sample.git", server.url))
    };

    let events = run(&bench.client, &request).await;

    assert_eq!(done(&events), (Some(repository.head()), Some("main".into())));
    let folder = bench.folder().join("sample");
    assert_eq!(std::fs::read_to_string(folder.join("README.md")).unwrap(), "# Sample\n");
    assert_eq!(git(&folder, &["config", "user.email"]), "ada@example.com");
    assert_eq!(git(&folder, &["status", "--porcelain"]), "");
    assert!(
        events.iter().any(|event| matches!(event, CloneEvent::Progress { phase, percent: 100, .. } if phase == "Receiving objects")),
        "{events:?}"
    );
    let CloneEvent::Line { text } = &events[0] else { panic!("{events:?}") };
    assert!(text.starts_with("Cloning http://") && text.ends_with("workspace/sample"), "{text}");
    assert!(!format!("{events:?}").contains(".hearth-clone"));
    assert_eq!(entries(&bench.folder()), ["sample"]);
    assert!(!folder.join(".git/hooks").exists());
}

#[tokio::test]
async fn branches_tags_and_commits_are_checked_out() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let first = git(repository.path(), &["rev-parse", "v1.0"]);
    let cases = [
        ("feature/one", Some("feature/one")),
        ("v1.0", None),
        (first.as_str(), None),
        (&first[..9], None),
        ("refs/heads/feature/one", None),
    ];

    for (number, (reference, branch)) in cases.into_iter().enumerate() {
        let request = CloneRequest {
            reference: Some(reference.into()),
            folder: bench.path(&format!("clone {number}")),
            ..request(&bench, &format!("{}/sample.git", server.url))
        };
        let events = run(&bench.client, &request).await;
        assert_eq!(done(&events), (Some(first.clone()), branch.map(str::to_owned)), "{reference}");
        assert!(!bench.folder().join(format!("clone {number}/main.sh")).exists(), "{reference}");
    }
}

#[tokio::test]
async fn a_commit_that_no_branch_has_is_fetched_by_itself() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let path = repository.path();
    git(path, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let tree = git(path, &["rev-parse", "main^{tree}"]);
    let commit = git(path, &["commit-tree", &tree, "-p", "main", "-m", "Alone"]);

    let request = CloneRequest {
        reference: Some(commit.clone()),
        ..request(&bench, &format!("{}/sample.git", server.url))
    };

    assert_eq!(done(&run(&bench.client, &request).await), (Some(commit), None));
}

#[tokio::test]
async fn a_finished_clone_is_left_as_it_is_and_a_half_made_one_is_not() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let request = request(&bench, &format!("{}/sample.git", server.url));
    let half = bench.folder().join(".sample.hearth-clone");
    std::fs::create_dir_all(half.join(".git/objects")).unwrap();
    std::fs::create_dir(bench.folder().join("sample")).unwrap();

    done(&run(&bench.client, &request).await);
    assert_eq!(entries(&bench.folder()), ["sample"]);
    std::fs::write(bench.folder().join("sample/mine"), "kept").unwrap();
    let events = run(&bench.client, &request).await;

    assert_eq!(done(&events), (Some(repository.head()), Some("main".into())));
    assert_eq!(std::fs::read_to_string(bench.folder().join("sample/mine")).unwrap(), "kept");
    assert!(!events.iter().any(|event| matches!(event, CloneEvent::Progress { .. })));
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_not_touched() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    std::fs::create_dir(bench.folder().join("sample")).unwrap();
    std::fs::write(bench.folder().join("sample/mine"), "kept").unwrap();

    let (reason, mend) =
        failed(&run(&bench.client, &request(&bench, &format!("{}/sample.git", server.url))).await);

    assert!(reason.contains("something else"), "{reason}");
    assert!(mend.contains("Move it away"), "{mend}");
    assert_eq!(entries(&bench.folder().join("sample")), ["mine"]);
}

#[tokio::test]
async fn an_empty_repository_can_be_cloned() {
    let (bench, root) = (bench().await, tempfile::tempdir().unwrap());
    git(root.path(), &["init", "-q", "--bare", "-b", "main", "empty.git"]);
    let server = serve(root.path());

    let events = run(&bench.client, &request(&bench, &format!("{}/empty.git", server.url))).await;

    assert_eq!(done(&events), (None, Some("main".into())));
}

#[tokio::test]
async fn each_failure_says_what_to_do() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let private = serve_private(repository.parent(), "user:secret");
    let url = &server.url;
    let cases = [
        (format!("{url}/missing.git"), None, "does not exist, or is private"),
        (format!("{}/sample.git", private.url), None, "does not exist, or is private"),
        (format!("{url}/sample.git"), Some("no-such-branch"), "no branch, tag or commit `no-such-branch`"),
        (format!("{url}/sample.git"), Some("deadbeef"), "no branch, tag or commit `deadbeef`"),
        (
            format!("{url}/sample.git"),
            Some("1234567890123456789012345678901234567890"),
            "no branch, tag or commit",
        ),
        ("http://no-such-host.invalid/a.git".into(), None, "there is no host `no-such-host.invalid`"),
        ("http://127.0.0.1:1/a.git".into(), None, "cannot reach `127.0.0.1:1`"),
        ("ssh://git@example.com/a.git".into(), None, "cannot clone over `ssh`"),
        ("https://user:password@example.com/a.git".into(), None, "carries a user name or password"),
        (format!("{url}/sample.git"), Some("--upload-pack=evil"), "cannot name a branch"),
    ];

    for (url, reference, expected) in cases {
        let request = CloneRequest { reference: reference.map(str::to_owned), ..request(&bench, &url) };
        let events = run(&bench.client, &request).await;
        let (reason, mend) = failed(&events);
        assert!(reason.contains(expected), "{url} {reference:?}: {reason} in {events:?}");
        assert!(!mend.is_empty());
        assert_eq!(entries(&bench.folder()), [""; 0], "{url}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let bench = bench().await;
    std::fs::write(bench.folder().join("file"), "").unwrap();

    let request =
        CloneRequest { folder: bench.path("file/below"), ..request(&bench, "http://127.0.0.1:1/a.git") };
    let (reason, _) = failed(&run(&bench.client, &request).await);

    assert!(reason.contains("file/below"), "{reason}");
}

#[tokio::test]
async fn without_git_the_image_is_to_blame() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("workspace")).unwrap();
    let mut config = crate::bench::config(root.path());
    config.env.push(("PATH".into(), "/nonexistent".into()));
    let agent = agent::Agent::new(&config, crate::bench::outside());
    let client = crate::bench::connect(&agent).await;
    let bench = Bench { agent, client, root };

    let (reason, mend) = failed(&run(&bench.client, &request(&bench, "http://127.0.0.1:1/a.git")).await);

    assert!(reason.contains("no git"), "{reason}");
    assert!(mend.contains("image"), "{mend}");
}

#[tokio::test]
async fn a_clone_nobody_listens_to_is_stopped_and_cleared_away() {
    let bench = bench().await;
    // Takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.git", silent.local_addr().unwrap());

    let mut events = bench.client.clone_repository(&request(&bench, &url)).await.unwrap();
    events.next().await.unwrap().unwrap();
    let (_connection, _) = silent.accept().await.unwrap();
    drop(events);

    until("nothing is left", || async { entries(&bench.folder()).is_empty() }).await;
    let repository = Repository::sample();
    let server = serve(repository.parent());
    done(&run(&bench.client, &request(&bench, &format!("{}/sample.git", server.url))).await);
}

#[tokio::test]
async fn hooks_of_the_users_templates_are_not_run() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let hook = bench.root.path().join("home/template/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntouch \"$HOME/hook-ran\"\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(
        bench.root.path().join("home/.gitconfig"),
        "[init]\n\ttemplateDir = ~/template\n[core]\n\thooksPath = ~/template/hooks\n",
    )
    .unwrap();

    done(&run(&bench.client, &request(&bench, &format!("{}/sample.git", server.url))).await);

    assert!(!bench.root.path().join("home/hook-ran").exists());
}
