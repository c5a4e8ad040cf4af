//! Whatever is pasted, the parser answers, and its own way of writing an address means the same.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::ForgeKind;
use forge::context::{Parsed, Site, Target, View, parse};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::context::all_sites;

static SITES: LazyLock<Vec<Site>> = LazyLock::new(|| {
    let mut sites = all_sites();
    let prefixed =
        sites.iter().cloned().map(|site| Site { web_url: site.web_url.join("sub/path").unwrap(), ..site });
    let prefixed: Vec<Site> = prefixed.filter(|site| site.kind != ForgeKind::AzureDevops).collect();
    sites.extend(prefixed);
    sites
});

/// Something that one of the products' addresses is made of.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "-",
        "tree",
        "blob",
        "commits",
        "commit",
        "merge_requests",
        "issues",
        "pull",
        "pulls",
        "src",
        "branch",
        "tag",
        "tags",
        "releases",
        "browse",
        "projects",
        "users",
        "repos",
        "scm",
        "_git",
        "pullrequest",
        "v3",
        "refs",
        "heads",
        "raw",
        "main",
        "feature",
        "group",
        "project",
        "project.git",
        ".git",
        "~me",
        "7",
        "5e0f5d3f0c8e8d2b9a7c6b5a4f3e2d1c0b9a8f7e",
        "5e0f5d3",
        "%2F",
        "%2e%2e",
        "..",
        ".",
        "%FF",
        "%C3%BC",
        "ü",
        "a%2Fb",
        "a b",
        "a+b",
        "%",
        "%25",
        "",
        "a:b",
        "a@b",
        "?",
        "#",
        "\\",
        "%00",
        "%5C",
        "a%3Fb",
        "a%23b",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[a-z0-9._~%-]{0,12}", 1 => "\\PC{0,6}"]
}

fn prefix() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        "",
        "",
        "#",
        "/",
        "A=1/",
        "A=1,B=%2F,LD_X=2/",
        "referrer:a:b/",
        "referrer:a/",
        "imagebuild/",
        "prebuild/",
        "open-prebuild/x/",
        "snapshot/",
        "additionalcontent/",
        "=/",
        "A/",
        " ",
    ]);
    known.prop_map(str::to_owned)
}

fn start() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "https://gitlab.example.com/",
        "http://github.example.com/",
        "gitea.example.com/",
        "https://cloud.example.com:443/",
        "https://bitbucket.example.com/",
        "https://azure.example.com/",
        "https://gitlab.example.com/sub/path/",
        "git@gitlab.com:",
        "git@ssh.dev.azure.com:v3/",
        "ssh://git@bitbucket.example.com:7999/",
        "ssh://git@example.org:2222/",
        "https://example.org/",
        "https://[::1]:80/",
        "git@[::1]:",
        "HTTPS:",
        "//",
        "",
        "https://me@gitlab.com/",
        "https:///gitlab.com/",
        "ssh://",
        "ftp://x/",
    ]);
    known.prop_map(str::to_owned)
}

fn query() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        "",
        "",
        "?ref_type=heads",
        "?at=refs%2Fheads%2Fa+b",
        "?at=a%2Fb&until=c",
        "?until=refs/tags/",
        "?at=%FF",
        "?version=GBa%20b&path=%2Fa%2F..%2Fb",
        "?version=GC5e0f5d3",
        "?path=//a//",
        "?at=5e0f5d3#x",
        "?#",
    ]);
    known.prop_map(str::to_owned)
}

/// Anything, put together without sense.
fn nonsense() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(word(), 0..10).prop_map(|words| words.join("/"));
    (prop::collection::vec(prefix(), 0..4), start(), path, query())
        .prop_map(|(prefixes, start, path, query)| [prefixes.concat(), start, path, query].concat())
}

/// A part of a ref or path as it may well be.
fn part() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "main",
        "feature",
        "x%2Fy",
        "%C3%BC",
        "ü",
        "a%20b",
        "a+b",
        "a%2Bb",
        "-",
        "refs",
        "heads",
        "tags",
        "v1.0",
        "5e0f5d3",
        "5E0F5D3F0C8E8D2B9A7C6B5A4F3E2D1C0B9A8F7E",
        "a%23b",
        "a%3Fb",
        "%25",
        "project.git",
        "12",
        "%255C",
        "a:b",
        "a@b",
        "(x)",
        "tree",
        "issues",
        "",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => "[a-zA-Z0-9._~!$&'()*,;=:@-]{1,8}"]
        .prop_filter("a part that leads elsewhere is for nonsense", |part| part != "." && part != "..")
}

