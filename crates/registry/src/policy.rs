//! What the registry asks others: who somebody is, what they may, and for new kite keys.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{KiteAction, ShareSubject, TeamId, Timestamp, UserId, WorkspaceId};
use kite::token::KiteKeyClaims;
use vault::Secret;

use crate::entry::Entry;

/// What somebody presents.
pub enum Credential {
    /// A kite key. Signature, issuer, audience and times are verified; whether it was revoked is not.
    KiteKey(KiteKeyClaims),
    /// An API token (`hearth_…`).
    ApiToken(Secret<String>),
    /// A code that is good for one `registerMachine`. Authenticating with it uses it up.
    OneTimeCode(Secret<String>),
    /// A user name and a password, for `registerMachine`.
    Password {
        /// The user name as the caller wrote it.
        username: String,
        /// The password.
        password: Secret<String>,
    },
}

/// How far a credential reaches, besides what [`Viewer`] says about single kites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It may look and call, as far as its viewer allows.
    Limited,
    /// It may also register kites, share and make kite keys.
    Full,
}

/// An authenticated person, and what they came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user: UserId,
    /// The user name, as people write it.
    pub username: String,
    /// The team that the kite key was made for, if it was.
    pub team: Option<TeamId>,
    /// Names the credential, never says it: the kite key's `jti`, or the id of the API token. Registrations and
    /// watches that were made with it end when it does.
    pub credential: String,
    /// What the credential is good for.
    pub reach: Reach,
}

/// Why the registry is not told what it asked for. None of it says whether something hidden exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The credential is wrong, revoked or expired, or its owner may not sign in.
    #[error("the credential is not good any more")]
    NotGood,
    /// The person may not do this, or what it is about does not exist for them.
    #[error("not allowed")]
    NotAllowed,
    /// The API token is not good for this.
    #[error("the credential lacks the scope")]
    LacksScope,
    /// The person that something should be shared with cannot be found.
    #[error("no such user")]
    NoSuchUser,
    /// The person that something should be shared with owns it.
    #[error("it is their own")]
    TheirOwn,
    /// There are as many of these as one person may have.
    #[error("too many")]
    TooMany,
    /// Too many attempts; try again later.
    #[error("too many attempts")]
    Throttled,
    /// It cannot be found out now.
    #[error("not available now")]
    Unavailable,
}

/// Which entries a viewer could see at all, so that lists need not look at the others. A hint: what is inside is
/// still asked about with [`Viewer::may`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    Everything,
    /// Those of these owners, and those in these teams: services whose key was made for one, agents of workspaces.
    Of {
        /// The viewer, and whoever shared something with them.
        owners: Vec<UserId>,
        /// Teams, without the one that everybody belongs to.
        teams: Vec<TeamId>,
    },
}

/// Decides about entries from facts that were loaded once, in well under a microsecond each.
pub trait Viewer: Send + Sync {
    /// Whether the viewer may do this with the entry.
    fn may(&self, action: KiteAction, entry: &Entry) -> bool;

    /// Which entries [`Self::may`] could say yes to.
    fn range(&self) -> Range {
        Range::Everything
    }
}

/// The workspace behind an agent's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The workspace's owner.
    pub owner: UserId,
    /// The owner's user name.
    pub username: String,
    /// The workspace's name.
    pub hostname: String,
    /// The workspace's team.
    pub team: TeamId,
}

/// What is to become of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Stays,
    /// Its kite should register again, because only then it is given the next issue of its kite key.
    RegistersAgain,
    /// It ends.
    Goes,
}

/// What a new kite key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrder {
    /// It takes the place of the one that the principal came with, which stays good for a while.
    Renewal,
    /// It is the first one of a machine that `registerMachine` was called on.
    Machine {
        /// What to call it: the machine's host name as it says. At most 255 bytes.
        name: String,
    },
}

/// A kite key that is written down and not signed yet: [`crate::Registry::sign_kite_key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// Its name, by which it is revoked (`jti`).
    pub id: String,
    /// Whose it is.
    pub username: String,
    /// From when.
    pub issued_at: Timestamp,
    /// Until when; at most 365 days later.
    pub expires_at: Timestamp,
}

/// One share, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What is shared.
    pub subject: ShareSubject,
    /// With whom.
    pub user: UserId,
    /// That user's name.
    pub username: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Who is who and who may what. The registry keeps answers for up to half a minute and asks again at once after
/// [`crate::Registry::rights_changed`].
#[async_trait]
pub trait Policy: Send + Sync {
    /// Who presents this. `from` is the address that it came from, where one is known.
    ///
    /// # Errors
    ///
    /// [`Refused::NotGood`], [`Refused::Throttled`] or [`Refused::Unavailable`].
    async fn authenticate(&self, credential: Credential, from: Option<IpAddr>) -> Result<Principal, Refused>;

    /// What the principal may see and call now.
    ///
    /// # Errors
    ///
    /// [`Refused::NotGood`] once the credential or the person is shut out; [`Refused::Unavailable`].
    async fn viewer(&self, principal: &Principal) -> Result<Arc<dyn Viewer>, Refused>;

    /// The workspace whose agent connected.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAllowed`] if there is no such workspace any more; [`Refused::Unavailable`].
    async fn seat(&self, workspace: WorkspaceId) -> Result<Seat, Refused>;

    /// What is to become of these registrations, in their order. An agent may stay as long as its workspace is
    /// there, because it does not come back before its connection ends; who may call it is up to viewers. A service
    /// may as long as its credential is good, its owner is not shut out, still has the name in the entry and belongs
    /// to the team. It registers again once its kite key is due for the next issue, or has got one since.
    ///
    /// Of an agent that [`Verdict::Goes`], its [`Policy::seat`] is asked first: it stays if there still is one.
    ///
    /// # Errors
    ///
    /// [`Refused::Unavailable`]; then all stay, and are judged again a little later.
    async fn keeps(&self, entries: &[Arc<Entry>]) -> Result<Vec<Verdict>, Refused>;

    /// Writes a new kite key down for the principal.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAllowed`], [`Refused::TooMany`] or [`Refused::Unavailable`].
    async fn issue_key(&self, principal: &Principal, order: KeyOrder) -> Result<IssuedKey, Refused>;

    /// Shares something of the principal's own with somebody. What is shared already stays so.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAllowed`] for what is not the principal's own, [`Refused::NoSuchUser`],
    /// [`Refused::TheirOwn`], [`Refused::TooMany`], [`Refused::Unavailable`].
    async fn share(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Share, Refused>;

    /// Takes a share back; answers with whom it was shared, `None` if it was not.
    ///
    /// # Errors
    ///
    /// As [`Policy::share`].
    async fn unshare(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Option<UserId>, Refused>;

    /// Everything that the principal shares.
    ///
    /// # Errors
    ///
    /// [`Refused::LacksScope`] for an API token that may not look; [`Refused::NotGood`], [`Refused::Unavailable`].
    async fn shared(&self, principal: &Principal) -> Result<Vec<Share>, Refused>;
}
