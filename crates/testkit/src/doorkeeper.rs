//! GitLab's OAuth 2 and OpenID Connect server, for real: Doorkeeper with its OpenID engine, which GitLab is
//! made of, from Debian's packages, with GitLab's own settings.
//!
//! `GET /api/v4/user`, `/version`, `/projects` and `/user/keys` answer the holder of a token, so that a GitLab
//! client can ask who it speaks for. Everything starts anew with each [`Doorkeeper::start`], in about three
//! seconds.

mod setup;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::browser::{Browser, Form, Page, Visit};
use crate::peers::{Authority, Process, Skip};

/// How the instance is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// GitLab 15 and later: tokens live for two hours, refresh tokens work once, all are stored hashed.
    Modern,
    /// GitLab before 14.3: tokens do not expire, and a second consent gives the first one's tokens again.
    Pre143,
    /// [`Profile::Modern`], but tokens live for this many seconds.
    ShortTtl(u32),
    /// [`Profile::Modern`] over TLS, with a certificate of an authority that nobody knows.
    InternalCa,
    /// [`Profile::Modern`] below a path, which begins with a slash and ends without: `/gitlab`.
    PathPrefix(&'static str),
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number that identifies them.
    pub id: u64,
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
}

/// How a client names and proves itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Client id.
    #[serde(rename = "uid")]
    pub id: String,
    /// Client secret.
    pub secret: String,
}

/// How often the token endpoints were asked, as the server saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenRequests {
    /// Codes exchanged with success.
    pub exchanged: u32,
    /// Refreshes with success.
    pub refreshed: u32,
    /// Revocations with success.
    pub revoked: u32,
    /// Requests of any of these kinds that were refused.
    pub refused: u32,
}

/// A running instance; gone when dropped.
pub struct Doorkeeper {
    process: Process,
    url: String,
    authority: Option<Authority>,
    browser: Browser,
    users: Vec<User>,
}

impl Doorkeeper {
    /// Starts one, with the users `root`, who is an administrator, `developer` and `maintainer`.
    ///
    /// # Errors
    ///
    /// When the Debian packages are not installed.
    ///
    /// # Panics
    ///
    /// When they are, and it does not start.
    pub async fn start(profile: Profile) -> Result<Self, Skip> {
        setup::check()?;
        let authority = (profile == Profile::InternalCa).then(Authority::new);
        let prefix = if let Profile::PathPrefix(prefix) = profile { prefix } else { "" };
        let mut url = String::new();
        let (mut process, _) = Process::start(|port, folder| {
            let scheme = if authority.is_some() { "https" } else { "http" };
            url = format!("{scheme}://127.0.0.1:{port}{prefix}");
            setup::write_files(folder, profile, &url, prefix);
            setup::puma(port, folder, authority.as_ref())
        });
        let browser = Browser::new(authority.as_ref().map(Authority::pem).as_deref());
        process.ready(&browser, &format!("{url}/testkit/ready")).await;
        let mut doorkeeper = Self { process, url, authority, browser, users: vec![] };
        for (name, is_admin) in [("root", true), ("developer", false), ("maintainer", false)] {
            doorkeeper.add_user(name, is_admin).await;
        }
        Ok(doorkeeper)
    }

    /// Where it is, without a slash at the end. Also the issuer.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate to trust, PEM; only with [`Profile::InternalCa`].
    pub fn ca_pem(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// What it printed: warnings and faults of its own.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The user of this login name, as it was at the start.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn user(&self, name: &str) -> &User {
        self.users.iter().find(|user| user.name == name).expect("a user of this name")
    }

