//! How clones are left: the right ref, a new branch, a second remote; never something else silently.

use domain::RefKind;
use testkit::git::{Repository, git, serve};
use wire::agent::{CloneEvent, CloneRequest};

use crate::bench::{Bench, bench};
use crate::clone::{failed, request, run};

struct Place {
    bench: Bench,
    repository: Repository,
    _server: testkit::git::GitServer,
    url: String,
}

async fn place() -> Place {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve(repository.parent());
    let url = format!("{}/sample.git", server.url);
    Place { bench, repository, _server: server, url }
}

impl Place {
    async fn clone_as(&self, change: impl FnOnce(&mut CloneRequest)) -> Vec<CloneEvent> {
        let mut wanted = request(&self.bench, &self.url);
        change(&mut wanted);
        run(&self.bench.client, &wanted).await
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.bench.folder().join("sample"), arguments)
    }

    fn there(&self, arguments: &[&str]) -> String {
        git(self.repository.path(), arguments)
    }
}

fn branch(events: &[CloneEvent]) -> Option<&str> {
    match events.last() {
        Some(CloneEvent::Done { branch, .. }) => branch.as_deref(),
        other => panic!("{other:?} in {events:?}"),
    }
}

#[tokio::test]
async fn a_branch_tracks_the_one_it_came_from() {
    let place = place().await;

    let events = place
        .clone_as(|wanted| {
            wanted.reference = Some("feature/one".into());
            wanted.ref_kind = Some(RefKind::Branch);
        })
        .await;

    assert_eq!(branch(&events), Some("feature/one"));
    assert_eq!(place.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/feature/one");
}

#[tokio::test]
async fn a_branch_and_a_tag_of_one_name_are_told_apart() {
    for (kind, is_branch) in [(RefKind::Branch, true), (RefKind::Tag, false)] {
        let place = place().await;
        place.there(&["branch", "both", "main"]);
        place.there(&["tag", "both", "v1.0"]);

        let events = place
            .clone_as(|wanted| {
                wanted.reference = Some("both".into());
                wanted.ref_kind = Some(kind);
            })
            .await;

        assert_eq!(branch(&events), is_branch.then_some("both"));
        let expected =
            place.there(&["rev-parse", if is_branch { "refs/heads/both" } else { "refs/tags/both" }]);
        assert_eq!(place.git(&["rev-parse", "HEAD"]), expected);
    }
}

#[tokio::test]
async fn what_is_missing_is_never_replaced_by_the_default_branch() {
    let place = place().await;
    let missing = "0123456789012345678901234567890123456789";
    for (name, kind, word) in [
        ("gone", Some(RefKind::Branch), "branch `gone`"),
        ("v1.0", Some(RefKind::Branch), "branch `v1.0`"),
        ("main", Some(RefKind::Tag), "tag `main`"),
        ("deadbeef", Some(RefKind::Branch), "branch `deadbeef`"),
        (missing, None, "commit `0123456789012345678901234567890123456789`"),
    ] {
        let events = place
            .clone_as(|wanted| {
                wanted.reference = Some(name.into());
                wanted.ref_kind = kind;
            })
            .await;

        let (reason, mend) = failed(&events);
        assert!(reason.contains(word), "{name}: {reason}");
        assert!(!mend.is_empty());
        assert!(!place.bench.folder().join("sample").exists());
    }
}

#[tokio::test]
async fn a_revision_is_checked_out_by_itself_with_its_history() {
    let place = place().await;
    let first = place.there(&["rev-parse", "v1.0"]);

    let events = place
        .clone_as(|wanted| {
            wanted.revision = Some(first.clone());
            wanted.ref_kind = Some(RefKind::Revision);
        })
        .await;

    assert_eq!(branch(&events), None);
    assert_eq!(place.git(&["rev-parse", "HEAD"]), first);
    assert_eq!(place.git(&["rev-parse", "--is-shallow-repository"]), "false");
}

#[tokio::test]
async fn an_issue_begins_a_branch_that_tracks_nothing() {
    let place = place().await;

    let events = place.clone_as(|wanted| wanted.local_branch = Some("ada/fix-login-7".into())).await;

    assert_eq!(branch(&events), Some("ada/fix-login-7"));
    assert_eq!(place.git(&["rev-parse", "HEAD"]), place.repository.head());
    assert_eq!(place.git(&["for-each-ref", "--format=%(upstream)", "refs/heads/ada/fix-login-7"]), "");
}

#[tokio::test]
async fn a_branch_of_an_issue_that_was_pushed_is_taken_up() {
    let place = place().await;
    place.there(&["branch", "ada/fix-login-7", "v1.0"]);

    let events = place.clone_as(|wanted| wanted.local_branch = Some("ada/fix-login-7".into())).await;

    assert_eq!(branch(&events), Some("ada/fix-login-7"));
    assert_eq!(place.git(&["rev-parse", "HEAD"]), place.there(&["rev-parse", "v1.0"]));
    assert_eq!(place.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/ada/fix-login-7");
}

#[tokio::test]
async fn a_merge_request_knows_its_target() {
    let (place, target) = (place().await, Repository::sample());
    let server = serve(target.parent());
    let upstream = format!("{}/sample.git", server.url);

    let events = place
        .clone_as(|wanted| {
            wanted.reference = Some("feature/one".into());
            wanted.ref_kind = Some(RefKind::Branch);
            wanted.upstream = Some(upstream.clone());
            wanted.upstream_branch = Some("main".into());
        })
        .await;

    assert_eq!(branch(&events), Some("feature/one"));
    assert_eq!(place.git(&["remote", "get-url", "upstream"]), upstream);
    assert_eq!(place.git(&["rev-parse", "upstream/main"]), target.head());
    assert_eq!(place.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/feature/one");
    assert_eq!(place.git(&["config", "branch.feature/one.vscode-merge-base"]), "upstream/main");
    assert_eq!(place.git(&["config", "branch.feature/one.gh-merge-base"]), "main");
}

#[tokio::test]
async fn an_upstream_that_cannot_be_fetched_does_not_spoil_the_clone() {
    let place = place().await;

    let events = place
        .clone_as(|wanted| {
            wanted.upstream = Some("http://127.0.0.1:1/gone.git".into());
            wanted.upstream_branch = Some("main".into());
        })
        .await;

    assert_eq!(branch(&events), Some("main"));
    let said = format!("{events:?}");
    assert!(said.contains("cannot fetch `main` of the remote `upstream`"), "{said}");
}

#[tokio::test]
async fn an_empty_repository_is_cloned_and_can_have_its_branch_begun() {
    for local in [None, Some("ada/first-1")] {
        let place = place().await;
        let empty = place.repository.parent().join("empty.git");
        git(place.repository.parent(), &["init", "-q", "--bare", "-b", "main", empty.to_str().unwrap()]);

        let events = place
            .clone_as(|wanted| {
                wanted.url = place.url.replace("sample.git", "empty.git");
                wanted.local_branch = local.map(str::to_owned);
            })
            .await;

        assert_eq!(branch(&events), Some(local.unwrap_or("main")));
    }
}
