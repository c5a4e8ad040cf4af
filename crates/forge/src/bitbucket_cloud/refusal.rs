//! What Bitbucket says when it does not:
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>.

use serde::Deserialize;
use serde_json::Value;

use crate::api::{Answer, refusal, words};
use crate::{Fault, ForgeError, LinkFault};

#[derive(Deserialize)]
struct Body {
    error: Entry,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    message: Value,
    /// An object here, a sentence there.
    #[serde(default)]
    detail: Value,
}

/// An answer that is no success.
pub(super) fn of(answer: &Answer) -> ForgeError {
    let host = answer.host();
    let Some(Body { error }) = answer.maybe::<Body>() else { return refusal(answer) };
    let message = error.message.as_str().unwrap_or_default().to_ascii_lowercase();
    match answer.status().as_u16() {
        401 if message.contains("expired. use your refresh token") => ForgeError::new(
            Fault::Link(LinkFault::Expired),
            format!("`{host}` refuses: the token has expired"),
            "link your account again",
        ),
        403 => match required(&error.detail) {
            Some(scopes) => missing(host, scopes),
            None => refusal(answer),
        },
        _ => refusal(answer),
    }
}

/// All of these are needed.
fn required(detail: &Value) -> Option<Vec<String>> {
    let required = detail.get("required")?.as_array()?;
    Some(required.iter().filter_map(Value::as_str).flat_map(words).take(40).collect())
}

fn missing(host: &str, scopes: Vec<String>) -> ForgeError {
    let named = scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" and ");
    let named = if named.is_empty() { "more scopes".to_owned() } else { named };
    ForgeError::new(
        Fault::MissingScope { scopes },
        format!("`{host}` wants {named} for this, which the account's link does not have"),
        format!(
            "an administrator has to let the application there have {named}; then link the account again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(status: u16, body: &str) -> Fault {
        of(&Answer::for_test(status, &[("content-type", "application/json")], body)).fault().clone()
    }

    #[test]
    fn missing_scopes_are_named() {
        let body = r#"{"type":"error","error":{"message":"x","detail":{"required":["webhook","a b"],"granted":[]}}}"#;
        let scopes = vec!["webhook".to_owned(), "a".into(), "b".into()];
        assert_eq!(fault(403, body), Fault::MissingScope { scopes });
        assert_eq!(fault(403, r#"{"error":{"message":"x","detail":"y"}}"#), Fault::Forbidden);
        assert_eq!(fault(403, "<html>"), Fault::Forbidden);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status in 400_u16..600, text in ".{0,60}") {
            let _fault = fault(status, &text);
            let _fault = fault(status, &format!(r#"{{"error":{{"message":{text:?},"detail":{{"required":[{text:?}]}}}}}}"#));
        }
    }
}
