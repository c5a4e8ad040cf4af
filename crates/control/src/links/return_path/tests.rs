use proptest::prelude::*;
use url::Url;

use super::ReturnPath;

#[test]
fn paths_of_this_site_are_taken_with_query_and_fragment() {
    for text in [
        "/",
        "/workspaces/ws_1",
        "/settings/integrations?tab=git",
        "/new#https://gitlab.example.com/group/project/-/tree/a%2Fb",
        "/new?x=https://gitlab.example.com#//x",
        "/caf%C3%A9",
        "/a/%20b",
        "/a:b@c",
    ] {
        assert_eq!(text.parse::<ReturnPath>().map(String::from).as_deref(), Ok(text));
    }
}

#[test]
fn whatever_could_lead_elsewhere_is_refused() {
    for text in [
        "",
        "x",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: x",
        "\\\\evil.example",
        "/%2f%2fevil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/%252fevil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/a/../b",
        "/%2e%2e/b",
        "/.%2e/b",
        "/%0d%0a",
        "/a//evil.example",
        "/a b",
        "/é",
        "/a?b=\\",
        " /a",
        "/%00",
    ] {
        assert!(text.parse::<ReturnPath>().is_err(), "{text:?}");
    }
    assert!(format!("/{}", "a".repeat(5000)).parse::<ReturnPath>().is_err());
}

#[test]
fn news_go_into_the_query_before_the_fragment() {
    let with =
        |text: &str, pairs: &[(&str, &str)]| String::from(text.parse::<ReturnPath>().unwrap().with(pairs));

    assert_eq!(with("/a#b?c", &[("linked", "x")]), "/a?linked=x#b?c");
    assert_eq!(with("/a?b=%2F&linked=old#f", &[("linked", "new")]), "/a?b=%2F&linked=new#f");
    assert_eq!(with("/a", &[("detail", "so & so #1")]), "/a?detail=so+%26+so+%231");
    assert_eq!(with("/a?linked=x", &[]), "/a?linked=x");
}

/// A text that an attacker would try: parts that mean something to some parser, in any order.
fn crafted() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("//".to_owned()),
        Just(".".to_owned()),
        Just("%2f".to_owned()),
        Just("%5C".to_owned()),
        Just("%2e".to_owned()),
        Just("%25".to_owned()),
        Just("\t".to_owned()),
        Just("@evil.example".to_owned()),
        Just("evil.example".to_owned()),
        Just(":".to_owned()),
        Just("?".to_owned()),
        Just("#".to_owned()),
        "[a-z0-9]{0,4}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()))
}

proptest! {
    #[test]
    fn what_is_taken_stays_on_this_site(text in prop_oneof![any::<String>(), crafted()]) {
        let Ok(path) = text.parse::<ReturnPath>() else { return Ok(()) };
        let base = Url::parse("https://hearth.example.com/oauth/callback/x").unwrap();

        for path in [path.clone(), path.with(&[("linked", "a b"), ("detail", "//\\\r\n#?")])] {
            let url = base.join(path.as_str()).unwrap();
            prop_assert_eq!(url.origin(), base.origin());
            prop_assert!(url.username().is_empty() && url.password().is_none());
            // Also when a page takes the path out and goes there.
            prop_assert_eq!(base.join(url.path()).unwrap().origin(), base.origin());
            prop_assert_eq!(path.as_str().parse::<ReturnPath>().ok(), Some(path));
        }
    }
}
