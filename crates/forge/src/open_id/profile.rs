//! What a provider says about a person, in an identity token or when asked.

use domain::Account;
use outbound::Client;
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use vault::Secret;

use crate::api::{ANSWER_MAX, Answer, from_outbound};
use crate::{Fault, ForgeError};

/// The standard's bound on `sub`.
const LONGEST_SUBJECT: usize = 255;
/// The most that is kept of anything else.
const LONGEST_TEXT: usize = 400;

/// Claims about a person. Whatever is of another form than the standard's counts as absent.
#[derive(Deserialize)]
pub(crate) struct Profile {
    sub: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    preferred_username: Value,
    #[serde(default)]
    nickname: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    email_verified: Value,
    #[serde(default, rename = "profile")]
    page: Value,
}

impl Profile {
    /// Itself if it names somebody.
    pub(crate) fn checked(self) -> Result<Self, ForgeError> {
        if matches!(self.subject().len(), 1..=LONGEST_SUBJECT) {
            return Ok(self);
        }
        Err(ForgeError::new(
            Fault::Protocol,
            "the provider does not say who signed in",
            "check that this is an OpenID Connect provider",
        ))
    }

    /// The unchanging id.
    pub(crate) fn subject(&self) -> &str {
        self.sub.as_str().unwrap_or_default()
    }

    /// The address.
    pub(crate) fn email(&self) -> Option<String> {
        text(&self.email)
    }

    /// Whether the address was verified: only a JSON `true` says so.
    pub(crate) fn is_email_verified(&self) -> bool {
        self.email_verified == Value::Bool(true)
    }

    /// Whether it lacks what an account is shown with.
    pub(super) fn is_sparse(&self) -> bool {
        text(&self.preferred_username).is_none() || text(&self.name).is_none() || self.email().is_none()
    }

    /// Fills what is missing from another statement about the same person.
    pub(super) fn complete_with(self, other: Self) -> Result<Self, ForgeError> {
        if self.subject() != other.subject() {
            // Core 1.0, 5.3.2: otherwise a token of somebody else could be slipped in.
            return Err(ForgeError::new(
                Fault::Protocol,
                "the provider describes somebody else than the one who signed in",
                "begin again",
            ));
        }
        let or = |first: Value, second: Value| if text(&first).is_some() { first } else { second };
        let has_email = text(&self.email).is_some();
        Ok(Self {
            sub: self.sub,
            name: or(self.name, other.name),
            preferred_username: or(self.preferred_username, other.preferred_username),
            nickname: or(self.nickname, other.nickname),
            // Address and verification only ever together.
            email_verified: if has_email { self.email_verified } else { other.email_verified },
            email: or(self.email, other.email),
            page: or(self.page, other.page),
        })
    }

    /// As an account.
    pub(crate) fn into_account(self) -> Account {
        let subject = self.subject().to_owned();
        let email = self.email();
        let login = text(&self.preferred_username).or_else(|| text(&self.nickname));
        Account {
            login: login.unwrap_or_else(|| subject.clone()),
            subject,
            name: text(&self.name),
            email_verified: email.is_some() && self.is_email_verified(),
            email,
            web_url: text(&self.page).filter(|url| url.starts_with("https://")),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let is_plain = !text.is_empty() && !text.chars().any(char::is_control);
    is_plain.then(|| text.chars().take(LONGEST_TEXT).collect())
}

/// Asks the provider whose token it is.
pub(crate) async fn ask(client: &Client, url: &Url, token: &Secret<String>) -> Result<Profile, ForgeError> {
    let request = client.get(url.clone()).bearer(token).limit(ANSWER_MAX);
    let response = request.send().await.map_err(from_outbound)?;
    let answer = Answer::receive(url, response).await?.checked()?;
    answer.json::<Profile>()?.checked()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Account, ForgeError> {
        Ok(serde_json::from_value::<Profile>(value).unwrap().checked()?.into_account())
    }

    #[test]
    fn only_a_json_true_verifies_an_address() {
        for (verified, expected) in [
            (json!(true), true),
            (json!("true"), false),
            (json!(1), false),
            (json!(null), false),
            (json!(false), false),
        ] {
            let account = read(json!({"sub": "7", "email": "a@example.com", "email_verified": verified}));
            assert_eq!(account.unwrap().email_verified, expected, "{verified}");
        }
        assert!(!read(json!({"sub": "7", "email_verified": true})).unwrap().email_verified);
    }

    #[test]
    fn who_has_no_subject_is_nobody() {
        for sub in [json!(""), json!(null), json!(7), json!("x".repeat(256))] {
            assert!(read(json!({"sub": sub})).is_err(), "{sub}");
        }
    }

    #[test]
    fn a_description_of_somebody_else_is_refused() {
        let profile = |value| serde_json::from_value::<Profile>(value).unwrap();

        let mixed = profile(json!({"sub": "7"})).complete_with(profile(json!({"sub": "8"})));

        assert_eq!(*mixed.err().unwrap().fault(), Fault::Protocol);
    }

    #[test]
    fn an_address_is_never_verified_by_another_statement() {
        let profile = |value| serde_json::from_value::<Profile>(value).unwrap();

        let mixed = profile(json!({"sub": "7", "email": "a@example.com"}))
            .complete_with(profile(json!({"sub": "7", "email": "b@example.com", "email_verified": true})));

        let account = mixed.unwrap().into_account();
        assert_eq!(account.email.as_deref(), Some("a@example.com"));
        assert!(!account.email_verified);
    }

    proptest! {
        #[test]
        fn no_description_makes_it_panic(name in "\\PC{0,20}", other in "\\PC{0,500}") {
            let value = json!({"sub": name, "name": other, "email": [name], "preferred_username": other});
            let _account = read(value);
        }
    }
}
