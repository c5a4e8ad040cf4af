//! Words for errors at the consent page and the token endpoint, and who has to do something.

use domain::ForgeKind;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{Answer, refusal};
use crate::{Fault, ForgeError, LinkFault, Sent};

#[derive(Deserialize, Default)]
struct Body {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    error_description: Value,
}

/// An answer of the token or revocation endpoint that is no success, or a success without a token.
pub(super) fn of_answer(answer: &Answer, kind: ForgeKind) -> ForgeError {
    let status = answer.status().as_u16();
    let body: Body = answer.maybe().unwrap_or_default();
    let code = body.error.as_str().unwrap_or_default();
    // A busy server may still answer with a word of the standard; its status counts.
    let judged = (status < 500 && status != 429)
        .then(|| judge(kind, code, body.error_description.as_str().unwrap_or_default()));
    let host = answer.host();
    match judged.flatten() {
        Some(Verdict::Grant) => ForgeError::new(
            Fault::Link(LinkFault::Grant),
            format!("`{host}` does not take the code or refresh token (any more)"),
            "link your account again",
        ),
        Some(Verdict::Application) => application(host),
        Some(Verdict::Busy) => ForgeError::new(
            Fault::Passing { sent: Sent::Answered, retry_after: answer.retry_after() },
            format!("`{host}` cannot give tokens just now"),
            "wait some minutes, then try again",
        ),
        Some(Verdict::Request) => ForgeError::new(
            Fault::Request,
            format!("`{host}` does not take the request for a token"),
            "check that the kind of the forge is right and its version supported",
        ),
        None if status == 401 => application(host),
        None if answer.status().is_success() => ForgeError::new(
            Fault::Protocol,
            format!("`{host}` answers the request for a token with something else"),
            "check that the address and kind of the forge are right, path included",
        ),
        None => refusal(answer),
    }
}

fn application(host: &str) -> ForgeError {
    ForgeError::new(
        Fault::Application,
        format!("`{host}` does not accept Hearth as an application: wrong id, secret or redirect address"),
        "an administrator has to compare the application's id, secret and redirect address there with those \
         in Hearth's settings",
    )
}

enum Verdict {
    /// Code or refresh token.
    Grant,
    /// Id, secret or redirect address.
    Application,
    Busy,
    Request,
}

/// RFC 6749, 5.2, and the words of GitHub
/// (<https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>).
fn judge(kind: ForgeKind, code: &str, description: &str) -> Option<Verdict> {
    Some(match code {
        // Gitea says this of codes and refresh tokens as well; only its sentences tell.
        "unauthorized_client" if kind == ForgeKind::Gitea => match description {
            "unable to parse refresh token"
            | "token was already used"
            | "client is not authorized"
            | "failed PKCE code challenge" => Verdict::Grant,
            _ => Verdict::Application,
        },
        "invalid_grant" | "bad_refresh_token" | "bad_verification_code" | "expired_token" => Verdict::Grant,
        "invalid_client"
        | "unauthorized_client"
        | "incorrect_client_credentials"
        | "redirect_uri_mismatch"
        | "application_suspended"
        | "unsupported_grant_type"
        | "invalid_scope" => Verdict::Application,
        "temporarily_unavailable" | "server_error" => Verdict::Busy,
        "invalid_request" | "access_denied" | "unsupported_token_type" => Verdict::Request,
        _ => return None,
    })
}

/// The word the browser brought back (RFC 6749, 4.1.2.1).
pub(super) fn of_callback(kind: ForgeKind, code: &str) -> ForgeError {
    let title = kind.title();
    match code {
        "access_denied"
        | "consent_required"
        | "interaction_required"
        | "login_required"
        | "account_selection_required" => ForgeError::new(
            Fault::Denied,
            format!("the request was declined at {title}"),
            "begin again if that was not meant",
        ),
        "invalid_scope" => ForgeError::new(
            Fault::Application,
            format!("the application at {title} may not ask for one of the scopes"),
            "an administrator has to enable the scopes at the application there, or ask for fewer in Hearth",
        ),
        "temporarily_unavailable" | "server_error" => ForgeError::new(
            Fault::Passing { sent: Sent::Answered, retry_after: None },
            format!("{title} is in trouble just now"),
            "wait some minutes, then begin again",
        ),
        "unauthorized_client"
        | "redirect_uri_mismatch"
        | "application_suspended"
        | "invalid_client"
        | "unsupported_response_type" => ForgeError::new(
            Fault::Application,
            format!("{title} does not accept Hearth as an application"),
            "an administrator has to compare the application's id and redirect address there with those in \
             Hearth's settings",
        ),
        _ => ForgeError::new(
            Fault::Request,
            format!("{title} did not go on with the request"),
            "begin again; if it happens again, look at the application's settings there",
        ),
    }
}

#[cfg(test)]
mod tests;
