//! Which forge an address belongs to, and the ways of writing one.

use domain::ForgeKind;
use forge::context::{Site, SshHost, Target, parse};

use super::{refused, shown, site};

/// The site an address was found to belong to; none for a plain one.
fn found(text: &str, sites: &[Site]) -> Option<usize> {
    match parse(text, sites) {
        Ok(parsed) => match parsed.target {
            Target::Site { site, .. } => Some(site),
            Target::Plain(_) | Target::Snapshot(_) => None,
        },
        Err(error) => panic!("{text}: {error}"),
    }
}

#[test]
fn a_host_is_the_same_however_it_is_written() {
    for text in [
        "https://gitlab.example.com/a/b",
        "HTTPS://GitLab.Example.COM/a/b",
        "https://gitlab.example.com./a/b",
        "https://gitlab.example.com:443/a/b",
        "http://gitlab.example.com/a/b",
        "https:/gitlab.example.com/a/b",
        "gitlab.example.com/a/b",
        "gitlab.example.com:443/a/b",
        "#gitlab.example.com/a/b",
        " /#/https://gitlab.example.com/a/b#readme ",
        "git@gitlab.example.com:a/b.git",
        "gitlab.example.com:a/b.git",
        "ssh://git@gitlab.example.com/a/b.git",
        "ssh://gitlab.example.com:22/a/b",
        "git+ssh://git@GITLAB.example.com/a/b",
    ] {
        assert_eq!(shown(text), "gitlab.example.com: a/b home", "{text}");
    }
    let sites = [site(ForgeKind::Gitea, "https://bücher.example")];
    assert_eq!(found("https://xn--bcher-kva.example/a/b", &sites), Some(0));
    assert_eq!(found("BÜCHER.example/a/b", &sites), Some(0));
    let sites = [site(ForgeKind::Gitea, "http://[::1]:3000")];
    assert_eq!(found("http://[0:0::1]:3000/a/b", &sites), Some(0));
}

