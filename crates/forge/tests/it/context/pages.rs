//! Every accepted form of an address, per product.

use super::{parsed, refused, shown};

const SHA: &str = "5e0f5d3f0c8e8d2b9a7c6b5a4f3e2d1c0b9a8f7e";

/// Compares what the addresses below `base` say.
fn check(base: &str, host: &str, cases: &[(&str, &str)]) {
    for (path, expected) in cases {
        let (path, expected) = (path.replace("SHA", SHA), expected.replace("SHA", SHA));
        let text = format!("{base}/{path}");
        assert_eq!(shown(&text), format!("{host}: {expected}"), "{text}");
        let again = parsed(&text).url;
        assert_eq!(shown(&again), shown(&text), "{text} became {again}");
        assert_eq!(parsed(&again).url, again);
    }
}

fn check_refused(base: &str, code: &str, paths: &[&str]) {
    for path in paths {
        let error = refused(&format!("{base}/{path}"));
        assert_eq!(error.code(), code, "{path}: {error}");
        assert!(!error.mend().is_empty());
    }
}

#[test]
fn gitlab_pages_are_read_at_the_first_dash() {
    check(
        "https://gitlab.example.com",
        "gitlab.example.com",
        &[
            ("group/project", "group/project home"),
            ("group/project/", "group/project home"),
            ("group/project.git", "group/project home"),
            ("group/project.git/", "group/project home"),
            ("group//project", "group/project home"),
            ("a/b/c/d/e/project/-/tree/main", "a/b/c/d/e/project tree ref main"),
            ("group/project/-/tree/feature/x/src", "group/project tree ref feature/x/src"),
            ("group/project/-/tree/main?ref_type=heads", "group/project tree branch main"),
            ("group/project/-/tree/v1?ref_type=tags&x=y#L3", "group/project tree tag v1"),
            ("group/project/-/tree/refs/heads/x/y", "group/project tree branch x/y"),
            ("group/project/-/blob/main/a/-/b.txt", "group/project blob ref main/a/-/b.txt"),
            ("group/project/-/raw/main/b.txt?inline=false", "group/project blob ref main/b.txt"),
            ("group/project/-/blame/main/b.txt", "group/project blob ref main/b.txt"),
            ("group/project/-/blob/SHA/b.txt", "group/project blob ref SHA/b.txt"),
            ("group/project/-/commits/feature%23x", "group/project commits ref feature#x"),
            ("group/project/-/tree/%C3%BCbung%2Fx/%C3%A4", "group/project tree ref übung/x/ä"),
            ("group/project/-/tree/übung", "group/project tree ref übung"),
            ("group/project/-/tree", "group/project home"),
            ("group/project/-/commit/SHA", "group/project commit SHA"),
            ("group/project/-/commit/5E0F5D3", "group/project commit 5e0f5d3"),
            ("group/project/-/merge_requests/7", "group/project request 7"),
            ("group/project/-/merge_requests/7/diffs?x=y", "group/project request 7"),
            ("group/project/-/merge_requests/new", "group/project other"),
            ("group/project/-/issues/12", "group/project issue 12"),
            ("group/project/-/work_items/12", "group/project issue 12"),
            ("group/project/-/tags/release/1", "group/project tag = release/1"),
            ("group/project/-/releases/v1.0", "group/project tag = v1.0"),
            ("group/project/-/pipelines/9", "group/project other"),
        ],
    );
    check_refused(
        "https://gitlab.example.com",
        "no_repository",
        &[
            "",
            "group",
            "-/profile",
            "group/-/settings",
            "groups/a/b/-/issues",
            "users/someone/projects",
            "explore/projects",
        ],
    );
    check_refused("https://gitlab.example.com/a/b/-", "bad_commit", &["commit/main", "commit/12345"]);
}

#[test]
fn old_gitlab_addresses_are_read_wherever_the_project_may_end() {
    check(
        "https://gitlab.example.com",
        "gitlab.example.com",
        &[
            // These words are no project's name, so that there is nothing to ask.
            ("group/project/tree/main/src", "group/project tree ref main/src"),
            ("group/sub/project/blob/main/a.rs", "group/sub/project blob ref main/a.rs"),
            ("group/project/commits/main", "group/project commits ref main"),
            ("group/project.git/issues/7", "group/project issue 7"),
            ("group/project/wikis/home", "group/project other"),
            // These may be.
            ("a/b/merge_requests/7", "a/b request 7 | a/b/merge_requests/7 home | a/b/merge_requests other"),
            ("a/b/commit/SHA", "a/b commit SHA | a/b/commit/SHA home | a/b/commit other"),
            ("a/b/c", "a/b/c home | a/b other"),
            ("a/b/c/pipelines", "a/b/c/pipelines home | a/b other | a/b/c other"),
        ],
    );
}

