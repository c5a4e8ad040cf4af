//! Identities: whom a forge's account signs in, and what depends on it.
//!
//! An account is known by issuer and subject only, never by its name or its address. Where a forge takes a link's
//! credential no more, the sessions that were signed in with that forge end: who was shut out there must not stay
//! in here.

use domain::{Forge, ForgeId, LinkId, LinkState, SessionId, UserId};
use store::{AuditEntry, Identity, Tx};

use crate::control::Control;
use crate::error::Error;
use crate::links::link_topic;

/// What comes of proving that an account is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// It signs this person in from now on, as it may have before.
    Theirs,
    /// It signs somebody else in.
    Taken,
    /// Accounts of this forge sign nobody in.
    NotUsed,
}

/// Whether people come in with passwords here. Read before a transaction is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordDoor {
    /// Whoever has one does.
    Open,
    /// Nobody does, by the administrators' choice.
    Closed,
}

impl Control {
    /// Whether people come in with passwords here.
    pub(crate) async fn password_door(&self) -> Result<PasswordDoor, Error> {
        Ok(if self.password_sign_in().await? { PasswordDoor::Open } else { PasswordDoor::Closed })
    }

    /// Marks a link whose credential the forge takes no more, ends the sessions that were signed in with that
    /// forge, and writes it down once. Nothing happens when the credential has been replaced meanwhile.
    pub(crate) async fn sign_in_needed(&self, id: LinkId, generation: u64, why: &str) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let found = tx.link_for_update(id).await?;
        let Some(mut link) =
            found.filter(|link| link.generation == generation && link.state == LinkState::Active)
        else {
            return Ok(());
        };
        link.state = LinkState::SignInNeeded { at: now, why: why.to_owned() };
        link.updated_at = now;
        tx.save_link(&link).await?;
        let ended = Self::end_sessions_of_forge(&mut tx, link.user, link.forge, None).await?;
        let entry = AuditEntry {
            at: now,
            caller: None,
            action: "link.sign_in_needed".into(),
            subject: id.to_string(),
            detail: if ended == 0 { why.to_owned() } else { format!("{why}; {ended} sessions ended") },
        };
        tx.append_audit(&entry).await?;
        tx.nudge(link_topic(id));
        tx.commit().await?;
        tracing::info!(link.id = %id, "the owner of a link has to sign in again: {why}");
        Ok(())
    }

    /// Ends the sessions that somebody signed in with a forge; says how many.
    pub(crate) async fn end_sessions_of_forge(
        tx: &mut Tx,
        user: UserId,
        forge: ForgeId,
        except: Option<SessionId>,
    ) -> Result<usize, Error> {
        let sessions = tx.sessions_of_forge(user, forge).await?;
        let mut ended = 0;
        for session in sessions.into_iter().filter(|session| Some(session.id) != except) {
            tx.delete_session(session.id).await?;
            Self::cut(tx, session.id);
            ended += 1;
        }
        Ok(ended)
    }
}

/// Makes an account that was just proved to be `user`'s one that signs them in, if this forge's accounts do.
pub(crate) async fn claim(
    tx: &mut Tx,
    forge: &Forge,
    subject: &str,
    user: UserId,
    now: domain::Timestamp,
) -> Result<Claimed, Error> {
    if forge.team.is_some() || !forge.sign_in {
        return Ok(Claimed::NotUsed);
    }
    let issuer = forge.issuer();
    match tx.identity(&issuer, subject).await? {
        Some(identity) if identity.user == user => Ok(Claimed::Theirs),
        Some(_) => Ok(Claimed::Taken),
        None => {
            let identity = Identity {
                issuer,
                subject: subject.to_owned(),
                user,
                forge: Some(forge.id),
                created_at: now,
                last_used_at: None,
            };
            tx.insert_identity(&identity).await?;
            Ok(Claimed::Theirs)
        }
    }
}

/// Whether somebody could not come in any more without the accounts of `forge`. An identity of a forge that nobody
/// signs in with now is no way in.
pub(crate) async fn is_last_way_in(
    tx: &mut Tx,
    user: UserId,
    forge: &Forge,
    door: PasswordDoor,
) -> Result<bool, Error> {
    if door == PasswordDoor::Open && tx.password(user).await?.is_some() {
        return Ok(false);
    }
    let identities = tx.identities_of(user).await?;
    let is_of_this =
        |identity: &&Identity| identity.forge == Some(forge.id) || identity.issuer == forge.issuer();
    if !identities.iter().any(|identity| is_of_this(&identity)) {
        return Ok(false);
    }
    let signs_in =
        |forge: &Forge| forge.team.is_none() && forge.sign_in && forge.state != domain::ForgeState::Pending;
    let open: Vec<String> = tx.forges().await?.iter().filter(|it| signs_in(it)).map(Forge::issuer).collect();
    let others = identities.iter().filter(|identity| !is_of_this(identity));
    Ok(!others.into_iter().any(|identity| open.contains(&identity.issuer)))
}