    /// Registers a client; `scopes` are separated by spaces.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn application(&self, redirect_uri: &str, scopes: &str) -> Application {
        self.register(redirect_uri, scopes, false).await
    }

    /// Registers a client that people are not asked about.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn trusted_application(&self, redirect_uri: &str, scopes: &str) -> Application {
        self.register(redirect_uri, scopes, true).await
    }

    async fn register(&self, redirect_uri: &str, scopes: &str, trusted: bool) -> Application {
        let body =
            json!({"name": "Hearth", "redirect_uri": redirect_uri, "scopes": scopes, "trusted": trusted});
        serde_json::from_value(self.post("applications", &body).await).expect("an application")
    }

    /// Deletes a client, and every token of it.
    ///
    /// # Panics
    ///
    /// When there is no such client.
    pub async fn delete_application(&self, id: &str) {
        self.control("DELETE", &format!("applications/{id}"), &Value::Null).await;
    }

    /// Gives a client another secret; the old one is worth nothing from then on.
    ///
    /// # Panics
    ///
    /// When there is no such client.
    pub async fn renew_secret(&self, id: &str) -> Application {
        let renewed = self.post(&format!("applications/{id}/renew"), &Value::Null).await;
        serde_json::from_value(renewed).expect("an application")
    }

    /// How many pairs of tokens of a client have not been revoked.
    ///
    /// # Panics
    ///
    /// When there is no such client.
    pub async fn living_tokens(&self, id: &str) -> u64 {
        let answer = self.control("GET", &format!("applications/{id}/living"), &Value::Null).await;
        answer["count"].as_u64().expect("a number")
    }

    /// What the token endpoints were asked so far.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn token_requests(&self) -> TokenRequests {
        let mut counts = TokenRequests::default();
        let entries = self.control("GET", "requests", &Value::Null).await;
        for entry in entries.as_array().expect("a list") {
            let count = match (entry["status"].as_u64(), entry["kind"].as_str()) {
                (Some(200), Some("authorization_code")) => &mut counts.exchanged,
                (Some(200), Some("refresh_token")) => &mut counts.refreshed,
                (Some(200), Some("revoke")) => &mut counts.revoked,
                (Some(200), _) => continue,
                _ => &mut counts.refused,
            };
            *count += 1;
        }
        counts
    }

    /// Lets the next token request be worked on, but its answer be lost on the way.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn lose_next_answer(&self) {
        self.post("faults", &json!({})).await;
    }

    /// Lets the next token request be refused without being looked at, as a throttle or a broken proxy would.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn refuse_next(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers: serde_json::Map<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        self.post("faults", &json!({"status": status, "headers": headers, "body": body})).await;
    }

    /// Makes an account; its password is its name, written twice.
    ///
    /// # Panics
    ///
    /// When the name is taken.
    pub async fn add_user(&mut self, name: &str, is_admin: bool) -> User {
        let user = User { id: 0, name: name.to_owned(), password: format!("{name}{name}") };
        let made = self
            .post(
                "users",
                &json!({
                    "username": name, "name": format!("The {name}"), "email": format!("{name}@example.com"),
                    "password": user.password, "is_admin": is_admin,
                }),
            )
            .await;
        let user = User { id: made["id"].as_u64().expect("an id"), ..user };
        self.users.push(user.clone());
        user
    }

    /// Gives a user another login name.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    pub async fn rename_user(&mut self, id: u64, name: &str) {
        self.control("PUT", &format!("users/{id}"), &json!({"username": name})).await;
        self.users.iter_mut().filter(|user| user.id == id).for_each(|user| name.clone_into(&mut user.name));
    }

    /// Gives a user another address.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    pub async fn change_email(&self, id: u64, email: &str) {
        self.control("PUT", &format!("users/{id}"), &json!({"email": email})).await;
    }

    /// Blocks a user: no sign-in, and no answer to their tokens.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    pub async fn block_user(&self, id: u64) {
        self.control("PUT", &format!("users/{id}"), &json!({"state": "blocked"})).await;
    }

    /// Makes a project; answers its id.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn add_project(&self, path: &str, visibility: &str) -> u64 {
        let body = json!({"path_with_namespace": path, "visibility": visibility, "default_branch": "main"});
        self.post("projects", &body).await["id"].as_u64().expect("an id")
    }

    /// Signs somebody in at the address a client would send their browser to, and consents. Answers the
    /// address they are sent back to, with `code` and `state`.
    ///
    /// # Errors
    ///
    /// The page they are left on, where the server does not send them back: it does not know the client or
    /// the scope, or the account is blocked.
    ///
    /// # Panics
    ///
    /// When there is no such user or the server does not answer.
    pub async fn consent(&self, authorize_url: &str, user: &str) -> Result<Url, Page> {
        self.answer(authorize_url, self.user(user), |form| !form.has("_method")).await
    }

    /// Like [`Doorkeeper::consent`], but refuses: `error=access_denied` comes back.
    ///
    /// # Errors
    ///
    /// See [`Doorkeeper::consent`].
    ///
    /// # Panics
    ///
    /// See [`Doorkeeper::consent`].
    pub async fn deny(&self, authorize_url: &str, user: &str) -> Result<Url, Page> {
        self.answer(authorize_url, self.user(user), |form| form.has("_method")).await
    }

    async fn answer(&self, authorize_url: &str, user: &User, wanted: fn(&Form) -> bool) -> Result<Url, Page> {
        let stop = redirect_uri(authorize_url);
        let browser = Browser::new(self.ca_pem().as_deref());
        let mut visit = browser.open(authorize_url, &stop).await.expect("the server answers");
        let mut has_signed_in = false;
        loop {
            let page = match visit {
                Visit::SentBack(url) => return Ok(url),
                Visit::Page(page) => page,
            };
            let forms = page.forms();
            let sign_in = forms.iter().find(|form| form.has("password")).filter(|_| !has_signed_in);
            let consent = forms.iter().find(|form| form.has("client_id") && wanted(form));
            let filled = [("username", user.name.as_str()), ("password", user.password.as_str())];
            let (form, filled) = match (sign_in, consent) {
                (Some(form), _) => (form, &filled[..]),
                (None, Some(form)) => (form, &[][..]),
                (None, None) => return Err(page),
            };
            has_signed_in = true;
            visit = browser.send(&page, form, filled, &stop).await.expect("the server answers");
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.control("POST", path, body).await
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/testkit/{path}", self.url);
        let page = self.browser.json(method, &url, body).await.expect("the server answers");
        assert!((200..300).contains(&page.status), "{method} {path}: {} {}", page.status, page.text);
        serde_json::from_str(&page.text).unwrap_or_default()
    }
}

/// Where an authorisation request wants the browser to be sent back to.
pub(crate) fn redirect_uri(authorize_url: &str) -> String {
    let url = Url::parse(authorize_url).expect("an address");
    let found = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    // Without one nothing is ever sent back, and no address begins with this.
    found.map_or_else(|| "none:".into(), |(_, value)| value.into_owned())
}
