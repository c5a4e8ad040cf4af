//! Doubles of the forges that cannot be run in a test: GitHub, Gitea, Bitbucket Server, Bitbucket Cloud and
//! Azure DevOps, each with its own addresses and the JSON of its public documentation, all over the same
//! logical content, [`Seed::standard`].
//!
//! GitHub's REST API is served both where Enterprise has it, `{url}/api/v3`, and at [`ForgeDouble::api_url`],
//! as on github.com. GitLab has a double of its own.

mod call;
mod oauth;
mod seed;
mod server;
mod world;

use std::sync::{Arc, Mutex};

use domain::ForgeKind;
use serde_json::Value;
use tokio::task::JoinHandle;
use url::Url;

use crate::browser::{Browser, Page, Visit};
use crate::doorkeeper::redirect_uri;

pub use call::Answer;
pub(crate) use call::{Call, Side, text};
pub(crate) use oauth::{Failure, Oauth, RedirectUri, Refresh, Style};
pub use seed::{Issue, Person, Pull, Reference, Repository, Seed, commit};
pub use world::{Application, Comment, Hook, Key, Request, Status, TokenCounts};
pub(crate) use world::{Caller, THEN, World};

/// A running double; gone when dropped.
pub struct ForgeDouble {
    kind: ForgeKind,
    url: String,
    api_url: String,
    world: Arc<Mutex<World>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for ForgeDouble {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl ForgeDouble {
    /// Starts a double of this product with the standard content.
    ///
    /// # Panics
    ///
    /// For GitLab and OpenID Connect, which have peers of their own.
    pub async fn start(kind: ForgeKind) -> Self {
        Self::start_with(kind, Seed::standard()).await
    }

    /// Starts a double of this product with this content.
    ///
    /// # Panics
    ///
    /// For GitLab and OpenID Connect, which have peers of their own.
    pub async fn start_with(kind: ForgeKind, seed: Seed) -> Self {
        let has_peer = matches!(kind, ForgeKind::Gitlab | ForgeKind::OpenId);
        assert!(!has_peer, "{kind} has a peer of its own");
        let (web, url) = server::listen().await;
        let (api, api_url) = server::listen().await;
        // Bitbucket Server and Gitea have one address for everything.
        let api_url = match kind {
            ForgeKind::Gitea | ForgeKind::BitbucketServer => url.clone(),
            _ => api_url,
        };
        let world = Arc::new(Mutex::new(World::new(kind, &url, &api_url, seed)));
        let tasks = vec![
            tokio::spawn(server::serve(web, Side::Web, Arc::clone(&world))),
            tokio::spawn(server::serve(api, Side::Api, Arc::clone(&world))),
        ];
        Self { kind, url, api_url, world, tasks }
    }

    /// What it is a double of.
    pub fn kind(&self) -> ForgeKind {
        self.kind
    }

    /// Where people's browsers reach it, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its API's host is, without a slash at the end: another one for GitHub, Bitbucket Cloud and Azure
    /// DevOps, which also have profiles and sign-in there.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Where people's browsers are sent to consent.
    pub fn authorize_endpoint(&self) -> String {
        format!("{}{}", self.url, oauth::endpoints(self.kind).0)
    }

    /// Where codes are exchanged.
    pub fn token_endpoint(&self) -> String {
        format!("{}{}", self.url, oauth::endpoints(self.kind).1)
    }

    /// Registers a client.
    pub fn application(&self, redirect_uri: &str) -> Application {
        self.with(|world| world.register(redirect_uri))
    }

    /// Deletes a client and every token of it.
    pub fn delete_application(&self, id: &str) {
        self.with(|world| world.unregister(id));
    }

    /// Gives a client another secret.
    ///
    /// # Panics
    ///
    /// When there is no such client.
    pub fn renew_secret(&self, id: &str) -> Application {
        self.with(|world| world.renew_secret(id))
    }

    /// Makes a personal access token for somebody, good for everything they may do.
    pub fn token(&self, user: &str) -> String {
        self.with(|world| world.personal_token(user))
    }

    /// Ends the life of every access token that came from a consent; refresh tokens stay.
    pub fn expire_tokens(&self) {
        self.with(World::expire_tokens);
    }

    /// Whether a token is still good.
    pub fn is_living(&self, token: &str) -> bool {
        self.with(|world| world.is_living(token))
    }

    /// What the token endpoints were asked so far.
    pub fn token_counts(&self) -> TokenCounts {
        self.with(|world| world.counts)
    }

    /// Lets clients' tokens expire after eight hours and be refreshed, as those of a GitHub App; those of
    /// an OAuth App do not.
    pub fn let_tokens_expire(&self) {
        self.with(|world| world.has_expiring_tokens = true);
    }

    /// Answers the next request with this, whatever it asks.
    pub fn answer_next(&self, answer: Answer) {
        self.with(|world| world.ordered.push_back(answer));
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.with(|world| world.requests.clone())
    }

    /// The SSH keys of a person.
    pub fn keys(&self, user: &str) -> Vec<Key> {
        self.with(|world| world.keys.iter().filter(|key| key.user == user).cloned().collect())
    }

    /// Statuses that were put on commits, in order.
    pub fn statuses(&self) -> Vec<Status> {
        self.with(|world| world.statuses.clone())
    }

    /// Comments that were written, in order.
    pub fn comments(&self) -> Vec<Comment> {
        self.with(|world| world.comments.clone())
    }

    /// Webhooks that are installed.
    pub fn hooks(&self) -> Vec<Hook> {
        self.with(|world| world.hooks.clone())
    }

    /// Changes the content: renames people, moves branches.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Seed) -> T) -> T {
        self.with(|world| change(&mut world.seed))
    }

    /// Signs somebody in at the address a client would send their browser to, and consents. Answers the
    /// address they are sent back to, with `code` and `state`.
    ///
    /// # Errors
    ///
    /// The page they are left on, where the forge does not send them back.
    ///
    /// # Panics
    ///
    /// When the double does not answer.
    pub async fn consent(&self, authorize_url: &str, user: &str) -> Result<Url, Page> {
        self.answer(authorize_url, &[("user", user), ("decision", "allow")]).await
    }

    /// Like [`ForgeDouble::consent`], but refuses.
    ///
    /// # Errors
    ///
    /// See [`ForgeDouble::consent`].
    ///
    /// # Panics
    ///
    /// When the double does not answer.
    pub async fn deny(&self, authorize_url: &str, user: &str) -> Result<Url, Page> {
        self.answer(authorize_url, &[("user", user), ("decision", "deny")]).await
    }

    async fn answer(&self, authorize_url: &str, filled: &[(&str, &str)]) -> Result<Url, Page> {
        let stop = redirect_uri(authorize_url);
        let browser = Browser::new(None);
        let visit = browser.open(authorize_url, &stop).await.expect("the double answers");
        let page = match visit {
            Visit::SentBack(url) => return Ok(url),
            Visit::Page(page) => page,
        };
        let forms = page.forms();
        let Some(form) = forms.iter().find(|form| form.has("decision")) else { return Err(page) };
        match browser.send(&page, form, filled, &stop).await.expect("the double answers") {
            Visit::SentBack(url) => Ok(url),
            Visit::Page(page) => Err(page),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.world.lock().expect("no panic while it is held"))
    }
}

/// Answers a call as the product would.
fn answer(world: &mut World, call: &Call) -> Answer {
    match world.kind {
        ForgeKind::Github => crate::github::answer(world, call),
        ForgeKind::Gitea => crate::gitea::answer(world, call),
        ForgeKind::BitbucketServer => crate::bitbucket_server::answer(world, call),
        ForgeKind::BitbucketCloud => crate::bitbucket_cloud::answer(world, call),
        ForgeKind::AzureDevops => crate::azure::answer(world, call),
        ForgeKind::Gitlab | ForgeKind::OpenId => Answer::json(501, &Value::Null),
    }
}
