//! What has to be known of somebody to judge kites, loaded once for any number of them.

use std::collections::HashMap;

use domain::{KiteAction, KiteViewer, Role, Scopes, ShareSubject, Team, TeamId, Timestamp, User, UserId};
use registry::{Entry, Range, Viewer};
use store::Tx;

use crate::error::Error;

/// A viewer, and where it need not look.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(super) viewer: KiteViewer,
    /// Whether there are services that everybody may call. Without them nobody has to look through everybody's
    /// kites for one.
    for_everybody: bool,
}

impl Judge {
    /// Loads what decides for this person, who came with a credential of these scopes.
    pub(super) async fn load(
        tx: &mut Tx,
        user: &User,
        scopes: Option<Scopes>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let places = tx.teams_of(user.id).await?.into_iter().map(|(team, role)| (team.id, role)).collect();
        let mut shared: HashMap<UserId, Vec<ShareSubject>> = HashMap::new();
        for share in tx.kite_shares_with(user.id, Team::EVERYBODY).await? {
            shared.entry(share.owner).or_default().push(share.subject);
        }
        let suspended = tx.suspended_users().await?.into_iter().collect();
        let for_everybody = tx.count_kite_keys_of_team(Team::EVERYBODY, now).await? > 0;
        let viewer = KiteViewer { user: user.id, role: user.role, scopes, places, shared, suspended };
        Ok(Self { viewer, for_everybody })
    }

    /// Whether the entry is there for this person, and what may be done with it.
    pub(super) fn look(&self, entry: &Entry) -> Look {
        if self.may(KiteAction::Call, entry) {
            Look::Calls
        } else if self.may(KiteAction::See, entry) {
            Look::Sees
        } else {
            Look::Nothing
        }
    }
}

/// What somebody may do with a kite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Not even learn of it.
    Nothing,
    /// Learn of it.
    Sees,
    /// Call it.
    Calls,
}

impl Viewer for Judge {
    fn may(&self, action: KiteAction, entry: &Entry) -> bool {
        self.viewer.may(action, entry.owner, entry.home())
    }

    fn range(&self) -> Range {
        if self.viewer.role == Role::Admin {
            return Range::Everything;
        }
        let mut owners = vec![self.viewer.user];
        owners.extend(self.viewer.shared.keys());
        let mut teams: Vec<TeamId> = self.viewer.places.keys().copied().collect();
        teams.extend(self.for_everybody.then_some(Team::EVERYBODY));
        Range::Of { owners, teams }
    }
}
