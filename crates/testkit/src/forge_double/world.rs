//! What happens on a forge: clients, tokens, keys, statuses, comments, hooks.

use std::collections::VecDeque;

use domain::ForgeKind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::call::{Answer, Call};
use super::seed::{Person, Repository, Seed};

/// A client that people can let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Client id.
    pub id: String,
    /// Client secret.
    pub secret: String,
    /// Where people are sent back to.
    pub redirect_uri: String,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

/// An SSH key of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The number that identifies it.
    pub id: u64,
    /// Whose.
    pub user: String,
    /// Its label.
    pub title: String,
    /// `ssh-ed25519 AAAA… comment`.
    pub text: String,
}

/// A status of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// `owner/name`.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// As it was sent.
    pub sent: Value,
}

/// A comment on a pull request or an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The number that identifies it.
    pub id: u64,
    /// `owner/name`.
    pub repository: String,
    /// Of the pull request or issue.
    pub number: u64,
    /// Who wrote it.
    pub user: String,
    /// What.
    pub text: String,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The number that identifies it.
    pub id: u64,
    /// `owner/name`.
    pub repository: String,
    /// As it was sent.
    pub sent: Value,
}

/// How often the token endpoints were asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Codes exchanged with success.
    pub exchanged: u32,
    /// Refreshes with success.
    pub refreshed: u32,
    /// Revocations with success.
    pub revoked: u32,
    /// Requests of any of these kinds that were refused.
    pub refused: u32,
}

/// A code on its way through somebody's browser.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) challenge: Option<String>,
}

/// An access token, with its refresh token where the product gives one.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    /// None for a personal one.
    pub(super) client: Option<String>,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) is_expired: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody in particular.
    Anybody,
    /// The holder of a good token.
    Known { user: String, scope: String },
    /// The holder of a token that is unknown, revoked or expired.
    Refused,
}

impl Caller {
    /// Login name.
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Known { user, .. } => Some(user),
            Self::Anybody | Self::Refused => None,
        }
    }

    /// Whether the token was made for one of these. Personal ones are for everything.
    pub(crate) fn has_scope(&self, wanted: &[&str]) -> bool {
        let Self::Known { scope, .. } = self else { return false };
        scope == "*" || scope.split([' ', ',']).any(|scope| wanted.contains(&scope))
    }
}

/// Everything a double knows.
pub(crate) struct World {
    pub(crate) kind: ForgeKind,
    pub(crate) url: String,
    pub(crate) api_url: String,
    pub(crate) seed: Seed,
    pub(crate) keys: Vec<Key>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) hooks: Vec<Hook>,
    pub(super) applications: Vec<Application>,
    pub(super) codes: Vec<Code>,
    pub(super) tokens: Vec<Token>,
    pub(super) requests: Vec<Request>,
    pub(super) ordered: VecDeque<Answer>,
    pub(super) counts: TokenCounts,
    pub(super) has_expiring_tokens: bool,
    drawn: u64,
}

impl World {
    pub(super) fn new(kind: ForgeKind, url: &str, api_url: &str, seed: Seed) -> Self {
        Self {
            kind,
            url: url.to_owned(),
            api_url: api_url.to_owned(),
            seed,
            keys: vec![],
            statuses: vec![],
            comments: vec![],
            hooks: vec![],
            applications: vec![],
            codes: vec![],
            tokens: vec![],
            requests: vec![],
            ordered: VecDeque::new(),
            counts: TokenCounts::default(),
            has_expiring_tokens: false,
            drawn: 0,
        }
    }

    /// Whether clients' tokens expire where the product leaves the choice.
    pub(crate) fn has_expiring_tokens(&self) -> bool {
        self.has_expiring_tokens
    }

    /// Whether a token was given to somebody and not ended since.
    pub(crate) fn is_known(&self, access: &str) -> bool {
        self.tokens.iter().any(|token| token.access == access)
    }

    /// A number that was never given out before.
    pub(crate) fn number(&mut self) -> u64 {
        self.drawn += 1;
        100 + self.drawn
    }

    /// A text nobody was given before. The port makes it another one in each double.
    pub(super) fn draw(&mut self, prefix: &str) -> String {
        let number = self.number();
        let digest = Sha256::digest(format!("{} {number}", self.url));
        format!("{prefix}{}", hex::encode(&digest[..20]))
    }

    pub(super) fn register(&mut self, redirect_uri: &str) -> Application {
        let (id, secret) = (self.draw("client-"), self.draw("secret-"));
        let application = Application { id, secret, redirect_uri: redirect_uri.to_owned() };
        self.applications.push(application.clone());
        application
    }

    pub(super) fn unregister(&mut self, id: &str) {
        self.applications.retain(|application| application.id != id);
        self.tokens.retain(|token| token.client.as_deref() != Some(id));
    }

    pub(super) fn renew_secret(&mut self, id: &str) -> Application {
        let secret = self.draw("secret-");
        let application = self.applications.iter_mut().find(|application| application.id == id);
        let application = application.expect("a client of this id");
        application.secret = secret;
        application.clone()
    }

