//! Who may do what: authority as a value.
//!
//! [`Caller::may`] is the only maker of a [`Grant`]; whatever acts on a workspace takes the grant
//! and not an id, so code that forgot to ask does not compile.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, TokenId, UserId};
use crate::team::TeamRole;
use crate::user::Role;
use crate::workspace::Workspace;

/// What a caller wants to do to a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See that it exists and how it is.
    View,
    /// Start, stop, fork, snapshot, rename.
    Manage,
    /// Remove it for ever.
    Delete,
    /// Run commands, open terminals, read and write files: everything its contents are.
    Enter,
}

/// One right an API token may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See workspaces and their logs.
    #[serde(rename = "workspaces:read")]
    WorkspacesRead,
    /// Create, start, stop and delete workspaces.
    #[serde(rename = "workspaces:write")]
    WorkspacesWrite,
    /// Enter workspaces: commands, terminals, files.
    #[serde(rename = "workspaces:enter")]
    WorkspacesEnter,
    /// Everything its owner may do, short of managing tokens and the password.
    #[serde(rename = "all")]
    All,
}

/// The rights of one API token.
pub type Scopes = BTreeSet<Scope>;

/// How a caller proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The Unix socket in the data directory: the user who runs the server.
    LocalSocket,
    /// A browser's session.
    Session(SessionId),
    /// An API token.
    Token {
        /// Which.
        id: TokenId,
        /// What it may be used for.
        scopes: Scopes,
    },
}

/// An authenticated, not suspended person, and how the person came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// Rights on the platform.
    pub role: Role,
    /// How.
    pub via: Via,
}

/// The caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller must not even learn that it exists.
    #[error("no such workspace")]
    Hidden,
    /// The caller may see it, but not do this.
    #[error("only the owner of the workspace may do this")]
    NotOwner,
    /// It is the caller's own, in a team that the caller does not belong to any more.
    #[error("this workspace belongs to a team that you are no member of")]
    NotMember,
    /// The API token is not made for this.
    #[error("the API token lacks the scope for this")]
    Scope,
    /// Platform administration.
    #[error("only an administrator may do this")]
    NotAdmin,
}

/// Proof that a caller may do one thing to one workspace, which it carries.
#[derive(Debug, Clone)]
pub struct Grant {
    caller: UserId,
    action: Action,
    workspace: Workspace,
}

impl Grant {
    /// Who was allowed.
    pub fn caller(&self) -> UserId {
        self.caller
    }

    /// What was allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// To what.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// To what, for whoever changes it.
    pub fn into_workspace(self) -> Workspace {
        self.workspace
    }
}

impl Caller {
    /// Decides whether the caller may do `action` to `workspace`. `standing` is what the caller is in the
    /// workspace's team, if anything.
    ///
    /// Owners may do everything as long as they belong to the team; after that they still see what is theirs,
    /// and may delete it. Administrators of the platform and of the team see and manage, but do not enter: what
    /// is inside is the owner's. To everybody else, fellow members too, the workspace does not exist.
    ///
    /// # Errors
    ///
    /// [`Denied`] says which answer keeps the secret: 404 for hidden, 403 for the rest.
    pub fn may(
        &self,
        action: Action,
        workspace: Workspace,
        standing: Option<TeamRole>,
    ) -> Result<Grant, Denied> {
        let is_owner = workspace.owner == self.user;
        let runs_it = self.role == Role::Admin || standing >= Some(TeamRole::Admin);
        match action {
            Action::View | Action::Delete if is_owner || runs_it => {}
            Action::Manage if runs_it || (is_owner && standing.is_some()) => {}
            Action::Enter if is_owner && standing.is_some() => {}
            Action::Manage | Action::Enter if is_owner => return Err(Denied::NotMember),
            Action::Enter if runs_it => return Err(Denied::NotOwner),
            Action::View | Action::Manage | Action::Delete | Action::Enter => return Err(Denied::Hidden),
        }
        let scope = match action {
            Action::View => Scope::WorkspacesRead,
            Action::Manage | Action::Delete => Scope::WorkspacesWrite,
            Action::Enter => Scope::WorkspacesEnter,
        };
        self.scope(scope)?;
        Ok(Grant { caller: self.user, action, workspace })
    }

    /// Checks that the credential itself is good for `scope`; sessions are good for everything.
    pub fn scope(&self, scope: Scope) -> Result<(), Denied> {
        match &self.via {
            Via::Token { scopes, .. } if !scopes.contains(&Scope::All) && !scopes.contains(&scope) => {
                Err(Denied::Scope)
            }
            Via::Token { .. } | Via::LocalSocket | Via::Session(_) => Ok(()),
        }
    }

    /// Checks that the caller runs the platform and may do so with this credential.
    pub fn administer(&self) -> Result<(), Denied> {
        self.scope(Scope::All)?;
        if self.role == Role::Admin { Ok(()) } else { Err(Denied::NotAdmin) }
    }

    /// Checks that a person, not a token, is at the other end: for passwords, tokens, sessions.
    pub fn in_person(&self) -> Result<(), Denied> {
        if matches!(self.via, Via::Token { .. }) { Err(Denied::Scope) } else { Ok(()) }
    }
}
