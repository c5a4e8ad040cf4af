//! What Bitbucket says when it does not: <https://developer.atlassian.com/server/bitbucket/reference/rest-api/>,
//! "Errors & validation".

use serde::Deserialize;

use crate::api::{Answer, refusal};
use crate::oauth1::{Stage, problem_of, refused};
use crate::{Fault, ForgeError, LinkFault};

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, rename = "exceptionName")]
    exception: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// An answer that is no success. What exists and may not be seen is refused with 401 like a bad token; only the
/// name of the exception tells.
pub(super) fn of(answer: &Answer) -> ForgeError {
    let host = answer.host();
    let status = answer.status().as_u16();
    if matches!(status, 400 | 401 | 403)
        && let Some(problem) = problem_of(answer)
    {
        return refused(host, &problem, Stage::Call);
    }
    let body: Option<Body> = answer.maybe();
    let entries = body.map(|body| body.errors).unwrap_or_default();
    let names = |part: &str| {
        entries.iter().filter_map(|entry| entry.exception.as_deref()).any(|name| name.ends_with(part))
    };
    if matches!(status, 401 | 403) && names("AuthorisationException") {
        return ForgeError::new(
            Fault::Forbidden,
            format!("`{host}` does not permit this"),
            "ask for the right there; if you have it, link your account again with more scopes, such as \
             `REPO_ADMIN` for web hooks",
        );
    }
    if status == 401 {
        let says = |word: &str| {
            entries
                .iter()
                .filter_map(|entry| entry.message.as_deref())
                .any(|it| it.to_ascii_lowercase().contains(word))
        };
        if says("expired") {
            return ForgeError::new(
                Fault::Link(LinkFault::Expired),
                format!("`{host}` refuses: the token has expired"),
                "link your account again",
            );
        }
    }
    refusal(answer)
}

/// What may not be seen is not there: this product tells the two apart, and others do not.
pub(super) fn hidden_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match result {
        Err(error) if *error.fault() == Fault::Forbidden => Ok(None),
        other => other,
    }
}