    pub(super) fn personal_token(&mut self, user: &str) -> String {
        let access = self.draw("personal-");
        let token = Token {
            access: access.clone(),
            refresh: None,
            client: None,
            user: user.to_owned(),
            scope: "*".into(),
            is_expired: false,
        };
        self.tokens.push(token);
        access
    }

    pub(super) fn expire_tokens(&mut self) {
        self.tokens
            .iter_mut()
            .filter(|token| token.client.is_some())
            .for_each(|token| token.is_expired = true);
    }

    pub(crate) fn is_living(&self, access: &str) -> bool {
        self.tokens.iter().any(|token| token.access == access && !token.is_expired)
    }

    /// Who asks, by the token they show.
    pub(crate) fn caller(&self, call: &Call) -> Caller {
        let Some(shown) = call.token() else { return Caller::Anybody };
        let token = self.tokens.iter().find(|token| token.access == shown && !token.is_expired);
        token.map_or(Caller::Refused, |token| Caller::Known {
            user: token.user.clone(),
            scope: token.scope.clone(),
        })
    }

    /// The person who asks.
    pub(crate) fn person(&self, caller: &Caller) -> Option<Person> {
        caller.user().and_then(|name| self.seed.person(name)).cloned()
    }

    /// A repository, if the caller may see it.
    pub(crate) fn visible(&self, path: &str, caller: &Caller) -> Option<Repository> {
        let found = self.seed.repository(path).cloned();
        found.filter(|repository| !repository.is_private || Self::is_member(repository, caller))
    }

    /// Every repository that the caller may change.
    pub(crate) fn repositories_of(&self, caller: &Caller) -> Vec<Repository> {
        let all = self.seed.repositories.iter();
        all.filter(|repository| Self::is_member(repository, caller)).cloned().collect()
    }

    /// Whether the caller may change a repository.
    pub(crate) fn is_member(repository: &Repository, caller: &Caller) -> bool {
        caller.user().is_some_and(|user| repository.members.iter().any(|member| member == user))
    }

    /// Adds a key, unless anybody has it already: type and key count, the comment does not.
    pub(crate) fn add_key(&mut self, user: &str, title: &str, text: &str) -> Option<Key> {
        let body = |text: &str| text.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        if self.keys.iter().any(|key| body(&key.text) == body(text)) {
            return None;
        }
        let id = self.number();
        let key = Key { id, user: user.into(), title: title.into(), text: text.trim().into() };
        self.keys.push(key.clone());
        Some(key)
    }

    /// Removes a key of somebody; answers whether it was there.
    pub(crate) fn delete_key(&mut self, user: &str, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.user != user || key.id.to_string() != id);
        self.keys.len() < before
    }

    /// The keys of somebody.
    pub(crate) fn keys_of(&self, user: &str) -> Vec<Key> {
        self.keys.iter().filter(|key| key.user == user).cloned().collect()
    }

    /// Puts a status on a commit.
    pub(crate) fn add_status(&mut self, repository: &Repository, commit: &str, sent: Value) {
        self.statuses.push(Status { repository: repository.path(), commit: commit.into(), sent });
    }

    /// The statuses of a commit.
    pub(crate) fn statuses_of(&self, repository: &Repository, commit: &str) -> Vec<Value> {
        let of = |status: &&Status| status.repository == repository.path() && status.commit == commit;
        self.statuses.iter().filter(of).map(|status| status.sent.clone()).collect()
    }

    /// Writes a comment; answers its number.
    pub(crate) fn add_comment(
        &mut self,
        repository: &Repository,
        number: u64,
        user: &str,
        text: &str,
    ) -> u64 {
        let id = self.number();
        let (repository, user, text) = (repository.path(), user.to_owned(), text.to_owned());
        self.comments.push(Comment { id, repository, number, user, text });
        id
    }

    /// Installs a hook.
    pub(crate) fn add_hook(&mut self, repository: &str, sent: Value) -> Hook {
        let hook = Hook { id: self.number(), repository: repository.to_owned(), sent };
        self.hooks.push(hook.clone());
        hook
    }

    /// The hooks of a repository.
    pub(crate) fn hooks_of(&self, repository: &str) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.repository == repository).cloned().collect()
    }

    /// A hook of a repository, to be changed.
    pub(crate) fn hook_mut(&mut self, repository: &str, id: u64) -> Option<&mut Hook> {
        self.hooks.iter_mut().find(|hook| hook.repository == repository && hook.id == id)
    }

    /// Removes a hook; answers whether it was there.
    pub(crate) fn delete_hook(&mut self, repository: &str, id: u64) -> bool {
        let before = self.hooks.len();
        self.hooks.retain(|hook| hook.repository != repository || hook.id != id);
        self.hooks.len() < before
    }

    /// Where Git reaches a repository over HTTP; `path` is the product's way to write it.
    pub(crate) fn clone_url(&self, repository: &Repository, path: &str) -> String {
        repository.clone_url.clone().unwrap_or_else(|| format!("{}/{path}", self.url))
    }

    /// The host of the forge's web address, without its port.
    pub(crate) fn host(&self) -> String {
        url::Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Every time in answers: a test that needs another one edits the content.
pub(crate) const THEN: &str = "2026-01-02T03:04:05Z";
