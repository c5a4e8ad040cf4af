use domain::{Account, SignUp};
use proptest::prelude::*;

use super::{Refusal, admit, names};

fn with_email(email: Option<&str>, email_verified: bool) -> Account {
    Account {
        subject: "7".into(),
        login: "ada".into(),
        name: None,
        email: email.map(Into::into),
        email_verified,
        web_url: None,
    }
}

fn at_example() -> SignUp {
    SignUp::Domains(vec!["example.com".into(), "Bücher.example".into()])
}

#[test]
fn a_closed_door_opens_to_nobody_and_an_open_one_to_everybody() {
    assert_eq!(admit(&SignUp::Closed, &with_email(Some("a@example.com"), true)), Err(Refusal::Closed));
    assert_eq!(admit(&SignUp::Open, &with_email(None, false)), Ok(()));
}

#[test]
fn only_a_verified_address_at_exactly_the_domain_is_let_in() {
    for email in ["ada@example.com", "ADA@EXAMPLE.COM", "ada@bücher.example", "ada@xn--bcher-kva.example"] {
        assert_eq!(admit(&at_example(), &with_email(Some(email), true)), Ok(()), "{email}");
        assert_eq!(
            admit(&at_example(), &with_email(Some(email), false)),
            Err(Refusal::Unverified),
            "{email}"
        );
    }
    for email in [
        "ada@evil-example.com",
        "ada@evilexample.com",
        "ada@sub.example.com",
        "ada@example.com.evil.example",
        "ada@example.com@evil.example",
        "ada@evil.example@example.com",
        "\"ada@evil.example\"@example.com",
        "ada@example.com.",
        "ada@.example.com",
        "ada@example.comx",
        "ada@exаmple.com",
        "example.com",
        "@example.com",
        "ada@",
        "[REDACTED]",
        "ada@[127.0.0.1]",
        "a da@example.com",
    ] {
        assert!(admit(&at_example(), &with_email(Some(email), true)).is_err(), "{email}");
    }
    assert_eq!(admit(&at_example(), &with_email(None, true)), Err(Refusal::Unverified));
}

#[test]
fn names_are_the_login_name_and_then_numbered() {
    let first = |login: &str| names(login).take(3).map(String::from).collect::<Vec<_>>();

    assert_eq!(first("ada"), ["ada", "ada2", "ada3"]);
    assert_eq!(first("ada \u{202e}love\nlace"), ["adalovelace", "adalovelace2", "adalovelace3"]);
    assert_eq!(first("\u{200b} "), ["user", "user2", "user3"]);
}

proptest! {
    #[test]
    fn every_login_name_gives_names(login in any::<String>()) {
        prop_assert_eq!(names(&login).take(3).count(), 3);
    }

    #[test]
    fn no_address_elsewhere_is_let_in(email in any::<String>()) {
        let admitted = admit(&SignUp::Domains(vec!["example.com".into()]), &with_email(Some(&email), true)).is_ok();
        // Full-width letters and the like are the same domain by the rules of names.
        let domain = email.rsplit('@').next().and_then(|domain| url::Host::parse(domain.trim()).ok());
        let is_there = domain == url::Host::parse("example.com").ok();
        prop_assert!(!admitted || is_there);
    }
}
