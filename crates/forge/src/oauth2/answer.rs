//! What the token endpoint answers.

use std::sync::Arc;

use domain::{ForgeKind, LinkMethod, SignedDuration};
use serde::{Deserialize, Deserializer};
use vault::Secret;

use super::refusal;
use crate::api::{Answer, words};
use crate::{Fault, ForgeError, Tokens};

/// What was granted.
pub(crate) struct Granted {
    /// The tokens.
    pub(crate) tokens: Tokens,
    /// Who consented, as a signed statement (OpenID Connect).
    pub(crate) id_token: Option<Secret<String>>,
}

/// RFC 6749, 5.1. GitHub names errors with the status 200, so the absence of a token counts.
#[derive(Deserialize)]
struct Form {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Secret<String>>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<Secret<String>>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: Option<String>,
    /// What Bitbucket calls it.
    #[serde(default)]
    scopes: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    id_token: Option<Secret<String>>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()).map(Secret::new))
}

/// Some servers write the number as text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(i64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Seconds>::deserialize(deserializer)? {
        Some(Seconds::Number(seconds)) => Some(seconds),
        Some(Seconds::Text(text)) => text.trim().parse().ok(),
        Some(Seconds::Other(_)) | None => None,
    })
}

impl Granted {
    /// Reads an answer of the token endpoint.
    pub(super) fn read(answer: &Answer, kind: ForgeKind) -> Result<Self, ForgeError> {
        if !answer.status().is_success() {
            return Err(refusal::of_answer(answer, kind));
        }
        let form: Form = answer.json()?;
        let Some(access) = form.access_token else {
            return Err(refusal::of_answer(answer, kind));
        };
        if form.token_type.is_some_and(|it| !it.eq_ignore_ascii_case("bearer")) {
            return Err(ForgeError::new(
                Fault::Protocol,
                format!("`{}` gives a kind of token that this server does not know", answer.host()),
                "check that the kind of the forge is right",
            ));
        }
        let scopes = form.scope.or(form.scopes).map(|text| words(&text));
        let tokens = Tokens {
            access: Arc::new(access),
            refresh: form.refresh_token.map(Arc::new),
            // Zero and less are what some servers say for "for ever".
            expires_in: form.expires_in.filter(|it| *it > 0).map(SignedDuration::from_secs),
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
            method: LinkMethod::Oauth2,
        };
        Ok(Self { tokens, id_token: form.id_token })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Granted, ForgeError> {
        Granted::read(
            &Answer::for_test(status, &[("content-type", "application/json")], body),
            ForgeKind::Gitlab,
        )
    }

    #[test]
    fn tokens_of_today_and_of_old_servers_are_read() {
        let today = read(
            200,
            r#"{"access_token":"a","token_type":"Bearer","expires_in":7200,"refresh_token":"r","scope":"api openid"}"#,
        );
        let old = read(200, include_str!("../../tests/fixtures/oauth.token.no_expiry_v12.json"));

        let today = today.ok().unwrap().tokens;
        assert_eq!(today.access.expose(), "a");
        assert_eq!(today.expires_in, Some(SignedDuration::from_secs(7200)));
        assert_eq!(today.scopes.as_deref(), Some(&["api".to_owned(), "openid".to_owned()][..]));
        let old = old.ok().unwrap().tokens;
        assert_eq!(old.expires_in, None);
        assert!(old.refresh.is_some());
    }

    #[test]
    fn an_answer_without_a_token_is_no_grant() {
        for body in ["{}", r#"{"access_token":""}"#, r#"{"access_token":null}"#, "[]", "", "<html>"] {
            assert!(read(200, body).is_err(), "{body}");
        }
        let other = read(200, r#"{"access_token":"a","token_type":"mac"}"#).err().unwrap();
        assert_eq!(*other.fault(), Fault::Protocol);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status in 200_u16..600, body in "\\PC{0,120}", seconds in any::<i64>()) {
            let _tokens = read(status, &body);
            let body = format!(r#"{{"access_token":"a","expires_in":{seconds},"scope":{body:?}}}"#);
            let _tokens = read(200, &body);
        }
    }
}
