use proptest::prelude::*;

use super::*;

fn a_kite() -> Kite {
    Kite {
        id: "0a1b".into(),
        username: "alice".into(),
        environment: "dev".into(),
        name: "math".into(),
        version: "1.0.0".into(),
        region: "eu".into(),
        hostname: "vm".into(),
    }
}

#[test]
fn a_complete_kite_is_sound() {
    assert_eq!(check_service(&a_kite()), Ok(()));
}

#[test]
fn a_field_that_is_empty_long_or_breaks_a_path_is_named() {
    let cases: [(Kite, Unsound); 6] = [
        (Kite { id: String::new(), ..a_kite() }, Unsound::Empty("id")),
        (Kite { hostname: String::new(), ..a_kite() }, Unsound::Empty("hostname")),
        (Kite { name: "a/b".into(), ..a_kite() }, Unsound::Character("name")),
        (Kite { region: "a\nb".into(), ..a_kite() }, Unsound::Character("region")),
        (Kite { version: "1".repeat(129), ..a_kite() }, Unsound::TooLong("version", 128)),
        (Kite { environment: "é".repeat(128), ..a_kite() }, Unsound::TooLong("environment", 255)),
    ];
    for (kite, expected) in cases {
        assert_eq!(check_service(&kite), Err(expected));
    }
}

#[test]
fn a_service_is_not_taken_for_a_workspace() {
    let as_agent = Kite { environment: "hearth".into(), ..a_kite() };
    let as_workspace = Kite { id: "ws_0123".into(), ..a_kite() };
    let only_alike = Kite { id: "wsx".into(), ..a_kite() };

    assert_eq!(check_service(&as_agent), Err(Unsound::Reserved("environment")));
    assert_eq!(check_service(&as_workspace), Err(Unsound::Reserved("id")));
    assert_eq!(check_service(&only_alike), Ok(()));
}

#[test]
fn addresses_that_somebody_can_dial_are_taken() {
    for url in [
        "http://127.0.0.1:17801/kite",
        "https://math.example.org/kite?x=a@b",
        "ws://[::1]:3000",
        "wss://host/path@2",
    ] {
        assert_eq!(check_url(url), Ok(()), "{url}");
    }
}

#[test]
fn other_addresses_are_refused() {
    assert_eq!(check_url(""), Err(Unsound::NoUrl));
    for url in [
        "kite",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http://user@host/",
        "http://user:word@host/",
        "http://@host/",
        "http:\\\\me@host",
        "http://host/#part",
        "http://ho st/",
        " http://host/",
        "http://host/\n",
        &format!("http://host/{}", "a".repeat(2048)),
    ] {
        assert!(matches!(check_url(url), Err(Unsound::Url(_))), "{url}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_checks_fall_over(text in ".{0,60}") {
        let _sound = check_url(&text);
        let _service = check_service(&Kite { id: text.clone(), environment: text, ..a_kite() });
    }

    #[test]
    fn different_names_stay_different_and_fit_a_path(one in ".{1,20}", other in ".{1,20}") {
        prop_assert_eq!(field_of(&one) == field_of(&other), one == other);
        prop_assert!(!field_of(&one).contains('/'));
    }

    #[test]
    fn an_accepted_address_has_no_credentials(text in "(http|https|ws|wss)://[a-z@:./?#%]{1,20}") {
        if check_url(&text).is_ok() {
            let url = Url::parse(&text).unwrap();
            prop_assert!(url.username().is_empty() && url.password().is_none());
        }
    }
}
