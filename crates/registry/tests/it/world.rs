//! A policy that tests change as they like. Who may what is decided by the rules that production uses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use domain::{
    Clock, KiteAction, KiteViewer, Role, Scope, Scopes, ShareSubject, SignedDuration, TeamId, TeamRole,
    Timestamp, UserId, WorkspaceId,
};
use registry::{
    Credential, Entry, IssuedKey, KeyOrder, Place, Policy, Principal, Range, Reach, Refused, Seat, Share,
    Verdict, Viewer, field_of,
};
use testkit::FakeClock;

/// What the policy knows.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) names: BTreeMap<UserId, String>,
    pub(crate) admins: HashSet<UserId>,
    pub(crate) suspended: HashSet<UserId>,
    pub(crate) places: HashMap<UserId, HashMap<TeamId, TeamRole>>,
    /// By what the credential is called.
    pub(crate) credentials: HashMap<String, Principal>,
    /// What the API tokens of these credentials are good for.
    pub(crate) scopes: HashMap<String, Scopes>,
    /// API tokens, by their texts.
    pub(crate) tokens: HashMap<String, String>,
    pub(crate) codes: HashMap<String, Principal>,
    pub(crate) passwords: HashMap<String, String>,
    pub(crate) shares: Vec<(UserId, Share)>,
    pub(crate) seats: HashMap<WorkspaceId, Seat>,
    pub(crate) is_down: bool,
    pub(crate) issued: Vec<KeyOrder>,
    /// Whether no kite key can be made.
    pub(crate) issues_none: bool,
    /// Until when the newest issues of kite keys are good, and from when, by what they are called.
    pub(crate) lives: HashMap<String, (Timestamp, Timestamp)>,
    /// How often somebody was authenticated.
    pub(crate) asked: usize,
    /// How often it was asked what somebody may.
    pub(crate) looked: usize,
}

pub(crate) struct World {
    facts: Mutex<Facts>,
    clock: FakeClock,
}

impl World {
    pub(crate) fn new(clock: FakeClock) -> Self {
        Self { facts: Mutex::default(), clock }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    /// Makes somebody.
    pub(crate) fn person(&self, name: &str) -> UserId {
        let mut facts = self.facts();
        let number = u8::try_from(facts.names.len() + 1).unwrap();
        let id = UserId::from_bytes([number; 16]);
        facts.names.insert(id, name.to_owned());
        id
    }

    /// Notes a kite key of this name.
    pub(crate) fn key(&self, name: &str, user: UserId, team: Option<TeamId>) {
        let mut facts = self.facts();
        let username = facts.names[&user].clone();
        let principal = Principal { user, username, team, credential: name.to_owned(), reach: Reach::Full };
        facts.credentials.insert(name.to_owned(), principal);
    }

    /// Notes an API token; answers with its text.
    pub(crate) fn token(&self, user: UserId, scopes: &[Scope]) -> String {
        let mut facts = self.facts();
        let username = facts.names[&user].clone();
        let credential = format!("tok{}", facts.tokens.len());
        let text = format!("hearth_{credential}");
        let reach = if scopes.contains(&Scope::All) { Reach::Full } else { Reach::Limited };
        let principal = Principal { user, username, team: None, credential: credential.clone(), reach };
        facts.scopes.insert(credential.clone(), scopes.iter().copied().collect());
        facts.credentials.insert(credential.clone(), principal);
        facts.tokens.insert(text.clone(), credential);
        text
    }

    /// Makes a workspace.
    pub(crate) fn workspace(&self, number: u8, owner: UserId, team: TeamId) -> WorkspaceId {
        let mut facts = self.facts();
        let id = WorkspaceId::from_bytes([number; 16]);
        let username = facts.names[&owner].clone();
        facts.seats.insert(id, Seat { owner, username, hostname: format!("box{number}"), team });
        id
    }

    pub(crate) fn share(&self, owner: UserId, subject: ShareSubject, user: UserId) {
        let mut facts = self.facts();
        let username = facts.names[&user].clone();
        facts.shares.push((owner, Share { subject, user, username, created_at: self.clock.now() }));
    }
}

struct Judge(KiteViewer);

impl Viewer for Judge {
    fn may(&self, action: KiteAction, entry: &Entry) -> bool {
        self.0.may(action, entry.owner, entry.home())
    }

    fn range(&self) -> Range {
        if self.0.role == Role::Admin {
            return Range::Everything;
        }
        let owners = self.0.shared.keys().copied().chain([self.0.user]).collect();
        Range::Of { owners, teams: self.0.places.keys().copied().collect() }
    }
}

impl Facts {
    fn up(&self) -> Result<(), Refused> {
        if self.is_down { Err(Refused::Unavailable) } else { Ok(()) }
    }

    fn good(&self, credential: &str) -> Result<Principal, Refused> {
        let principal = self.credentials.get(credential).ok_or(Refused::NotGood)?;
        if self.suspended.contains(&principal.user) {
            return Err(Refused::NotGood);
        }
        Ok(Principal { username: self.names[&principal.user].clone(), ..principal.clone() })
    }

    fn user_of(&self, name: &str) -> Result<UserId, Refused> {
        let found = self.names.iter().find(|(_, it)| *it == name);
        found.map(|(id, _)| *id).ok_or(Refused::NoSuchUser)
    }

