//! Who holds a token.

use domain::Account;
use serde::Deserialize;

use super::BitbucketCloud;
use super::page::Page;
use crate::api::words;
use crate::{Credential, ForgeError};

#[derive(Deserialize)]
struct User {
    uuid: String,
    /// Gone for most; it names nobody in addresses any more.
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    nickname: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize, Default)]
struct Links {
    #[serde(default)]
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Email {
    #[serde(rename = "email")]
    address: String,
    #[serde(default)]
    is_primary: bool,
    #[serde(default)]
    is_confirmed: bool,
}

/// `GET /user`, and `GET /user/emails` where the scope for it was granted.
pub(super) async fn who(forge: &BitbucketCloud, credential: &Credential) -> Result<Account, ForgeError> {
    let user: User = forge.rest.get(credential, &["user"]).read().await?;
    let emails = match forge.rest.get(credential, &["user", "emails"]).read::<Page<Email>>().await {
        Ok(page) => page.values,
        Err(error) if error.is_passing() => return Err(error),
        // Without the scope for it the account goes without.
        Err(_) => Vec::new(),
    };
    let primary = emails.into_iter().find(|email| email.is_primary);
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let login = given(user.username).or(given(user.nickname));
    Ok(Account {
        login: login.unwrap_or_else(|| user.uuid.clone()),
        subject: user.uuid,
        name: given(user.display_name),
        email_verified: primary.as_ref().is_some_and(|email| email.is_confirmed),
        email: primary.map(|email| email.address),
        web_url: user.links.html.map(|link| link.href),
    })
}

/// What stands for the person in addresses.
pub(super) async fn uuid(forge: &BitbucketCloud, credential: &Credential) -> Result<String, ForgeError> {
    Ok(forge.rest.get(credential, &["user"]).read::<User>().await?.uuid)
}

/// Every answer to an OAuth token names its scopes in a header.
pub(super) async fn scopes_of(
    forge: &BitbucketCloud,
    credential: &Credential,
) -> Result<Option<Vec<String>>, ForgeError> {
    if credential.is_anonymous() {
        return Ok(None);
    }
    let answer = forge.rest.get(credential, &["user"]).done().await?;
    Ok(answer.header("x-oauth-scopes").map(words).filter(|scopes| !scopes.is_empty()))
}
