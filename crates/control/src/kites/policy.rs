//! What the registry asks: who presents a credential, what they may, what stays registered.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Known;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use domain::{
    KiteKeyId, Phase, Scope, ShareSubject, SignedDuration, Team, TeamId, Timestamp, TokenId, User, UserId,
    Via, WorkspaceId,
};
use kite::token::KiteKeyClaims;
use registry::{
    Credential, Entry, IssuedKey, KeyOrder, Place, Policy, Principal, Reach, Refused, Seat, Share, Verdict,
    Viewer,
};
use store::{ApiToken, Tx};
use vault::Secret;

use super::shares::name_of;
use super::viewer::Judge;
use crate::control::{Control, Inner};
use crate::error::Error;
use crate::people::welcome;

/// What a principal has for a credential that was good once, for `registerMachine`: nothing can be looked up by it.
const ONCE: &str = "once";

/// Agents that are looked up one by one; of more, all workspaces are read.
const ONE_BY_ONE: usize = 100;

/// A kite that registered this long before its key was renewed has an older issue of it. Less may be the one that was
/// renewed for it: that is done after it is registered.
const WITH_IT: SignedDuration = SignedDuration::from_mins(1);

/// The registry's way to the control plane, which owns the registry: hence weak.
pub(super) struct KitePolicy(pub(super) Weak<Inner>);

impl KitePolicy {
    fn control(&self) -> Result<Control, Refused> {
        let inner = self.0.upgrade().ok_or(Refused::Unavailable)?;
        Ok(Control { inner })
    }
}

#[async_trait]
impl Policy for KitePolicy {
    async fn authenticate(&self, credential: Credential, _: Option<IpAddr>) -> Result<Principal, Refused> {
        let control = self.control()?;
        let found = match credential {
            Credential::KiteKey(claims) => control.principal_of_kite_key(&claims).await,
            Credential::ApiToken(token) => control.principal_of_token(&token).await,
            Credential::OneTimeCode(code) => control.principal_of_code(&code).await,
            Credential::Password { username, password } => {
                control.principal_of_password(&username, password).await
            }
        };
        found.map_err(refused)?.ok_or(Refused::NotGood)
    }

    async fn viewer(&self, principal: &Principal) -> Result<Arc<dyn Viewer>, Refused> {
        let judge = self.control()?.judge_of(principal).await.map_err(refused)?;
        judge.map(|judge| Arc::new(judge) as Arc<dyn Viewer>).ok_or(Refused::NotGood)
    }

    async fn seat(&self, workspace: WorkspaceId) -> Result<Seat, Refused> {
        let found = self.control()?.seat_of(workspace).await.map_err(refused)?;
        found.ok_or(Refused::NotAllowed)
    }

    async fn keeps(&self, entries: &[Arc<Entry>]) -> Result<Vec<Verdict>, Refused> {
        self.control()?.keeps(entries).await.map_err(refused)
    }

    async fn issue_key(&self, principal: &Principal, order: KeyOrder) -> Result<IssuedKey, Refused> {
        let control = self.control()?;
        let issued = match order {
            KeyOrder::Renewal => control.renew_kite_key(principal).await,
            KeyOrder::Machine { name } => control.issue_machine_key(principal, &name).await,
        };
        issued.map_err(refused)
    }

    async fn share(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Share, Refused> {
        let control = self.control()?;
        let share = control.share(principal.user, subject, username).await.map_err(refused)?;
        Ok(Share {
            subject: share.subject,
            user: share.user,
            username: share.user_name.to_string(),
            created_at: share.since,
        })
    }

    async fn unshare(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Option<UserId>, Refused> {
        self.control()?.unshare(principal.user, subject, username).await.map_err(refused)
    }

    async fn shared(&self, principal: &Principal) -> Result<Vec<Share>, Refused> {
        let control = self.control()?;
        let judge = control.judge_of(principal).await.map_err(refused)?.ok_or(Refused::NotGood)?;
        if !judge.viewer.carries(Scope::WorkspacesRead) {
            return Err(Refused::LacksScope);
        }
        let shares = control.shares_of(principal.user).await.map_err(refused)?;
        Ok(shares
            .into_iter()
            .map(|share| Share {
                subject: share.subject,
                user: share.user,
                username: share.user_name.to_string(),
                created_at: share.since,
            })
            .collect())
    }
}

/// What the registry is told of an error; the details are in our log only.
fn refused(error: Error) -> Refused {
    match error {
        Error::Unauthenticated { .. } | Error::Conflict { code: "password_sign_in_off", .. } => {
            Refused::NotGood
        }
        Error::TooMany { .. } => Refused::Throttled,
        Error::NotFound { what } if what.starts_with("person") => Refused::NoSuchUser,
        Error::Conflict { code: "own", .. } => Refused::TheirOwn,
        Error::NotFound { .. }
        | Error::Forbidden { .. }
        | Error::NotMember { .. }
        | Error::Invalid { .. } => Refused::NotAllowed,
        Error::Conflict { code, .. } if code.starts_with("too_many") => Refused::TooMany,
        Error::Conflict { .. } => Refused::NotAllowed,
        Error::Unavailable { .. }
        | Error::LinkNeeded { .. }
        | Error::ScopeMissing { .. }
        | Error::Forge { .. }
        | Error::Internal { .. } => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the registry cannot be told what it asks"
            );
            Refused::Unavailable
        }
    }
}