#[test]
fn github_pages_are_read() {
    check(
        "https://github.example.com",
        "github.example.com",
        &[
            ("owner/repo", "owner/repo home"),
            ("owner/repo.git", "owner/repo home"),
            ("owner/repo.git/tree/main", "owner/repo tree ref main"),
            ("owner/repo/tree/feature/x/src", "owner/repo tree ref feature/x/src"),
            ("owner/repo/blob/main/src/a.rs#L10-L20", "owner/repo blob ref main/src/a.rs"),
            ("owner/repo/blob/refs/tags/v1/a.rs", "owner/repo blob tag v1/a.rs"),
            ("owner/repo/commits/main", "owner/repo commits ref main"),
            ("owner/repo/commits", "owner/repo home"),
            ("owner/repo/tree/SHA", "owner/repo tree ref SHA"),
            ("owner/repo/releases/tag/v1.0%2Bx", "owner/repo tag = v1.0+x"),
            ("owner/repo/releases", "owner/repo other"),
            ("owner/repo/commit/SHA", "owner/repo commit SHA"),
            ("owner/repo/commit/SHA.patch", "owner/repo commit SHA"),
            ("owner/repo/pull/3", "owner/repo request 3"),
            ("owner/repo/pull/3/files", "owner/repo request 3"),
            ("owner/repo/pull/3/commits/SHA", "owner/repo request 3"),
            ("owner/repo/issues/3", "owner/repo issue 3"),
            ("owner/repo/issues/new", "owner/repo other"),
            ("owner/repo/issues", "owner/repo other"),
            ("owner/repo/pull/0", "owner/repo other"),
            ("owner/repo/pull/99999999999999999999999", "owner/repo other"),
            ("owner/repo/actions", "owner/repo other"),
        ],
    );
    check_refused(
        "https://github.example.com",
        "no_repository",
        &["", "owner", "orgs/x/repositories", "settings/keys"],
    );
    check_refused("https://github.example.com", "bad_commit", &["owner/repo/commit/main"]);
}

#[test]
fn gitea_pages_are_read() {
    check(
        "https://gitea.example.com",
        "gitea.example.com",
        &[
            ("owner/repo", "owner/repo home"),
            ("owner/repo.git", "owner/repo home"),
            ("owner/repo/src/branch/feature/x/src", "owner/repo tree branch feature/x/src"),
            ("owner/repo/src/tag/v1/a.rs", "owner/repo tree tag v1/a.rs"),
            ("owner/repo/src/commit/SHA/src/a.rs", "owner/repo commit SHA at src/a.rs"),
            ("owner/repo/src/main/src", "owner/repo tree ref main/src"),
            ("owner/repo/raw/branch/main/a.rs", "owner/repo blob branch main/a.rs"),
            ("owner/repo/commits/branch/main", "owner/repo commits branch main"),
            ("owner/repo/commits/commit/SHA", "owner/repo commit SHA"),
            ("owner/repo/commit/SHA", "owner/repo commit SHA"),
            ("owner/repo/releases/tag/v1", "owner/repo tag = v1"),
            ("owner/repo/pulls/4", "owner/repo request 4"),
            ("owner/repo/pulls", "owner/repo other"),
            ("owner/repo/issues/4#issuecomment-1", "owner/repo issue 4"),
        ],
    );
    check_refused(
        "https://gitea.example.com",
        "no_repository",
        &["", "owner", "explore/repos", "user/settings"],
    );
    check_refused("https://gitea.example.com", "bad_commit", &["owner/repo/src/commit/main"]);
}

