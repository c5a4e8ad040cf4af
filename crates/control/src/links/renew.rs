//! Renewing the credential of a link: once, by one server, and never losing what the forge answers.
//!
//! A refresh token works once, and GitLab voids the access token in the same instant. So whoever renews holds the
//! lease in the link's row, has written down that the request goes out, and keeps the answer before anybody uses
//! it; should keeping fail, it is tried again from memory for as long as the process lives. What can be known about
//! a request that got no answer is found out by one more try with the old token.

use std::time::Duration;

use domain::{Forge, KeyOwner, Link, LinkId, LinkState, SignedDuration, Timestamp};
use forge::{Fault, ForgeError, Provider, Sent, Tokens};
use tokio::sync::watch;
use vault::Secret;

use super::{count, lapse, link_topic};
use crate::control::{Control, hold};
use crate::error::Error;
use crate::forges::{said, try_application};
use crate::seal::CellKind;

/// How long a renewal may take before another server takes it over: two answers of thirty seconds, and pauses.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// How often others look whether it is done, should the news have got lost.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Tries of a request that was not sent.
const TRIES: u32 = 4;
/// How long a forge that is busy and does not say how long is left alone.
const BUSY: Duration = Duration::from_secs(10);
/// Longest pause between two tries to keep what a forge answered.
const KEEP_PAUSE: Duration = Duration::from_secs(5);

/// How a renewal ended.
#[derive(Debug, Clone)]
pub(super) enum Renewal {
    /// The row tells what there is now.
    Settled,
    /// Nothing could be done for now.
    Trouble(Trouble),
}

/// Why nothing could be done, for everybody who waited.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    what: String,
    mend: String,
    passing: bool,
}

impl Trouble {
    /// It takes longer than anybody waits.
    pub(super) fn slow() -> Self {
        Self {
            what: "the forge takes too long to renew a token".into(),
            mend: "try again in a moment".into(),
            passing: true,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let passing = !matches!(error, Error::Forge { .. });
        Self { what: error.to_string(), mend: error.mend(), passing }
    }
}

impl From<Trouble> for Error {
    fn from(Trouble { what, mend, passing }: Trouble) -> Self {
        if passing { Self::Unavailable { what, mend } } else { Self::Forge { what, mend } }
    }
}

/// Why a forge gave no new pair.
enum Refusal {
    /// The refresh token is worth nothing (any more).
    Dead(String),
    /// Our application is not taken.
    Application(ForgeError),
    /// Anything else.
    Other(ForgeError),
}

impl Control {
    /// The renewal of this link's credential under way in this process; begun where there is none. It goes on when
    /// nobody waits for it.
    pub(super) fn renewal(&self, link: &Link) -> watch::Receiver<Option<Renewal>> {
        let mut flights = hold(&self.inner.links.flights);
        if let Some(flight) = flights.get(&link.id) {
            return flight.clone();
        }
        let (tell, flight) = watch::channel(None);
        flights.insert(link.id, flight.clone());
        drop(flights);
        let landing = Landing { control: self.clone(), id: link.id, tell };
        let generation = link.generation;
        self.inner.links.work.spawn(async move {
            let done = landing.control.renew(landing.id, generation).await;
            let renewal = match done {
                Ok(()) => Renewal::Settled,
                Err(error) => {
                    count(&landing.control.inner.links.counters.unavailable);
                    tracing::warn!(link.id = %landing.id, error = %error, "cannot renew a token");
                    Renewal::Trouble(error.into())
                }
            };
            landing.land(renewal);
        });
        flight
    }

    async fn renew(&self, id: LinkId, generation: u64) -> Result<(), Error> {
        let link = super::link_with(self, id).await?;
        if !is_present(&link, generation) {
            return Ok(());
        }
        let forge = super::forge_of(self, link.forge).await?;
        if let domain::ForgeState::Faulty { why, .. } = &forge.state
            && !self.inner.forges.health.may_ask_again(forge.id, self.now())
        {
            return Err(not_taken(&forge, why));
        }
        let provider = self.provider(&forge).await?;
        // Before anything is sent: the key that the answer is sealed with must be at hand.
        self.sealer(KeyOwner::User(link.user)).await?;
        let _turn = self.turn_at(&forge).await?;
        if !self.claim_renewal(id, generation).await? {
            count(&self.inner.links.counters.race_avoided);
            return Ok(());
        }
        let done = self.renew_leased(&link, &forge, &*provider).await;
        self.end_lease(id).await;
        done
    }

