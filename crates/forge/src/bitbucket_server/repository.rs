//! Repositories. Their owner is the key of a project, or a tilde and the name of a person.

use domain::{RefName, Repository};
use serde::Deserialize;
use url::Url;

use super::page::Page;
use super::refusal::hidden_is_none;
use super::{BitbucketServer, parts};
use crate::facts::split_path;
use crate::rest::not_taken_is_none;
use crate::{Credential, ForgeError, RepositoryFacts, RepositoryPage};

/// As many as fit on a page of ours.
const PER_PAGE: &str = "50";

#[derive(Deserialize)]
pub(super) struct Repo {
    slug: String,
    id: u64,
    project: Project,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    origin: Option<Box<Repo>>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct Project {
    key: String,
}

#[derive(Deserialize, Default)]
struct Links {
    #[serde(default)]
    clone: Vec<Link>,
    #[serde(default, rename = "self")]
    page: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "displayId")]
    name: String,
}

/// `GET /projects/{key}/repos/{slug}`.
pub(super) async fn find(
    forge: &BitbucketServer,
    credential: &Credential,
    path: &str,
) -> Result<Option<RepositoryFacts>, ForgeError> {
    let Some((owner, name)) = split_path(path) else { return Ok(None) };
    if owner.contains('/') {
        return Ok(None);
    }
    let call = forge.rest.get(credential, &["api", "1.0", "projects", owner, "repos", name]);
    let Some(mut repo) = hidden_is_none(not_taken_is_none(call.find::<Repo>().await))? else {
        return Ok(None);
    };
    let parent = repo.origin.take().map(|origin| origin.into_repository(forge)).transpose()?;
    let web_url = repo.links.page.first().and_then(|link| Url::parse(&link.href).ok());
    let mut repository = repo.into_repository(forge)?;
    repository.default_branch = default_branch(forge, credential, &repository).await?;
    Ok(Some(RepositoryFacts { repository, parent, web_url }))
}

/// `GET …/default-branch`, and what it was called before 7.5. An empty repository has none.
async fn default_branch(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
) -> Result<Option<RefName>, ForgeError> {
    for name in ["default-branch", "branches/default"] {
        let answer = forge.rest.get(credential, &parts(repository, &[name])).answer().await?;
        match answer.status().as_u16() {
            204 => return Ok(None),
            200..=299 => return Ok(answer.json::<Branch>()?.name.parse().ok()),
            404 => {}
            _ => return hidden_is_none(Err(forge.rest.refusal(&answer))),
        }
    }
    Ok(None)
}

/// `GET /repos`: what the account may push to. A page's number is where it starts, counted from 1: pages are
/// not of equal length.
pub(super) async fn list(
    forge: &BitbucketServer,
    credential: &Credential,
    search: Option<&str>,
    page: u32,
) -> Result<RepositoryPage, ForgeError> {
    if credential.is_anonymous() {
        return Ok(RepositoryPage::default());
    }
    let mut call = forge
        .rest
        .get(credential, &["api", "1.0", "repos"])
        .query("permission", "REPO_WRITE")
        .query("limit", PER_PAGE)
        .query("start", &page.saturating_sub(1).to_string());
    if let Some(search) = search.map(str::trim).filter(|it| !it.is_empty()) {
        call = call.query("name", search);
    }
    let found: Page<Repo> = call.read().await?;
    let next = found.next().map(|start| start.saturating_add(1)).filter(|next| *next > page);
    let repositories = found.values.into_iter().map(|repo| repo.into_repository(forge));
    Ok(RepositoryPage { repositories: repositories.collect::<Result<_, _>>()?, next })
}

impl Repo {
    /// In our words, without the default branch, which is not told here.
    pub(super) fn into_repository(self, forge: &BitbucketServer) -> Result<Repository, ForgeError> {
        let (key, slug) = (self.project.key, self.slug);
        let told = self.links.clone.into_iter().find(|link| link.name.as_deref() == Some("ssh"));
        // Keys are in capitals and stand in lower case in addresses for Git; people's names stay as they are.
        let part = if key.starts_with('~') { key.clone() } else { key.to_lowercase() };
        Ok(Repository {
            clone_url: forge.site.clone_url(&format!("scm/{part}/{slug}"))?,
            ssh_url: forge.site.ssh_url(&format!("{part}/{slug}"), told.map(|link| link.href)),
            owner: key,
            name: slug,
            default_branch: None,
            private: !self.public,
            id: self.id.to_string(),
        })
    }
}
