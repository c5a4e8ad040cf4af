//! The base string against the standard's own example, and random input.

use proptest::prelude::*;

use super::base_string::{base_string, encode};
use super::*;
use crate::LinkFault;

#[test]
fn the_base_string_is_that_of_the_standard() {
    let url = Url::parse("http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b#x").unwrap();
    let more = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
        ("c2", ""),
        ("a3", "2 q"),
    ];

    // RFC 5849, section 3.4.1.1.
    let expected = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D\
                    %26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_sign\
                    ature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7";
    assert_eq!(*base_string("post", &url, &more), expected);
}

#[test]
fn only_unreserved_characters_stay() {
    assert_eq!(*encode("Aa0-._~ +%/ü*'()!"), "Aa0-._~%20%2B%25%2F%C3%BC%2A%27%28%29%21");
}

fn problem(status: u16, header: &str, body: &str) -> Option<String> {
    problem_of(&Answer::for_test(status, &[("www-authenticate", header)], body))
}

#[test]
fn problems_are_found_where_servers_put_them() {
    for (header, body, expected) in [
        (r#"OAuth realm="https://x", oauth_problem="token_rejected""#, "", Some("token_rejected")),
        ("", "oauth_problem=consumer_key_unknown&oauth_problem_advice=x", Some("consumer_key_unknown")),
        ("", r#"{"errors":[{"message":"oauth_problem=timestamp_refused"}]}"#, Some("timestamp_refused")),
        (r#"Basic realm="x""#, "no", None),
        ("", "oauth_problem", None),
        ("", "oauth_problem=", None),
    ] {
        assert_eq!(problem(401, header, body).as_deref(), expected, "{header} {body}");
    }
}

#[test]
fn every_problem_has_somebody_to_mend_it() {
    for (problem, stage, expected) in [
        ("timestamp_refused", Stage::Call, Fault::Protocol),
        ("consumer_key_unknown", Stage::Request, Fault::Application),
        ("signature_invalid", Stage::Request, Fault::Application),
        ("token_rejected", Stage::Exchange, Fault::Link(LinkFault::Grant)),
        ("token_rejected", Stage::Call, Fault::Link(LinkFault::Refused)),
        ("token_expired", Stage::Call, Fault::Link(LinkFault::Expired)),
        ("token_revoked", Stage::Call, Fault::Link(LinkFault::Revoked)),
        ("permission_denied", Stage::Exchange, Fault::Denied),
        ("parameter_absent", Stage::Request, Fault::Request),
    ] {
        let error = refused("bitbucket.example.com", problem, stage);
        assert_eq!(*error.fault(), expected, "{problem} {stage:?}");
        assert!(!error.mend().is_empty());
    }
    assert!(refused("x", "timestamp_refused", Stage::Call).mend().contains("clocks"));
}

#[test]
fn tokens_are_read_and_nothing_else_is() {
    let granted = Granted::read(b"oauth_token=a%2Fb&oauth_token_secret=&oauth_expires_in=157680000").unwrap();
    assert_eq!(granted.token.expose(), "a/b");
    assert_eq!(granted.expires_in, Some(SignedDuration::from_secs(157_680_000)));
    for body in ["", "oauth_token=", "<html>", "oauth_token_secret=x"] {
        assert!(Granted::read(body.as_bytes()).is_none(), "{body}");
    }
}

proptest! {
    #[test]
    fn the_order_of_parameters_changes_nothing(
        mut more in prop::collection::vec((".{0,8}", ".{0,8}"), 0..8), query in "[ -~ü]{0,30}", path in "[a-z%/ü~]{0,20}",
    ) {
        let mut url = Url::parse("https://bitbucket.example.com").unwrap();
        url.set_path(&path);
        url.set_query(Some(&query));
        let borrowed = |more: &[(String, String)]| -> String {
            let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            base_string("GET", &url, &more).to_string()
        };
        let one = borrowed(&more);

        more.reverse();

        prop_assert_eq!(&one, &borrowed(&more));
        // Three parts, and nothing of the parameters can add one.
        prop_assert_eq!(one.matches('&').count(), 2);
        prop_assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%&".contains(&b)), "{}", one);
    }

    #[test]
    fn no_answer_makes_it_panic(status in 200_u16..600, header in "[ -~]{0,60}", body in ".{0,80}", word in "[a-z_]{0,50}") {
        let _problem = problem(status, &header, &body);
        let found = problem(status, "", &format!("oauth_problem={word}"));
        prop_assert!(found.is_none_or(|found| word.starts_with(&found)));
        let _granted = Granted::read(body.as_bytes());
        let _error = refused("host", &word, Stage::Call);
    }
}
