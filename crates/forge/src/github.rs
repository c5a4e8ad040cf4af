//! GitHub: github.com, its subdomains for enterprises, and Enterprise Server.

mod grant;
mod reference;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use serde::Deserialize;
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::{Api, words};
use crate::hub::{self, Hub};
use crate::oauth2::{ClientAuth, Endpoints, OAuth2, Proof};
use crate::site::{Nonce, Site};
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Revoked, Subject,
    Tokens, UploadedKey,
};

/// What a sign-in needs.
const SIGN_IN: &[&str] = &["read:user", "user:email"];

/// A GitHub instance.
pub(crate) struct Github {
    hub: Hub,
    oauth: Option<OAuth2>,
    endpoints: Endpoints,
}

impl Github {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        let root = api_root(&site);
        // The API's own host has no pages.
        let server = if is_api_host(&site.base) { &site.web } else { &site.base };
        Self {
            oauth: site.oauth2(Nonce::None),
            endpoints: Endpoints {
                authorize: below(&site.web, "/login/oauth/authorize"),
                token: below(server, "/login/oauth/access_token"),
                revoke: None,
                auth: ClientAuth::Form,
            },
            hub: Hub {
                api: Api::new(site.kind, site.client.clone(), root).accepting("application/vnd.github+json"),
                site,
            },
        }
    }

    fn oauth(&self) -> Result<&OAuth2, ForgeError> {
        let kind = self.hub.site.kind;
        self.oauth.as_ref().ok_or_else(|| ForgeError::unsupported(kind, "consent page as it is set up"))
    }
}

/// Enterprise Server has its API below `/api/v3`, GitHub's own servers on a host beside them.
fn api_root(site: &Site) -> Url {
    if is_api_host(&site.base) {
        return site.base.clone();
    }
    let host = site.base.host_str().unwrap_or_default();
    if host == "github.com" || host.ends_with(".ghe.com") {
        let mut root = site.base.clone();
        if root.set_host(Some(&format!("api.{host}"))).is_ok() {
            return root;
        }
    }
    below(&site.base, "/api/v3")
}

fn is_api_host(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "api.github.com" || (host.starts_with("api.") && host.ends_with(".ghe.com"))
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    installed_version: Option<String>,
}

#[async_trait]
impl Provider for Github {
    fn kind(&self) -> ForgeKind {
        ForgeKind::Github
    }

    async fn begin(&self, begin: Begin<'_>) -> Result<Begun, ForgeError> {
        self.oauth()?.begin(&self.endpoints, &begin, &self.hub.site.wanted(&begin, SIGN_IN))
    }

    async fn complete(
        &self,
        callback: &Callback,
        redirect_uri: &str,
        private: &Secret<String>,
    ) -> Result<Grant, ForgeError> {
        let proof = Proof::unseal(private)?;
        let issuer = self.hub.site.issuer.as_str();
        let issuers = [issuer, &format!("{issuer}/login/oauth")];
        let granted =
            self.oauth()?.exchange(&self.endpoints, &issuers, callback, redirect_uri, &proof).await?;
        match grant::fresh_account(&self.hub, &granted.tokens).await {
            Ok(account) => Ok(Grant { tokens: granted.tokens, account }),
            Err(error) => {
                grant::give_back(self, &granted.tokens).await;
                Err(error)
            }
        }
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        Ok(self.oauth()?.refresh(&self.endpoints, refresh, redirect_uri).await?.tokens)
    }

    async fn revoke(
        &self,
        credential: &Credential,
        _refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        match (credential, &self.oauth) {
            (Credential::Bearer(token), Some(oauth)) => grant::revoke(&self.hub, oauth, token).await,
            _ => Ok(Revoked::NotPossible),
        }
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        hub::account::who(&self.hub, credential).await
    }

    async fn scopes_of(&self, credential: &Credential) -> Result<Option<Vec<String>>, ForgeError> {
        if credential.is_anonymous() {
            return Ok(None);
        }
        let answer = self.hub.api.get(credential, &["user"]).done().await?;
        Ok(answer.header("x-oauth-scopes").map(words))
    }