/// A page as the products have it, with anything plausible behind it.
fn page() -> impl Strategy<Value = String> {
    let begin = prop::sample::select(vec![
        ("https://gitlab.example.com/group/sub/project/-/", GITLAB),
        ("https://gitlab.example.com/group/project/", GITLAB),
        ("http://gitlab.example.com/sub/path/group/project.git/-/", GITLAB),
        ("github.example.com/owner/repo/", GITHUB),
        ("https://github.dev/owner/repo.git/", GITHUB),
        ("https://gitea.example.com/sub/path/owner/repo/", GITEA),
        ("https://cloud.example.com/team/repo/", CLOUD),
        ("https://bitbucket.example.com/projects/KEY/repos/slug/", SERVER),
        ("https://bitbucket.example.com/users/me/repos/slug/", SERVER),
        ("https://azure.example.com/org/my%20project/_git/repo/", AZURE),
    ]);
    let begun = begin.prop_flat_map(|(start, words)| (Just(start), prop::sample::select(words.to_vec())));
    let rest = prop::collection::vec(part(), 0..6).prop_map(|parts| parts.join("/"));
    let prefixes = prop::sample::select(vec!["", "", "#", "A=1/", "imagebuild/referrer:a/"]);
    (prefixes, begun, rest, query())
        .prop_map(|(prefix, (start, word), rest, query)| [prefix, start, word, &rest, &query].concat())
}

const GITLAB: &[&str] = &[
    "tree/",
    "blob/",
    "commits/",
    "raw/",
    "tags/",
    "releases/",
    "commit/5e0f5d3/",
    "merge_requests/7/",
    "issues/12/",
    "work_items/3/",
    "pipelines/",
    "",
];
const GITHUB: &[&str] = &[
    "tree/",
    "blob/",
    "commits/",
    "releases/tag/",
    "commit/5e0f5d3/",
    "pull/7/",
    "issues/12/",
    "actions/",
    "",
];
const GITEA: &[&str] = &[
    "src/branch/",
    "src/tag/",
    "src/commit/5e0f5d3/",
    "src/",
    "raw/branch/",
    "commits/branch/",
    "commit/5e0f5d3/",
    "releases/tag/",
    "pulls/7/",
    "issues/12/",
    "",
];
const CLOUD: &[&str] = &[
    "src/",
    "src/5e0f5d3f0c8e8d2b9a7c6b5a4f3e2d1c0b9a8f7e/",
    "branch/",
    "commits/branch/",
    "commits/tag/",
    "commits/5e0f5d3",
    "pull-requests/7/",
    "issues/12/",
    "",
];
const SERVER: &[&str] = &["browse/", "raw/", "commits/5e0f5d3/", "commits", "pull-requests/7/", ""];
const AZURE: &[&str] = &["", "", "commit/5e0f5d3/", "pullrequest/7/"];

/// What holds for every text.
fn check(text: &str, sites: &[Site]) -> Result<(), TestCaseError> {
    let parsed = match parse(text, sites) {
        Ok(parsed) => parsed,
        Err(error) => {
            prop_assert!(
                !error.code().is_empty() && !error.mend().is_empty() && !error.to_string().is_empty()
            );
            return Ok(());
        }
    };
    let again = match parse(&parsed.url, sites) {
        Ok(again) => again,
        Err(error) => return Err(TestCaseError::fail(format!("{text} became {}: {error}", parsed.url))),
    };
    prop_assert_eq!(&again.url, &parsed.url, "{}", text);
    prop_assert_eq!(again.target, parsed.target, "{}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_nonsense_is_too_strange(text in nonsense()) {
        check(&text, &SITES)?;
    }

    #[test]
    fn no_page_is_too_strange(text in page()) {
        check(&text, &SITES)?;
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        check(&String::from_utf8_lossy(&bytes), &SITES)?;
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}") {
        check(&text, &SITES)?;
    }
}

/// Of every ten thousand addresses at least this many show each kind of view. Without it the tests above
/// could come to pass on refusals alone.
const ENOUGH: usize = 200;

#[test]
fn the_generated_pages_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut views: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..10_000 {
        let text = page().new_tree(&mut runner).unwrap().current();
        let Ok(Parsed { target: Target::Site { page, .. }, .. }) = parse(&text, &SITES) else { continue };
        let view = match page.readings[0].view {
            View::Home { .. } => "home",
            View::Tree { .. } => "tree",
            View::Named { .. } => "named",
            View::Commit { .. } => "commit",
            View::MergeRequest(_) => "request",
            View::Issue(_) => "issue",
            View::Other => "other",
        };
        *views.entry(view).or_default() += 1;
    }

    assert!(views.len() == 7 && views.values().all(|&count| count >= ENOUGH), "{views:?}");
}
