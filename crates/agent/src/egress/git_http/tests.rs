use proptest::prelude::*;

use super::*;

fn is_let_through(method: &Method, path: &str) -> bool {
    is_git(method, &format!("http://forge.test{path}").parse().unwrap())
}

#[test]
fn what_git_asks_passes() {
    for (method, path) in [
        (Method::GET, "/a/b.git/info/refs?service=git-upload-pack"),
        (Method::GET, "/a/b/info/refs?service=git-receive-pack"),
        (Method::POST, "/a/b.git/git-upload-pack"),
        (Method::POST, "/a/b.git/git-receive-pack"),
        (Method::POST, "/a/b.git/info/lfs/objects/batch"),
        (Method::PUT, "/a/b.git/gitlab-lfs/objects/0123/45"),
        (Method::GET, "/a%20group/b.git/info/refs?service=git-upload-pack"),
    ] {
        assert!(is_let_through(&method, path), "{method} {path}");
    }
}

#[test]
fn everything_else_does_not() {
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/api/v4/projects"),
        (Method::GET, "/a/b.git/info/refs"),
        (Method::GET, "/a/b.git/info/refs?service=git-upload-pack&also=this"),
        (Method::POST, "/a/b.git/info/refs?service=git-upload-pack"),
        (Method::GET, "/a/b.git/git-upload-pack"),
        (Method::DELETE, "/a/b.git/info/lfs/locks/1"),
        (Method::GET, "/a/b.git/info/lfs/../../../api/v4/projects"),
        (Method::GET, "/a/b.git/info/lfs/%2e%2E/api"),
        (Method::GET, "/a/b.git/info/lfs/..%2f..%2fapi"),
        (Method::GET, "/a/b.git/info/lfs/%252e%252e/api"),
        (Method::GET, "/a/b.git/info/lfs/..;/api"),
    ] {
        assert!(!is_let_through(&method, path), "{method} {path}");
    }
}

proptest! {
    #[test]
    fn nothing_that_leads_back_up_passes(
        before in "(/[a-z%2eE.;/\\\\]{0,8}){0,4}",
        up in prop::sample::select(vec!["..", ".", "%2e%2e", "%2E.", "..;x", "..%2f", "a%5c..", "%00"]),
    ) {
        let path = format!("{before}/{up}/git-upload-pack");
        if let Ok(uri) = format!("http://forge.test{path}").parse() {
            prop_assert!(!is_git(&Method::POST, &uri), "{}", path);
        }
    }
}