/// What names a credential in the registry, read again.
enum Named {
    /// A family of kite keys.
    KiteKey(KiteKeyId),
    /// An API token.
    Token(TokenId),
}

impl Named {
    fn parse(text: &str) -> Option<Self> {
        let key = text.parse().map(Self::KiteKey);
        key.or_else(|_| text.parse().map(Self::Token)).ok()
    }
}

impl Control {
    async fn principal_of_kite_key(&self, claims: &KiteKeyClaims) -> Result<Option<Principal>, Error> {
        let Ok(id) = claims.id.parse::<KiteKeyId>() else { return Ok(None) };
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(key) = tx.kite_key(id).await?.filter(|key| now < key.expires_at) else { return Ok(None) };
        let Some(user) = welcome(&mut tx, key.user).await? else { return Ok(None) };
        // Whoever is called another name now needs a key that says so: a kite knows itself by what its key says,
        // and tokens for it are for that name.
        if claims.subject != user.name.as_str() || !belongs(&mut tx, key.team, user.id).await? {
            return Ok(None);
        }
        drop(tx);
        self.note_kite_key_used(&key).await;
        Ok(Some(Principal {
            user: user.id,
            username: user.name.to_string(),
            team: key.team,
            // The family: what registers stays registered when the key is renewed.
            credential: key.family.to_string(),
            reach: Reach::Full,
        }))
    }

    async fn principal_of_token(&self, token: &Secret<String>) -> Result<Option<Principal>, Error> {
        let Some(caller) = self.caller_of_token(token.expose()).await? else { return Ok(None) };
        let Via::Token { id, .. } = &caller.via else { return Ok(None) };
        let reach = if caller.scope(Scope::All).is_ok() { Reach::Full } else { Reach::Limited };
        let username = self.user_name(caller.user).await?.to_string();
        let credential = id.to_string();
        Ok(Some(Principal { user: caller.user, username, team: None, credential, reach }))
    }

    async fn principal_of_code(&self, code: &Secret<String>) -> Result<Option<Principal>, Error> {
        let Some(code) = self.take_kite_code(code).await? else { return Ok(None) };
        let mut tx = self.inner.store.read().await?;
        let Some(user) = welcome(&mut tx, code.user).await? else { return Ok(None) };
        if !belongs(&mut tx, code.team, user.id).await? {
            return Ok(None);
        }
        Ok(Some(once(&user, code.team)))
    }

    async fn principal_of_password(
        &self,
        username: &str,
        password: Secret<String>,
    ) -> Result<Option<Principal>, Error> {
        let user = self.person_of_password(&name_of(username), password).await?;
        let mut tx = self.inner.store.read().await?;
        // Read again: a suspension may have come while the password was checked.
        Ok(welcome(&mut tx, user.id).await?.map(|user| once(&user, None)))
    }

