//! Azure DevOps, dev.azure.com and servers of one's own, with personal access tokens and SSH keys.
//!
//! A repository's owner is `organisation/project`. There is no way to ask for everything at dev.azure.com: each
//! organisation is asked by its name. A forge whose API address has one more part than its web address belongs to
//! that organisation (`https://dev.azure.com/acme`), which tokens for one organisation need.

mod account;
mod hook;
mod items;
mod names;
mod pull_request;
mod reference;
mod refusal;
mod report;
mod repository;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use outbound::Request;
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::Api;
use crate::rest::{Rest, RestCall};
use crate::site::Site;
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, Fault, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Subject,
    UploadedKey,
};

/// The version of the API: the oldest that dev.azure.com and every supported server have.
const VERSION: &str = "6.0";
/// What Git is told as a user name, which is not looked at.
const TOKEN_USER: &str = "hearth";

/// An Azure DevOps instance.
pub(crate) struct AzureDevops {
    site: Site,
    /// Where organisations are.
    organisations: Url,
    /// What is asked there.
    root: Rest,
    /// Where people's profiles are.
    profiles: Rest,
    /// The one organisation it is registered for, if it is.
    organisation: Option<String>,
}

impl AzureDevops {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        let (root, organisation) = names::split_base(&site.base, &site.web);
        let rest = |root: Url| {
            let addresses = Api::new(site.kind, site.client.clone(), root);
            Rest::new(addresses, site.client.clone(), refusal::of)
                .personal(show)
                // Without it, strangers are sent to a sign-in page.
                .header("x-tfs-fedauthredirect", "Suppress")
        };
        let profiles = rest(names::profile_host(&root));
        Self { root: rest(root.clone()), organisations: root, profiles, organisation, site }
    }

    /// Asks for something below a project. A `/` in `rest` stays one.
    fn project<'a>(
        &'a self,
        credential: &'a Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> RestCall<'a> {
        self.root.get(credential, &below_project(repository, rest)).query("api-version", VERSION)
    }

    /// Asks for something below a repository.
    fn get<'a>(&'a self, credential: &'a Credential, repository: &Repository, rest: &[&str]) -> RestCall<'a> {
        self.root.get(credential, &parts(repository, rest)).query("api-version", VERSION)
    }

    /// Makes something below a repository.
    fn post<'a>(
        &'a self,
        credential: &'a Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> RestCall<'a> {
        self.root.post(credential, &parts(repository, rest)).query("api-version", VERSION)
    }

    fn by_hand(&self) -> ForgeError {
        let organisation = self.organisation.as_deref().unwrap_or("your-organisation");
        let page = below(&self.site.web, &format!("/{organisation}/_usersSettings/keys"));
        ForgeError::new(
            Fault::Unsupported,
            "Azure DevOps takes no SSH keys from other programs",
            format!("copy your public key and add it by hand at `{page}`; it takes RSA keys only"),
        )
    }
}

fn no_consent_page() -> ForgeError {
    ForgeError::new(
        Fault::Unsupported,
        "accounts of Azure DevOps are linked with personal access tokens",
        "make a token there with the scopes Code (read and write) and User profile (read), and paste it",
    )
}

/// Personal access tokens are passwords of nobody in particular.
fn show(request: Request, token: &Secret<String>) -> Request {
    request.basic("", token)
}

fn below_project<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    repository.owner.split('/').chain(rest.iter().flat_map(|part| part.split('/'))).collect()
}

fn parts<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    let mut parts = below_project(repository, &["_apis/git/repositories"]);
    // Numbers survive renames.
    parts.push(if repository.id.is_empty() { &repository.name } else { &repository.id });
    parts.extend(rest.iter().flat_map(|part| part.split('/')));
    parts
}

#[async_trait]
impl Provider for AzureDevops {
    fn kind(&self) -> ForgeKind {
        ForgeKind::AzureDevops
    }

    async fn begin(&self, _begin: Begin<'_>) -> Result<Begun, ForgeError> {
        Err(no_consent_page())
    }

    async fn complete(&self, _: &Callback, _: &str, _: &Secret<String>) -> Result<Grant, ForgeError> {
        Err(no_consent_page())
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        account::who(self, credential).await
    }

    async fn repositories(
        &self,
        credential: &Credential,
        search: Option<&str>,
        page: u32,
    ) -> Result<RepositoryPage, ForgeError> {
        repository::list(self, credential, search, page).await
    }

    async fn repository(
        &self,
        credential: &Credential,
        path: &str,
    ) -> Result<Option<RepositoryFacts>, ForgeError> {
        repository::find(self, credential, path).await
    }

    async fn find_ref(
        &self,
        credential: &Credential,
        repository: &Repository,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ForgeError> {
        reference::find(self, credential, repository, name, kind).await
    }

    async fn commit(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
    ) -> Result<Option<String>, ForgeError> {
        reference::commit(self, credential, repository, sha).await
    }

    async fn path_kind(
        &self,
        credential: &Credential,
        repository: &Repository,
        reference: &str,
        path: &str,
    ) -> Result<Option<PathKind>, ForgeError> {
        items::path_kind(self, credential, repository, reference, path).await
    }

    async fn merge_request(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<MergeRequestFacts>, ForgeError> {
        pull_request::find(self, credential, repository, number).await
    }

    async fn issue(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<Issue>, ForgeError> {
        pull_request::find_work_item(self, credential, repository, number).await
    }

    async fn keys(&self, _credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        Err(self.by_hand())
    }

    async fn add_key(
        &self,
        _credential: &Credential,
        _title: &str,
        _line: &str,
    ) -> Result<AddKey, ForgeError> {
        Err(self.by_hand())
    }

    async fn remove_key(&self, _credential: &Credential, _id: &str) -> Result<(), ForgeError> {
        Err(self.by_hand())
    }

    async fn hooks(&self, credential: &Credential, repository: &Repository) -> Result<Vec<Hook>, ForgeError> {
        hook::list(self, credential, repository).await
    }

    async fn add_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        hook: &NewHook,
    ) -> Result<Hook, ForgeError> {
        hook::add(self, credential, repository, hook).await
    }

    async fn remove_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        id: &str,
    ) -> Result<(), ForgeError> {
        hook::remove(self, credential, repository, id).await
    }

    async fn set_commit_status(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
        status: &CommitStatus,
    ) -> Result<(), ForgeError> {
        report::status(self, credential, repository, sha, status).await
    }

    async fn comment(
        &self,
        credential: &Credential,
        repository: &Repository,
        subject: Subject,
        text: &str,
    ) -> Result<(), ForgeError> {
        report::comment(self, credential, repository, subject, text).await
    }

    fn git_login(&self, credential: &Credential, _account: &Account) -> Option<GitLogin> {
        match credential {
            Credential::PersonalToken(token) | Credential::Bearer(token) => {
                Some(GitLogin { username: TOKEN_USER.into(), password: token.clone() })
            }
            Credential::Anonymous | Credential::Oauth1(_) => None,
        }
    }

    fn manage_url(&self) -> Option<Url> {
        let organisation = self.organisation.as_deref()?;
        Some(below(&self.site.web, &format!("/{organisation}/_usersSettings/tokens")))
    }
}
