//! A second, stricter identity provider than GitLab's: the npm package `oidc-provider`, which can also be
//! asked to misbehave in one way or another.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::browser::{Browser, Page, Visit};
use crate::doorkeeper::redirect_uri;
use crate::peers::{self, Process, Skip};

const SCRIPT: &str = include_str!("oidc_provider/provider.mjs");

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// The discovery document names another issuer.
    DiscoveryIssuer,
    /// `iss` in the answer to the browser (RFC 9207) is another issuer's: the sign of a mix-up.
    CallbackIssuer,
    /// `iss` in the ID token is another issuer's.
    IdTokenIssuer,
    /// The ID token ended an hour ago.
    IdTokenExpired,
    /// The ID token has the nonce of another sign-in.
    IdTokenNonce,
    /// The ID token has no nonce.
    IdTokenWithoutNonce,
    /// The ID token is for another client.
    IdTokenAudience,
    /// The ID token is for two clients, and the other one is the authorised party.
    IdTokenSecondAudience,
    /// The ID token says `alg: none` and has no signature.
    IdTokenUnsigned,
    /// The ID token says `alg: HS256`, with the public key as the secret.
    IdTokenSignedWithPublicKey,
    /// The ID token is signed with a key that the provider does not show.
    IdTokenUnknownKey,
    /// There is no ID token.
    NoIdToken,
    /// `email_verified` is the text `"true"`.
    EmailVerifiedText,
    /// `email_verified` is the number 1.
    EmailVerifiedNumber,
    /// There is no `email_verified`.
    EmailVerifiedAbsent,
    /// `email_verified` is false.
    EmailUnverified,
    /// The user info is about somebody else than the ID token.
    UserinfoSubject,
    /// There is no refresh token.
    NoRefreshToken,
}

/// How a client names and proves itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Client {
    /// Client id.
    #[serde(rename = "client_id")]
    pub id: String,
    /// Client secret.
    #[serde(rename = "client_secret")]
    pub secret: String,
}

/// A running provider; gone when dropped.
pub struct OidcProvider {
    process: Process,
    url: String,
    browser: Browser,
}

impl OidcProvider {
    /// Starts one that misbehaves in these ways; one that does everything right where there are none.
    ///
    /// # Errors
    ///
    /// When the npm package is not installed.
    ///
    /// # Panics
    ///
    /// When it is, and it does not start.
    pub async fn start(quirks: &[Quirk]) -> Result<Self, Skip> {
        let modules = peers::node_modules().filter(|modules| modules.join("oidc-provider").is_dir());
        let modules = modules.ok_or_else(|| Skip::missing("the npm package oidc-provider"))?;
        let mut url = String::new();
        let (mut process, _) = Process::start(|port, folder| {
            url = format!("http://127.0.0.1:{port}");
            fs::write(folder.join("provider.mjs"), SCRIPT).expect("own folder");
            fs::write(folder.join("settings.json"), json!({"url": url}).to_string()).expect("own folder");
            symlink(modules, folder.join("node_modules")).expect("own folder");
            let mut command = Command::new(peers::node());
            // The link is followed, so that packages find each other beside it.
            command.arg("provider.mjs").env("NO_UPDATE_NOTIFIER", "1").env_remove("NODE_OPTIONS");
            command
        });
        let browser = Browser::new(None);
        process.ready(&browser, &format!("{url}/.well-known/openid-configuration")).await;
        let provider = Self { process, url, browser };
        provider.misbehave(quirks).await;
        Ok(provider)
    }

    /// Where it is, without a slash at the end. Also the issuer.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it printed.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Registers a client, as any client may do itself (RFC 7591).
    ///
    /// # Panics
    ///
    /// When the provider refuses.
    pub async fn client(&self, redirect_uri: &str) -> Client {
        let wanted = json!({
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        });
        let page = self.browser.json("POST", &format!("{}/reg", self.url), &wanted).await;
        let page = page.expect("the provider answers");
        assert_eq!(page.status, 201, "{}", page.text);
        serde_json::from_str(&page.text).expect("a client")
    }

    /// Misbehaves in these ways from now on, and in no others.
    ///
    /// # Panics
    ///
    /// When the provider does not answer.
    pub async fn misbehave(&self, quirks: &[Quirk]) {
        self.control("quirks", &json!(quirks)).await;
    }

    /// Signs with a new key from now on, and shows only that one.
    ///
    /// # Panics
    ///
    /// When the provider does not answer.
    pub async fn rotate_key(&self) {
        self.control("rotate", &Value::Null).await;
    }

    /// What the token endpoint was asked, and how it answered: grant types and status, in order.
    ///
    /// # Panics
    ///
    /// When the provider does not answer.
    pub async fn token_requests(&self) -> Vec<(String, u16)> {
        let entries = self.control("requests", &Value::Null).await;
        let of = |entry: &Value| {
            let status = entry["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            (entry["grant_type"].as_str().unwrap_or_default().to_owned(), status.unwrap_or_default())
        };
        entries.as_array().expect("a list").iter().map(of).collect()
    }

    /// Signs somebody in at the address a client would send their browser to, and consents. Anybody may sign
    /// in; `subject` becomes `sub`. Answers the address they are sent back to.
    ///
    /// # Errors
    ///
    /// The page they are left on, where the provider does not send them back.
    ///
    /// # Panics
    ///
    /// When the provider does not answer.
    pub async fn consent(&self, authorize_url: &str, subject: &str) -> Result<Url, Page> {
        let stop = redirect_uri(authorize_url);
        let browser = Browser::new(None);
        let mut visit = browser.open(authorize_url, &stop).await.expect("the provider answers");
        loop {
            let page = match visit {
                Visit::SentBack(url) => return Ok(url),
                Visit::Page(page) => page,
            };
            let forms = page.forms();
            let Some(form) = forms.iter().find(|form| form.has("prompt")) else { return Err(page) };
            let filled = [("login", subject), ("password", "any")];
            let filled = if form.has("login") { &filled[..] } else { &[] };
            visit = browser.send(&page, form, filled, &stop).await.expect("the provider answers");
        }
    }

    /// Signs nobody in: `error=access_denied` comes back.
    ///
    /// # Errors
    ///
    /// The page they are left on, where the provider does not send them back.
    ///
    /// # Panics
    ///
    /// When the provider does not answer.
    pub async fn deny(&self, authorize_url: &str) -> Result<Url, Page> {
        let stop = redirect_uri(authorize_url);
        let browser = Browser::new(None);
        let visit = browser.open(authorize_url, &stop).await.expect("the provider answers");
        let page = match visit {
            Visit::SentBack(url) => return Ok(url),
            Visit::Page(page) => page,
        };
        let abort = format!("{}/abort", page.url);
        match browser.open(&abort, &stop).await.expect("the provider answers") {
            Visit::SentBack(url) => Ok(url),
            Visit::Page(page) => Err(page),
        }
    }

    async fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/testkit/{path}", self.url);
        let page = self.browser.json("POST", &url, body).await.expect("the provider answers");
        serde_json::from_str(&page.text).expect("JSON")
    }
}
