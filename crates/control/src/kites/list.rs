//! Looking at kites by other ways than the protocol, and tokens for them.

use std::sync::Arc;

use domain::{Caller, KiteAction, Scope, Scopes, Via};
use registry::{Entry, InvalidQuery, Principal, Query, Reach, Viewer};
use vault::Secret;

use super::credential::name_of_credential;
use super::viewer::{Judge, Look};
use super::{KiteFacts, KiteFilter, KiteToken};
use crate::control::Control;
use crate::error::Error;
use crate::people::welcome;

impl Control {
    /// The kites that the caller may see, by their seven fields.
    ///
    /// # Errors
    ///
    /// `invalid` for a version that is neither one nor a constraint.
    pub async fn kites(&self, caller: &Caller, filter: &KiteFilter) -> Result<Vec<KiteFacts>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let query = filter.query()?;
        let judge = self.judge_for(caller).await?;
        let mut seen = Vec::new();
        for entry in self.inner.kites.registry.list(query.as_ref(), &judge) {
            seen.push(self.facts_of(&judge, &entry).await?);
        }
        Ok(seen)
    }

    /// One kite.
    pub async fn kite(&self, caller: &Caller, id: &str) -> Result<KiteFacts, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let judge = self.judge_for(caller).await?;
        let entry = self.entry_for(&judge, id)?;
        self.facts_of(&judge, &entry).await
    }

    /// A token that lets the caller call one kite, and nobody else there.
    ///
    /// # Errors
    ///
    /// `forbidden` for a kite that the caller sees and may not call; `unavailable` while the registry has no key to
    /// sign with.
    pub async fn kite_token(&self, caller: &Caller, id: &str) -> Result<KiteToken, Error> {
        caller.scope(Scope::WorkspacesEnter)?;
        let judge = self.judge_for(caller).await?;
        let entry = self.entry_for(&judge, id)?;
        self.registry_signer().await?;
        let principal = Principal {
            user: caller.user,
            username: self.user_name(caller.user).await?.to_string(),
            team: None,
            credential: name_of_credential(caller),
            reach: Reach::Limited,
        };
        if judge.look(&entry) != Look::Calls {
            return Err(Error::Forbidden {
                why: "only the owner of a kite and whom it is shared with may call it".into(),
            });
        }
        let issued = self.inner.kites.registry.token_for(&principal, &judge, &entry).await;
        let issued = issued.map_err(|error| Error::Internal {
            what: format!("cannot sign a token for the kite `{}`", entry.kite.id),
            source: Box::new(error),
        })?;
        let token = Secret::new(issued.token.expose().to_owned());
        Ok(KiteToken { token, url: entry.url.clone(), expires_at: issued.expires_at })
    }

    /// What the caller may do with kites now.
    pub(super) async fn judge_for(&self, caller: &Caller) -> Result<Judge, Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let user = welcome(&mut tx, caller.user).await?;
        let user = user.ok_or_else(|| Error::Unauthenticated { why: "the account is gone".into() })?;
        Judge::load(&mut tx, &user, scopes_of(caller), now).await
    }

    /// A kite that the caller may see.
    pub(super) async fn seen_entry(&self, caller: &Caller, id: &str) -> Result<Arc<Entry>, Error> {
        let judge = self.judge_for(caller).await?;
        self.entry_for(&judge, id)
    }

    fn entry_for(&self, judge: &Judge, id: &str) -> Result<Arc<Entry>, Error> {
        let found = self.inner.kites.registry.get(id);
        let found = found.filter(|entry| judge.look(entry) != Look::Nothing);
        found.ok_or_else(|| Error::missing("kite", id.chars().take(64).collect::<String>()))
    }

    async fn facts_of(&self, judge: &Judge, entry: &Entry) -> Result<KiteFacts, Error> {
        let kite = entry.kite.clone();
        let team = match entry.place {
            registry::Place::Workspace { .. } => None,
            registry::Place::Service { team } => team,
        };
        Ok(KiteFacts {
            id: kite.id,
            username: kite.username,
            environment: kite.environment,
            name: kite.name,
            version: kite.version,
            region: kite.region,
            hostname: kite.hostname,
            url: entry.url.clone(),
            owner: entry.owner,
            owner_name: self.user_name(entry.owner).await?,
            workspace: entry.workspace(),
            team,
            via: entry.via,
            connected: entry.connected,
            registered_at: entry.registered_at,
            seen_at: entry.seen_at,
            calls: entry.calls,
            errors: entry.errors,
            tokens: entry.tokens,
            server: entry.server.clone(),
            may_call: judge.may(KiteAction::Call, entry),
        })
    }
}

impl KiteFilter {
    /// As the registry takes it; nothing where every kite is wanted.
    fn query(&self) -> Result<Option<Query>, Error> {
        match Query::parse(&serde_json::json!(self)) {
            Ok(query) => Ok(Some(query)),
            Err(InvalidQuery::Empty) => Ok(None),
            Err(bad) => {
                let mend = "write a version such as `1.2.3`, or a constraint such as `>= 1.0, < 2.0`";
                Err(Error::invalid("query", bad.sentence(), mend))
            }
        }
    }
}

/// What the caller's credential is good for; everything where it is not a token.
fn scopes_of(caller: &Caller) -> Option<Scopes> {
    match &caller.via {
        Via::Token { scopes, .. } => Some(scopes.clone()),
        Via::LocalSocket | Via::Session(_) => None,
    }
}