    fn owns(&self, user: UserId, subject: &ShareSubject) -> bool {
        match subject {
            ShareSubject::Workspace(id) => self.seats.get(id).is_some_and(|seat| seat.owner == user),
            ShareSubject::Service { .. } => true,
        }
    }
}

#[async_trait]
impl Policy for World {
    async fn authenticate(&self, credential: Credential, _: Option<IpAddr>) -> Result<Principal, Refused> {
        let mut facts = self.facts();
        facts.asked += 1;
        facts.up()?;
        match credential {
            Credential::KiteKey(claims) => facts.good(&claims.id),
            Credential::ApiToken(text) => {
                let credential = facts.tokens.get(text.expose()).ok_or(Refused::NotGood)?;
                facts.good(credential)
            }
            Credential::OneTimeCode(code) => facts.codes.remove(code.expose()).ok_or(Refused::NotGood),
            Credential::Password { username, password } => {
                if facts.passwords.get(&username) != Some(password.expose()) {
                    return Err(Refused::NotGood);
                }
                let user = facts.user_of(&username)?;
                Ok(Principal { user, username, team: None, credential: String::new(), reach: Reach::Full })
            }
        }
    }

    async fn viewer(&self, principal: &Principal) -> Result<Arc<dyn Viewer>, Refused> {
        let mut facts = self.facts();
        facts.looked += 1;
        facts.up()?;
        facts.good(&principal.credential)?;
        let mut shared: HashMap<UserId, Vec<ShareSubject>> = HashMap::new();
        for (owner, share) in facts.shares.iter().filter(|(_, share)| share.user == principal.user) {
            shared.entry(*owner).or_default().push(share.subject.clone());
        }
        Ok(Arc::new(Judge(KiteViewer {
            user: principal.user,
            role: if facts.admins.contains(&principal.user) { Role::Admin } else { Role::Member },
            scopes: facts.scopes.get(&principal.credential).cloned(),
            places: facts.places.get(&principal.user).cloned().unwrap_or_default(),
            shared,
            suspended: facts.suspended.clone(),
        })))
    }

    async fn seat(&self, workspace: WorkspaceId) -> Result<Seat, Refused> {
        let facts = self.facts();
        facts.up()?;
        facts.seats.get(&workspace).cloned().ok_or(Refused::NotAllowed)
    }

    async fn keeps(&self, entries: &[Arc<Entry>]) -> Result<Vec<Verdict>, Refused> {
        let facts = self.facts();
        facts.up()?;
        let verdicts = entries.iter().map(|entry| {
            let keeps = match &entry.place {
                Place::Workspace { id, .. } => {
                    facts.seats.get(id).is_some_and(|seat| seat.owner == entry.owner)
                }
                Place::Service { team } => {
                    facts
                        .good(&entry.credential)
                        .is_ok_and(|it| field_of(&it.username) == entry.kite.username)
                        && team.is_none_or(|team| {
                            facts.places.get(&entry.owner).is_some_and(|places| places.contains_key(&team))
                        })
                }
            };
            match facts.lives.get(&entry.credential) {
                _ if !keeps => Verdict::Goes,
                Some((_, end)) if self.clock.now() >= *end => Verdict::Goes,
                Some((begin, end)) if self.clock.now() >= *begin + end.duration_since(*begin) / 2 => {
                    Verdict::RegistersAgain
                }
                _ => Verdict::Stays,
            }
        });
        Ok(verdicts.collect())
    }

    async fn issue_key(&self, principal: &Principal, order: KeyOrder) -> Result<IssuedKey, Refused> {
        let mut facts = self.facts();
        facts.up()?;
        if facts.issues_none {
            return Err(Refused::Unavailable);
        }
        let id = format!("issued{}", facts.issued.len() + 1);
        // A renewed key is called what it was called before.
        let credential = match order {
            KeyOrder::Renewal => principal.credential.clone(),
            KeyOrder::Machine { .. } => id.clone(),
        };
        facts.issued.push(order);
        let (issued_at, expires_at) =
            (self.clock.now(), self.clock.now() + SignedDuration::from_hours(30 * 24));
        facts.lives.insert(credential.clone(), (issued_at, expires_at));
        facts.credentials.insert(id.clone(), Principal { credential, ..principal.clone() });
        Ok(IssuedKey { id, username: principal.username.clone(), issued_at, expires_at })
    }

    async fn share(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Share, Refused> {
        let user = {
            let facts = self.facts();
            facts.up()?;
            if !facts.owns(principal.user, subject) {
                return Err(Refused::NotAllowed);
            }
            facts.user_of(username)?
        };
        if user == principal.user {
            return Err(Refused::TheirOwn);
        }
        World::share(self, principal.user, subject.clone(), user);
        Ok(Share {
            subject: subject.clone(),
            user,
            username: username.to_owned(),
            created_at: self.clock.now(),
        })
    }

    async fn unshare(
        &self,
        principal: &Principal,
        subject: &ShareSubject,
        username: &str,
    ) -> Result<Option<UserId>, Refused> {
        let mut facts = self.facts();
        facts.up()?;
        let user = facts.user_of(username)?;
        let before = facts.shares.len();
        facts.shares.retain(|(owner, share)| {
            !(*owner == principal.user && share.subject == *subject && share.user == user)
        });
        Ok((facts.shares.len() < before).then_some(user))
    }

    async fn shared(&self, principal: &Principal) -> Result<Vec<Share>, Refused> {
        let facts = self.facts();
        facts.up()?;
        let scopes = facts.scopes.get(&principal.credential);
        if scopes.is_some_and(|it| !it.contains(&Scope::All) && !it.contains(&Scope::WorkspacesRead)) {
            return Err(Refused::LacksScope);
        }
        let theirs = facts.shares.iter().filter(|(owner, _)| *owner == principal.user);
        Ok(theirs.map(|(_, share)| share.clone()).collect())
    }
}
