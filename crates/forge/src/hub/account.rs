//! Who holds a token.

use domain::Account;
use serde::Deserialize;

use super::Hub;
use crate::{Credential, ForgeError};

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    #[serde(default, alias = "full_name")]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

/// `GET /user`, and `GET /user/emails` for the primary address and whether it was verified.
pub(crate) async fn who(hub: &Hub, credential: &Credential) -> Result<Account, ForgeError> {
    let user: User = hub.api.get(credential, &["user"]).read().await?;
    let emails = match hub.api.get(credential, &["user", "emails"]).read::<Vec<Address>>().await {
        Ok(emails) => emails,
        Err(error) if error.is_passing() => return Err(error),
        // Without the scope for it the account goes without.
        Err(_) => Vec::new(),
    };
    let primary = emails.into_iter().find(|email| email.primary);
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Account {
        subject: user.id.to_string(),
        login: user.login,
        name: given(user.name),
        email_verified: primary.as_ref().is_some_and(|email| email.verified),
        email: primary.map(|email| email.email).or(given(user.email)),
        web_url: given(user.html_url),
    })
}
