//! Who is let in to which agent: the registry's tokens and what they were given for, the rights in the store, the
//! places.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{KiteAction, User, UserName, WorkspaceId};
use futures_util::FutureExt;
use kite::Error;
use link::LinkError;
use percent_encoding::percent_decode_str;
use registry::{Entry, Viewer};
use wire::agent::KiteCaller;

use super::places::{Full, RelayVisit};
use super::proof::Proofs;
use super::session::{Entered, Gate};
use crate::control::{Control, hold};
use crate::kites::credential::is_credential_good;
use crate::kites::viewer::Judge;
use crate::people::welcome;

/// The way to one kite, for one connection.
pub(super) struct RelayGate {
    control: Control,
    kite: String,
    /// The tokens that were verified: most calls show one again.
    proofs: Proofs,
    /// Held until somebody is let in.
    visit: Mutex<Option<RelayVisit>>,
}

impl RelayGate {
    pub(super) fn new(control: Control, kite: &str, visit: RelayVisit) -> Self {
        Self { control, kite: kite.to_owned(), proofs: Proofs::default(), visit: Mutex::new(Some(visit)) }
    }

    /// The kite's entry, where it is an agent's that is there.
    fn entry(&self) -> Result<(std::sync::Arc<Entry>, WorkspaceId), Error> {
        let entry = self.control.registry().get(&self.kite).filter(|entry| entry.connected);
        entry.and_then(|entry| entry.workspace().map(|workspace| (entry, workspace))).ok_or_else(away)
    }

    /// The person, where they may call the kite and what their token was given for is good.
    async fn person(&self, username: &str, entry: &Entry) -> Result<User, Error> {
        let refused =
            || Error::authentication("you may not call this kite; ask its owner to share it with you");
        let name = percent_decode_str(username).decode_utf8().ok();
        let name: UserName = name.and_then(|name| name.parse().ok()).ok_or_else(refused)?;
        let now = self.control.now();
        let found = async {
            let mut tx = self.control.inner.store.read().await?;
            let Some((user, _)) = tx.user_by_name(&name).await? else { return Ok(None) };
            let Some(user) = welcome(&mut tx, user.id).await? else { return Ok(None) };
            for credential in self.proofs.credentials() {
                if !is_credential_good(&mut tx, user.id, &credential, now).await? {
                    return Ok(None);
                }
            }
            let judge = Judge::load(&mut tx, &user, None, now).await?;
            Ok::<_, crate::Error>(Some(user).filter(|_| judge.may(KiteAction::Call, entry)))
        };
        let found = found.await.map_err(|error| {
            tracing::warn!(
                kite.id = self.kite,
                error = &error as &dyn std::error::Error,
                "cannot look up who calls a kite"
            );
            Error::generic("the server cannot look up who you are; try again")
        })?;
        found.ok_or_else(refused)
    }

    async fn let_in(&self, username: &str) -> Result<Entered, Error> {
        let (entry, workspace) = self.entry()?;
        let user = self.person(username, &entry).await?;
        let place = self.control.inner.kites.relays.take(&self.kite, user.id).map_err(no_room)?;
        // From here on every loss is heard of.
        let rights = self.control.kite_rights_ended(user.id, &self.kite);
        let proofs = self.control.kite_proofs_ended(user.id, &self.proofs);
        let agent = self.control.agents().get(workspace).ok_or_else(away)?;
        let caller = KiteCaller {
            user: user.id.to_string(),
            username: user.name.to_string(),
            is_owner: user.id == entry.owner,
        };
        let agent = agent.open_kite(&caller).await.map_err(|error| unopened(&error))?;
        drop(hold(&self.visit).take());
        let ended = async move {
            tokio::select! {
                () = rights => "the caller may not call any more, or the kite is gone",
                why = proofs => why,
            }
        };
        Ok(Entered { agent: Box::new(agent), ended: ended.boxed(), place: Box::new(place) })
    }
}

#[async_trait]
impl Gate for RelayGate {
    async fn bearer(&self, token: &str) -> Result<String, Error> {
        if let Some(username) = self.proofs.known(token, self.control.now()) {
            return Ok(username);
        }
        let claims = self.control.registry().check_token(token, &self.kite)?;
        let username = claims.subject.clone();
        self.proofs.keep(token, claims)?;
        Ok(username)
    }

    async fn enter(&self, username: &str) -> Result<Entered, Error> {
        // Whoever comes next on the connection need not be the same.
        self.let_in(username).await.inspect_err(|_| self.proofs.forget())
    }
}

fn away() -> Error {
    Error::custom(
        kite::error::kind::DISCONNECTED,
        "the workspace's agent is not connected; start the workspace",
        "",
    )
}

fn no_room(full: Full) -> Error {
    let sentence = match full {
        Full::Kite => "too many connections to this kite; close some of them",
        Full::Caller => "you have too many connections to kites; close some of them",
    };
    Error::custom(kite::error::kind::RATE_LIMITED, sentence, "")
}

fn unopened(error: &LinkError) -> Error {
    if error.is_not_found() {
        return Error::generic("the workspace runs the agent of an earlier release; restart the workspace");
    }
    match error {
        LinkError::Gone => away(),
        LinkError::Agent { .. } | LinkError::Protocol(_) => {
            tracing::warn!(error = %error, "an agent does not take a Kite client");
            Error::generic(
                "the workspace's agent does not take the connection; try again, or restart the workspace",
            )
        }
    }
}
