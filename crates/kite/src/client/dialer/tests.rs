//! Addresses.

use super::*;

#[test]
fn an_address_may_be_written_with_either_kind_of_scheme() {
    for (given, meant) in [
        ("ws://host/kite", "http://host/kite"),
        ("wss://host", "https://host/"),
        ("http://[::1]:8080/kite?a=b#c", "http://[::1]:8080/kite?a=b"),
    ] {
        assert_eq!(Dialer::new(given).ok().unwrap().url().as_str(), meant);
    }
}

#[test]
fn what_is_no_address_of_a_kite_is_refused() {
    for given in ["", "host", "ftp://host", "unix:/x", "http://", "https://user:password@host/kite"] {
        assert!(matches!(Dialer::new(given), Err(DialError::Address(_))), "{given}");
    }
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let refused = Dialer::new("https://alice:secret@host/kite").err().unwrap().to_string();

    assert!(refused.contains("host") && !refused.contains("secret"), "{refused}");
}

#[test]
fn a_session_lies_below_the_address_and_is_never_the_same() {
    let url = parse("https://host/kite/?a=b").ok().unwrap();

    let (first, second) = (session(&url).ok().unwrap(), session(&url).ok().unwrap());

    let segments: Vec<&str> = first.path().split('/').collect();
    assert_eq!(segments.len(), 4, "{first}");
    assert_eq!((segments[1], segments[2].len(), segments[3].len()), ("kite", 3, 32));
    assert_eq!(first.query(), Some("a=b"));
    assert_ne!(first, second);
}
