//! Repositories.

use domain::Repository;
use serde::Deserialize;
use url::Url;

use super::{AzureDevops, VERSION, account, names};
use crate::api::host_of;
use crate::facts::split_path;
use crate::rest::not_taken_is_none;
use crate::{Credential, Fault, ForgeError, RepositoryFacts, RepositoryPage};

/// As many as fit on a page of ours; the API has no pages of repositories.
const PER_PAGE: usize = 50;
/// Organisations that are asked; one request each.
const MOST_ORGANISATIONS: usize = 20;

/// A list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) value: Vec<T>,
}

#[derive(Deserialize)]
pub(super) struct Repo {
    id: String,
    name: String,
    pub(super) project: Project,
    #[serde(default, rename = "defaultBranch")]
    default_branch: Option<String>,
    #[serde(default, rename = "sshUrl")]
    ssh_url: Option<String>,
    /// Where the API has it.
    #[serde(default)]
    url: Option<String>,
    #[serde(default, rename = "webUrl")]
    web_url: Option<String>,
    #[serde(default, rename = "isDisabled")]
    is_disabled: bool,
    #[serde(default, rename = "parentRepository")]
    parent: Option<Box<Repo>>,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    name: String,
    #[serde(default)]
    visibility: Option<String>,
}

/// `GET /{organisation}/{project}/_apis/git/repositories/{name}`.
pub(super) async fn find(
    forge: &AzureDevops,
    credential: &Credential,
    path: &str,
) -> Result<Option<RepositoryFacts>, ForgeError> {
    let Some((owner, name)) = split_path(path) else { return Ok(None) };
    let Some((organisation, project)) = owner.split_once('/') else { return Ok(None) };
    if project.contains('/') {
        return Ok(None);
    }
    let parts = [organisation, project, "_apis", "git", "repositories", name];
    let call =
        forge.root.get(credential, &parts).query("api-version", VERSION).query("includeParent", "true");
    let Some(mut repo) = not_taken_is_none(call.find::<Repo>().await)? else { return Ok(None) };
    let parent = repo.parent.take().map(|parent| parent.into_repository(forge, organisation)).transpose()?;
    let web_url = repo.web_url.as_deref().and_then(|url| Url::parse(url).ok());
    Ok(Some(RepositoryFacts { repository: repo.into_repository(forge, organisation)?, parent, web_url }))
}

/// The repository again, as the API has it.
pub(super) async fn get(
    forge: &AzureDevops,
    credential: &Credential,
    repository: &Repository,
) -> Result<Repo, ForgeError> {
    forge.get(credential, repository, &[]).read().await
}

/// An entry of the list of organisations.
#[derive(Deserialize)]
struct Organisation {
    #[serde(rename = "accountName")]
    name: String,
}

/// `GET /{organisation}/_apis/git/repositories` of every organisation of the account.
pub(super) async fn list(
    forge: &AzureDevops,
    credential: &Credential,
    search: Option<&str>,
    page: u32,
) -> Result<RepositoryPage, ForgeError> {
    if credential.is_anonymous() {
        return Ok(RepositoryPage::default());
    }
    let search = search.map(|it| it.trim().to_lowercase()).filter(|it| !it.is_empty());
    let mut found = Vec::new();
    for organisation in organisations(forge, credential).await?.into_iter().take(MOST_ORGANISATIONS) {
        let parts = [organisation.as_str(), "_apis", "git", "repositories"];
        let call = forge.root.get(credential, &parts).query("api-version", VERSION);
        let listed = match call.find::<List<Repo>>().await {
            // Organisations that have closed themselves to tokens.
            Err(error) if matches!(error.fault(), Fault::Link(_) | Fault::Forbidden) => None,
            other => other?,
        };
        for repo in listed.into_iter().flat_map(|list| list.value).filter(|repo| !repo.is_disabled) {
            let repository = repo.into_repository(forge, &organisation)?;
            let path = format!("{}/{}", repository.owner, repository.name).to_lowercase();
            if search.as_ref().is_none_or(|search| path.contains(search)) {
                found.push(repository);
            }
        }
    }
    let before = usize::try_from(page.saturating_sub(1)).unwrap_or(usize::MAX).saturating_mul(PER_PAGE);
    let next = (found.len() > before.saturating_add(PER_PAGE)).then(|| page.max(1).saturating_add(1));
    Ok(RepositoryPage { repositories: found.into_iter().skip(before).take(PER_PAGE).collect(), next })
}

/// `GET /_apis/accounts`: <https://learn.microsoft.com/en-us/rest/api/azure/devops/account/accounts/list>.
async fn organisations(forge: &AzureDevops, credential: &Credential) -> Result<Vec<String>, ForgeError> {
    if let Some(organisation) = &forge.organisation {
        return Ok(vec![organisation.clone()]);
    }
    let Some(profile) = account::profile(forge, credential).await? else { return Ok(Vec::new()) };
    let call = forge.profiles.get(credential, &["_apis", "accounts"]);
    let call = call.query("memberId", &profile.id).query("api-version", VERSION);
    let found: Option<List<Organisation>> = call.find().await?;
    Ok(found.map(|list| list.value).unwrap_or_default().into_iter().map(|it| it.name).collect())
}

impl Repo {
    /// In our words. Its organisation is that of its address in the API, or else `organisation`.
    pub(super) fn into_repository(
        self,
        forge: &AzureDevops,
        organisation: &str,
    ) -> Result<Repository, ForgeError> {
        let bases = [&forge.organisations, &forge.site.web];
        let told = self.url.as_deref().and_then(|url| names::organisation_of(url, &bases));
        let organisation = told.as_deref().unwrap_or(organisation);
        let owner = format!("{organisation}/{}", self.project.name);
        let clone_url =
            names::git_url(&forge.site.git, &owner, &self.name).as_str().parse().map_err(|_| {
                ForgeError::new(
                    Fault::Protocol,
                    format!("`{}` names a repository that Git cannot clone", host_of(&forge.site.base)),
                    "check that the kind of the forge is right",
                )
            })?;
        let branch = self.default_branch.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
        Ok(Repository {
            clone_url,
            ssh_url: names::ssh_url(forge.site.ssh.as_ref(), self.ssh_url),
            default_branch: branch.and_then(|name| name.parse().ok()),
            private: self.project.visibility.as_deref() != Some("public"),
            owner,
            name: self.name,
            id: self.id,
        })
    }
}
