//! Asking a forge what a page stands for, and what to tell the person when it does not say.

use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, Context, ForgeKind, Link, LinkState, RepositoryUrl, SignedDuration};
use forge::context::{Asking, ContextError, Page, Parsed, Site, View, plain_context, resolve};
use forge::{Credential, Fault, ForgeError, Provider};

use super::sites::Known;
use crate::control::{Control, hold};
use crate::error::Error;
use crate::forges::said;

/// Every question together: as long as people wait for a page.
const PATIENCE: Duration = Duration::from_secs(30);
/// A public forge's answer only saves Git the work, so that less is waited for it.
const PUBLIC_PATIENCE: Duration = Duration::from_secs(8);
/// A credential is good for longer than all questions take.
const NEED: SignedDuration = SignedDuration::from_mins(1);
/// Without it GitHub shows no private repository, and does not say so.
const GITHUB_SCOPE: &str = "repo";

/// What is asked, whoever asks.
struct Question<'a> {
    provider: &'a dyn Provider,
    site: &'a Site,
    parsed: &'a Parsed,
    page: &'a Page,
    login: &'a str,
}

impl Question<'_> {
    async fn ask(&self, credential: &Credential) -> Result<Context, ContextError> {
        let Self { provider, site, login, .. } = *self;
        resolve(&Asking { provider, credential, site, login }, self.parsed, self.page).await
    }

    /// The forge's own refusals apart, so that a lapsed credential can be renewed.
    async fn ask_with(&self, credential: Credential) -> Result<Result<Context, ContextError>, ForgeError> {
        match self.ask(&credential).await {
            Err(ContextError::Forge(error)) => Err(error),
            answer => Ok(answer),
        }
    }
}

impl Control {
    /// Asks a registered forge: with the caller's account where that is linked, else as anybody.
    pub(super) async fn ask_forge(
        &self,
        caller: &Caller,
        known: &Known,
        site: &Site,
        parsed: &Parsed,
        page: &Page,
    ) -> Result<Context, Error> {
        let forge = &known.forge;
        let provider = self.provider(forge).await?;
        let login = match &known.link {
            Some(link) => link.account.login.clone(),
            None => self.user_name(caller.user).await?.to_string(),
        };
        let question = Question { provider: &*provider, site, parsed, page, login: &login };
        let asked = tokio::time::timeout(PATIENCE, self.ask_as(known, &question)).await;
        asked.unwrap_or_else(|_| {
            Err(Error::Unavailable {
                what: format!(
                    "`{}` did not say in {} s what the address means",
                    forge.name,
                    PATIENCE.as_secs()
                ),
                mend: "try again in a moment, or paste the address of the repository itself".into(),
            })
        })
    }

    async fn ask_as(&self, known: &Known, question: &Question<'_>) -> Result<Context, Error> {
        let Known { forge, link } = known;
        let why = match link {
            Some(Link { state: LinkState::SignInNeeded { why, .. }, .. }) => Some(why.clone()),
            None => None,
            Some(link) => {
                let answer = self.with_token(link.id, NEED, |credential| question.ask_with(credential)).await;
                match answer {
                    Ok(answer) => return answer.map_err(|error| not_found(known, error)),
                    // What everybody may read can still be read.
                    Err(Error::LinkNeeded { why, .. }) => Some(why),
                    Err(error) => return Err(error),
                }
            }
        };
        let needed = |what: &dyn std::fmt::Display| Error::LinkNeeded {
            forge: forge.id,
            name: forge.name.clone(),
            why: why.clone().unwrap_or_else(|| what.to_string()),
        };
        question.ask(&Credential::Anonymous).await.map_err(|error| match &error {
            ContextError::Missing { code: "repository_missing", .. } => needed(&error),
            ContextError::Forge(refusal) if is_for_members(refusal) => needed(&error),
            _ => not_found(known, error),
        })
    }

