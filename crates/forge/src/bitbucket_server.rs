//! Bitbucket Server and Data Center: OAuth 2 since 7.20, before it OAuth 1.0a by an application link.

mod account;
mod hook;
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
use domain::{Account, ForgeAuth, ForgeKind, RefKind, Repository};
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::Api;
use crate::oauth1::{Oauth1, Signer};
use crate::oauth2::{ClientAuth, Endpoints, OAuth2, Proof};
use crate::rest::{Rest, RestCall};
use crate::site::{Nonce, Site};
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, Fault, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Revoked, Subject,
    Tokens, UploadedKey,
};

/// What a sign-in needs.
const SIGN_IN: &[&str] = &["PUBLIC_REPOS"];
/// What Git is told where a token stands for its owner.
const TOKEN_USER: &str = "x-token-auth";

/// How accounts are linked.
enum Linking {
    /// By the consent page, OAuth 2.
    Oauth2(OAuth2),
    /// By the consent page, OAuth 1.0a.
    Oauth1(Oauth1),
    /// By tokens alone.
    Tokens,
}

/// A Bitbucket instance.
pub(crate) struct BitbucketServer {
    site: Site,
    /// `/rest`.
    rest: Rest,
    /// What lies beside it.
    root: Rest,
    linking: Linking,
    endpoints: Endpoints,
}

impl BitbucketServer {
    /// From its row, and our private key where requests are signed.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] where that key cannot be used.
    pub(crate) fn new(site: Site, consumer_key: Option<&Secret<String>>) -> Result<Self, ForgeError> {
        let (linking, signer) = match &site.auth {
            ForgeAuth::Oauth1 { consumer_key: name, .. } => {
                let pem = consumer_key.ok_or_else(|| {
                    ForgeError::new(
                        Fault::Refused,
                        "the private key for signing requests is missing",
                        "register the forge anew, and enter the new public key at its application link",
                    )
                })?;
                let signer = Signer::new(name, pem, site.clock.clone(), site.entropy.clone())?;
                let signer = Arc::new(signer);
                let (web, base) = (site.web.clone(), site.base.clone());
                let oauth = Oauth1::new(site.client.clone(), signer.clone(), web, base);
                (Linking::Oauth1(oauth), Some(signer))
            }
            ForgeAuth::Oauth2 { .. } | ForgeAuth::PersonalToken => {
                (site.oauth2(Nonce::None).map_or(Linking::Tokens, Linking::Oauth2), None)
            }
        };
        let rest = |root: Url| {
            let addresses = Api::new(site.kind, site.client.clone(), root);
            Rest::new(addresses, site.client.clone(), refusal::of).signer(signer.clone())
        };
        Ok(Self {
            rest: rest(below(&site.base, "/rest")),
            root: rest(site.base.clone()),
            linking,
            endpoints: Endpoints {
                authorize: below(&site.web, "/rest/oauth2/latest/authorize"),
                token: below(&site.base, "/rest/oauth2/latest/token"),
                revoke: Some(below(&site.base, "/rest/oauth2/latest/revoke")),
                auth: ClientAuth::Form,
            },
            site,
        })
    }

    fn oauth2(&self) -> Result<&OAuth2, ForgeError> {
        match &self.linking {
            Linking::Oauth2(oauth) => Ok(oauth),
            Linking::Oauth1(_) | Linking::Tokens => Err(self.lacks("refresh tokens as it is set up")),
        }
    }