#[test]
fn bitbucket_cloud_pages_are_read() {
    check(
        "https://cloud.example.com",
        "cloud.example.com",
        &[
            ("team/repo", "team/repo home"),
            ("team/repo.git", "team/repo home"),
            ("team/repo/src", "team/repo home"),
            ("team/repo/src/main/a.rs", "team/repo tree ref main/a.rs"),
            ("team/repo/src/feature/x/a.rs", "team/repo tree ref feature/x/a.rs"),
            ("team/repo/src/SHA/a/b.rs", "team/repo commit SHA at a/b.rs"),
            ("team/repo/src/SHA/a/b.rs?at=feature%2Fx", "team/repo ref = feature/x at a/b.rs"),
            ("team/repo/src/feature/x/a.rs?at=feature/x", "team/repo ref = feature/x at a.rs"),
            ("team/repo/src/SHA/?at=a%2Bb", "team/repo ref = a+b"),
            ("team/repo/branch/feature/x", "team/repo branch = feature/x"),
            ("team/repo/commits/branch/feature/x", "team/repo branch = feature/x"),
            ("team/repo/commits/tag/v1", "team/repo tag = v1"),
            ("team/repo/commits/SHA", "team/repo commit SHA"),
            ("team/repo/pull-requests/5", "team/repo request 5"),
            ("team/repo/pull-requests/5/a-title/diff", "team/repo request 5"),
            ("team/repo/issues/6/a-title", "team/repo issue 6"),
            ("team/repo/downloads", "team/repo other"),
        ],
    );
    check_refused("https://cloud.example.com", "no_repository", &["", "team", "dashboard/overview"]);
}

#[test]
fn bitbucket_server_pages_are_read() {
    check(
        "https://bitbucket.example.com",
        "bitbucket.example.com",
        &[
            ("projects/KEY/repos/slug", "KEY/slug home"),
            ("projects/KEY/repos/slug/browse", "KEY/slug home"),
            ("projects/KEY/repos/slug/browse/src/a.rs", "KEY/slug home at src/a.rs"),
            (
                "projects/KEY/repos/slug/browse/src?at=refs%2Fheads%2Ffeature%2Fx",
                "KEY/slug branch = feature/x at src",
            ),
            ("projects/KEY/repos/slug/browse?at=refs/tags/v1", "KEY/slug tag = v1"),
            ("projects/KEY/repos/slug/browse?at=main", "KEY/slug ref = main"),
            // A plus sign that nobody encoded: no ref has a space.
            ("projects/KEY/repos/slug/browse?at=a+b", "KEY/slug ref = a+b"),
            ("projects/KEY/repos/slug/browse?at=SHA", "KEY/slug commit SHA"),
            ("projects/KEY/repos/slug/commits?until=refs%2Fheads%2Fx", "KEY/slug branch = x"),
            ("projects/KEY/repos/slug/commits/SHA", "KEY/slug commit SHA"),
            ("projects/KEY/repos/slug/pull-requests/8/overview", "KEY/slug request 8"),
            ("projects/KEY/repos/slug/branches", "KEY/slug other"),
            ("users/someone/repos/slug", "~someone/slug home"),
            ("scm/KEY/slug.git", "KEY/slug home"),
            ("scm/~someone/slug.git", "~someone/slug home"),
        ],
    );
    let refused = ["", "projects/KEY", "dashboard", "scm/KEY", "owner/repo"];
    check_refused("https://bitbucket.example.com", "no_repository", &refused);
}

#[test]
fn azure_devops_pages_are_read() {
    check(
        "https://azure.example.com",
        "azure.example.com",
        &[
            ("org/project", "org/project/project home"),
            ("org/_git/project", "org/project/project home"),
            ("org/my%20project/_git/repo", "org/my project/repo home"),
            ("org/project/_git/repo?version=GBfeature%2Fx", "org/project/repo branch = feature/x"),
            (
                "org/project/_git/repo?path=%2Fsrc%2Fa.rs&version=GTv1&_a=contents",
                "org/project/repo tag = v1 at src/a.rs",
            ),
            ("org/project/_git/repo?path=/src", "org/project/repo home at src"),
            ("org/project/_git/repo?version=GCSHA", "org/project/repo commit SHA"),
            ("org/project/_git/repo/commit/SHA", "org/project/repo commit SHA"),
            ("org/project/_git/repo/pullrequest/9", "org/project/repo request 9"),
            ("org/project/_git/repo/branches", "org/project/repo other"),
        ],
    );
    let refused = ["", "org", "org/project/_build", "org/_settings", "org/a/b/_git/c", "org/project/other"];
    check_refused("https://azure.example.com", "no_repository", &refused);
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in ["a/b/-/tree/x%2F..%2Fy", "a/b/-/tree/%FF", "a/b/-/tree/a%0Ab", "a%2F..%2Fb/c"] {
        assert_eq!(refused(&format!("https://gitlab.example.com/{path}")).code(), "encoding", "{path}");
    }
    // What a browser would make of it.
    assert_eq!(shown("https://gitlab.example.com/a/../b/%2e%2e/c/d"), "gitlab.example.com: c/d home");
}
