//! Repositories. They belong to workspaces, and can only be listed workspace by workspace.

use domain::Repository;
use serde::Deserialize;
use url::Url;

use super::BitbucketCloud;
use super::page::{self, PER_PAGE, Page};
use crate::facts::split_path;
use crate::rest::not_taken_is_none;
use crate::{Credential, Fault, ForgeError, RepositoryFacts, RepositoryPage};

/// Pages of workspaces that are looked at.
const MOST_PAGES: u32 = 2;
/// Workspaces that are asked for their repositories; one request each.
const MOST_WORKSPACES: usize = 20;

#[derive(Deserialize)]
pub(super) struct Repo {
    uuid: String,
    full_name: String,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    mainbranch: Option<Named>,
    #[serde(default)]
    parent: Option<Summary>,
    #[serde(default)]
    updated_on: String,
    #[serde(default)]
    links: Links,
}

/// A repository as it is named inside of other things.
#[derive(Deserialize)]
pub(super) struct Summary {
    pub(super) full_name: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize, Default)]
struct Links {
    #[serde(default)]
    clone: Vec<Link>,
    #[serde(default)]
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
    #[serde(default)]
    name: Option<String>,
}

/// `GET /repositories/{workspace}/{slug}`.
pub(super) async fn find(
    forge: &BitbucketCloud,
    credential: &Credential,
    path: &str,
) -> Result<Option<RepositoryFacts>, ForgeError> {
    let Some(mut repo) = get(forge, credential, path).await? else { return Ok(None) };
    let parent = match repo.parent.take() {
        Some(Summary { full_name }) => by_path(forge, credential, &full_name).await?,
        None => None,
    };
    let web_url = repo.links.html.as_ref().and_then(|link| Url::parse(&link.href).ok());
    Ok(Some(RepositoryFacts { repository: repo.into_repository(forge)?, parent, web_url }))
}

/// The repository that something else names; none where it may not be seen.
pub(super) async fn by_path(
    forge: &BitbucketCloud,
    credential: &Credential,
    path: &str,
) -> Result<Option<Repository>, ForgeError> {
    match get(forge, credential, path).await {
        Ok(found) => found.map(|repo| repo.into_repository(forge)).transpose(),
        Err(error) if *error.fault() == Fault::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

async fn get(
    forge: &BitbucketCloud,
    credential: &Credential,
    path: &str,
) -> Result<Option<Repo>, ForgeError> {
    let Some((owner, name)) = split_path(path) else { return Ok(None) };
    if owner.contains('/') {
        return Ok(None);
    }
    not_taken_is_none(forge.rest.get(credential, &["repositories", owner, name]).find().await)
}

/// An entry of the list of workspaces, which wraps them with what the person is there.
#[derive(Deserialize)]
struct Access {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    slug: String,
}

/// `GET /user/workspaces`, then `GET /repositories/{workspace}` of each: there is no list of everything any more.
/// A page is that page of all of them.
pub(super) async fn list(
    forge: &BitbucketCloud,
    credential: &Credential,
    search: Option<&str>,
    page: u32,
) -> Result<RepositoryPage, ForgeError> {
    if credential.is_anonymous() {
        return Ok(RepositoryPage::default());
    }
    let workspaces =
        page::all::<Access>(MOST_PAGES, || forge.rest.get(credential, &["user", "workspaces"])).await;
    let workspaces = match workspaces {
        // Tokens of one repository, project or workspace may not ask that.
        Err(error) if matches!(error.fault(), Fault::NotFound | Fault::Forbidden) => Vec::new(),
        other => other?,
    };
    let page = page.max(1);
    let mut found = Vec::new();
    let mut next = None;
    for Access { workspace } in workspaces.into_iter().take(MOST_WORKSPACES) {
        let mut call = forge
            .rest
            .get(credential, &["repositories", &workspace.slug])
            .query("role", "member")
            .query("sort", "-updated_on")
            .query("pagelen", PER_PAGE)
            .query("page", &page.to_string());
        if let Some(search) = search.map(str::trim).filter(|it| !it.is_empty()) {
            call = call.query("q", &format!("name ~ \"{}\"", quoted(search)));
        }
        // A workspace that was left a moment ago, or a page behind its last.
        let Some(listed) = call.find::<Page<Repo>>().await? else { continue };
        next = next.or(listed.has_next().then(|| page.saturating_add(1)));
        found.extend(listed.values);
    }
    found.sort_by(|one, other| other.updated_on.cmp(&one.updated_on));
    let repositories = found.into_iter().map(|repo| repo.into_repository(forge));
    Ok(RepositoryPage { repositories: repositories.collect::<Result<_, _>>()?, next })
}

/// Within the quotes of the query language.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect()
}

impl Repo {
    /// In our words.
    fn into_repository(self, forge: &BitbucketCloud) -> Result<Repository, ForgeError> {
        let path = self.full_name;
        let (owner, name) = split_path(&path).unwrap_or(("", &path));
        let told = self.links.clone.into_iter().find(|link| link.name.as_deref() == Some("ssh"));
        Ok(Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            clone_url: forge.site.clone_url(&path)?,
            ssh_url: forge.site.ssh_url(&path, told.map(|link| link.href)),
            default_branch: self.mainbranch.and_then(|branch| branch.name.parse().ok()),
            private: self.is_private,
            id: self.uuid,
        })
    }
}
