//! API tokens: made by a person, used by programs.

use std::time::Duration;

use domain::{Caller, Scopes, SignedDuration, TokenId};
use store::ApiToken;
use vault::Token;

use super::note;
use super::setup::later;
use crate::control::Control;
use crate::error::Error;
use crate::kites::announce_kite_rights;

/// A name longer than this does not fit a list.
const NAME_MAX: usize = 100;
/// More are forgotten ones.
const TOKENS_MAX: usize = 100;

impl Control {
    /// Makes an API token for the caller. The second value is the token itself, shown this once.
    pub async fn create_token(
        &self,
        caller: &Caller,
        name: &str,
        scopes: Scopes,
        expires_in: Option<Duration>,
    ) -> Result<(ApiToken, Token), Error> {
        caller.in_person()?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            let what = format!("a token's name has 1 to {NAME_MAX} visible characters");
            return Err(Error::invalid("name", what, "name what will use it, such as `laptop`"));
        }
        if scopes.is_empty() {
            let mend =
                "name at least one of `workspaces:read`, `workspaces:write`, `workspaces:enter`, `all`";
            return Err(Error::invalid("scopes", "a token without a scope is good for nothing", mend));
        }
        if expires_in.is_some_and(|wait| wait.is_zero()) {
            return Err(Error::invalid("expires_in", "the token would end at once", "give at least a day"));
        }
        let now = self.now();
        let token = Token::generate("hearth", &*self.inner.entropy);
        let expires_in = expires_in.map(|wait| SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX));
        let made = ApiToken {
            id: TokenId::generate(now, &*self.inner.entropy),
            user: caller.user,
            name: name.to_owned(),
            hash: token.hash(),
            scopes,
            created_at: now,
            expires_at: expires_in.map(|wait| later(now, wait)),
            last_used_at: None,
        };
        let mut tx = self.inner.store.begin().await?;
        if tx.tokens_of(caller.user).await?.len() >= TOKENS_MAX {
            return Err(Error::Conflict {
                code: "too_many_tokens",
                what: format!("there are {TOKENS_MAX} tokens already"),
                mend: "revoke those that nothing uses any more".into(),
            });
        }
        tx.insert_token(&made).await?;
        note(&mut tx, caller.user, now, ("token.create", made.id.to_string()), made.name.clone()).await?;
        tx.commit().await?;
        Ok((made, token))
    }

    /// The caller's API tokens.
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<ApiToken>, Error> {
        caller.in_person()?;
        Ok(self.inner.store.read().await?.tokens_of(caller.user).await?)
    }

    /// Ends one of the caller's API tokens, and every stream that was opened with it.
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), Error> {
        caller.in_person()?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let is_own = tx.tokens_of(caller.user).await?.iter().any(|token| token.id == id);
        if !is_own || !tx.delete_token(id).await? {
            return Err(Error::missing("token", id));
        }
        Self::cut(&mut tx, id);
        announce_kite_rights(&mut tx, caller.user);
        note(&mut tx, caller.user, now, ("token.revoke", id.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(())
    }
}
