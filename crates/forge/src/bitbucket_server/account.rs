//! Who holds a token, and what version answers.

use domain::Account;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::BitbucketServer;
use super::page::{LIMIT, Page};
use super::refusal::hidden_is_none;
use crate::address::below;
use crate::{Credential, Fault, ForgeError, LinkFault};

/// Longer names are none.
const LONGEST_NAME: usize = 255;

#[derive(Deserialize)]
struct User {
    id: u64,
    name: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default, rename = "displayName")]
    display_name: Option<String>,
    #[serde(default, rename = "emailAddress")]
    email: Option<String>,
}

/// The name behind the credential is told in a header of every answer, or by a servlet; `GET /users/{slug}` tells
/// the rest.
pub(super) async fn who(forge: &BitbucketServer, credential: &Credential) -> Result<Account, ForgeError> {
    let name = name(forge, credential).await?;
    let call = forge.rest.get(credential, &["api", "1.0", "users", &slug(&name)]);
    let found = hidden_is_none(call.find::<User>().await)?.filter(|user| user.name == name);
    let user = match found {
        Some(user) => Some(user),
        None => by_name(forge, credential, &name).await?,
    };
    let user = user.ok_or_else(|| {
        ForgeError::new(
            Fault::Protocol,
            format!("the forge takes you for `{}` and does not know who that is", shown(&name)),
            "sign in there once and look at your profile, then try again",
        )
    })?;
    Ok(user.into_account(forge))
}

async fn name(forge: &BitbucketServer, credential: &Credential) -> Result<String, ForgeError> {
    let asked = forge.rest.get(credential, &["api", "1.0", "application-properties"]).done().await?;
    let told =
        asked.header("x-ausername").map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
    if let Some(name) = told.filter(|name| is_name(name)) {
        return Ok(name);
    }
    let asked = forge.root.get(credential, &["plugins", "servlet", "applinks", "whoami"]).done().await?;
    let name = String::from_utf8_lossy(asked.body()).trim().to_owned();
    if is_name(&name) {
        return Ok(name);
    }
    Err(ForgeError::new(
        Fault::Link(LinkFault::Refused),
        format!("`{}` takes the token for nobody's", asked.host()),
        "link your account again",
    ))
}

/// A sign-in page in place of an answer is no name.
fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && !text.contains(['<', '>', '\n', '\r'])
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// How people's names stand in addresses: in lower case, with an underscore for what has no place there.
fn slug(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.to_lowercase().chars().map(|c| if keep(c) { c } else { '_' }).collect()
}

/// `GET /users?filter=…`, which finds parts of names too.
async fn by_name(
    forge: &BitbucketServer,
    credential: &Credential,
    name: &str,
) -> Result<Option<User>, ForgeError> {
    let call =
        forge.rest.get(credential, &["api", "1.0", "users"]).query("filter", name).query("limit", LIMIT);
    let found: Option<Page<User>> = hidden_is_none(call.find().await)?;
    Ok(found.and_then(|page| page.values.into_iter().find(|user| user.name == name)))
}

impl User {
    /// Bitbucket does not verify addresses.
    fn into_account(self, forge: &BitbucketServer) -> Account {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let page = format!("/users/{}", self.slug.unwrap_or_else(|| slug(&self.name)));
        Account {
            subject: self.id.to_string(),
            login: self.name,
            name: given(self.display_name),
            email: given(self.email),
            email_verified: false,
            web_url: Some(below(&forge.site.web, &page).into()),
        }
    }
}

#[derive(Deserialize)]
struct Properties {
    version: String,
}

/// `GET /application-properties`, which is answered to everybody.
pub(super) async fn version(
    forge: &BitbucketServer,
    credential: &Credential,
) -> Result<Option<String>, ForgeError> {
    let call = forge.rest.get(credential, &["api", "1.0", "application-properties"]);
    let found = hidden_is_none(call.find::<Properties>().await)?;
    Ok(found.map(|it| it.version.chars().take(60).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_parts_of_addresses() {
        for (name, expected) in [("Ada", "ada"), ("ada@example.com", "ada_example.com"), ("a b", "a_b")] {
            assert_eq!(slug(name), expected);
        }
        assert!(!is_name("<html>") && !is_name("") && is_name("ada"));
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in ".{0,40}") {
            let _is_name = is_name(&name);
            prop_assert!(slug(&name).bytes().all(|b| b.is_ascii_graphic() && b != b'/'));
        }
    }
}
