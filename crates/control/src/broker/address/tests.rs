use proptest::prelude::*;

use super::*;

fn wanted(protocol: &str, host: &str, path: &str) -> CredentialFor {
    CredentialFor {
        protocol: protocol.into(),
        host: host.into(),
        path: Some(path.into()),
        ..CredentialFor::default()
    }
}

fn is(repository: &str, protocol: &str, host: &str, path: &str) -> bool {
    let repository: RepositoryUrl = repository.parse().unwrap();
    Asked::read(&wanted(protocol, host, path)).is_some_and(|asked| asked.is(&repository))
}

const OWN: &str = "https://forge.example.com/gitlab/group/project.git";

#[test]
fn the_repository_is_known_in_each_of_its_spellings() {
    for (host, path) in [
        ("forge.example.com", "gitlab/group/project.git"),
        ("forge.example.com", "gitlab/group/project"),
        ("forge.example.com", "/gitlab/group/project.git/"),
        ("FORGE.Example.com:443", "gitlab/Group/PROJECT"),
        ("forge.example.com", "gitlab/group/project.git/info/lfs"),
        ("forge.example.com", "gitlab/group/project.git/info/lfs/objects/batch"),
    ] {
        assert!(is(OWN, "https", host, path), "{host} {path}");
    }
    assert!(is("http://[::1]:3000/a/b", "http", "[::1]:3000", "a/b"));
    assert!(is("https://forge.test/a/gr%C3%BC%C3%9Fe", "https", "forge.test", "a/grüße"));
}

#[test]
fn whatever_only_looks_like_it_is_refused() {
    let path = "gitlab/group/project.git";
    for (protocol, host, path) in [
        ("http", "forge.example.com", path),
        ("ssh", "forge.example.com", path),
        ("https", "forge.example.com:8443", path),
        ("https", "forge.example.com.", path),
        ("https", "forge.example.com.evil.test", path),
        ("https", "evil.test", "forge.example.com/gitlab/group/project.git"),
        ("https", "evil.test/forge.example.com", path),
        ("https", "forge.example.com@evil.test", path),
        ("https", "evil.test@forge.example.com", path),
        ("https", "forge.example.com#@evil.test", path),
        ("https", "forge.example.com\\@evil.test", path),
        ("https", "forge%2eexample.com", path),
        ("https", "forge.example.com", "gitlab/group"),
        ("https", "forge.example.com", "gitlab/group/project2"),
        ("https", "forge.example.com", "gitlab/group/project.git/../other"),
        ("https", "forge.example.com", "gitlab/other/../group/project"),
        ("https", "forge.example.com", "gitlab/./group/project"),
        ("https", "forge.example.com", "gitlab//group/project"),
        ("https", "forge.example.com", "gitlab/group%2fproject"),
        ("https", "forge.example.com", "gitlab/group/project.git;x"),
        ("https", "forge.example.com", "gitlab\\group\\project"),
        ("https", "forge.example.com", ""),
        ("https", "", path),
    ] {
        assert!(!is(OWN, protocol, host, path), "{protocol} {host} {path}");
    }
    assert!(!is(OWN, "https", "forge.example.com", "gitlab/group/project.git.git"));
}

proptest! {
    #[test]
    fn only_the_same_place_and_path_ever_match(
        protocol in "http|https|file|ssh",
        host in r"(forge|evil|@|\.|:|443|%|#|/|\\|[a-z.]){1,6}",
        path in r"(gitlab|group|project|\.git|/|\.\.|\.|%2f|;|info/lfs){0,7}",
    ) {
        if is(OWN, &protocol, &host, &path) {
            prop_assert_eq!(protocol.as_str(), "https");
            let plain = host.trim_end_matches(":443");
            prop_assert_eq!(plain, "forge.example.com");
        }
        let own: RepositoryUrl = "https://forge/gitlab/group/project".parse().unwrap();
        if Asked::read(&wanted(&protocol, &host, &path)).is_some_and(|asked| asked.is(&own)) {
            prop_assert!(matches!(host.as_str(), "forge" | "forge:443" | "forge:"), "{}", host);
            prop_assert!(path.trim_matches('/').starts_with("gitlab/group/project"), "{}", path);
            prop_assert!(!path.contains("..") && !path.contains('%'), "{}", path);
        }
    }

    #[test]
    fn no_input_breaks_it(protocol in ".{0,8}", host in ".{0,40}", path in ".{0,80}") {
        is(OWN, &protocol, &host, &path);
        is(OWN, "https", &host, &path);
    }
}
