//! Which team a new workspace is for.

use domain::{Caller, Denied, Team};

use super::{see, standing};
use crate::control::Control;
use crate::error::Error;
use crate::platform;

impl Control {
    /// The team that `wish` names by id or address, which the caller must belong to. Without a wish the
    /// platform's default team if the caller belongs to it, else the one everybody belongs to.
    ///
    /// # Errors
    ///
    /// `not_found` for a team the caller must not know of, `not_member` for one that a platform's
    /// administrator only manages.
    pub async fn team_for(&self, caller: &Caller, wish: Option<&str>) -> Result<Team, Error> {
        let mut tx = self.inner.store.read().await?;
        if let Some(wish) = wish.map(str::trim).filter(|wish| !wish.is_empty()) {
            let seen = see(&mut tx, caller, wish).await?;
            return if seen.standing.is_some() { Ok(seen.team) } else { Err(Denied::NotMember.into()) };
        }
        let default = platform::stored(&mut tx).await?.default_team;
        for id in [default, Team::EVERYBODY] {
            let found = tx.team(id).await?;
            let belongs = standing(&mut tx, id, caller.user, caller.role).await?.is_some();
            if let Some(team) = found.filter(|_| belongs) {
                return Ok(team);
            }
        }
        Err(Error::missing("team", Team::EVERYBODY))
    }
}
