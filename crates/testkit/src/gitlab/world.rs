//! Everything the instance knows: accounts, groups, projects, applications, tokens, hooks.
//!
//! Plain records in memory, under one lock; what they mean is in the modules that serve them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use domain::Timestamp;
use serde_json::Value;

use super::hooks::record::Hook;

/// The state behind the lock.
#[derive(Default)]
pub(crate) struct World {
    ids: HashMap<&'static str, u64>,
    pub(crate) accounts: BTreeMap<u64, Account>,
    pub(crate) groups: BTreeMap<u64, Group>,
    pub(crate) projects: BTreeMap<u64, ProjectRecord>,
    /// Former paths of projects.
    pub(crate) moved: HashMap<String, u64>,
    /// By client id.
    pub(crate) applications: BTreeMap<String, ApplicationRecord>,
    /// Authorisation codes not exchanged yet.
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) tokens: Vec<TokenPair>,
    pub(crate) personal_tokens: Vec<PersonalToken>,
    /// Browser sessions by cookie.
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) hooks: BTreeMap<u64, Hook>,
    pub(crate) notes: Vec<Note>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) pipelines: Vec<Pipeline>,
    /// The activity feed, oldest first.
    pub(crate) events: Vec<Event>,
    /// Refresh grants that gave a new pair.
    pub(crate) refreshes: u64,
}

pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) confirmed: bool,
    pub(crate) password: String,
    pub(crate) admin: bool,
    pub(crate) blocked: bool,
    pub(crate) namespace: u64,
    pub(crate) keys: Vec<Key>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: u64,
    pub(crate) title: String,
    /// Kind, body and comment, as given.
    pub(crate) text: String,
    pub(crate) usage: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) full_path: String,
    pub(crate) parent: Option<u64>,
    /// The account whose personal namespace this is.
    pub(crate) account: Option<u64>,
    /// Access levels by account.
    pub(crate) members: BTreeMap<u64, AccessLevel>,
    pub(crate) created_at: Timestamp,
}

/// Who may see a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Members.
    Private,
    /// Everybody who is signed in.
    Internal,
    /// Everybody.
    Public,
}

/// What a member may do; GitLab's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// 10: sees the project but not the code of a private one.
    Guest = 10,
    /// 20: reads code.
    Reporter = 20,
    /// 30: pushes.
    Developer = 30,
    /// 40: manages hooks and settings.
    Maintainer = 40,
    /// 50: deletes.
    Owner = 50,
}

pub(crate) struct ProjectRecord {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) group: u64,
    pub(crate) visibility: Visibility,
    pub(crate) archived: bool,
    pub(crate) creator: u64,
    pub(crate) forked_from: Option<u64>,
    pub(crate) members: BTreeMap<u64, AccessLevel>,
    pub(crate) repository: PathBuf,
    pub(crate) merge_requests: Vec<MergeRequestRecord>,
    pub(crate) issues: Vec<IssueRecord>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_activity_at: Timestamp,
}

#[derive(Clone)]
pub(crate) struct MergeRequestRecord {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) project: u64,
    pub(crate) source_project: u64,
    pub(crate) source_branch: String,
    pub(crate) target_branch: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) state: &'static str,
    pub(crate) author: u64,
    pub(crate) sha: String,
    pub(crate) base_sha: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) ended_by: Option<u64>,
}

#[derive(Clone)]
pub(crate) struct IssueRecord {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) project: u64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) state: &'static str,
    pub(crate) confidential: bool,
    pub(crate) author: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
}

/// What a note is about.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Noteable {
    MergeRequest(u64),
    Issue(u64),
    Commit(String),
}

#[derive(Clone)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) project: u64,
    pub(crate) on: Noteable,
    pub(crate) body: String,
    pub(crate) author: u64,
    pub(crate) created_at: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) pipeline: u64,
    pub(crate) project: u64,
    pub(crate) sha: String,
    pub(crate) reference: Option<String>,
    pub(crate) state: String,
    pub(crate) name: String,
    pub(crate) target_url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) author: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A run of continuous integration, as far as it can be listed.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) project: u64,
    pub(crate) status: String,
    pub(crate) branch: String,
    pub(crate) sha: String,
    pub(crate) author: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) project: u64,
    pub(crate) author: u64,
    pub(crate) at: Timestamp,
    /// The fields beside id, project, author and time.
    pub(crate) detail: Value,
}

