use domain::{ImageReference, RefName, RepositoryUrl, WorkspaceId, WorkspaceName};
use proptest::prelude::*;

#[test]
fn a_repository_url_loses_its_query_and_its_trailing_slash() {
    let url: RepositoryUrl = " https://gitlab.example/group/sub/project.git/?a=b#c ".parse().unwrap();

    assert_eq!(url.to_string(), "https://gitlab.example/group/sub/project.git");
    assert_eq!(url.short_name(), "project");
    assert_eq!(url.authority(), ("gitlab.example".into(), 443));
}

#[test]
fn what_cannot_be_cloned_is_refused_with_the_mend() {
    let cases = [
        ("hello", "not a URL"),
        ("git@gitlab.com:a/b.git", "paste the `https://` address"),
        ("ssh://git@gitlab.com/a/b", "paste the `https://` address"),
        ("file:///etc/passwd", "cannot clone over `file`"),
        ("https://gitlab.com/", "names no repository"),
        ("https://user:secret@gitlab.com/a/b", "take it out"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<RepositoryUrl>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("secret"));
    }
}

#[test]
fn image_references_are_completed() {
    let cases = [
        ("debian", "docker.io/library/debian:latest"),
        ("team/app:1.2", "docker.io/team/app:1.2"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x"),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), expected);
    }
    for text in ["", "UPPER/case", "a//b", "a:b c", "../x", "x@sha256:12"] {
        assert!(text.parse::<ImageReference>().is_err(), "{text}");
    }
}

#[test]
fn refs_that_git_refuses_are_refused() {
    for text in ["main", "feature/with/slashes", "v1.2.3", "übung", "a@b"] {
        assert!(text.parse::<RefName>().is_ok(), "{text}");
    }
    for text in ["", "-x", "a..b", "a b", "a~1", "x.lock", "a/.b", "a/", "@", "a@{1}", "--upload-pack=x"] {
        assert!(text.parse::<RefName>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_has_a_nearest_workspace_name(text in ".{0,80}", number in 0u32..100_000) {
        let name = WorkspaceName::nearest(&text);
        prop_assert_eq!(name.as_str().parse::<WorkspaceName>().unwrap(), name.clone());
        let numbered = name.numbered(number);
        prop_assert!(numbered.as_str().parse::<WorkspaceName>().is_ok());
    }

    #[test]
    fn parsers_of_names_never_panic(text in "\\PC{0,200}") {
        if let Ok(url) = text.parse::<RepositoryUrl>() {
            prop_assert!(!url.short_name().contains('/') && !url.short_name().is_empty());
        }
        drop((text.parse::<RefName>(), text.parse::<ImageReference>(), text.parse::<WorkspaceId>()));
    }
}