#[test]
fn what_only_looks_like_a_site_is_none() {
    let sites = [
        site(ForgeKind::Gitlab, "https://gitlab.example.com"),
        site(ForgeKind::Gitea, "http://127.0.0.1:3000"),
    ];
    for text in [
        "https://evil.example/gitlab.example.com/a/b",
        "https://gitlab.example.com.evil.example/a/b",
        "https://evilgitlab.example.com/a/b",
        "https://gitlabxexample.com/a/b",
        "https://gitlab.example.com:8443/a/b",
        "https://gitlab.example.com:80/a/b",
        "http://127.0.0.1/a/b",
        "https://example.com/a/b?https://gitlab.example.com/a/b",
        "https://example.com\\@gitlab.example.com/a/b",
        "ssh://git@gitlab.example.com:2222/a/b",
        "git@gitlab.example.com.evil.example:a/b",
    ] {
        assert_eq!(found(text, &sites), None, "{text}");
    }
    for text in [
        "https://gitlab.example.com@evil.example/a/b",
        "https://me:secret@gitlab.example.com/a/b",
        "ssh://git:secret@gitlab.example.com/a/b",
    ] {
        let error = refused(text);
        assert_eq!(error.code(), "credentials");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn a_path_prefix_counts_in_whole_parts_and_the_longest_wins() {
    let sites = [
        site(ForgeKind::Gitea, "https://example.com"),
        site(ForgeKind::Gitlab, "https://example.com/git/lab"),
        site(ForgeKind::Github, "https://example.com/git/lab/"),
        site(ForgeKind::Github, "https://example.com/git"),
        site(ForgeKind::OpenId, "https://example.com/git/lab/id"),
    ];
    assert_eq!(found("https://example.com/git/lab/a/b", &sites), Some(1));
    assert_eq!(
        found("https://example.com/git/lab/id/a/b", &sites),
        Some(1),
        "an identity provider has no pages"
    );
    assert_eq!(found("https://example.com/git/laboratory/b", &sites), Some(3));
    assert_eq!(found("https://example.com/github/b", &sites), Some(0));
    let parsed = parse("example.com/git/lab/a/b.git", &sites).unwrap();
    assert_eq!(parsed.url, "https://example.com/git/lab/a/b.git");
    // SSH knows nothing of the web's prefix.
    let sites = [site(ForgeKind::Gitlab, "https://example.com/gitlab")];
    assert_eq!(parse("git@example.com:a/b.git", &sites).unwrap().url, "https://example.com/gitlab/a/b.git");
}

#[test]
fn of_equal_sites_the_same_scheme_and_then_the_first_counts() {
    let sites = [
        site(ForgeKind::Gitlab, "http://example.com"),
        site(ForgeKind::Gitlab, "https://example.com"),
        site(ForgeKind::Gitlab, "https://example.com"),
    ];
    assert_eq!(found("https://example.com/a/b", &sites), Some(1));
    assert_eq!(found("http://example.com/a/b", &sites), Some(0));
}

#[test]
fn other_hosts_of_a_site_lead_to_it() {
    let ssh = vec![SshHost { host: "Git.example.com".into(), port: 2222 }];
    let git_url = Some("https://clone.example.com/git".parse().unwrap());
    let sites = [Site { ssh, git_url, ..site(ForgeKind::Gitlab, "https://gitlab.example.com") }];
    for text in ["ssh://git@git.example.com:2222/a/b.git", "https://clone.example.com/git/a/b.git"] {
        assert_eq!(parse(text, &sites).unwrap().url, "https://gitlab.example.com/a/b.git", "{text}");
    }
    assert_eq!(found("git@gitlab.example.com:a/b.git", &sites), None, "SSH is at the other host");
}

#[test]
fn public_forges_are_known() {
    for (text, expected) in [
        ("gitlab.com/a/b/c/-/tree/x", "gitlab.com: a/b/c tree ref x"),
        ("github.dev/a/b/blob/main/x.rs", "github.com: a/b blob ref main/x.rs"),
        ("git@github.com:a/b.git", "github.com: a/b home"),
        ("ssh://git@ssh.github.com:443/a/b.git", "github.com: a/b home"),
        ("ssh://git@altssh.gitlab.com:443/a/b/c.git", "gitlab.com: a/b/c home"),
        ("https://codeberg.org/a/b/src/branch/main", "codeberg.org: a/b tree branch main"),
        ("git@bitbucket.org:team/repo.git", "bitbucket.org: team/repo home"),
        ("git@ssh.dev.azure.com:v3/org/project/repo", "dev.azure.com: org/project/repo home"),
        ("https://dev.azure.com/org/project/_git/repo", "dev.azure.com: org/project/repo home"),
        ("ssh://git@bitbucket.example.com:7999/KEY/slug.git", "bitbucket.example.com: KEY/slug home"),
        ("ssh://git@bitbucket.example.com:7999/~me/slug.git", "bitbucket.example.com: ~me/slug home"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_no_site_has_is_left_to_git() {
    for (text, expected) in [
        ("https://example.org/a/b.git?x=y#z", "plain https://example.org/a/b.git"),
        ("http://127.0.0.1:8080/repo", "plain http://127.0.0.1:8080/repo"),
        ("https://localhost/repo", "plain https://localhost/repo"),
        ("localhost:3000/repo", "plain https://localhost:3000/repo"),
        ("example.org/a/b", "plain https://example.org/a/b"),
        ("git@example.org:a/b.git", "plain https://example.org/a/b.git"),
        // No query: taking the question mark out would make an escape of what stands around it.
        ("ssh://git@example.org:2222/%0?at=x", "plain https://example.org/%250%3Fat=x"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused_with_the_mend() {
    for (text, code) in [
        ("", "empty"),
        (" #/ ", "empty"),
        ("imagebuild/", "empty"),
        ("not a url", "not_an_address"),
        ("owner/repo", "not_an_address"),
        ("hello", "not_an_address"),
        ("javascript:alert(1)", "not_an_address"),
        ("mailto:a@b.example", "not_an_address"),
        ("https://", "not_an_address"),
        ("https://a b/c", "not_an_address"),
        ("ssh://git@example.org:port/a", "not_an_address"),
        ("https://example.org/a\u{0}b", "not_an_address"),
        ("file:///etc/passwd", "scheme"),
        ("git://example.org/a/b", "scheme"),
        ("https://example.org/", "no_repository"),
    ] {
        let error = refused(text);
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(!error.mend().is_empty());
    }
    assert_eq!(refused("not a url").to_string(), "`not a url` is not a URL", "as it was pasted");
    assert_eq!(refused(&format!("https://example.org/{}", "x".repeat(9000))).code(), "too_long");
}
