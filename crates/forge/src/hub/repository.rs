//! Repositories.

use domain::Repository;
use serde::Deserialize;
use url::Url;

use super::Hub;
use crate::facts::split_path;
use crate::{Credential, ForgeError, RepositoryFacts, RepositoryPage};

/// How many pages are looked through for a name.
const MOST_PAGES: u32 = 10;

#[derive(Deserialize)]
pub(crate) struct Repo {
    id: u64,
    full_name: String,
    #[serde(default)]
    private: bool,
    /// Gitea: only for people with an account there.
    #[serde(default)]
    internal: bool,
    /// Gitea.
    #[serde(default)]
    empty: bool,
    /// In KiB; nothing in an empty repository, and in some that are just small.
    #[serde(default)]
    size: u64,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    ssh_url: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    parent: Option<Box<Repo>>,
}

/// `GET /repos/{owner}/{name}`. A renamed repository's old path leads to it.
pub(crate) async fn find(
    hub: &Hub,
    credential: &Credential,
    path: &str,
) -> Result<Option<RepositoryFacts>, ForgeError> {
    let Some((owner, name)) = split_path(path) else { return Ok(None) };
    if owner.contains('/') {
        return Ok(None);
    }
    let Some(mut repo) = hub.api.get(credential, &["repos", owner, name]).find::<Repo>().await? else {
        return Ok(None);
    };
    let parent = repo.parent.take().map(|parent| parent.into_repository(hub)).transpose()?;
    let web_url = repo.html_url.as_deref().and_then(|url| Url::parse(url).ok());
    let may_be_empty = repo.size == 0 && hub.is_github();
    let mut repository = repo.into_repository(hub)?;
    // GitHub names a default branch even where there is none yet.
    if may_be_empty && let Some(branch) = &repository.default_branch {
        let asked = hub.get(credential, &repository, &["git/ref/heads", branch.as_str()]).exists().await;
        if super::not_taken_is_none(asked.map(Some))? != Some(true) {
            repository.default_branch = None;
        }
    }
    Ok(Some(RepositoryFacts { repository, parent, web_url }))
}

/// `GET /user/repos`. Neither product searches there, so a search looks through the first pages.
pub(crate) async fn list(
    hub: &Hub,
    credential: &Credential,
    search: Option<&str>,
    page: u32,
) -> Result<RepositoryPage, ForgeError> {
    let Some(search) = search.map(str::trim).filter(|it| !it.is_empty()) else {
        return one_page(hub, credential, page.max(1)).await;
    };
    let search = search.to_lowercase();
    let mut found = RepositoryPage::default();
    let mut next = Some(1);
    while let Some(page) = next.filter(|page| *page <= MOST_PAGES) {
        let listed = one_page(hub, credential, page).await?;
        let fits = |it: &Repository| format!("{}/{}", it.owner, it.name).to_lowercase().contains(&search);
        found.repositories.extend(listed.repositories.into_iter().filter(fits));
        next = listed.next;
    }
    Ok(found)
}

async fn one_page(hub: &Hub, credential: &Credential, page: u32) -> Result<RepositoryPage, ForgeError> {
    if credential.is_anonymous() {
        return Ok(RepositoryPage::default());
    }
    let (size, longest) = hub.page_size();
    let call = hub
        .api
        .get(credential, &["user", "repos"])
        .query("sort", if hub.is_github() { "pushed" } else { "updated" })
        .query(size, longest)
        .query("page", &page.to_string());
    let answer = call.done().await?;
    let repos: Vec<Repo> = answer.json()?;
    let repositories = repos.into_iter().map(|repo| repo.into_repository(hub)).collect::<Result<_, _>>()?;
    Ok(RepositoryPage { repositories, next: answer.next_page(page) })
}

impl Repo {
    /// In our words.
    pub(crate) fn into_repository(self, hub: &Hub) -> Result<Repository, ForgeError> {
        let path = self.full_name;
        let (owner, name) = split_path(&path).unwrap_or(("", &path));
        Ok(Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            clone_url: hub.site.clone_url(&path)?,
            ssh_url: hub.site.ssh_url(&path, self.ssh_url),
            default_branch: self.default_branch.filter(|_| !self.empty).and_then(|name| name.parse().ok()),
            private: self.private || self.internal,
            id: self.id.to_string(),
        })
    }
}
