//! Who holds a token.

use domain::Account;
use serde::Deserialize;

use super::refusal::no_page;
use super::{AzureDevops, VERSION};
use crate::{Credential, Fault, ForgeError, LinkFault};

/// `GET /_apis/connectionData`.
#[derive(Deserialize)]
struct Connection {
    #[serde(rename = "authenticatedUser")]
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default, rename = "providerDisplayName")]
    name: Option<String>,
    #[serde(default)]
    properties: Properties,
    /// What strangers are is told as well.
    #[serde(default, rename = "subjectDescriptor")]
    descriptor: Option<String>,
}

#[derive(Deserialize, Default)]
struct Properties {
    #[serde(default, rename = "Account")]
    account: Option<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "$value")]
    value: String,
}

/// `GET /_apis/profile/profiles/me`.
#[derive(Deserialize)]
pub(super) struct Profile {
    pub(super) id: String,
    #[serde(default, rename = "displayName")]
    name: Option<String>,
    #[serde(default, rename = "emailAddress")]
    email: Option<String>,
}

/// Asks the organisation if there is one, else for the profile, else the server: servers of one's own have no
/// profiles. Whoever registers an organisation later has people link again: it may know them by other ids.
pub(super) async fn who(forge: &AzureDevops, credential: &Credential) -> Result<Account, ForgeError> {
    match &forge.organisation {
        Some(organisation) => connection(forge, credential, &[organisation, "_apis", "connectionData"]).await,
        None => match profile(forge, credential).await? {
            Some(profile) => Ok(profile.into_account()),
            None => connection(forge, credential, &["_apis", "connectionData"]).await,
        },
    }
}

/// The profile; none at servers without.
pub(super) async fn profile(
    forge: &AzureDevops,
    credential: &Credential,
) -> Result<Option<Profile>, ForgeError> {
    let call = forge.profiles.get(credential, &["_apis", "profile", "profiles", "me"]);
    match call.query("api-version", VERSION).done().await {
        Ok(answer) => Ok(Some(no_page(answer)?.json()?)),
        Err(error) if *error.fault() == Fault::NotFound => Ok(None),
        Err(error) if matches!(error.fault(), Fault::Link(_)) => {
            let what = error.to_string();
            let mend = format!(
                "{}; tokens for one organisation need a forge whose API address is that of the organisation",
                error.mend()
            );
            Err(ForgeError::new(error.fault().clone(), what, mend))
        }
        Err(error) => Err(error),
    }
}

async fn connection(
    forge: &AzureDevops,
    credential: &Credential,
    parts: &[&str],
) -> Result<Account, ForgeError> {
    let answer = no_page(forge.root.get(credential, parts).done().await?)?;
    let user = answer.json::<Connection>()?.user;
    // Where everybody may read something, nobody is somebody, too.
    if credential.is_anonymous() || user.descriptor.as_deref().is_some_and(|it| it.starts_with("anon.")) {
        return Err(ForgeError::new(
            Fault::Link(LinkFault::Refused),
            format!("`{}` takes the token for nobody's", answer.host()),
            "make a fresh token there and paste it",
        ));
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let account = given(user.properties.account.map(|account| account.value));
    let name = given(user.name);
    let login = account.clone().or(name.clone());
    Ok(Account {
        login: login.unwrap_or_else(|| user.id.clone()),
        subject: user.id,
        name,
        email: account.filter(|account| account.contains('@')),
        email_verified: false,
        web_url: None,
    })
}

impl Profile {
    fn into_account(self) -> Account {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (email, name) = (given(self.email), given(self.name));
        let login = email.clone().or(name.clone());
        Account {
            login: login.unwrap_or_else(|| self.id.clone()),
            subject: self.id,
            name,
            email,
            email_verified: false,
            web_url: None,
        }
    }
}