    /// With the lease in hand.
    async fn renew_leased(&self, link: &Link, forge: &Forge, provider: &dyn Provider) -> Result<(), Error> {
        let row = link.id.to_string();
        let Some(refresh) = self.unseal(CellKind::LinkRefreshToken, &row).await? else {
            let why = format!("the token for {} has lapsed, and it cannot be renewed", forge.name);
            return self.sign_in_needed(link.id, link.generation, &why).await;
        };
        let mut tx = self.inner.store.begin().await?;
        if !tx.mark_refresh_sent(link.id, &self.lease_owner(), self.now()).await? {
            return Ok(());
        }
        tx.commit().await?;

        match self.ask_for_pair(forge, provider, &refresh).await {
            Ok(tokens) => {
                self.keep(link, forge, &tokens).await;
                count(&self.inner.links.counters.renewed);
                if matches!(forge.state, domain::ForgeState::Faulty { .. }) {
                    self.forge_takes_us(forge.id).await?;
                }
                Ok(())
            }
            Err(Refusal::Dead(why)) => {
                // Where the application itself is gone, that is what has to be mended, and by somebody else.
                let asked = try_application(provider, &self.redirect_uri(forge), &*self.inner.entropy).await;
                if let Err(error) = asked
                    && *error.fault() == Fault::Application
                {
                    return self.application_refused(forge, &error).await;
                }
                count(&self.inner.links.counters.invalid_grant);
                self.sign_in_needed(link.id, link.generation, &why).await
            }
            Err(Refusal::Application(error)) => self.application_refused(forge, &error).await,
            Err(Refusal::Other(error)) => Err(match error.fault() {
                // Nothing is wrong with the link as far as is known.
                Fault::Passing { .. } => said(forge, error),
                _ => Error::Forge { what: error.to_string(), mend: error.mend().to_owned() },
            }),
        }
    }

    /// It is the forge that is in trouble and not the link: that stays as it is until the application is mended.
    async fn application_refused(&self, forge: &Forge, error: &ForgeError) -> Result<(), Error> {
        count(&self.inner.links.counters.invalid_client);
        self.forge_refuses(forge.id, &error.to_string()).await?;
        Err(not_taken(forge, &error.to_string()))
    }

    async fn ask_for_pair(
        &self,
        forge: &Forge,
        provider: &dyn Provider,
        refresh: &Secret<String>,
    ) -> Result<Tokens, Refusal> {
        let redirect_uri = self.redirect_uri(forge);
        let (mut tried, mut unanswered) = (0, false);
        loop {
            let error = match provider.refresh(refresh, &redirect_uri).await {
                Ok(tokens) => return Ok(tokens),
                Err(error) => error,
            };
            tried += 1;
            match error.fault() {
                Fault::Passing { sent: Sent::NotSent, .. } if tried < TRIES => {
                    tokio::time::sleep(self.inner.outbound.pause(tried)).await;
                }
                // It may have been received: the old token tells. One that works was not used up.
                Fault::Passing { sent: Sent::Unknown, .. } if !unanswered => unanswered = true,
                Fault::Passing { sent: Sent::Answered, retry_after } => {
                    let pause = retry_after.unwrap_or(BUSY);
                    self.inner.forges.health.leave_alone(forge.id, self.now(), pause);
                    return Err(Refusal::Other(error));
                }
                Fault::Link(_) if unanswered => {
                    return Err(Refusal::Dead(format!(
                        "the connection to {} broke while the token was renewed, and the answer was lost",
                        forge.name
                    )));
                }
                Fault::Link(_) => {
                    return Err(Refusal::Dead(format!("{} does not take the token any more", forge.name)));
                }
                Fault::Application => return Err(Refusal::Application(error)),
                _ => return Err(Refusal::Other(error)),
            }
        }
    }

