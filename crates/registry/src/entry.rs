//! One registered kite, as the registry knows it.

use domain::{KiteHome, KiteVia, TeamId, Timestamp, UserId, WorkspaceId};
use kite::Kite;

/// Where a kite belongs. With its owner, all that decides who may see and call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is the agent of a workspace; the kite's id is the workspace's.
    Workspace {
        /// Which.
        id: WorkspaceId,
        /// The workspace's team.
        team: TeamId,
    },
    /// It is a program that somebody runs somewhere.
    Service {
        /// The team whose members may call it, if the key it registered with was made for one.
        team: Option<TeamId>,
    },
}

/// A registered kite. Shared as it is between lists, watchers and relays; a change makes a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The seven fields. The user name is the owner's, as [`crate::field_of`] writes it.
    pub kite: Kite,
    /// Where callers dial it. The server never does.
    pub url: String,
    /// Whose it is.
    pub owner: UserId,
    /// Where it belongs.
    pub place: Place,
    /// How it registered.
    pub via: KiteVia,
    /// What it registered with: [`crate::Principal::credential`]; empty for an agent.
    pub credential: String,
    /// The registry's key that signed the kite's own kite key, or the current one: what it knew when it registered.
    pub key: String,
    /// Tells this registration from earlier and later ones of the same id, on all servers. Random; fits an `i64`.
    pub generation: u64,
    /// When this registration began.
    pub registered_at: Timestamp,
    /// When it was last heard of, exact to a minute.
    pub seen_at: Timestamp,
    /// Whether it is there now. A row from before a restart is not, and goes if its kite does not come back.
    pub connected: bool,
    /// The server that holds the connection or hears the heartbeats.
    pub server: String,
    /// Calls it served, if it tells.
    pub calls: Option<u64>,
    /// How many of them ended with an error, if it tells.
    pub errors: Option<u64>,
    /// Tokens that this server signed for it since its own start.
    pub tokens: u64,
}

impl Entry {
    /// The entry as [`domain::KiteViewer::may`] takes it.
    pub fn home(&self) -> KiteHome<'_> {
        match &self.place {
            Place::Workspace { id, team } => KiteHome::Workspace { id: *id, team: *team },
            Place::Service { team } => {
                KiteHome::Service { team: *team, environment: &self.kite.environment, name: &self.kite.name }
            }
        }
    }

    /// The workspace whose agent it is.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        match &self.place {
            Place::Workspace { id, .. } => Some(*id),
            Place::Service { .. } => None,
        }
    }
}

/// What happened to a kite.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is there now: new, come back, or under another address or identity than before.
    Registered(std::sync::Arc<Entry>),
    /// It is gone. Of a replaced registration there is no such change, only the `Registered` of the new one.
    Deregistered(std::sync::Arc<Entry>),
    /// Only counts, times or `connected` differ.
    Updated(std::sync::Arc<Entry>),
}

impl Change {
    /// The entry that it is about: as it is now, or as it was last.
    pub fn entry(&self) -> &std::sync::Arc<Entry> {
        match self {
            Self::Registered(entry) | Self::Deregistered(entry) | Self::Updated(entry) => entry,
        }
    }
}