    async fn version(&self, credential: &Credential) -> Result<Option<String>, ForgeError> {
        let found = self.hub.api.get(credential, &["meta"]).find::<Meta>().await?;
        Ok(found.and_then(|meta| meta.installed_version).map(|it| it.chars().take(60).collect()))
    }

    async fn repositories(
        &self,
        credential: &Credential,
        search: Option<&str>,
        page: u32,
    ) -> Result<RepositoryPage, ForgeError> {
        hub::repository::list(&self.hub, credential, search, page).await
    }

    async fn repository(
        &self,
        credential: &Credential,
        path: &str,
    ) -> Result<Option<RepositoryFacts>, ForgeError> {
        hub::repository::find(&self.hub, credential, path).await
    }

    async fn find_ref(
        &self,
        credential: &Credential,
        repository: &Repository,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ForgeError> {
        reference::find(&self.hub, credential, repository, name, kind).await
    }

    async fn commit(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
    ) -> Result<Option<String>, ForgeError> {
        reference::commit(&self.hub, credential, repository, sha).await
    }

    async fn path_kind(
        &self,
        credential: &Credential,
        repository: &Repository,
        reference: &str,
        path: &str,
    ) -> Result<Option<PathKind>, ForgeError> {
        hub::content::path_kind(&self.hub, credential, repository, reference, path).await
    }

    async fn merge_request(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<MergeRequestFacts>, ForgeError> {
        hub::pull::find(&self.hub, credential, repository, number).await
    }

    async fn issue(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<Issue>, ForgeError> {
        hub::pull::find_issue(&self.hub, credential, repository, number).await
    }

    async fn keys(&self, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        hub::key::list(&self.hub, credential).await
    }

    async fn add_key(&self, credential: &Credential, title: &str, line: &str) -> Result<AddKey, ForgeError> {
        hub::key::add(&self.hub, credential, title, line).await
    }

    async fn remove_key(&self, credential: &Credential, id: &str) -> Result<(), ForgeError> {
        self.hub.api.delete(credential, &["user", "keys", id]).gone().await
    }

    async fn hooks(&self, credential: &Credential, repository: &Repository) -> Result<Vec<Hook>, ForgeError> {
        hub::hook::list(&self.hub, credential, repository).await
    }

    async fn add_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        hook: &NewHook,
    ) -> Result<Hook, ForgeError> {
        hub::hook::add(&self.hub, credential, repository, hook).await
    }

    async fn remove_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        id: &str,
    ) -> Result<(), ForgeError> {
        self.hub.remove(credential, repository, &["hooks", id]).await
    }

    async fn set_commit_status(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
        status: &CommitStatus,
    ) -> Result<(), ForgeError> {
        hub::report::status(&self.hub, credential, repository, sha, status).await
    }

    async fn comment(
        &self,
        credential: &Credential,
        repository: &Repository,
        subject: Subject,
        text: &str,
    ) -> Result<(), ForgeError> {
        hub::report::comment(&self.hub, credential, repository, subject, text).await
    }

    fn git_login(&self, credential: &Credential, _account: &Account) -> Option<GitLogin> {
        let password = match credential {
            Credential::Bearer(token) | Credential::PersonalToken(token) => token.clone(),
            Credential::Anonymous | Credential::Oauth1(_) => return None,
        };
        Some(GitLogin { username: "x-access-token".into(), password })
    }

    fn manage_url(&self) -> Option<Url> {
        let web = &self.hub.site.web;
        Some(match self.oauth.as_ref().map(|oauth| oauth.application.id.as_str()) {
            Some(id) if !id.is_empty() && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.') => {
                below(web, &format!("/settings/connections/applications/{id}"))
            }
            _ => below(web, "/settings/tokens"),
        })
    }

    fn register_url(&self, redirect_uri: &str, _scopes: &[String]) -> Option<Url> {
        let home = Url::parse(redirect_uri).ok()?.origin().ascii_serialization();
        let mut url = below(&self.hub.site.web, "/settings/applications/new");
        url.query_pairs_mut()
            .append_pair("oauth_application[name]", "Hearth")
            .append_pair("oauth_application[url]", &home)
            .append_pair("oauth_application[callback_url]", redirect_uri);
        Some(url)
    }
}
