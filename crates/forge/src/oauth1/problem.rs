//! Atlassian's words for what is wrong with a signed request (the "OAuth problem reporting" extension), and who
//! has to do something.

use http::header::WWW_AUTHENTICATE;

use crate::api::Answer;
use crate::{Fault, ForgeError, LinkFault, Sent};

const NAME: &str = "oauth_problem";
/// The longest word of the extension has 32 letters.
const LONGEST: usize = 40;
/// A page of another server may be long; words stand at the beginning.
const LOOKED_AT: usize = 4096;

/// What was asked when the problem came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A request token.
    Request,
    /// An access token.
    Exchange,
    /// Anything of the API.
    Call,
}

/// The word, if the answer names a problem: in its `WWW-Authenticate` header, or in its body as a form or within
/// an error of the API.
pub(crate) fn problem_of(answer: &Answer) -> Option<String> {
    let header = answer.header(WWW_AUTHENTICATE.as_str()).and_then(word);
    header.or_else(|| {
        let body = answer.body().get(..answer.body().len().min(LOOKED_AT)).unwrap_or_default();
        word(&String::from_utf8_lossy(body))
    })
}

/// Whether a request was refused because its nonce had been seen: an answer to it got lost.
pub(crate) fn is_nonce_used(answer: &Answer) -> bool {
    !answer.status().is_success() && problem_of(answer).as_deref() == Some("nonce_used")
}

fn word(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(NAME)?;
    let rest = rest.strip_prefix('=').or_else(|| rest.strip_prefix("%3D"))?.trim_start_matches('"');
    let word: String =
        rest.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '_').take(LONGEST).collect();
    (!word.is_empty()).then(|| word.to_ascii_lowercase())
}

/// The problem as an error.
pub(crate) fn refused(host: &str, problem: &str, stage: Stage) -> ForgeError {
    match problem {
        "timestamp_refused" => ForgeError::new(
            Fault::Protocol,
            format!("`{host}` refuses a signed request because of its time"),
            "compare the clocks of this server and of the forge; most refuse what is off by five minutes, so let \
             both be set by NTP",
        ),
        "nonce_used" => ForgeError::new(
            Fault::Passing { sent: Sent::Unknown, retry_after: None },
            format!("`{host}` has seen this request before"),
            "try again",
        ),
        "permission_denied" | "user_refused" if stage == Stage::Exchange => ForgeError::new(
            Fault::Denied,
            "the request was declined at the forge",
            "begin again if that was not meant",
        ),
        "token_expired" if stage == Stage::Call => link(host, LinkFault::Expired, "the token has expired"),
        "token_revoked" | "permission_denied" if stage == Stage::Call => {
            link(host, LinkFault::Revoked, "the token was revoked")
        }
        "token_rejected" | "token_used" if stage == Stage::Call => {
            link(host, LinkFault::Refused, "it does not know the token (any more)")
        }
        "token_expired" | "token_revoked" | "token_rejected" | "token_used" | "verifier_invalid" => {
            ForgeError::new(
                Fault::Link(LinkFault::Grant),
                format!("`{host}` does not take the request token (any more)"),
                "link your account again",
            )
        }
        "consumer_key_unknown"
        | "consumer_key_rejected"
        | "consumer_key_refused"
        | "signature_invalid"
        | "signature_method_rejected"
        | "additional_authorization_required" => ForgeError::new(
            Fault::Application,
            format!("`{host}` does not accept Hearth as an application: wrong consumer key or public key"),
            "an administrator has to compare consumer key and public key of the application link there with those \
             in Hearth's settings",
        ),
        _ => ForgeError::new(
            Fault::Request,
            format!("`{host}` does not take the signed request"),
            "check that the address of the forge is the one it calls itself by (its base URL): it is part of what \
             is signed",
        ),
    }
}

fn link(host: &str, fault: LinkFault, what: &str) -> ForgeError {
    ForgeError::new(Fault::Link(fault), format!("`{host}` refuses: {what}"), "link your account again")
}
