//! Answers as forges give them, and who has to do something.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn fault(status: u16, headers: &[(&'static str, &str)], body: &str) -> Fault {
    refusal(&Answer::for_test(status, headers, body)).fault().clone()
}

#[test]
fn gitlabs_two_reasons_for_a_bad_token_are_told_apart() {
    let revoked = r#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#;
    let expired = r#"{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}"#;

    assert_eq!(fault(401, &[], revoked), Fault::Link(LinkFault::Revoked));
    assert_eq!(fault(401, &[], expired), Fault::Link(LinkFault::Expired));
    assert_eq!(fault(401, &[], r#"{"message":"401 Unauthorized"}"#), Fault::Link(LinkFault::Refused));
    assert_eq!(fault(401, &[], ""), Fault::Link(LinkFault::Refused));
}

#[test]
fn a_missing_scope_is_named_whoever_says_so() {
    let scopes =
        |names: &[&str]| Fault::MissingScope { scopes: names.iter().map(|it| (*it).into()).collect() };
    let gitlab = r#"{"error":"insufficient_scope","error_description":"x","scope":"api read_api"}"#;
    let gitea = r#"{"message":"token does not have at least one of required scope(s): [write:user]"}"#;
    let github =
        [("x-accepted-oauth-scopes", "admin:public_key, write:public_key"), ("x-oauth-scopes", "repo")];

    assert_eq!(fault(403, &[], gitlab), scopes(&["api", "read_api"]));
    assert_eq!(fault(403, &[], gitea), scopes(&["write:user"]));
    assert_eq!(fault(403, &github, "{}"), scopes(&["admin:public_key", "write:public_key"]));
    assert_eq!(fault(403, &[], r#"{"message":"403 Forbidden"}"#), Fault::Forbidden);
}

#[test]
fn too_many_requests_pass() {
    let passing = |seconds| Fault::Passing {
        sent: Sent::Answered,
        retry_after: Option::map(seconds, Duration::from_secs),
    };

    assert_eq!(fault(429, &[("retry-after", "60")], "Retry later\n"), passing(Some(60)));
    assert_eq!(fault(403, &[("x-ratelimit-remaining", "0")], "{}"), passing(None));
    assert_eq!(fault(403, &[("retry-after", "7")], "{}"), passing(Some(7)));
    assert_eq!(fault(429, &[("retry-after", "99999999")], ""), passing(Some(86_400)));
}

#[test]
fn a_proxys_error_leaves_open_what_happened() {
    for status in [500, 502, 504] {
        let expected = Fault::Passing { sent: Sent::Unknown, retry_after: None };
        assert_eq!(fault(status, &[], "<html>Bad gateway</html>"), expected, "{status}");
    }
}

#[test]
fn an_instance_that_moved_says_where_without_the_page() {
    let error =
        refusal(&Answer::for_test(301, &[("location", "https://git.example.org/x?token=s3cret")], ""));

    assert_eq!(*error.fault(), Fault::Protocol);
    assert!(error.to_string().contains("https://git.example.org"), "{error}");
    assert!(!format!("{error}{}", error.mend()).contains("s3cret"));
}

#[test]
fn nothing_of_a_body_is_repeated() {
    let body = r#"{"message":{"key":["glpat-s3cret"]},"error":"glpat-s3cret","scope":"<b>glpat s3cret!"}"#;
    for status in [400, 401, 403, 404, 409, 422, 500] {
        let error = refusal(&Answer::for_test(status, &[], body));
        assert!(!format!("{error} {} {error:?}", error.mend()).contains("s3cret"), "{status}: {error}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(status in 300_u16..600, body in "\\PC{0,200}", link in "[ -~]{0,60}") {
        let answer = Answer::for_test(status, &[("link", &link), ("location", &link)], &body);
        let _next = answer.next_page(1);
        let _error = refusal(&answer);
    }

    #[test]
    fn no_json_makes_it_panic(error in "[a-z_\\[\\] ]{0,30}", message in "(required scope)?[\\[\\]a-z: ,]{0,30}") {
        let body = serde_json::json!({"error": error, "message": message, "scope": message}).to_string();
        for status in [400, 401, 403] {
            let _error = refusal(&Answer::for_test(status, &[], &body));
        }
    }
}