pub(crate) struct ApplicationRecord {
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) confidential: bool,
    pub(crate) trusted: bool,
    /// The checkbox "Expire access tokens" of 14.3 to 14.10.
    pub(crate) expires_tokens: bool,
}

pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) account: u64,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// What RFC 7636 calls the code challenge.
#[derive(Clone)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

/// One row: an access token and its refresh token live and die together.
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) client_id: String,
    /// None for a client's own token (client credentials).
    pub(crate) account: Option<u64>,
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked: bool,
    pub(crate) nonce: Option<String>,
}

#[derive(Clone)]
pub(crate) struct PersonalToken {
    pub(crate) id: u64,
    pub(crate) account: u64,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) revoked: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct Session {
    pub(crate) account: Option<u64>,
    pub(crate) csrf: String,
    pub(crate) return_to: Option<String>,
}

impl World {
    /// The next id of this kind; ids start at 1.
    pub(crate) fn next_id(&mut self, kind: &'static str) -> u64 {
        let last = self.ids.entry(kind).or_default();
        *last += 1;
        *last
    }

    pub(crate) fn account_named(&self, username: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.username.eq_ignore_ascii_case(username))
    }

    pub(crate) fn group_at(&self, path: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.full_path.eq_ignore_ascii_case(path))
    }

    pub(crate) fn project_at(&self, path: &str) -> Option<&ProjectRecord> {
        self.projects.values().find(|project| project.path.eq_ignore_ascii_case(path))
    }

    /// What the account may do in the group, by itself or by a group above.
    pub(crate) fn group_access(&self, account: u64, group: u64) -> Option<AccessLevel> {
        let mut best = None;
        let mut at = self.groups.get(&group);
        while let Some(group) = at {
            best = best.max(group.members.get(&account).copied());
            at = group.parent.and_then(|parent| self.groups.get(&parent));
        }
        best
    }

    /// What the account may do in the project as a member of it or of a group above it.
    pub(crate) fn member_access(&self, account: u64, project: &ProjectRecord) -> Option<AccessLevel> {
        let direct = project.members.get(&account).copied();
        direct.max(self.group_access(account, project.group))
    }

    /// What the account may do in the project; administrators may do everything.
    pub(crate) fn access(&self, account: Option<u64>, project: &ProjectRecord) -> Option<AccessLevel> {
        let account = self.accounts.get(&account?)?;
        if account.admin { Some(AccessLevel::Owner) } else { self.member_access(account.id, project) }
    }

    /// Whether the project exists for the caller.
    pub(crate) fn sees(&self, account: Option<u64>, project: &ProjectRecord) -> bool {
        match project.visibility {
            Visibility::Public => true,
            Visibility::Internal => account.is_some(),
            Visibility::Private => self.access(account, project).is_some(),
        }
    }

    /// Whether the caller may read the project's code.
    pub(crate) fn reads(&self, account: Option<u64>, project: &ProjectRecord) -> bool {
        match project.visibility {
            Visibility::Private => self.access(account, project) >= Some(AccessLevel::Reporter),
            Visibility::Internal | Visibility::Public => self.sees(account, project),
        }
    }
}

impl ProjectRecord {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl Visibility {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    /// As payloads of hooks write it.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Private => 0,
            Self::Internal => 10,
            Self::Public => 20,
        }
    }
}

impl AccessLevel {
    /// GitLab's number.
    pub fn number(self) -> u64 {
        self as u64
    }

    /// As payloads of system hooks write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "Guest",
            Self::Reporter => "Reporter",
            Self::Developer => "Developer",
            Self::Maintainer => "Maintainer",
            Self::Owner => "Owner",
        }
    }
}
