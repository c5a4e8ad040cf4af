//! One-time codes: how a new machine gets a kite key without anybody typing a password there.

use domain::{Caller, SignedDuration};
use store::KiteCodeRow;
use vault::{Secret, Token, TokenHash};

use super::KiteCode;
use super::kite_keys::own_team;
use crate::control::Control;
use crate::error::Error;
use crate::people::{later, note};

/// Time to walk over to the machine.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// More at a time are a program gone wild.
const OPEN_MAX: u64 = 20;
/// Longer texts are no codes of ours and are not even hashed.
const TEXT_MAX: usize = 200;

impl Control {
    /// Makes a one-time code, for which `registerMachine` gives a kite key: for the members of `team`, by id or
    /// address, or for the caller alone.
    ///
    /// # Errors
    ///
    /// `forbidden` with an API token, which would outlive itself in the key; 409 `too_many_kite_codes`; `not_member`
    /// for a team that the caller does not belong to.
    pub async fn create_kite_code(&self, caller: &Caller, team: Option<&str>) -> Result<KiteCode, Error> {
        caller.in_person()?;
        let now = self.now();
        let code = Token::generate("hkite", &*self.inner.entropy);
        let mut tx = self.inner.store.begin().await?;
        let team = match team {
            Some(wanted) => Some(own_team(&mut tx, caller, wanted).await?),
            None => None,
        };
        tx.sweep_kite_codes(now).await?;
        if tx.count_kite_codes(caller.user).await? >= OPEN_MAX {
            return Err(Error::Conflict {
                code: "too_many_kite_codes",
                what: format!("there are {OPEN_MAX} unused codes already"),
                mend: "use one of them, or wait ten minutes".into(),
            });
        }
        let expires_at = later(now, LIFETIME);
        tx.insert_kite_code(&KiteCodeRow { hash: code.hash(), user: caller.user, team, expires_at }).await?;
        note(&mut tx, caller.user, now, ("kite_code.create", caller.user.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(KiteCode { code, expires_at, registry: self.registry_url() })
    }

    /// Uses a code up, over or not: of several callers one gets it. `None` for one that is not good.
    pub(super) async fn take_kite_code(&self, code: &Secret<String>) -> Result<Option<KiteCodeRow>, Error> {
        if code.expose().len() > TEXT_MAX {
            return Ok(None);
        }
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(taken) = tx.take_kite_code(&TokenHash::of(code.expose())).await? else { return Ok(None) };
        note(&mut tx, taken.user, now, ("kite_code.use", taken.user.to_string()), String::new()).await?;
        tx.commit().await?;
        Ok(Some(taken).filter(|taken| now < taken.expires_at))
    }
}