    /// What the principal may now; `None` when the credential is not good any more.
    pub(super) async fn judge_of(&self, principal: &Principal) -> Result<Option<Judge>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(user) = welcome(&mut tx, principal.user).await? else { return Ok(None) };
        if !belongs(&mut tx, principal.team, user.id).await? {
            return Ok(None);
        }
        let scopes = match Named::parse(&principal.credential) {
            Some(Named::KiteKey(family)) if tx.is_kite_key_good(family, now).await? => None,
            Some(Named::Token(id)) => match good_token(&mut tx, user.id, id, now).await? {
                Some(token) => Some(token.scopes),
                None => return Ok(None),
            },
            Some(Named::KiteKey(_)) | None => return Ok(None),
        };
        Ok(Some(Judge::load(&mut tx, &user, scopes, now).await?))
    }

    pub(super) async fn seat_of(&self, workspace: WorkspaceId) -> Result<Option<Seat>, Error> {
        let mut tx = self.inner.store.read().await?;
        let Some(workspace) = tx.workspace(workspace).await? else { return Ok(None) };
        if matches!(workspace.phase, Phase::Deleting | Phase::Deleted) {
            return Ok(None);
        }
        let Some(owner) = tx.user(workspace.owner).await? else { return Ok(None) };
        Ok(Some(Seat {
            owner: owner.id,
            username: owner.name.to_string(),
            hostname: workspace.name.to_string(),
            team: workspace.team,
        }))
    }

    /// An agent stays as long as its workspace: its connection does, and nobody may call it meanwhile if its owner
    /// is shut out. Services come back by themselves.
    async fn keeps(&self, entries: &[Arc<Entry>]) -> Result<Vec<Verdict>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let agents = entries.iter().filter(|entry| entry.workspace().is_some()).count();
        let owners = if agents > ONE_BY_ONE { Some(tx.workspace_owners().await?) } else { None };
        // Most services of one owner come with one credential.
        let mut known: HashMap<(UserId, Option<TeamId>, &str), Option<Backing>> = HashMap::new();
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            let of_owner = |owner| if owner == Some(entry.owner) { Verdict::Stays } else { Verdict::Goes };
            verdicts.push(match (&entry.place, &owners) {
                (Place::Workspace { id, .. }, Some(owners)) => of_owner(owners.get(id).copied()),
                (Place::Workspace { id, .. }, None) => of_owner(tx.workspace_owner(*id).await?),
                (Place::Service { team }, _) => {
                    let key = (entry.owner, *team, entry.credential.as_str());
                    let backing = match known.entry(key) {
                        Known::Occupied(known) => known.into_mut(),
                        Known::Vacant(place) => place.insert(Backing::of(&mut tx, entry, *team, now).await?),
                    };
                    backing.as_ref().map_or(Verdict::Goes, |backing| backing.verdict(entry, now))
                }
            });
        }
        Ok(verdicts)
    }
}

/// What services of one owner and credential stay registered on.
struct Backing {
    /// The owner's name, as it stands in kites.
    username: String,
    /// From when and until when the newest issue of the kite key is good; absent for an API token.
    newest: Option<(Timestamp, Timestamp)>,
}

impl Backing {
    /// `None` unless the service's owner is welcome and in its team, and what it registered with is good.
    async fn of(
        tx: &mut Tx,
        entry: &Entry,
        team: Option<TeamId>,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let owner = entry.owner;
        let Some(user) = welcome(tx, owner).await? else { return Ok(None) };
        if !belongs(tx, team, owner).await? {
            return Ok(None);
        }
        let newest = match Named::parse(&entry.credential) {
            Some(Named::KiteKey(family)) => {
                let issues = tx.kite_keys_of(owner).await?.into_iter();
                let issues = issues.filter(|issue| issue.family == family && now < issue.expires_at);
                let newest = issues.max_by_key(|issue| (issue.replaced_by.is_none(), issue.issued_at));
                let Some(newest) = newest else { return Ok(None) };
                Some((newest.issued_at, newest.expires_at))
            }
            Some(Named::Token(id)) if good_token(tx, owner, id, now).await?.is_some() => None,
            Some(Named::Token(_)) | None => return Ok(None),
        };
        Ok(Some(Self { username: registry::field_of(user.name.as_str()), newest }))
    }

    /// A kite registers again when its key is past half of its life, and is then renewed; and when another kite had
    /// the same key renewed, because its own ends soon after.
    fn verdict(&self, entry: &Entry, now: Timestamp) -> Verdict {
        if self.username != entry.kite.username {
            return Verdict::Goes;
        }
        let Some((issued_at, expires_at)) = self.newest else { return Verdict::Stays };
        let is_due = expires_at.duration_since(now) <= expires_at.duration_since(issued_at) / 2;
        let is_behind = issued_at.duration_since(entry.registered_at) > WITH_IT;
        if is_due || is_behind { Verdict::RegistersAgain } else { Verdict::Stays }
    }
}

/// Somebody's API token, if it is good now.
async fn good_token(
    tx: &mut Tx,
    user: UserId,
    id: TokenId,
    now: Timestamp,
) -> Result<Option<ApiToken>, Error> {
    let is_good =
        |token: &ApiToken| token.id == id && token.expires_at.is_none_or(|expires_at| now < expires_at);
    Ok(tx.tokens_of(user).await?.into_iter().find(is_good))
}

/// Somebody who may do one thing now.
fn once(user: &User, team: Option<TeamId>) -> Principal {
    Principal {
        user: user.id,
        username: user.name.to_string(),
        team,
        credential: ONCE.into(),
        reach: Reach::Full,
    }
}

/// Whether somebody belongs to the team that a key was made for, if it was made for one.
async fn belongs(tx: &mut Tx, team: Option<TeamId>, user: UserId) -> Result<bool, Error> {
    match team {
        None | Some(Team::EVERYBODY) => Ok(true),
        Some(team) => Ok(tx.member(team, user).await?.is_some()),
    }
}