    /// Keeps what the forge answered, for as long as that takes.
    async fn keep(&self, link: &Link, forge: &Forge, tokens: &Tokens) {
        let mut pause = Duration::from_millis(50);
        while let Err(error) = self.keep_once(link, forge, tokens).await {
            tracing::error!(link.id = %link.id, error = %error, "cannot keep a renewed token; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(KEEP_PAUSE);
        }
    }

    async fn keep_once(&self, link: &Link, forge: &Forge, tokens: &Tokens) -> Result<(), Error> {
        let sealer = self.sealer(KeyOwner::User(link.user)).await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let found = tx.link_for_update(link.id).await?;
        // Also when somebody has given the link up meanwhile: this pair is good.
        let Some(mut present) = found.filter(|found| found.generation == link.generation) else {
            // Disconnected, or linked anew: nobody will ever use this pair.
            super::revoke::doom(&mut tx, &sealer, forge, link, tokens, now).await?;
            tx.commit().await?;
            self.inner.job_wake.notify_one();
            return Ok(());
        };
        present.generation += 1;
        present.state = LinkState::Active;
        present.issued_at = now;
        present.expires_at = lapse(tokens, now);
        if let Some(scopes) = &tokens.scopes {
            present.scopes.clone_from(scopes);
        }
        present.updated_at = now;
        tx.save_link(&present).await?;
        let row = link.id.to_string();
        sealer.put(&mut tx, CellKind::LinkAccessToken, &row, &tokens.access).await?;
        // A forge that sends no new refresh token goes on taking the old one (RFC 6749, section 6).
        if let Some(refresh) = &tokens.refresh {
            sealer.put(&mut tx, CellKind::LinkRefreshToken, &row, refresh).await?;
        }
        tx.end_refresh(link.id, &self.lease_owner()).await?;
        tx.nudge(link_topic(link.id));
        Ok(tx.commit().await?)
    }

    /// Takes the lease; waits while somebody else has it. `false` when there is nothing to renew any more.
    async fn claim_renewal(&self, id: LinkId, generation: u64) -> Result<bool, Error> {
        let owner = self.lease_owner();
        let mut news = self.inner.store.nudges();
        loop {
            let now = self.now();
            let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
            let mut tx = self.inner.store.begin().await?;
            let link = tx.link_for_update(id).await?;
            if !link.is_some_and(|link| is_present(&link, generation)) {
                return Ok(false);
            }
            let before = tx.refresh_state(id).await?;
            if let Some(before) = &before
                && self.is_own_past(&before.owner)
            {
                // This server, before it was restarted.
                tx.end_refresh(id, &before.owner).await?;
            }
            if tx.claim_refresh(id, generation, &owner, now, until).await? {
                tx.commit().await?;
                if before.is_some_and(|before| before.sent_at.is_some()) {
                    tracing::warn!(link.id = %id, "a token may have been renewed by a server that is gone");
                }
                return Ok(true);
            }
            drop(tx);
            let topic = link_topic(id);
            let heard = async {
                while let Ok(said) = news.recv().await {
                    if *said == *topic || *said == *store::EVERYTHING {
                        return;
                    }
                }
            };
            drop(tokio::time::timeout(LOOK_AGAIN, heard).await);
        }
    }

    /// Gives the lease back, if it is still held; it ends by itself otherwise.
    async fn end_lease(&self, id: LinkId) {
        let done = async {
            let mut tx = self.inner.store.begin().await?;
            if tx.end_refresh(id, &self.lease_owner()).await? {
                tx.nudge(link_topic(id));
                tx.commit().await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = done.await {
            tracing::warn!(link.id = %id, error = %error, "cannot give a lease back; it ends by itself");
        }
    }

    fn lease_owner(&self) -> String {
        format!("{}/{}", self.inner.settings.server, self.inner.links.nonce)
    }

    /// Whether a lease is of an earlier process of this server: it can be doing nothing any more.
    fn is_own_past(&self, owner: &str) -> bool {
        let name = owner.rsplit_once('/').map(|(name, _)| name);
        name == Some(&self.inner.settings.server) && owner != self.lease_owner()
    }
}

/// Whether the link's credential is still the one to renew.
fn is_present(link: &Link, generation: u64) -> bool {
    link.generation == generation && link.state == LinkState::Active
}

fn not_taken(forge: &Forge, why: &str) -> Error {
    Error::Forge {
        what: format!("{} does not take Hearth's application: {why}", forge.name),
        mend: "an administrator: compare the application's id and secret with those at the forge".into(),
    }
}

/// A renewal under way; whatever happens to it, it leaves the list.
struct Landing {
    control: Control,
    id: LinkId,
    tell: watch::Sender<Option<Renewal>>,
}

impl Landing {
    fn land(self, renewal: Renewal) {
        let tell = self.tell.clone();
        // First out of the list, so that who looks again finds no flight that has ended.
        drop(self);
        tell.send_replace(Some(renewal));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        hold(&self.control.inner.links.flights).remove(&self.id);
    }
}
