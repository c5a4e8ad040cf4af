//! What token endpoints say, and who has to do something.

use proptest::prelude::*;

use super::*;

fn fault(kind: ForgeKind, status: u16, body: &str) -> Fault {
    of_answer(&Answer::for_test(status, &[], body), kind).fault().clone()
}

#[test]
fn the_links_fault_and_the_applications_are_told_apart() {
    use ForgeKind::{BitbucketCloud, Gitea, Github, Gitlab, OpenId};
    let grant = Fault::Link(LinkFault::Grant);
    for (kind, status, body, expected) in [
        (Gitlab, 400, r#"{"error":"invalid_grant","error_description":"The provided…"}"#, grant.clone()),
        (Gitlab, 401, r#"{"error":"invalid_client"}"#, Fault::Application),
        (Gitlab, 403, r#"{"error":"unauthorized_client"}"#, Fault::Application),
        (Gitlab, 401, "", Fault::Application),
        (Gitlab, 400, r#"{"error":"invalid_request"}"#, Fault::Request),
        // GitHub answers errors with 200.
        (Github, 200, r#"{"error":"bad_refresh_token"}"#, grant.clone()),
        (Github, 200, r#"{"error":"bad_verification_code"}"#, grant.clone()),
        (Github, 200, r#"{"error":"incorrect_client_credentials"}"#, Fault::Application),
        (Github, 200, r#"{"error":"redirect_uri_mismatch"}"#, Fault::Application),
        (
            Gitea,
            400,
            r#"{"error":"unauthorized_client","error_description":"token was already used"}"#,
            grant.clone(),
        ),
        (
            Gitea,
            400,
            r#"{"error":"unauthorized_client","error_description":"invalid client secret"}"#,
            Fault::Application,
        ),
        (Gitea, 400, r#"{"error":"invalid_client","error_description":"x"}"#, Fault::Application),
        (BitbucketCloud, 400, r#"{"error":"invalid_grant"}"#, grant),
        (OpenId, 200, "{}", Fault::Protocol),
        (Gitlab, 200, "<html>", Fault::Protocol),
        (Gitlab, 404, "<html>", Fault::NotFound),
    ] {
        assert_eq!(fault(kind, status, body), expected, "{kind} {status} {body}");
    }
}

#[test]
fn a_busy_server_is_no_fault_of_the_link() {
    for (status, sent) in
        [(429, Sent::Answered), (503, Sent::Answered), (500, Sent::Unknown), (502, Sent::Unknown)]
    {
        let expected = Fault::Passing { sent, retry_after: None };
        assert_eq!(fault(ForgeKind::Gitlab, status, r#"{"error":"invalid_grant"}"#), expected, "{status}");
    }
}

#[test]
fn a_person_who_said_no_is_not_an_error_of_anybody() {
    assert_eq!(*of_callback(ForgeKind::Gitlab, "access_denied").fault(), Fault::Denied);
    assert_eq!(*of_callback(ForgeKind::Gitlab, "invalid_scope").fault(), Fault::Application);
    assert_eq!(*of_callback(ForgeKind::Gitlab, "<script>").fault(), Fault::Request);
}

proptest! {
    #[test]
    fn no_word_makes_it_panic_or_is_repeated(word in "[a-zA-Z0-9]{12,40}", status in 200_u16..600) {
        let body = serde_json::json!({"error": word, "error_description": word}).to_string();
        for kind in ForgeKind::ALL {
            let error = of_answer(&Answer::for_test(status, &[], &body), kind);
            let told = [error.to_string(), error.mend().to_owned(), of_callback(kind, &word).to_string()];
            prop_assert!(told.iter().all(|text| !text.contains(&word)));
        }
    }
}
