//! The credential of a link, good for as long as it is needed.

use std::time::Duration;

use domain::{Forge, Link, LinkId, LinkState, SignedDuration, Timestamp};
use forge::{Credential, Fault, ForgeError, LinkFault};
use store::SealedRow;
use tokio::time::Instant;

use super::margin;
use super::renew::Renewal;
use crate::control::Control;
use crate::error::Error;
use crate::forges::said;
use crate::seal::CellKind;

/// How long a caller waits for a renewal before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(45);
/// A token with less life left is not handed out when it could not be renewed: it may lapse on its way.
const LEAST: SignedDuration = SignedDuration::from_secs(10);

/// A credential, and the link it is of.
pub(crate) struct Held {
    /// To ask with.
    pub(crate) credential: Credential,
    /// The link as it was read together with it.
    pub(crate) link: Link,
}

/// Which credential will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Any that has not lapsed.
    Any,
    /// Any but this one, which the forge did not take.
    NotThis(u64),
}

impl Control {
    /// The credential of a link, which will be good for `need` if the forge gives such at all.
    ///
    /// Renews it where that is due; the caller may go away meanwhile, which does no harm.
    ///
    /// # Errors
    ///
    /// `link_needed` when its owner has to sign in again, `forge` when the forge does not take our application,
    /// `unavailable` while the forge cannot be asked and the present token is over.
    pub(crate) async fn hold_token(&self, id: LinkId, need: SignedDuration) -> Result<Held, Error> {
        self.token(id, need, Wanted::Any).await
    }

    /// Asks a forge something with the credential of a link.
    ///
    /// Where the forge does not take it, because another server renewed it in this very moment or the forge's clock
    /// goes otherwise, the question is asked once more with a new one.
    ///
    /// # Errors
    ///
    /// Those of [`Control::hold_token`], and what the forge says.
    pub(crate) async fn with_token<T, F, A>(
        &self,
        id: LinkId,
        need: SignedDuration,
        ask: F,
    ) -> Result<T, Error>
    where
        F: Fn(Credential) -> A + Send,
        A: Future<Output = Result<T, ForgeError>> + Send,
    {
        let held = self.hold_token(id, need).await?;
        let refused = match ask(held.credential).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let forge = super::forge_of(self, held.link.forge).await?;
        let Fault::Link(fault) = *refused.fault() else { return Err(said(&forge, refused)) };
        let renewed = self.after_refusal(&forge, &held.link, fault, &refused).await?;
        ask(renewed.credential).await.map_err(|error| said(&forge, error))
    }

    /// What to do about a credential that a forge did not take: the one that replaced it, or the end.
    async fn after_refusal(
        &self,
        forge: &Forge,
        link: &Link,
        fault: LinkFault,
        refused: &ForgeError,
    ) -> Result<Held, Error> {
        let present = super::link_with(self, link.id).await?;
        let row = link.id.to_string();
        let can_renew =
            self.inner.store.read().await?.has_sealed(CellKind::LinkRefreshToken.as_str(), &row).await?;
        if present.generation == link.generation && !can_renew {
            // Nobody has replaced it and nobody can.
            let why = match fault {
                LinkFault::Expired => format!("the token for {} has lapsed", forge.name),
                LinkFault::Revoked => format!("the token was taken back at {}", forge.name),
                LinkFault::Grant | LinkFault::Refused => refused.to_string(),
            };
            self.sign_in_needed(link.id, link.generation, &why).await?;
            return Err(link_needed(forge, &why));
        }
        // A pair that was taken back cannot be renewed either, which is then known for sure.
        self.token(link.id, SignedDuration::ZERO, Wanted::NotThis(link.generation)).await
    }

    async fn token(&self, id: LinkId, need: SignedDuration, wanted: Wanted) -> Result<Held, Error> {
        let end = Instant::now() + PATIENCE;
        loop {
            let (link, sealed, can_renew) = self.read_link(id).await?;
            if let LinkState::SignInNeeded { why, .. } = &link.state {
                let forge = super::forge_of(self, link.forge).await?;
                return Err(link_needed(&forge, why));
            }
            let Some(sealed) = sealed else {
                let forge = super::forge_of(self, link.forge).await?;
                return Err(link_needed(&forge, &format!("there is no token for {}", forge.name)));
            };
            let now = self.now();
            if !is_due(&link, need, wanted, now) {
                return self.open_held(link, &sealed).await;
            }
            if !can_renew {
                if wanted == Wanted::Any && link.expires_at.is_none_or(|end| now < end) {
                    return self.open_held(link, &sealed).await;
                }
                let forge = super::forge_of(self, link.forge).await?;
                let why = format!("the token for {} has lapsed, and it cannot be renewed", forge.name);
                self.sign_in_needed(link.id, link.generation, &why).await?;
                return Err(link_needed(&forge, &why));
            }
            let trouble = match self.wait_for_renewal(&link, end).await {
                Renewal::Settled if Instant::now() < end => continue,
                Renewal::Settled => super::renew::Trouble::slow(),
                Renewal::Trouble(trouble) => trouble,
            };
            // The present one is still good for something.
            let is_alive = link.expires_at.is_some_and(|end| {
                end.duration_since(now) >= LEAST.min(end.duration_since(link.issued_at) / 4)
            });
            if wanted == Wanted::Any && is_alive {
                return self.open_held(link, &sealed).await;
            }
            return Err(trouble.into());
        }
    }

    async fn open_held(&self, link: Link, sealed: &SealedRow) -> Result<Held, Error> {
        let token = self.open_sealed(sealed).await?;
        let credential = Credential::of_link(link.method, token);
        Ok(Held { credential, link })
    }

    /// A link with its sealed access token, as they were at one moment, and whether there is a refresh token.
    async fn read_link(&self, id: LinkId) -> Result<(Link, Option<SealedRow>, bool), Error> {
        let row = id.to_string();
        let mut tx = self.inner.store.read().await?;
        let link = tx.link(id).await?.ok_or_else(|| Error::missing("link", id))?;
        let sealed = tx.sealed(CellKind::LinkAccessToken.as_str(), &row).await?;
        let can_renew = tx.has_sealed(CellKind::LinkRefreshToken.as_str(), &row).await?;
        Ok((link, sealed, can_renew))
    }

    async fn wait_for_renewal(&self, link: &Link, end: Instant) -> Renewal {
        let mut flight = self.renewal(link);
        let landed = async {
            match flight.wait_for(Option::is_some).await {
                Ok(renewal) => renewal.clone().unwrap_or(Renewal::Settled),
                // Whoever was on it is gone, as if the power had been cut: look.
                Err(_) => Renewal::Settled,
            }
        };
        match tokio::time::timeout_at(end, landed).await {
            Ok(renewal) => renewal,
            Err(_) => Renewal::Trouble(super::renew::Trouble::slow()),
        }
    }
}

/// Whether the credential is to be replaced before it is used.
fn is_due(link: &Link, need: SignedDuration, wanted: Wanted, now: Timestamp) -> bool {
    if let Wanted::NotThis(generation) = wanted
        && link.generation == generation
    {
        return true;
    }
    let (Some(end), Some(due)) = (link.expires_at, margin::due(link)) else { return false };
    // More than half its life cannot be asked for: a fresh one would be replaced at once.
    let life = end.duration_since(link.issued_at);
    let need = need.min(life / 2);
    now >= due || end.duration_since(now) < need
}

/// The link's owner has to sign in again.
pub(super) fn link_needed(forge: &Forge, why: &str) -> Error {
    Error::LinkNeeded { forge: forge.id, name: forge.name.clone(), why: why.to_owned() }
}
