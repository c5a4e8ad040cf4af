//! Which application is asking, and how Doorkeeper says no.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::gitlab::params::Params;
use crate::gitlab::world::{ApplicationRecord, World};

/// An error of the OAuth endpoints, by its name in RFC 6749.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OauthError {
    /// A parameter is missing.
    Missing(&'static str),
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidRedirectUri,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidChallengeMethod,
    /// The token cannot be used, and why.
    InvalidToken(&'static str),
    InsufficientScope,
    /// The token to revoke belongs to another client.
    NotYours,
}

impl OauthError {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Missing(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidChallengeMethod => "invalid_code_challenge_method",
            Self::InvalidToken(_) => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::NotYours => "unauthorized_client",
        }
    }

    /// Doorkeeper's English sentence.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Missing(name) => return format!("Missing required parameter: {name}."),
            Self::InvalidClient => {
                "Client authentication failed due to unknown client, no client authentication included, or \
                 unsupported authentication method."
            }
            Self::InvalidGrant => {
                "The provided authorization grant is invalid, expired, revoked, does not match the \
                 redirection URI used in the authorization request, or was issued to another client."
            }
            Self::InvalidScope => "The requested scope is invalid, unknown, or malformed.",
            Self::InvalidRedirectUri => "The redirect URI included is not valid.",
            Self::UnsupportedGrantType => {
                "The authorization grant type is not supported by the authorization server."
            }
            Self::UnsupportedResponseType => "The authorization server does not support this response type.",
            Self::InvalidChallengeMethod => "The code challenge method must be plain or S256.",
            Self::InvalidToken(why) => why,
            Self::InsufficientScope => "Access to this resource requires scope \"openid\".",
            Self::NotYours => "You are not authorized to revoke this token",
        }
        .to_owned()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidClient | Self::InvalidToken(_) => StatusCode::UNAUTHORIZED,
            Self::NotYours | Self::InsufficientScope => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (name, description) = (self.name(), self.description());
        let challenge =
            format!(r#"Bearer realm="GitLab", error="{name}", error_description="{description}""#);
        let headers = [(header::WWW_AUTHENTICATE, challenge), (header::CACHE_CONTROL, "no-store".to_owned())];
        (self.status(), headers, axum::Json(json!({ "error": name, "error_description": description })))
            .into_response()
    }
}

/// A client's name and secret, by HTTP Basic or as parameters.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    secret: Option<String>,
}

impl Credentials {
    pub(crate) fn of(headers: &HeaderMap, params: &Params) -> Option<Self> {
        if let Some((client_id, secret)) = basic(headers) {
            return Some(Self { client_id, secret: Some(secret).filter(|secret| !secret.is_empty()) });
        }
        Some(Self { client_id: params.filled("client_id")?, secret: params.filled("client_secret") })
    }

    /// The application these belong to; a public one needs no secret, but a wrong one is wrong.
    pub(crate) fn application<'a>(&self, world: &'a World) -> Option<&'a ApplicationRecord> {
        let application = world.applications.get(&self.client_id)?;
        match &self.secret {
            None => (!application.confidential).then_some(application),
            Some(secret) => (*secret == application.secret).then_some(application),
        }
    }
}

/// The name and password of an `Authorization: Basic` header (RFC 7617).
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// The token of an `Authorization: Bearer` header (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;

    use super::{basic, bearer};

    fn with(value: &str) -> HeaderMap {
        HeaderValue::from_str(value)
            .map(|value| HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
            .unwrap_or_default()
    }

    #[test]
    fn names_and_tokens_are_read_whatever_the_case_of_the_scheme() {
        assert_eq!(basic(&with("bASIC YTpiOmM=")), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(bearer(&with("bearer x")).as_deref(), Some("x"));
        assert_eq!(bearer(&with("Basic YTpi")), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "((Basic|Bearer) ?)?[ -~]{0,60}") {
            let headers = with(&value);
            prop_assert!(basic(&headers).is_none() || bearer(&headers).is_none());
        }
    }
}
