//! Everything a person may get wrong, and what is said about it.

use control::{LimitsWanted, NewWorkspace};
use domain::Phase;
use testkit::git::{Repository, serve_private};

use crate::sim::{World, phase_of};

async fn refusal(wish: NewWorkspace) -> (String, String) {
    let world = World::new().await;
    let server = world.server().await;
    let error = server.control.create_workspace(&server.admin, wish).await.unwrap_err();
    assert_eq!(error.code(), "invalid");
    assert!(server.control.workspaces(&server.admin, None, 10).await.unwrap().is_empty());
    (error.to_string(), error.mend())
}

fn of(url: &str) -> NewWorkspace {
    NewWorkspace { url: Some(url.into()), ..NewWorkspace::default() }
}

#[tokio::test]
async fn what_can_be_seen_to_be_wrong_is_refused_at_once() {
    let (what, mend) = refusal(of("not a url")).await;
    assert!(what.contains("`not a url` is not a URL") && mend.contains("https://"), "{what}; {mend}");

    let (what, _) = refusal(of("file:///etc/passwd")).await;
    assert!(what.contains("cannot clone over `file`"), "{what}");

    let (what, _) = refusal(of("https://me:secret@example.com/a/b")).await;
    assert!(what.contains("password") && !what.contains("secret"), "{what}");

    let wish = NewWorkspace { reference: Some("a..b".into()), ..of("https://example.com/a/b") };
    assert!(refusal(wish).await.0.contains("`a..b` cannot name a branch"));

    let wish = NewWorkspace { name: Some("My Name".into()), ..NewWorkspace::default() };
    assert!(refusal(wish).await.1.contains("`my-name`"));

    let wish = NewWorkspace { rootfs: Some("UPPER/case".into()), ..NewWorkspace::default() };
    assert!(refusal(wish).await.0.contains("not an image reference"));

    let limits = LimitsWanted { memory_bytes: Some(1), ..LimitsWanted::default() };
    assert!(refusal(NewWorkspace { limits, ..NewWorkspace::default() }).await.0.contains("memory_bytes"));

    let wish = NewWorkspace { reference: Some("main".into()), ..NewWorkspace::default() };
    assert!(refusal(wish).await.0.contains("needs a repository"));
}

/// Starts a workspace that cannot be, and answers why and what to do.
async fn failure(world: &World, wish: NewWorkspace) -> (String, String) {
    let server = world.server().await;
    let id = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
    let failed = server.until(id, phase_of("failed")).await;
    let Phase::Failed(failure) = failed.phase else { panic!("not failed") };
    assert_eq!(failure.step.name(), "prepare");
    assert!(world.machine.state().sandboxes.is_empty(), "nothing was made for it");
    server.stop().await;
    (failure.reason, failure.mend)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_an_address_is_named() {
    let world = World::new().await;

    let (reason, mend) = failure(&world, of("https://no-such-host.invalid/a/b")).await;

    assert!(reason.contains("no-such-host.invalid") && mend.contains("spelling"), "{reason}; {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_nobody_answers_at_is_named() {
    let world = World::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let (reason, mend) = failure(&world, of(&format!("http://{closed}/a/b"))).await;

    assert!(reason.contains("cannot reach `127.0.0.1:") && mend.contains("is up"), "{reason}; {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_the_policy_forbids_is_never_dialled() {
    let world = World::new().await;

    let (reason, mend) = failure(&world, of("http://169.254.169.254/a/b")).await;

    assert!(reason.contains("metadata"), "{reason}; {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_and_a_private_one_sound_the_same() {
    let world = World::new().await;
    let repository = Repository::sample();
    let private = serve_private(repository.parent(), "ada:secret");

    for url in [format!("{}/missing.git", world.git.url), format!("{}/sample.git", private.url)] {
        let (reason, mend) = failure(&world, of(&url)).await;
        assert_eq!(reason, format!("the repository `{url}` does not exist or is private"));
        assert!(mend.contains("/settings/integrations"), "{mend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_repository() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = axum::Router::new().fallback(async || axum::response::Html("<h1>Sign in</h1>"));
    let served = tokio::spawn(async move { axum::serve(listener, page).await });

    let (reason, _) = failure(&world, of(&format!("http://{address}/a/b"))).await;

    assert!(reason.contains("there is no Git repository at"), "{reason}");
    served.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_branch_is_answered_with_those_that_sound_alike() {
    let world = World::new().await;

    let wish = |reference: &str| NewWorkspace { reference: Some(reference.into()), ..of(&world.url()) };
    let (reason, mend) = failure(&world, wish("feature/on")).await;
    let (_, far) = failure(&world, wish("nothing-like-it")).await;

    assert!(reason.contains("has no branch or tag `feature/on`"), "{reason}");
    assert_eq!(mend, "did you mean `feature/one`?");
    assert!(far.contains("leave it out"), "{far}");
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_tags_and_commits_that_are_there_are_taken() {
    let world = World::new().await;
    let server = world.server().await;

    for reference in
        ["main", "refs/heads/main", "v1.0", "feature/one", "0123456789abcdef0123456789abcdef01234567"]
    {
        let wish = NewWorkspace { reference: Some(reference.into()), ..of(&world.url()) };
        let id = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
        server.until(id, phase_of("running")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_fails_says_what_git_said() {
    let world = World::new().await;
    let server = world.server().await;
    world.machine.state().clone_failure = Some(("no such commit".into(), "name another".into()));

    let id = server.create(&world).await.id;
    let failed = server.until(id, phase_of("failed")).await;

    let Phase::Failed(failure) = failed.phase else { panic!("not failed") };
    assert_eq!((failure.step.name(), failure.reason.as_str()), ("clone", "no such commit"));
    assert!(!world.machine.has_process(id));
}
