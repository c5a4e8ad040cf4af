use proptest::prelude::*;

use super::*;

fn roots() -> Roots {
    Roots { home: "/home/user".into(), folder: "/srv/space".into() }
}

fn place(text: &str) -> String {
    roots().path("path", Some(text), None).unwrap().display().to_string()
}

#[test]
fn paths_begin_at_the_root_the_home_or_the_workspace() {
    assert_eq!(place("/etc/./passwd"), "/etc/passwd");
    assert_eq!(place("~"), "/home/user");
    assert_eq!(place("~/"), "/home/user");
    assert_eq!(place("~//a"), "/home/user/a");
    assert_eq!(place("~other/a"), "/srv/space/~other/a");
    assert_eq!(place("a//b/"), "/srv/space/a/b");
    assert_eq!(place("."), "/srv/space");
    assert_eq!(place("../a"), "/srv/space/../a");
}

#[test]
fn bytes_are_a_path_too() {
    let path = roots().path("path", None, Some("YfBi")).unwrap();

    assert_eq!(path.as_os_str().as_bytes(), b"/srv/space/a\xf0b");
}

#[test]
fn what_is_no_path_is_refused_by_name() {
    for (text, bytes) in [(Some(""), None), (Some("a\0b"), None), (None, None), (None, Some("%"))] {
        let error = roots().path("oldPath", text, bytes).unwrap_err();
        assert_eq!(error.kind, "argumentError");
        assert!(error.message.contains("oldPath"), "{}", error.message);
    }
    assert!(roots().path("path", Some(&"a".repeat(5000)), None).is_err());
}

#[test]
fn dots_go_by_name() {
    assert_eq!(without_dots(Path::new("/a/../b/./c/../../..")), Path::new("/"));
    assert_eq!(without_dots(Path::new("/a/b/../c")), Path::new("/a/c"));
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in any::<String>(), bytes in proptest::option::of(any::<String>())) {
        let roots = roots();
        if let Ok(path) = roots.path("path", Some(&text), bytes.as_deref()) {
            prop_assert!(path.is_absolute());
            prop_assert!(without_dots(&path).is_absolute());
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(decode(encode(&bytes).trim_end_matches('=')).unwrap(), bytes);
    }
}
