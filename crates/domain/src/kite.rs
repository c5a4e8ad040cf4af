//! Kites: programs that can be called through the registry. Whose they are, and who may see and call them.
//!
//! Everything that decides about a kite is here, without knowing how kites talk. That a workspace's agent was
//! shared with somebody opens the agent's kite to that person, and nothing else of the workspace.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::access::{Scope, Scopes};
use crate::id::{TeamId, UserId, WorkspaceId};
use crate::team::{Team, TeamRole};
use crate::user::Role;

/// Longest environment or name of a service that is shared, in bytes. Nothing longer fits a list.
const FIELD_MAX: usize = 255;

/// What an owner shares with somebody: one workspace's agent, or all services of one environment and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ShareSubject {
    /// The agent of this workspace; as text `ws_…`.
    Workspace(WorkspaceId),
    /// The services of this environment and name; as text `environment/name`.
    Service {
        /// Environment.
        environment: String,
        /// Name.
        name: String,
    },
}

/// The text names nothing that can be shared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a workspace's id nor a service of the form `environment/name`")]
pub struct InvalidShareSubject(String);

impl fmt::Display for ShareSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(id) => id.fmt(f),
            Self::Service { environment, name } => write!(f, "{environment}/{name}"),
        }
    }
}

impl FromStr for ShareSubject {
    type Err = InvalidShareSubject;

    fn from_str(text: &str) -> Result<Self, InvalidShareSubject> {
        let refuse = || InvalidShareSubject(text.chars().take(64).collect());
        let Some((environment, name)) = text.split_once('/') else {
            return text.parse().map(Self::Workspace).map_err(|_| refuse());
        };
        let is_field = |field: &str| {
            !field.is_empty()
                && field.len() <= FIELD_MAX
                && !field.contains('/')
                && !field.chars().any(char::is_control)
        };
        if is_field(environment) && is_field(name) {
            Ok(Self::Service { environment: environment.to_owned(), name: name.to_owned() })
        } else {
            Err(refuse())
        }
    }
}

impl From<ShareSubject> for String {
    fn from(subject: ShareSubject) -> Self {
        subject.to_string()
    }
}

impl TryFrom<String> for ShareSubject {
    type Error = InvalidShareSubject;

    fn try_from(text: String) -> Result<Self, InvalidShareSubject> {
        text.parse()
    }
}

/// How a registration came about, which says what keeps it alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KiteVia {
    /// A workspace's agent, over its own connection.
    Agent,
    /// A service, over a connection that lives as long as the registration.
    Socket,
    /// A service that sends heartbeats over HTTP.
    Http,
}

/// What somebody wants of a kite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KiteAction {
    /// Learn that it is there.
    See,
    /// Get a token for it and call it.
    Call,
}

/// Where a kite belongs. With its owner, all that decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KiteHome<'a> {
    /// It is the agent of a workspace.
    Workspace {
        /// Which.
        id: WorkspaceId,
        /// The workspace's team.
        team: TeamId,
    },
    /// It is a program that somebody runs somewhere.
    Service {
        /// The team whose members may call it, if its key was made for one.
        team: Option<TeamId>,
        /// Environment.
        environment: &'a str,
        /// Name.
        name: &'a str,
    },
}

/// What has to be known about somebody to judge any number of kites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiteViewer {
    /// Who.
    pub user: UserId,
    /// Rights on the platform.
    pub role: Role,
    /// What the credential is good for; everything where absent.
    pub scopes: Option<Scopes>,
    /// What the person is in which teams, without the one everybody belongs to.
    pub places: HashMap<TeamId, TeamRole>,
    /// What was shared with the person, by owner; without what its owner may not enter any more.
    pub shared: HashMap<UserId, Vec<ShareSubject>>,
    /// Owners who are shut out: nobody calls their kites meanwhile.
    pub suspended: HashSet<UserId>,
}

impl KiteViewer {
    /// Whether the person may do this with a kite of `owner`.
    ///
    /// An owner calls what is their own as long as they belong to the workspace's team, and so does whomever they
    /// shared it with. The members of a service's team call it. Administrators of the platform and, for agents,
    /// of the team see a kite and do not call it. Nobody else learns that it is there.
    pub fn may(&self, action: KiteAction, owner: UserId, home: KiteHome<'_>) -> bool {
        let scope = match action {
            KiteAction::See => Scope::WorkspacesRead,
            KiteAction::Call => Scope::WorkspacesEnter,
        };
        if !self.carries(scope) {
            return false;
        }
        let is_owner = owner == self.user;
        let runs_platform = self.role == Role::Admin;
        let is_suspended = self.suspended.contains(&owner);
        let is_shared = !is_suspended && self.is_shared(owner, home);
        match (home, action) {
            (KiteHome::Workspace { team, .. }, KiteAction::See) => {
                is_owner || is_shared || runs_platform || self.standing(team) >= Some(TeamRole::Admin)
            }
            (KiteHome::Workspace { team, .. }, KiteAction::Call) => {
                is_shared || (is_owner && !is_suspended && self.standing(team).is_some())
            }
            (KiteHome::Service { team, .. }, KiteAction::See) => {
                is_owner || is_shared || runs_platform || (!is_suspended && self.belongs_to(team))
            }
            (KiteHome::Service { team, .. }, KiteAction::Call) => {
                is_shared || (!is_suspended && (is_owner || self.belongs_to(team)))
            }
        }
    }

    /// Whether the credential is good for `scope`.
    pub fn carries(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&Scope::All) || scopes.contains(&scope))
    }

    fn standing(&self, team: TeamId) -> Option<TeamRole> {
        if team != Team::EVERYBODY {
            return self.places.get(&team).copied();
        }
        Some(if self.role == Role::Admin { TeamRole::Owner } else { TeamRole::Member })
    }

    fn belongs_to(&self, team: Option<TeamId>) -> bool {
        team.is_some_and(|team| self.standing(team).is_some())
    }

    fn is_shared(&self, owner: UserId, home: KiteHome<'_>) -> bool {
        let Some(subjects) = self.shared.get(&owner) else { return false };
        subjects.iter().any(|subject| match (subject, home) {
            (ShareSubject::Workspace(shared), KiteHome::Workspace { id, .. }) => *shared == id,
            (
                ShareSubject::Service { environment, name },
                KiteHome::Service { environment: its_environment, name: its_name, .. },
            ) => environment == its_environment && name == its_name,
            (ShareSubject::Workspace(_), KiteHome::Service { .. })
            | (ShareSubject::Service { .. }, KiteHome::Workspace { .. }) => false,
        })
    }
}
