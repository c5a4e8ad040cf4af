//! Addresses as people type them, and as attackers would.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<String, InvalidAddress> {
    web_url(text, PlainHttp::Refused).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

#[test]
fn the_same_server_has_the_same_text() {
    for (typed, expected) in [
        ("https://gitlab.example.com", "https://gitlab.example.com"),
        ("  gitlab.example.com/ ", "https://gitlab.example.com"),
        ("HTTPS://GitLab.Example.COM:443/", "https://gitlab.example.com"),
        ("https://gitlab.example.com./", "https://gitlab.example.com"),
        ("https://example.com/gitlab///", "https://example.com/gitlab"),
        ("https://example.com/a/../gitlab/", "https://example.com/gitlab"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://example.com:8443/x", "https://example.com:8443/x"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://127.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
    ] {
        assert_eq!(read(typed).as_deref(), Ok(expected), "{typed}");
    }
}

#[test]
fn what_is_no_forge_is_refused_with_the_reason() {
    for (typed, expected) in [
        ("", "NotAUrl"),
        ("https://", "NotAUrl"),
        ("https://..", "NotAUrl"),
        ("https://a..b", "NotAUrl"),
        ("ssh://git@example.com", "Scheme"),
        ("http://gitlab.example.com", "Unencrypted"),
        ("http://127.0.0.1.example.com", "Unencrypted"),
        ("https://user@example.com", "Credentials"),
        ("https://user:pass@example.com", "Credentials"),
        ("https://example.com/?a=b", "Page"),
        ("https://example.com/#x", "Page"),
        ("https://example.com/a//b", "Path"),
        ("https://example.com/a%2fb", "Path"),
    ] {
        let error = read(typed).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{typed}: {error:?}");
        assert!(!error.mend().is_empty());
    }
    assert!(web_url("http://gitlab.example.com", PlainHttp::Allowed).is_ok());
}

#[test]
fn what_is_below_keeps_the_prefix() {
    let base = web_url("https://example.com/gitlab", PlainHttp::Refused).unwrap();

    let url = below(&base, "/api/v4/projects/a%2Fb?x=1");

    assert_eq!(url.as_str(), "https://example.com/gitlab/api/v4/projects/a%2Fb?x=1");
}

proptest! {
    #[test]
    fn whatever_is_typed_never_panics_and_reads_the_same_twice(text in "\\PC{0,80}") {
        if let Ok(url) = web_url(&text, PlainHttp::Allowed) {
            prop_assert_eq!(web_url(url.as_str(), PlainHttp::Allowed), Ok(url.clone()));
            prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
        }
    }

    #[test]
    fn addresses_read_the_same_twice(
        text in "(https?://)?([a-zA-Zü0-9.-]{1,12}@)?[a-zA-Zü0-9.-]{1,20}(:[0-9]{0,6})?(/[a-z%./;]{0,10})?[?#]?"
    ) {
        if let Ok(url) = web_url(&text, PlainHttp::Refused) {
            prop_assert_eq!(web_url(url.as_str(), PlainHttp::Refused), Ok(url.clone()));
            prop_assert!(url.scheme() == "https" || is_loopback(&url));
        }
    }
}
