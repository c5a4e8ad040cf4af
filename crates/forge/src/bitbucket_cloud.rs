//! bitbucket.org: REST 2.0, <https://developer.atlassian.com/cloud/bitbucket/rest>.

mod account;
mod hook;
mod issue;
mod key;
mod page;
mod pull_request;
mod reference;
mod refusal;
mod report;
mod repository;

use std::sync::Arc;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use outbound::Request;
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::Api;
use crate::oauth2::{ClientAuth, Endpoints, OAuth2, Proof};
use crate::rest::{Rest, RestCall};
use crate::site::{Nonce, Site};
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Subject, Tokens,
    UploadedKey,
};

/// What a sign-in needs.
const SIGN_IN: &[&str] = &["account", "email"];
/// What Git is told with an access token.
const TOKEN_USER: &str = "x-token-auth";
/// What Git is told with a person's API token:
/// <https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/>.
const API_TOKEN_USER: &str = "x-bitbucket-api-token-auth";

/// Bitbucket Cloud.
pub(crate) struct BitbucketCloud {
    site: Site,
    /// `https://api.bitbucket.org/2.0`.
    rest: Rest,
    oauth: Option<OAuth2>,
    endpoints: Endpoints,
}

impl BitbucketCloud {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        let addresses = Api::new(site.kind, site.client.clone(), below(&api_host(&site.base), "/2.0"));
        Self {
            rest: Rest::new(addresses, site.client.clone(), refusal::of).personal(show),
            oauth: site.oauth2(Nonce::None),
            endpoints: Endpoints {
                authorize: below(&site.web, "/site/oauth2/authorize"),
                // Not at the host of the API.
                token: below(&site.web, "/site/oauth2/access_token"),
                revoke: None,
                auth: ClientAuth::Basic,
            },
            site,
        }
    }

    fn oauth(&self) -> Result<&OAuth2, ForgeError> {
        self.oauth
            .as_ref()
            .ok_or_else(|| ForgeError::unsupported(self.site.kind, "consent page as it is set up"))
    }

    /// Asks for something below a repository. A `/` in `rest` stays one.
    fn get<'a>(&'a self, credential: &'a Credential, repository: &Repository, rest: &[&str]) -> RestCall<'a> {
        self.rest.get(credential, &parts(repository, rest))
    }

    /// Makes something below a repository.
    fn post<'a>(
        &'a self,
        credential: &'a Credential,
        repository: &Repository,
        rest: &[&str],
    ) -> RestCall<'a> {
        self.rest.post(credential, &parts(repository, rest))
    }
}

/// The API has a host of its own beside the one for browsers.
fn api_host(base: &Url) -> Url {
    let mut host = base.clone();
    if base.host_str() == Some("bitbucket.org") && host.set_host(Some("api.bitbucket.org")).is_ok() {
        return host;
    }
    base.clone()
}

fn parts<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    let mut parts = vec!["repositories", repository.owner.as_str(), repository.name.as_str()];
    parts.extend(rest.iter().flat_map(|part| part.split('/')));
    parts
}

/// People's API tokens are shown with the address of their account, `ada@example.com:ATATT…`; tokens of
/// repositories, projects and workspaces alone.
fn show(request: Request, token: &Secret<String>) -> Request {
    match token.expose().split_once(':') {
        Some((user, token)) => request.basic(user, &Secret::new(token.to_owned())),
        None => request.bearer(token),
    }
}

#[async_trait]
impl Provider for BitbucketCloud {
    fn kind(&self) -> ForgeKind {
        ForgeKind::BitbucketCloud
    }

    async fn begin(&self, begin: Begin<'_>) -> Result<Begun, ForgeError> {
        self.oauth()?.begin(&self.endpoints, &begin, &self.site.wanted(&begin, SIGN_IN))
    }

    async fn complete(
        &self,
        callback: &Callback,
        redirect_uri: &str,
        private: &Secret<String>,
    ) -> Result<Grant, ForgeError> {
        let proof = Proof::unseal(private)?;
        let issuers = [self.site.issuer.as_str()];
        let granted =
            self.oauth()?.exchange(&self.endpoints, &issuers, callback, redirect_uri, &proof).await?;
        let account = self.who(&granted.tokens.credential()).await?;
        Ok(Grant { tokens: granted.tokens, account })
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        let mut tokens = self.oauth()?.refresh(&self.endpoints, refresh, redirect_uri).await?.tokens;
        // The old one stays good where no other comes (RFC 6749, section 6).
        if tokens.refresh.is_none() {
            tokens.refresh = Some(Arc::new(Secret::new(refresh.expose().clone())));
        }
        Ok(tokens)
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        account::who(self, credential).await
    }

    async fn scopes_of(&self, credential: &Credential) -> Result<Option<Vec<String>>, ForgeError> {
        account::scopes_of(self, credential).await
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
        reference::path_kind(self, credential, repository, reference, path).await
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
        issue::find(self, credential, repository, number).await
    }

    async fn keys(&self, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        let user = account::uuid(self, credential).await?;
        key::list(self, credential, &user).await
    }

    async fn add_key(&self, credential: &Credential, title: &str, line: &str) -> Result<AddKey, ForgeError> {
        key::add(self, credential, title, line).await
    }

    async fn remove_key(&self, credential: &Credential, id: &str) -> Result<(), ForgeError> {
        let user = account::uuid(self, credential).await?;
        self.rest.delete(credential, &["users", &user, "ssh-keys", id]).gone().await
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
        self.rest.delete(credential, &parts(repository, &["hooks", id])).gone().await
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
            Credential::Bearer(token) => {
                Some(GitLogin { username: TOKEN_USER.into(), password: token.clone() })
            }
            Credential::PersonalToken(token) => Some(match token.expose().split_once(':') {
                Some((_, token)) => GitLogin {
                    username: API_TOKEN_USER.into(),
                    password: Arc::new(Secret::new(token.to_owned())),
                },
                None => GitLogin { username: TOKEN_USER.into(), password: token.clone() },
            }),
            Credential::Anonymous | Credential::Oauth1(_) => None,
        }
    }

    fn manage_url(&self) -> Option<Url> {
        Some(below(&self.site.web, "/account/settings/app-authorizations/"))
    }

    fn register_url(&self, _redirect_uri: &str, _scopes: &[String]) -> Option<Url> {
        // Applications ("OAuth consumers") belong to a workspace; this page lists them.
        Some(below(&self.site.web, "/account/workspaces/"))
    }
}
