//! What the APIs of GitHub and Gitea have in common: the latter took over the former's shapes.

pub(crate) mod account;
pub(crate) mod content;
pub(crate) mod hook;
pub(crate) mod key;
pub(crate) mod pull;
pub(crate) mod report;
pub(crate) mod repository;

use domain::{ForgeKind, Repository};

use crate::api::{Api, Call};
use crate::site::Site;
use crate::{Credential, ForgeError};

/// An instance of either.
pub(crate) struct Hub {
    pub(crate) site: Site,
    pub(crate) api: Api,
}

impl Hub {
    /// Whether it is GitHub.
    pub(crate) fn is_github(&self) -> bool {
        self.api.kind() == ForgeKind::Github
    }

    /// The parameter that says how long a page is, and the longest page.
    pub(crate) fn page_size(&self) -> (&'static str, &'static str) {
        if self.is_github() { ("per_page", "100") } else { ("limit", "50") }
    }

    /// Asks for something below `/repos/{owner}/{name}`. A `/` in `rest` stays one.
    pub(crate) fn get<'a>(
        &'a self,
        credential: &'a Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> Call<'a> {
        self.api.get(credential, &parts(repository, rest))
    }

    /// Makes something below `/repos/{owner}/{name}`.
    pub(crate) fn post<'a>(
        &'a self,
        credential: &'a Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> Call<'a> {
        self.api.post(credential, &parts(repository, rest))
    }

    /// Removes something below `/repos/{owner}/{name}`; that it is gone already is fine.
    pub(crate) async fn remove(
        &self,
        credential: &Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> Result<(), ForgeError> {
        self.api.delete(credential, &parts(repository, rest)).gone().await
    }
}

fn parts<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    let mut parts = vec!["repos", repository.owner.as_str(), repository.name.as_str()];
    parts.extend(rest.iter().flat_map(|part| part.split('/')));
    parts
}

/// Names that the API does not take at all, or asks in an empty repository (400, 409, 422), are of nothing.
pub(crate) fn not_taken_is_none<T>(result: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match result {
        Err(error) if *error.fault() == crate::Fault::Request => Ok(None),
        other => other,
    }
}
