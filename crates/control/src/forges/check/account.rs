//! The steps of a check that need the application, or an account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{ForgeAuth, LinkMethod};
use forge::{Begin, Fault, ForgeError, Purpose};
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use url::Url;
use vault::Token;
use zeroize::Zeroizing;

use super::{Finding, Subject};
use crate::forges::try_application;

/// What to do where an account is needed.
const LINK_FIRST: &str = "link your account there, then check again";
/// The head of a repository's list of refs is enough to know that cloning works.
const HEAD: u64 = 16 << 20;

impl Subject<'_> {
    /// Which version runs there, and what it lacks.
    pub(super) async fn version(&self) -> Finding {
        let Some((_, credential)) = &self.link else {
            return Finding::skipped(
                format!("forges tell their version to people they know; {}", self.no_link),
                LINK_FIRST,
            );
        };
        let version = match self.control.learn_version(self.forge, credential).await {
            Ok(version) => version,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        };
        let Some(version) = version else { return Finding::ok("it does not tell its version") };
        let capabilities = forge::capabilities(self.forge.kind, Some(&version));
        if let Some(why) = capabilities.refused {
            return Finding::failed(format!("version {version}"), why);
        }
        if capabilities.lacks.is_empty() {
            return Finding::ok(format!("version {version}"));
        }
        let detail = format!("version {version} lacks {}", capabilities.lacks.join(", "));
        Finding::warning(detail, "update the forge to have everything")
    }

    /// Whether the forge takes our application.
    pub(super) async fn application(&self) -> Finding {
        let redirect_uri = self.control.redirect_uri(self.forge);
        let missing = |what: &str| {
            let mend = format!(
                "register an application there that sends browsers to `{redirect_uri}`, and paste its {what}"
            );
            Finding::failed(format!("there is no {what} yet"), mend)
        };
        let answer = match &self.forge.auth {
            ForgeAuth::PersonalToken => {
                return Finding::skipped("personal access tokens need no application", "");
            }
            ForgeAuth::Oauth2 { client_id } if client_id.is_empty() => return missing("id and secret"),
            ForgeAuth::Oauth1 { consumer_key, .. } if consumer_key.is_empty() => {
                return missing("consumer key");
            }
            ForgeAuth::Oauth2 { .. } => {
                try_application(self.provider, &redirect_uri, &*self.control.inner.entropy).await
            }
            ForgeAuth::Oauth1 { .. } => {
                let state = Token::generate("hearth-check", &*self.control.inner.entropy);
                let begin = Begin {
                    redirect_uri: &redirect_uri,
                    state: state.expose(),
                    scopes: &self.forge.scopes,
                    purpose: Purpose::Link,
                };
                self.provider.begin(begin).await.map(drop)
            }
        };
        match answer {
            Ok(()) => Finding::ok("the forge takes the application"),
            Err(error) if *error.fault() == Fault::Unsupported => {
                Finding::skipped("this can be tried only by linking an account", LINK_FIRST)
            }
            Err(error) if matches!(error.fault(), Fault::Request | Fault::Denied) => Finding::warning(
                format!("the forge does not tell whether it takes the application: {error}"),
                LINK_FIRST,
            ),
            Err(error) => refused(&error),
        }
    }

    /// Whose credential the asker's link is.
    pub(super) async fn authorise(&self) -> Finding {
        let Some((link, credential)) = &self.link else {
            return Finding::skipped(self.no_link.clone(), LINK_FIRST);
        };
        match self.provider.who(credential).await {
            Ok(account) if account.subject == link.account.subject => {
                Finding::ok(format!("you are `{}` there", account.login))
            }
            Ok(account) => {
                let what = format!(
                    "the forge takes you for `{}`, and not for `{}`",
                    account.login, link.account.login
                );
                Finding::failed(what, "disconnect your account and link it again")
            }
            Err(error) => refused(&error),
        }
    }

    /// Whether what was granted is what is asked for.
    pub(super) async fn scopes(&self) -> Finding {
        let Some((link, credential)) = &self.link else {
            return Finding::skipped(self.no_link.clone(), LINK_FIRST);
        };
        let granted = match self.provider.scopes_of(credential).await {
            Ok(Some(granted)) => granted,
            Ok(None) => link.scopes.clone(),
            Err(error) => return refused(&error),
        };
        // A pasted token signs nobody in, so it needs none of the scopes for that.
        let is_pasted = link.method == LinkMethod::PersonalToken;
        let is_lacking = |wanted: &&String| {
            let signs_in = matches!(wanted.as_str(), "openid" | "profile" | "email");
            !(is_pasted && signs_in || forge::scope::covers(self.forge.kind, &granted, wanted))
        };
        let lacking: Vec<&str> = self.forge.scopes.iter().filter(is_lacking).map(String::as_str).collect();
        if granted.is_empty() && lacking.is_empty() {
            return Finding::ok("no scope is asked for");
        }
        if lacking.is_empty() {
            return Finding::ok(format!("you granted {}", quoted(&granted)));
        }
        let mend = "link your account again, and look whether the application there may ask for them";
        Finding::warning(format!("your link lacks {}", quoted(&lacking)), mend)
    }

    /// Whether one of the asker's repositories could be cloned.
    pub(super) async fn clone_something(&self) -> Finding {
        if !self.forge.kind.has_repositories() {
            return Finding::skipped("an identity provider has no repositories", "");
        }
        let Some((link, credential)) = &self.link else {
            return Finding::skipped(self.no_link.clone(), LINK_FIRST);
        };
        let page = match self.provider.repositories(credential, None, 1).await {
            Ok(page) => page,
            Err(error) => return refused(&error),
        };
        let Some(repository) = page.repositories.first() else {
            return Finding::skipped("you have no repository there", "make one there, then check again");
        };
        let Some(login) = self.provider.git_login(credential, &link.account) else {
            return Finding::skipped("Git uses SSH keys at this forge", "");
        };
        let named = format!("{}/{}", repository.owner, repository.name);
        let base = repository.clone_url.to_string();
        let Ok(url) =
            Url::parse(&format!("{}/info/refs?service=git-upload-pack", base.trim_end_matches('/')))
        else {
            return Finding::failed(
                format!("`{named}` has no address to clone from"),
                "look at the forge's settings",
            );
        };
        // A credential goes nowhere but where Git would take it.
        let theirs = self.forge.git_base();
        if url.origin() != theirs.origin() {
            let mend = format!("set `git_url` to the address before the repository's name in `{base}`");
            return Finding::failed(
                format!("the forge says that `{named}` is cloned from elsewhere than `{theirs}`"),
                mend,
            );
        }
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return Finding::failed(error.to_string(), error.mend()),
        };
        let pair = Zeroizing::new(format!("{}:{}", login.username, login.password.expose()));
        let Ok(mut header) = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))
        else {
            return Finding::failed("the credential is none that Git could send", LINK_FIRST);
        };
        header.set_sensitive(true);
        match client.get(url).header(AUTHORIZATION, header).limit(HEAD).send().await {
            Ok(answer) if answer.status() == StatusCode::OK => {
                Finding::ok(format!("`{named}` can be cloned"))
            }
            Ok(answer) if matches!(answer.status().as_u16(), 401 | 403) => Finding::warning(
                format!("Git may not read `{named}` with what your link was granted"),
                "grant it the scope for reading repositories",
            ),
            Ok(answer) => {
                let what = format!("`{named}` cannot be cloned: the answer was {}", answer.status());
                Finding::failed(what, "look whether Git over HTTP is switched on there")
            }
            Err(error) => Finding::failed(error.to_string(), error.mend()),
        }
    }
}

/// Names as programs write them, whatever comes around.
fn quoted(names: &[impl std::fmt::Display]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn refused(error: &ForgeError) -> Finding {
    Finding::failed(error.to_string(), error.mend())
}
