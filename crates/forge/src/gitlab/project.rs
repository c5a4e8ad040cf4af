//! Projects.

use domain::Repository;
use serde::Deserialize;
use url::Url;

use super::Gitlab;
use crate::facts::{path_of, split_path};
use crate::{Credential, ForgeError, RepositoryFacts, RepositoryPage};

/// As many as fit on a page of ours.
const PER_PAGE: &str = "50";

#[derive(Deserialize)]
pub(super) struct Project {
    id: u64,
    path_with_namespace: String,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    empty_repo: bool,
    #[serde(default)]
    visibility: Option<String>,
    #[serde(default)]
    ssh_url_to_repo: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default, rename = "forked_from_project")]
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    id: u64,
}

/// What addresses a project in the API. Numbers survive renames, and proxies that decode `%2F`.
pub(super) fn key(repository: &Repository) -> String {
    if repository.id.is_empty() { path_of(repository) } else { repository.id.clone() }
}

/// `GET /projects/:path`; a moved project's old path leads to it (since 16.7).
pub(super) async fn find(
    gitlab: &Gitlab,
    credential: &Credential,
    path: &str,
) -> Result<Option<RepositoryFacts>, ForgeError> {
    let Some((owner, name)) = split_path(path) else { return Ok(None) };
    let path = format!("{owner}/{name}");
    let Some(project) = get(gitlab, credential, &path).await? else { return Ok(None) };
    let parent = match &project.parent {
        Some(Parent { id }) => by_id(gitlab, credential, *id).await?,
        None => None,
    };
    let web_url = project.web_url.as_deref().and_then(|url| Url::parse(url).ok());
    Ok(Some(RepositoryFacts { repository: project.into_repository(gitlab, credential)?, parent, web_url }))
}

/// The project with this number.
pub(super) async fn by_id(
    gitlab: &Gitlab,
    credential: &Credential,
    id: u64,
) -> Result<Option<Repository>, ForgeError> {
    let found = get(gitlab, credential, &id.to_string()).await?;
    found.map(|project| project.into_repository(gitlab, credential)).transpose()
}

async fn get(gitlab: &Gitlab, credential: &Credential, key: &str) -> Result<Option<Project>, ForgeError> {
    gitlab.api.get(credential, &["projects", key]).find().await
}

/// `GET /projects?membership=true`.
pub(super) async fn list(
    gitlab: &Gitlab,
    credential: &Credential,
    search: Option<&str>,
    page: u32,
) -> Result<RepositoryPage, ForgeError> {
    let mut call = gitlab
        .api
        .get(credential, &["projects"])
        .query("order_by", "last_activity_at")
        .query("sort", "desc")
        .query("archived", "false")
        .query("per_page", PER_PAGE)
        .query("page", &page.max(1).to_string());
    if !credential.is_anonymous() {
        call = call.query("membership", "true");
    }
    if let Some(search) = search.map(str::trim).filter(|it| !it.is_empty()) {
        call = call.query("search", search).query("search_namespaces", "true");
    }
    let answer = call.done().await?;
    let projects: Vec<Project> = answer.json()?;
    let repositories = projects.into_iter().map(|project| project.into_repository(gitlab, credential));
    Ok(RepositoryPage {
        repositories: repositories.collect::<Result<_, _>>()?,
        next: answer.next_page(page.max(1)),
    })
}

impl Project {
    /// In our words.
    pub(super) fn into_repository(
        self,
        gitlab: &Gitlab,
        credential: &Credential,
    ) -> Result<Repository, ForgeError> {
        let path = self.path_with_namespace;
        let (owner, name) = split_path(&path).unwrap_or(("", &path));
        // `internal` is for whoever has an account. Nobody is told the visibility, and sees only public ones.
        let is_private = match self.visibility.as_deref() {
            Some(visibility) => visibility != "public",
            None => !credential.is_anonymous(),
        };
        let branch = self.default_branch.filter(|_| !self.empty_repo).and_then(|name| name.parse().ok());
        Ok(Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            clone_url: gitlab.site.clone_url(&path)?,
            ssh_url: gitlab.site.ssh_url(&path, self.ssh_url_to_repo),
            default_branch: branch,
            private: is_private,
            id: self.id.to_string(),
        })
    }
}