    fn lacks(&self, what: &str) -> ForgeError {
        ForgeError::unsupported(self.site.kind, what)
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

fn parts<'a>(repository: &'a Repository, rest: &[&'a str]) -> Vec<&'a str> {
    let mut parts =
        vec!["api", "1.0", "projects", repository.owner.as_str(), "repos", repository.name.as_str()];
    parts.extend(rest.iter().flat_map(|part| part.split('/')));
    parts
}

#[async_trait]
impl Provider for BitbucketServer {
    fn kind(&self) -> ForgeKind {
        ForgeKind::BitbucketServer
    }

    async fn begin(&self, begin: Begin<'_>) -> Result<Begun, ForgeError> {
        match &self.linking {
            Linking::Oauth2(oauth) => {
                oauth.begin(&self.endpoints, &begin, &self.site.wanted(&begin, SIGN_IN))
            }
            Linking::Oauth1(oauth) => oauth.begin(&begin).await,
            Linking::Tokens => Err(self.lacks("consent page as it is set up")),
        }
    }

    async fn complete(
        &self,
        callback: &Callback,
        redirect_uri: &str,
        private: &Secret<String>,
    ) -> Result<Grant, ForgeError> {
        match &self.linking {
            Linking::Oauth2(oauth) => {
                let at = &self.endpoints;
                let proof = Proof::unseal(private)?;
                let issuers = [self.site.issuer.as_str()];
                let granted = oauth.exchange(at, &issuers, callback, redirect_uri, &proof).await?;
                let account = self.who(&granted.tokens.credential()).await;
                let account = oauth.or_revoke(at, &granted, account).await?;
                Ok(Grant { tokens: granted.tokens, account })
            }
            Linking::Oauth1(oauth) => {
                let tokens = oauth.complete(callback, private).await?;
                let account = self.who(&tokens.credential()).await?;
                Ok(Grant { tokens, account })
            }
            Linking::Tokens => Err(self.lacks("consent page as it is set up")),
        }
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        Ok(self.oauth2()?.refresh(&self.endpoints, refresh, redirect_uri).await?.tokens)
    }

    async fn revoke(
        &self,
        credential: &Credential,
        refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        match (credential, &self.linking) {
            (Credential::Bearer(token), Linking::Oauth2(oauth)) => {
                oauth.revoke(&self.endpoints, token, refresh).await
            }
            // Tokens of OAuth 1.0a end at their owner's page only.
            _ => Ok(Revoked::NotPossible),
        }
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        account::who(self, credential).await
    }

    async fn version(&self, credential: &Credential) -> Result<Option<String>, ForgeError> {
        account::version(self, credential).await
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

    async fn issue(&self, _: &Credential, _: &Repository, _: u64) -> Result<Option<Issue>, ForgeError> {
        Err(ForgeError::new(
            Fault::Unsupported,
            "Bitbucket Data Center has no issues: teams keep them in Jira",
            "paste the address of the repository or of a branch",
        ))
    }

    async fn keys(&self, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        key::list(self, credential).await
    }

    async fn add_key(&self, credential: &Credential, title: &str, line: &str) -> Result<AddKey, ForgeError> {
        key::add(self, credential, title, line).await
    }

    async fn remove_key(&self, credential: &Credential, id: &str) -> Result<(), ForgeError> {
        key::remove(self, credential, id).await
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
        self.rest.delete(credential, &parts(repository, &["webhooks", id])).gone().await
    }

    async fn set_commit_status(
        &self,
        credential: &Credential,
        _repository: &Repository,
        sha: &str,
        status: &CommitStatus,
    ) -> Result<(), ForgeError> {
        report::status(self, credential, sha, status).await
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

    fn git_login(&self, credential: &Credential, account: &Account) -> Option<GitLogin> {
        match credential {
            Credential::Bearer(token) => {
                Some(GitLogin { username: TOKEN_USER.into(), password: token.clone() })
            }
            // The name of a personal token's owner is looked at; projects' and repositories' tokens have none.
            Credential::PersonalToken(token) => {
                let login = account.login.as_str();
                let username = if login.is_empty() { TOKEN_USER } else { login };
                Some(GitLogin { username: username.into(), password: token.clone() })
            }
            // Git cannot sign its requests: with OAuth 1.0a it has to use SSH.
            Credential::Oauth1(_) | Credential::Anonymous => None,
        }
    }

    fn manage_url(&self) -> Option<Url> {
        Some(below(&self.site.web, "/plugins/servlet/oauth/users/access-tokens"))
    }

    fn register_url(&self, _redirect_uri: &str, _scopes: &[String]) -> Option<Url> {
        Some(below(&self.site.web, "/plugins/servlet/applinks/listApplicationLinks"))
    }
}
