use proptest::prelude::*;

use super::{Challenge, bearer};

fn challenge(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
    Challenge { realm: realm.into(), service: service.map(Into::into), scope: scope.map(Into::into) }
}

#[test]
fn what_registries_send_is_understood() {
    let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/debian:pull""#;

    assert_eq!(
        bearer(hub).unwrap(),
        challenge(
            "https://auth.docker.io/token",
            Some("registry.docker.io"),
            Some("repository:library/debian:pull")
        )
    );
    assert_eq!(
        bearer("bearer REALM=https://a/t , Service = s").unwrap(),
        challenge("https://a/t", Some("s"), None)
    );
    assert_eq!(
        bearer(r#"Basic realm="x", Bearer realm="https://a/t",scope="repository:a:pull,push""#).unwrap(),
        challenge("https://a/t", None, Some("repository:a:pull,push"))
    );
    assert_eq!(bearer(r#"Bearer realm="https://a/t", Basic realm="x""#).unwrap().realm, "https://a/t");
    assert_eq!(bearer(r#"Bearer realm="a\"b""#).unwrap().realm, "a\"b");
}

#[test]
fn what_is_no_bearer_challenge_is_left_alone() {
    for header in [
        "",
        "Basic realm=\"x\"",
        "Bearer",
        "Bearer ",
        "Bearer service=\"x\"",
        "Bearer realm=\"x",
        "Negotiate",
    ] {
        assert_eq!(bearer(header), None, "{header}");
    }
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(header in "(Bearer )?.{0,80}") {
        let _either = bearer(&header);
    }
}
