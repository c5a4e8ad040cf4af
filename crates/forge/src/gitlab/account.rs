//! Who holds a token, what it may do, and what version answers.

use domain::Account;
use serde::Deserialize;

use super::Gitlab;
use crate::address::below;
use crate::open_id;
use crate::{Credential, Fault, ForgeError};

#[derive(Deserialize)]
struct User {
    id: u64,
    username: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
}

/// `GET /user`. Only identity tokens say whether an address was verified, so here it is not. A token for
/// signing in alone may not ask that; OpenID Connect's way is left to it.
pub(super) async fn who(gitlab: &Gitlab, credential: &Credential) -> Result<Account, ForgeError> {
    match gitlab.api.get(credential, &["user"]).read::<User>().await {
        Ok(user) => Ok(user.into_account()),
        Err(error) => match (error.fault(), credential) {
            (Fault::MissingScope { .. }, Credential::Bearer(token)) => {
                let url = below(&gitlab.site.base, "/oauth/userinfo");
                let asked = open_id::ask(&gitlab.site.client, &url, token).await;
                Ok(asked.map_err(|_| error)?.into_account())
            }
            _ => Err(error),
        },
    }
}

impl User {
    fn into_account(self) -> Account {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Account {
            subject: self.id.to_string(),
            login: self.username,
            name: given(self.name),
            email: given(self.email),
            email_verified: false,
            web_url: given(self.web_url),
        }
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// `GET /version`, which every release answers to whoever may read anything.
pub(super) async fn version(gitlab: &Gitlab, credential: &Credential) -> Result<Option<String>, ForgeError> {
    if credential.is_anonymous() {
        return Ok(None);
    }
    match gitlab.api.get(credential, &["version"]).find::<Version>().await {
        Ok(found) => Ok(found.map(|it| it.version.chars().take(60).collect())),
        Err(error) if matches!(error.fault(), Fault::MissingScope { .. } | Fault::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `GET /oauth/token/info`, and for personal access tokens `GET /personal_access_tokens/self` (since 15.5).
pub(super) async fn scopes_of(
    gitlab: &Gitlab,
    credential: &Credential,
) -> Result<Option<Vec<String>>, ForgeError> {
    let found: Option<TokenScopes> = match credential {
        Credential::Bearer(_) => gitlab.root.get(credential, &["oauth", "token", "info"]).find().await?,
        Credential::PersonalToken(_) => {
            let asked = gitlab.api.get(credential, &["personal_access_tokens", "self"]).find().await;
            match asked {
                // Tokens that read nothing of the API may not even ask about themselves.
                Err(error) if matches!(error.fault(), Fault::MissingScope { .. } | Fault::Forbidden) => None,
                other => other?,
            }
        }
        Credential::Anonymous | Credential::Oauth1(_) => None,
    };
    Ok(found.and_then(|it| it.scope.or(it.scopes)))
}

/// Whether the access token is dead.
pub(super) async fn has_lapsed(gitlab: &Gitlab, credential: &Credential) -> Result<bool, ForgeError> {
    match gitlab.root.get(credential, &["oauth", "token", "info"]).done().await {
        Ok(_) => Ok(false),
        Err(error) if matches!(error.fault(), Fault::Link(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Both names are there today; either has been the only one.
#[derive(Deserialize)]
struct TokenScopes {
    #[serde(default)]
    scope: Option<Vec<String>>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
}
