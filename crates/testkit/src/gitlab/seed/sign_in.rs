//! Shortcuts for tests about something else: a user says yes, or a token is simply there.

use serde_json::Value;
use url::Url;

use crate::browser::{Browser, Page, Visit};
use crate::gitlab::GitlabDouble;
use crate::gitlab::oauth::mint;
use crate::gitlab::seed::{Application, User};

/// Pages between an authorisation address and the way back: sign in, consent.
const MOST_PAGES: usize = 4;

impl GitlabDouble {
    /// Opens an authorisation address in a fresh browser, signs the user in, says yes, and gives the address
    /// the browser is sent back to (which begins with `redirect_uri`), or the page GitLab shows instead.
    ///
    /// # Panics
    ///
    /// When the double does not answer.
    pub async fn approve(&self, user: &User, authorize_url: &str, redirect_uri: &str) -> Result<Url, Page> {
        self.approve_in(&Browser::new(self.ca_pem()), user, authorize_url, redirect_uri).await
    }

    /// The same in a browser that may be signed in already.
    ///
    /// # Panics
    ///
    /// When the double does not answer.
    pub async fn approve_in(
        &self,
        browser: &Browser,
        user: &User,
        authorize_url: &str,
        redirect_uri: &str,
    ) -> Result<Url, Page> {
        let mut visit = browser.open(authorize_url, redirect_uri).await.expect("an answer");
        for _ in 0..MOST_PAGES {
            let page = match visit {
                Visit::SentBack(url) => return Ok(url),
                Visit::Page(page) => page,
            };
            if let Some(url) = followed(&page, redirect_uri) {
                return Ok(url);
            }
            let forms = page.forms();
            let Some(form) = forms.first() else { return Err(page) };
            let filled: &[(&str, &str)] = if form.has("user[login]") {
                &[("user[login]", &user.username), ("user[password]", &user.password)]
            } else {
                &[]
            };
            visit = browser.send(&page, form, filled, redirect_uri).await.expect("an answer");
        }
        match visit {
            Visit::SentBack(url) => Ok(url),
            Visit::Page(page) => Err(page),
        }
    }

    /// A token pair of the user for the application, as after an authorisation; the body of `/oauth/token`.
    pub fn issue_tokens(&self, user: &User, application: &Application, scopes: &[&str]) -> Value {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        mint(&self.instance, &application.client_id, user.id, scopes)
    }
}

/// Where the page's script would go: GitLab skips consent with a page, not with a redirect.
fn followed(page: &Page, redirect_uri: &str) -> Option<Url> {
    let (_, rest) = page.text.split_once("window.location = ")?;
    let (text, _) = rest.split_once(";</script>")?;
    let target: String = serde_json::from_str(text).ok()?;
    Url::parse(&target).ok().filter(|_| target.starts_with(redirect_uri))
}
