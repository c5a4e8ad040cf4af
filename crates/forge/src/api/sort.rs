//! From what went wrong to who has to do something about it.

use std::error::Error as StdError;
use std::io;

use http::StatusCode;
use http::header::LOCATION;
use serde_json::Value;
use url::Url;

use super::Answer;
use crate::{Fault, ForgeError, LinkFault, Sent};

/// Host and port, as people are told.
pub(crate) fn host_of(url: &Url) -> String {
    url.authority().to_owned()
}

/// A request that got no whole answer.
pub(crate) fn from_outbound(error: outbound::Error) -> ForgeError {
    let passing = |sent| Fault::Passing { sent, retry_after: None };
    let fault = match &error {
        outbound::Error::Refused { .. } => Fault::Refused,
        outbound::Error::UnknownHost { .. } => passing(Sent::NotSent),
        outbound::Error::Unreachable { source, .. } => passing(whether_sent(source.as_ref())),
        outbound::Error::Timeout { .. } => passing(Sent::Unknown),
        outbound::Error::Tls { .. } => Fault::Tls,
        outbound::Error::TooLarge { .. }
        | outbound::Error::NotJson { .. }
        | outbound::Error::Protocol { .. } => Fault::Protocol,
    };
    ForgeError::new(fault, error.to_string(), error.mend()).with_source(error)
}

/// Nothing was sent where there was never a connection. A connection that broke may have carried the request.
fn whether_sent(error: &(dyn StdError + 'static)) -> Sent {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let never = matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            );
            if never {
                return Sent::NotSent;
            }
        }
        next = error.source();
    }
    Sent::Unknown
}

/// Some forges put an object or list where others put a sentence.
#[derive(serde::Deserialize, Default)]
struct Body {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    error_description: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    scope: Value,
}

/// An answer that is no success.
pub(crate) fn refusal(answer: &Answer) -> ForgeError {
    let host = answer.host();
    let body: Body = answer.maybe().unwrap_or_default();
    let code = body.error.as_str().unwrap_or_default();
    let sentence = [&body.error_description, &body.message, &body.error].into_iter().find_map(Value::as_str);
    let sentence = sentence.unwrap_or_default();
    match answer.status().as_u16() {
        401 => unauthorised(host, sentence),
        403 if code == "insufficient_scope" => {
            let scopes = body.scope.as_str().unwrap_or_default();
            missing_scope(host, words(scopes))
        }
        403 if is_limited(answer) => busy(answer, Sent::Answered),
        403 => match unmet_scopes(answer, sentence) {
            Some(scopes) => missing_scope(host, scopes),
            None => ForgeError::new(
                Fault::Forbidden,
                format!("`{host}` does not permit this"),
                format!(
                    "ask for the right there; a blocked account or terms that were not accepted have the same \
                     effect, so sign in at `{host}` once and look"
                ),
            ),
        },
        404 | 410 => ForgeError::new(
            Fault::NotFound,
            format!("`{host}` has no such thing, or does not show it to this account"),
            "check the address, and that the account may see it",
        ),
        408 | 429 | 503 => busy(answer, Sent::Answered),
        500..=599 => busy(answer, Sent::Unknown),
        300..=399 => redirected(answer),
        _ => ForgeError::new(
            Fault::Request,
            format!("`{host}` does not take the request (HTTP {})", answer.status().as_u16()),
            format!("look at the page of the same thing at `{host}`; it may have a rule against it"),
        ),
    }
}

fn unauthorised(host: &str, sentence: &str) -> ForgeError {
    // GitLab's two sentences: "Token was revoked. You have to re-authorize from the user." and "Token is
    // expired. You can either do re-authorization or token refresh."
    let sentence = sentence.to_ascii_lowercase();
    let (fault, what) = if sentence.contains("revoked") {
        (LinkFault::Revoked, "the token was revoked")
    } else if sentence.contains("expired") {
        (LinkFault::Expired, "the token has expired")
    } else {
        (LinkFault::Refused, "it does not accept the token, or demands one")
    };
    ForgeError::new(Fault::Link(fault), format!("`{host}` refuses: {what}"), "link your account again")
}

fn missing_scope(host: &str, scopes: Vec<String>) -> ForgeError {
    let named: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    let (what, mend) = if named.is_empty() {
        (
            format!("`{host}` says that the account's link grants too little for this"),
            "link the account again with more scopes".to_owned(),
        )
    } else {
        let named = named.join(" or ");
        (
            format!("`{host}` wants the scope {named} for this, which the account's link does not have"),
            format!("link the account again with {named}"),
        )
    };
    ForgeError::new(Fault::MissingScope { scopes }, what, mend)
}

/// GitHub tells what would do and what is there; Gitea puts the former in brackets at the end.
fn unmet_scopes(answer: &Answer, sentence: &str) -> Option<Vec<String>> {
    if let (Some(accepted), Some(granted)) =
        (answer.header("x-accepted-oauth-scopes"), answer.header("x-oauth-scopes"))
    {
        let (accepted, granted) = (words(accepted), words(granted));
        if !accepted.is_empty() && !accepted.iter().any(|scope| granted.contains(scope)) {
            return Some(accepted);
        }
    }
    let (_, rest) = sentence.split_once("required scope")?;
    let (_, rest) = rest.split_once('[')?;
    let (inside, _) = rest.split_once(']')?;
    Some(words(inside))
}

/// GitHub's limits answer 403 (or 429) with one of these headers.
fn is_limited(answer: &Answer) -> bool {
    answer.retry_after().is_some() || answer.header("x-ratelimit-remaining") == Some("0")
}

fn busy(answer: &Answer, sent: Sent) -> ForgeError {
    let (host, status) = (answer.host(), answer.status());
    let what = if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::FORBIDDEN) {
        format!("`{host}` says that it is asked too often")
    } else {
        format!("`{host}` is in trouble: it answered {}", status.as_u16())
    };
    ForgeError::new(
        Fault::Passing { sent, retry_after: answer.retry_after() },
        what,
        "wait some minutes, then try again",
    )
}

fn redirected(answer: &Answer) -> ForgeError {
    let host = answer.host();
    let to = answer.header(LOCATION.as_str()).and_then(|to| Url::parse(to).ok());
    let (what, mend) = match to.map(|url| url.origin().ascii_serialization()) {
        Some(origin) => (
            format!("`{host}` sends its visitors on to `{origin}`"),
            format!("register the forge under `{origin}` if that is where it is now"),
        ),
        None => (
            format!("`{host}` sends its visitors on to another page"),
            "check that the address of the forge is right, path included".to_owned(),
        ),
    };
    ForgeError::new(Fault::Protocol, what, mend)
}

/// Scope names, separated by blanks or commas. What cannot be one is left out, so that nothing else of an
/// answer gets into a message.
pub(crate) fn words(text: &str) -> Vec<String> {
    let is_scope = |word: &&str| {
        (1..=60).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-./".contains(&b))
    };
    text.split([' ', ',']).filter(is_scope).take(40).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
