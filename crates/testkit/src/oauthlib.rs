//! Bitbucket Server with an application link, OAuth 1.0a: every signature, time stamp and nonce is verified by
//! Python's oauthlib, and what is signed well reaches a [`ForgeDouble`] of Bitbucket Server.

use std::fs;
use std::process::Command;

use domain::ForgeKind;
use serde_json::{Map, Value, json};
use url::Url;

use crate::browser::{Browser, Page, Visit};
use crate::forge_double::{ForgeDouble, Seed};
use crate::peers::{self, Process, Skip};

const SCRIPT: &str = include_str!("oauthlib/bitbucket.py");
/// Asking what was refused needs no signature.
const REFUSALS: &str = "/testkit/refusals";

/// A running verifier and the double behind it; both gone when dropped.
pub struct BitbucketOauth1 {
    process: Process,
    url: String,
    browser: Browser,
    double: ForgeDouble,
}

impl BitbucketOauth1 {
    /// Starts one that knows this consumer, whose public key is PEM.
    ///
    /// # Errors
    ///
    /// When Python's oauthlib is not installed.
    ///
    /// # Panics
    ///
    /// When it is, and the verifier does not start.
    pub async fn start(consumer_key: &str, public_key_pem: &str) -> Result<Self, Skip> {
        let python = peers::python().ok_or_else(|| Skip::missing("the Python package oauthlib"))?;
        let seed = Seed::standard();
        let names: Vec<String> = seed.people.iter().map(|person| person.name.clone()).collect();
        let double = ForgeDouble::start_with(ForgeKind::BitbucketServer, seed).await;
        let tokens: Map<String, Value> =
            names.into_iter().map(|name| (name.clone(), json!(double.token(&name)))).collect();
        let mut url = String::new();
        let (mut process, _) = Process::start(|port, folder| {
            url = format!("http://127.0.0.1:{port}");
            let settings = json!({
                "url": url, "double": double.url(), "consumer_key": consumer_key, "public_key": public_key_pem,
                "tokens": tokens,
            });
            fs::write(folder.join("settings.json"), settings.to_string()).expect("own folder");
            fs::write(folder.join("bitbucket.py"), SCRIPT).expect("own folder");
            let mut command = Command::new(python);
            command.args(["-I", "bitbucket.py"]);
            command
        });
        let browser = Browser::new(None);
        process.ready(&browser, &format!("{url}{REFUSALS}")).await;
        Ok(Self { process, url, browser, double })
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The double behind it: content, keys, statuses, hooks.
    pub fn double(&self) -> &ForgeDouble {
        &self.double
    }

    /// What it printed.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Why requests were refused, in order and in Atlassian's words: `signature_invalid`, `nonce_used`,
    /// `timestamp_refused`, `consumer_key_unknown`, `token_rejected`, `parameter_rejected`.
    ///
    /// # Panics
    ///
    /// When the verifier does not answer.
    pub async fn refusals(&self) -> Vec<String> {
        let page = self.browser.get(&format!("{}{REFUSALS}", self.url)).await.expect("the verifier answers");
        serde_json::from_str(&page.text).expect("a list")
    }

    /// Ends every access token, as its owner can under "Authorized applications".
    ///
    /// # Panics
    ///
    /// When the verifier does not answer.
    pub async fn revoke_tokens(&self) {
        self.browser.get(&format!("{}/testkit/revoke", self.url)).await.expect("the verifier answers");
    }

    /// Signs somebody in at the address a client would send their browser to, and allows access. `callback` is
    /// what the client gave with its request token. Answers the address they are sent back to, with
    /// `oauth_token` and `oauth_verifier`.
    ///
    /// # Errors
    ///
    /// The page they are left on, where the request token is unknown.
    ///
    /// # Panics
    ///
    /// When the verifier does not answer.
    pub async fn consent(&self, authorize_url: &str, callback: &str, user: &str) -> Result<Url, Page> {
        self.answer(authorize_url, callback, &[("user", user), ("decision", "allow")]).await
    }

    /// Like [`BitbucketOauth1::consent`], but refuses: `oauth_verifier=denied` comes back.
    ///
    /// # Errors
    ///
    /// See [`BitbucketOauth1::consent`].
    ///
    /// # Panics
    ///
    /// When the verifier does not answer.
    pub async fn deny(&self, authorize_url: &str, callback: &str) -> Result<Url, Page> {
        self.answer(authorize_url, callback, &[("decision", "deny")]).await
    }

    async fn answer(
        &self,
        authorize_url: &str,
        callback: &str,
        filled: &[(&str, &str)],
    ) -> Result<Url, Page> {
        let browser = Browser::new(None);
        let page = match browser.open(authorize_url, callback).await.expect("the verifier answers") {
            Visit::SentBack(url) => return Ok(url),
            Visit::Page(page) => page,
        };
        let forms = page.forms();
        let Some(form) = forms.iter().find(|form| form.has("oauth_token")) else { return Err(page) };
        match browser.send(&page, form, filled, callback).await.expect("the verifier answers") {
            Visit::SentBack(url) => Ok(url),
            Visit::Page(page) => Err(page),
        }
    }
}