    /// Asks the public home of a product, which nobody registered. Where it does not answer, the page of a
    /// repository is still good for a clone.
    pub(super) async fn ask_public(
        &self,
        caller: &Caller,
        site: &Site,
        parsed: &Parsed,
        page: &Page,
    ) -> Result<Context, Error> {
        let host = site.web_url.host_str().unwrap_or_default();
        let login = self.user_name(caller.user).await?.to_string();
        let refusal = match self.public_provider(site.kind) {
            Ok(provider) => {
                let question = Question { provider: &*provider, site, parsed, page, login: &login };
                match tokio::time::timeout(PUBLIC_PATIENCE, question.ask(&Credential::Anonymous)).await {
                    Ok(Ok(context)) => return Ok(context),
                    Ok(Err(ContextError::Forge(refusal))) => refusal,
                    Ok(Err(error)) => return Err(unregistered(host, &error)),
                    Err(_) => slow(host),
                }
            }
            Err(refusal) => refusal,
        };
        let Some(repository) = home(parsed, page) else { return Err(unasked(host, &refusal)) };
        let warning = format!("{refusal}, so that nothing but the address is known about `{repository}`");
        let warnings = parsed.warnings.iter().cloned().chain([warning]).collect();
        let mut context = plain_context(&repository, parsed.options.clone(), warnings);
        context.kind = Some(site.kind);
        Ok(context)
    }

    fn public_provider(&self, kind: ForgeKind) -> Result<Arc<dyn Provider>, ForgeError> {
        if let Some(provider) = hold(&self.inner.contexts.public).get(&kind) {
            return Ok(provider.clone());
        }
        let provider = forge::open_public(kind, &self.forge_outside())?;
        hold(&self.inner.contexts.public).insert(kind, provider.clone());
        Ok(provider)
    }

    fn forge_outside(&self) -> forge::Outside {
        forge::Outside {
            policy: self.inner.settings.network.clone(),
            resolver: None,
            clock: self.inner.clock.clone(),
            entropy: self.inner.entropy.clone(),
        }
    }
}

/// Whether somebody with an account there might get another answer.
fn is_for_members(refusal: &ForgeError) -> bool {
    matches!(
        refusal.fault(),
        Fault::NotFound | Fault::Forbidden | Fault::Link(_) | Fault::MissingScope { .. }
    )
}

/// Something is not there, or the forge could not be asked.
fn not_found(known: &Known, error: ContextError) -> Error {
    let Known { forge, link } = known;
    let lacks_scope = link.as_ref().is_some_and(|link| {
        let granted = &link.scopes;
        forge.kind == ForgeKind::Github
            && !granted.is_empty()
            && !granted.iter().any(|one| one == GITHUB_SCOPE)
    });
    match error {
        ContextError::Missing { code: "repository_missing", what, .. } if lacks_scope => {
            Error::ScopeMissing { forge: forge.id, scopes: vec![GITHUB_SCOPE.into()], why: what }
        }
        ContextError::Missing { code, what, mend } => Error::Conflict { code, what, mend },
        ContextError::Forge(refusal) => said(forge, refusal),
        error @ ContextError::Text { .. } => super::not_understood(&error),
    }
}

/// Like [`not_found`], where no account can be linked.
fn unregistered(host: &str, error: &ContextError) -> Error {
    let ContextError::Missing { code, what, mend } = error else {
        return Error::invalid("url", error, error.mend());
    };
    let mend = match *code {
        "repository_missing" => format!(
            "check the address; for a private repository an administrator has to register `{host}` as a forge first"
        ),
        _ => mend.clone(),
    };
    Error::Conflict { code, what: what.clone(), mend }
}

fn slow(host: &str) -> ForgeError {
    let fault = Fault::Passing { sent: forge::Sent::Unknown, retry_after: None };
    let what = format!("`{host}` did not answer in {} s", PUBLIC_PATIENCE.as_secs());
    ForgeError::new(fault, what, "try again in a moment")
}

fn unasked(host: &str, refusal: &ForgeError) -> Error {
    let what = format!("cannot find out what the address means: {refusal}");
    let mend = format!("{}; or paste the address of the repository at `{host}` itself", refusal.mend());
    if refusal.is_passing() { Error::Unavailable { what, mend } } else { Error::Forge { what, mend } }
}

/// The repository itself, if that is what the page shows.
fn home(parsed: &Parsed, page: &Page) -> Option<RepositoryUrl> {
    let first = page.readings.first()?;
    let is_home = matches!(&first.view, View::Home { path } if path.is_empty());
    parsed.url.parse().ok().filter(|_| is_home)
}

#[cfg(test)]
mod tests;
