//! What a page stands for now, as its forge says.

mod draft;
mod near;
mod refs;
mod request;

use domain::Context;

use super::page::{Page, Reading, View};
use super::site::Site;
use super::{ContextError, Parsed, error};
use crate::{Credential, Fault, ForgeError, Provider, RepositoryFacts};
use draft::Draft;

/// Who asks which forge.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The forge.
    pub provider: &'a dyn Provider,
    /// With what it is asked.
    pub credential: &'a Credential,
    /// The site that the address belongs to.
    pub site: &'a Site,
    /// The person's login, which begins the names of branches made for issues.
    pub login: &'a str,
}

/// Asks the forge what a page stands for now.
///
/// A ref or path that is not there becomes a warning and the default branch; a repository, commit, request
/// or issue that is not there is an error.
///
/// # Errors
///
/// [`ContextError::Missing`] for what the forge does not have or show, [`ContextError::Forge`] when it
/// could not be asked.
pub async fn resolve(asking: &Asking<'_>, parsed: &Parsed, page: &Page) -> Result<Context, ContextError> {
    let (facts, view) = asking.repository(page).await?;
    let mut draft = Draft::of(facts);
    match view {
        View::Home { path } => {
            asking.take_default_branch(&mut draft).await?;
            asking.take_path(&mut draft, path, None).await?;
        }
        View::Other => asking.take_default_branch(&mut draft).await?,
        View::Tree { rest, ref_kind, look } => match asking.split(&draft, rest, *ref_kind, *look).await? {
            Some((found, path)) => {
                draft.stand_at(&found)?;
                asking.take_path(&mut draft, path, Some(*look)).await?;
            }
            None => asking.miss_ref(&mut draft, &rest.join("/"), *ref_kind).await?,
        },
        View::Named { name, ref_kind, path } => match asking.named(&draft, name, *ref_kind).await? {
            Some(found) => {
                draft.stand_at(&found)?;
                asking.take_path(&mut draft, path, None).await?;
            }
            None => asking.miss_ref(&mut draft, name, *ref_kind).await?,
        },
        View::Commit { sha, path } => {
            asking.take_commit(&mut draft, sha).await?;
            asking.take_path(&mut draft, path, None).await?;
        }
        View::MergeRequest(number) => asking.take_request_or_issue(&mut draft, *number).await?,
        View::Issue(number) => asking.take_issue_or_request(&mut draft, *number).await?,
    }
    if parsed.options.prebuild && draft.issue.is_some() {
        return Err(error::prebuild_of_issue());
    }
    Ok(draft.finish(asking.site, parsed))
}

impl Asking<'_> {
    /// The first reading whose repository exists.
    async fn repository<'p>(&self, page: &'p Page) -> Result<(RepositoryFacts, &'p View), ContextError> {
        for Reading { repository, view } in &page.readings {
            let asked = self.provider.repository(self.credential, &repository.join("/")).await;
            if let Some(facts) = found(asked)? {
                return Ok((facts, view));
            }
        }
        let path = page.readings.first().map(|reading| reading.repository.join("/")).unwrap_or_default();
        let host = self.site.web_url.host_str().unwrap_or_default();
        let mend = if self.credential.is_anonymous() {
            format!("check the address; if the repository is private, link your account at `{host}` first")
        } else {
            format!("check the address, and whether your account at `{host}` may see the repository")
        };
        let what = format!("the repository `{path}` at `{host}` does not exist or is private");
        Err(ContextError::missing("repository_missing", what, mend))
    }
}

/// Takes "not there" and "not for you" for the same, as forges do.
fn found<T>(asked: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match asked {
        Err(error) if *error.fault() == Fault::NotFound => Ok(None),
        asked => asked,
    }
}
