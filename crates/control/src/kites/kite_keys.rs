//! Kite keys: made by a person or by `registerMachine`, renewed by the kites that register with them.

use std::collections::HashMap;

use domain::{Caller, KiteKeyId, Scope, SignedDuration, TeamId, Timestamp, UserId};
use registry::{IssuedKey, Principal};
use store::{KiteKeyRow, Tx};
use vault::Secret;

use super::revoked::announce_kite_rights;
use super::{KiteKeyFacts, KiteKeyWish};
use crate::control::Control;
use crate::error::Error;
use crate::people::{later, note};
use crate::teams::{see, standing};

/// A name longer than this does not fit a list.
const NAME_MAX: usize = 100;
/// More are forgotten ones.
const KEYS_MAX: usize = 100;
/// Longest life. A program that registers now and then is given the next issue long before.
const DAYS_MAX: u32 = 365;
/// How long a key that was renewed stays good: for a kite that lost the answer, or another one with the same file.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How stale "last used" may be: finer would cost a write for every call.
const USED_STALE: SignedDuration = SignedDuration::from_mins(5);
/// What a key is called whose machine does not say a name.
const UNNAMED: &str = "machine";
/// Tries to renew a key that somebody else renews at the same moment.
const TRIES: u32 = 5;

impl Control {
    /// Makes a kite key. The second value is the content of the file `kite.key`, shown this once.
    ///
    /// # Errors
    ///
    /// `forbidden` with an API token, which would outlive itself in the key; `invalid` names the field; 409
    /// `too_many_kite_keys`; `unavailable` while the registry has no key to sign with.
    pub async fn create_kite_key(
        &self,
        caller: &Caller,
        wish: KiteKeyWish,
    ) -> Result<(KiteKeyFacts, Secret<String>), Error> {
        caller.in_person()?;
        let name = wish.name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            let what = format!("a kite key's name has 1 to {NAME_MAX} visible characters");
            return Err(Error::invalid("name", what, "name what will use it, such as `build machine`"));
        }
        let life = self.key_life(wish.days)?;
        let mut tx = self.inner.store.read().await?;
        let team = match &wish.team {
            Some(wanted) => Some(own_team(&mut tx, caller, wanted).await?),
            None => None,
        };
        drop(tx);
        let row = self.first_issue(caller.user, team, name, life).await?;
        let username = self.user_name(caller.user).await?;
        // Signed before it is kept, and not while a transaction waits.
        let content = self.inner.kites.registry.sign_kite_key(&issued(&row, username.as_str()));
        let content = content.map_err(|error| Error::Internal {
            what: "cannot sign a kite key".into(),
            source: Box::new(error),
        })?;
        self.keep_first_issue(&row).await?;
        Ok((facts(vec![row], &HashMap::new()).remove(0), Secret::new(content.expose().to_owned())))
    }

    /// The caller's kite keys that are good now, newest first.
    pub async fn kite_keys(&self, caller: &Caller) -> Result<Vec<KiteKeyFacts>, Error> {
        caller.scope(Scope::All)?;
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let mut issues = tx.kite_keys_of(caller.user).await?;
        issues.retain(|issue| now < issue.expires_at);
        let kites = tx.count_kites_by_credential(caller.user).await?.into_iter().collect();
        Ok(facts(issues, &kites))
    }

    /// Ends one of the caller's kite keys in every issue. What was registered or connected with it is cut within a
    /// second.
    pub async fn revoke_kite_key(&self, caller: &Caller, id: KiteKeyId) -> Result<(), Error> {
        caller.scope(Scope::All)?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !tx.delete_kite_key(caller.user, id).await? {
            return Err(Error::missing("kite key", id));
        }
        announce_kite_rights(&mut tx, caller.user);
        note(&mut tx, caller.user, now, ("kite_key.revoke", id.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A key for a machine that was let in once, for `registerMachine`.
    pub(super) async fn issue_machine_key(
        &self,
        principal: &Principal,
        name: &str,
    ) -> Result<IssuedKey, Error> {
        let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
        let name = if name.trim().is_empty() { UNNAMED } else { name.trim() };
        let life = self.key_life(None)?;
        let row = self.first_issue(principal.user, principal.team, name, life).await?;
        self.keep_first_issue(&row).await?;
        Ok(issued(&row, &principal.username))
    }

    /// The issue that takes the place of the one that the principal came with. Asked again, it is the same one, as
    /// long as it was signed by the pair that signs now and has more than half its life before it.
    pub(super) async fn renew_kite_key(&self, principal: &Principal) -> Result<IssuedKey, Error> {
        let missing = || Error::missing("kite key", &principal.credential);
        let family: KiteKeyId = principal.credential.parse().map_err(|_| missing())?;
        let signer = self.registry_signer().await?;
        for _ in 0..TRIES {
            let now = whole_seconds(self.now());
            let mut tx = self.inner.store.begin().await?;
            let Some(newest) = tx.newest_kite_key(principal.user, family).await? else {
                if tx.is_kite_key_good(family, now).await? {
                    continue;
                }
                return Err(missing());
            };
            let life = newest.expires_at.duration_since(newest.issued_at);
            let left = newest.expires_at.duration_since(now);
            if left <= SignedDuration::ZERO {
                return Err(missing());
            }
            if newest.signed_by == signer && left > life / 2 {
                // Durable, and seen by readers, once this is committed.
                tx.commit().await?;
                return Ok(issued(&newest, &principal.username));
            }
            let next = KiteKeyRow {
                id: KiteKeyId::generate(now, &*self.inner.entropy),
                signed_by: signer.clone(),
                issued_at: now,
                expires_at: later(now, life),
                replaced_by: None,
                ..newest.clone()
            };
            tx.replace_kite_key(newest.id, next.id, later(now, OVERLAP)).await?;
            tx.insert_kite_key(&next).await?;
            note(&mut tx, principal.user, now, ("kite_key.renew", family.to_string()), next.name.clone())
                .await?;
            tx.commit().await?;
            return Ok(issued(&next, &principal.username));
        }
        Err(Error::Unavailable {
            what: "the kite key is being renewed by somebody else".into(),
            mend: "try again".into(),
        })
    }

    /// Notes that a key was used, unless that is known well enough. Nobody is refused because it cannot be written.
    pub(super) async fn note_kite_key_used(&self, key: &KiteKeyRow) {
        let now = self.now();
        if key.last_used_at.is_some_and(|used| now.duration_since(used) < USED_STALE) {
            return;
        }
        let touch = async {
            let mut tx = self.inner.store.begin().await?;
            tx.touch_kite_key(key.id, now).await?;
            tx.commit().await
        };
        if let Err(error) = touch.await {
            tracing::warn!(
                kite_key.id = %key.family,
                error = &error as &dyn std::error::Error,
                "cannot write down that a kite key was used"
            );
        }
    }

    async fn first_issue(
        &self,
        user: UserId,
        team: Option<TeamId>,
        name: &str,
        life: SignedDuration,
    ) -> Result<KiteKeyRow, Error> {
        let now = whole_seconds(self.now());
        let id = KiteKeyId::generate(now, &*self.inner.entropy);
        Ok(KiteKeyRow {
            id,
            family: id,
            user,
            team,
            name: name.to_owned(),
            signed_by: self.registry_signer().await?,
            created_at: now,
            issued_at: now,
            expires_at: later(now, life),
            replaced_by: None,
            last_used_at: None,
        })
    }

    async fn keep_first_issue(&self, row: &KiteKeyRow) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let issues = tx.kite_keys_of(row.user).await?;
        if issues.iter().filter(|issue| issue.replaced_by.is_none() && now < issue.expires_at).count()
            >= KEYS_MAX
        {
            return Err(Error::Conflict {
                code: "too_many_kite_keys",
                what: format!("there are {KEYS_MAX} kite keys already"),
                mend: "revoke those that nothing uses any more".into(),
            });
        }
        tx.insert_kite_key(row).await?;
        note(&mut tx, row.user, now, ("kite_key.create", row.family.to_string()), row.name.clone()).await?;
        tx.commit().await?;
        Ok(())
    }

    fn key_life(&self, days: Option<u32>) -> Result<SignedDuration, Error> {
        let days = days.unwrap_or(self.inner.settings.registry.key_days);
        if !(1..=DAYS_MAX).contains(&days) {
            let what = format!("a kite key is good for 1 to {DAYS_MAX} days, not {days}");
            return Err(Error::invalid("expires_in_days", what, "choose a number in between"));
        }
        Ok(SignedDuration::from_hours(24 * i64::from(days)))
    }
}

/// A team that the caller belongs to, and may make keys for.
pub(super) async fn own_team(tx: &mut Tx, caller: &Caller, wanted: &str) -> Result<TeamId, Error> {
    let team = see(tx, caller, wanted.trim()).await?.team;
    if standing(tx, team.id, caller.user, caller.role).await?.is_none() {
        return Err(Error::NotMember { why: format!("you are no member of the team `{}`", team.slug) });
    }
    Ok(team.id)
}

/// An issue as the registry signs it.
fn issued(row: &KiteKeyRow, username: &str) -> IssuedKey {
    IssuedKey {
        id: row.id.to_string(),
        username: username.to_owned(),
        issued_at: row.issued_at,
        expires_at: row.expires_at,
    }
}

/// Keys as people see them: one for all issues of a family. Issues come newest first.
fn facts(issues: Vec<KiteKeyRow>, kites: &HashMap<String, u64>) -> Vec<KiteKeyFacts> {
    let mut keys: Vec<KiteKeyFacts> = Vec::new();
    for issue in issues {
        if let Some(key) = keys.iter_mut().find(|key| key.id == issue.family) {
            key.last_used_at = key.last_used_at.max(issue.last_used_at);
            key.expires_at = key.expires_at.max(issue.expires_at);
            continue;
        }
        keys.push(KiteKeyFacts {
            id: issue.family,
            name: issue.name,
            team: issue.team,
            created_at: issue.created_at,
            expires_at: issue.expires_at,
            last_used_at: issue.last_used_at,
            kites: kites.get(&issue.family.to_string()).copied().unwrap_or(0),
        });
    }
    keys
}

/// What a signed text can say of a moment.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
