//! Linking with a personal access token that its owner pasted.

use domain::{Caller, ForgeAuth, ForgeId, ForgeState, LinkMethod};
use forge::{Credential, Fault, Tokens};
use vault::Secret;

use super::callback::Failure;
use super::complete::Linking;
use super::{LinkFacts, tidy};
use crate::control::Control;
use crate::error::Error;
use crate::forges::{is_visible, said, verify};
use crate::people::note;

/// Longer texts are no tokens: GitHub's fine-grained ones, the longest, have 93 characters.
const LONGEST: usize = 1024;
/// Tries to save a link that somebody else is changing at the same time.
const TRIES: u32 = 4;

impl Control {
    /// Links the account that a personal access token belongs to.
    ///
    /// Such a link never signs anybody in: who holds a token need not be its owner.
    ///
    /// # Errors
    ///
    /// `invalid` when the forge does not take the token, 409 `other_account` and `account_taken` as with
    /// [`Control::callback`].
    pub async fn link_with_token(
        &self,
        caller: &Caller,
        id: ForgeId,
        token: Secret<String>,
    ) -> Result<LinkFacts, Error> {
        caller.in_person()?;
        let token = parse_token(&token)?;
        let mut tx = self.inner.store.read().await?;
        let forge = tx.forge(id).await?.ok_or_else(|| Error::missing("forge", id))?;
        if !is_visible(&mut tx, caller, &forge).await? {
            return Err(Error::missing("forge", id));
        }
        drop(tx);
        if !forge.kind.has_repositories() {
            let mend = "use its consent page";
            return Err(Error::invalid("token", "an identity provider has no personal access tokens", mend));
        }
        let provider = self.provider(&forge).await?;
        let credential = Credential::of_link(LinkMethod::PersonalToken, token);
        let account = match provider.who(&credential).await {
            Ok(account) => tidy(account),
            Err(error) if matches!(error.fault(), Fault::Link(_)) => {
                let what = format!("{} does not take this token", forge.name);
                return Err(Error::invalid("token", what, "make a fresh one there and paste all of it"));
            }
            Err(error) => return Err(said(&forge, error)),
        };
        // That the forge does not tell is no reason against a token that works.
        let scopes = provider.scopes_of(&credential).await.unwrap_or_default();
        let access = credential.token().cloned().ok_or_else(|| Error::missing("token", id))?;
        let tokens =
            Tokens { access, refresh: None, expires_in: None, scopes, method: LinkMethod::PersonalToken };
        let linking = Linking { user: caller.user, account: &account, tokens: &tokens, scopes: &[] };
        for _ in 0..TRIES {
            let begun = self.begin_linking(&forge, caller.user).await?;
            let now = self.now();
            let mut tx = self.inner.store.begin().await?;
            let mut present = tx.forge_for_update(id).await?.ok_or_else(|| Error::missing("forge", id))?;
            if present.api_base() != forge.api_base() || !is_visible(&mut tx, caller, &present).await? {
                return Err(Error::missing("forge", id));
            }
            let saved = self.save_linking(&mut tx, &present, &linking, &begun, now).await;
            let Some(link) = saved.map_err(conflict)? else { continue };
            // A token proves nothing about an application.
            if present.auth == ForgeAuth::PersonalToken && present.state == ForgeState::Pending {
                verify(&mut tx, &mut present, Some(caller.user), now).await?;
                let name = present.name.clone();
                note(&mut tx, caller.user, now, ("forge.verify", id.to_string()), name).await?;
            }
            let said = format!("{} at {}, by a token", account.login, present.name);
            note(&mut tx, caller.user, now, ("link.connect", link.to_string()), said).await?;
            tx.commit().await?;
            self.after_linking(&present, link, &tokens);
            return self.link_facts(&present, link).await;
        }
        Err(Error::Conflict {
            code: "busy",
            what: "your link was being changed at the same time".into(),
            mend: "try again".into(),
        })
    }
}

fn parse_token(token: &Secret<String>) -> Result<Secret<String>, Error> {
    let text = token.expose().trim();
    // What goes into a header, and nothing that would end it.
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let what = "this is no personal access token";
        return Err(Error::invalid("token", what, "paste the token alone, without spaces"));
    }
    Ok(Secret::new(text.to_owned()))
}

fn conflict(failure: Failure) -> Error {
    let Failure { code, detail, mend } = failure;
    Error::Conflict { code, what: detail, mend }
}
