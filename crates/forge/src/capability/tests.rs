//! Versions as forges tell them, and what follows.

use proptest::prelude::*;

use super::*;

#[test]
fn versions_are_read_as_forges_write_them() {
    for (text, expected) in [
        ("18.1.1-ee", Some(Version(18, 1))),
        ("15.11.13", Some(Version(15, 11))),
        ("17.1.0-pre", Some(Version(17, 1))),
        ("19.0-pre", Some(Version(19, 0))),
        ("v1.22.3+dev", Some(Version(1, 22))),
        ("9.0.3+gitea-1.22.0", Some(Version(9, 0))),
        ("12", Some(Version(12, 0))),
        ("", None),
        ("unknown", None),
        ("99999999999999.1", None),
    ] {
        assert_eq!(Version::parse(text), expected, "{text}");
    }
}

#[test]
fn every_release_lacks_what_came_later() {
    for (version, lacking, refused) in [
        ("12.9.3", 5, true),
        ("12.10.0", 4, false),
        ("14.3.0", 3, false),
        ("16.6.9", 3, false),
        ("16.7.0", 2, false),
        ("17.3.0-ee", 1, false),
        ("18.6.0", 1, false),
        ("19.0.0-pre", 0, false),
    ] {
        let known = capabilities(ForgeKind::Gitlab, Some(version));
        assert_eq!(known.lacks.len(), lacking, "{version}: {:?}", known.lacks);
        assert_eq!(known.refused.is_some(), refused, "{version}");
    }
}

#[test]
fn an_unknown_version_is_taken_for_a_current_one() {
    for kind in ForgeKind::ALL {
        let known = capabilities(kind, None);
        assert!(known.lacks.is_empty() && known.refused.is_none(), "{kind}");
    }
}

#[test]
fn forgejo_counts_from_seven_and_is_newer_than_gitea() {
    assert!(capabilities(ForgeKind::Gitea, Some("9.0.3+gitea-1.22.0")).lacks.is_empty());
    assert_eq!(capabilities(ForgeKind::Gitea, Some("1.18.5")).lacks.len(), 1);
}

proptest! {
    #[test]
    fn whatever_a_forge_calls_its_version_never_panics(text in "\\PC{0,40}") {
        for kind in ForgeKind::ALL {
            let _known = capabilities(kind, Some(&text));
        }
    }
}
