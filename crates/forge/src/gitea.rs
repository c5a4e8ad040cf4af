//! Gitea and Forgejo.

mod reference;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use serde::Deserialize;
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::Api;
use crate::hub::{self, Hub};
use crate::oauth2::{ClientAuth, Endpoints, Granted, OAuth2, Proof};
use crate::open_id::identity::{self, Expected};
use crate::open_id::keys::Keys;
use crate::site::{Nonce, Site};
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, Fault, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Subject, Tokens,
    UploadedKey,
};

/// What a sign-in needs.
const SIGN_IN: &[&str] = &["openid", "profile", "email", "read:user"];

/// A Gitea or Forgejo instance.
pub(crate) struct Gitea {
    hub: Hub,
    oauth: Option<OAuth2>,
    endpoints: Endpoints,
    keys: Keys,
}

impl Gitea {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        Self {
            oauth: site.oauth2(Nonce::Sent),
            endpoints: Endpoints {
                authorize: below(&site.web, "/login/oauth/authorize"),
                token: below(&site.base, "/login/oauth/access_token"),
                revoke: None,
                auth: ClientAuth::Form,
            },
            keys: Keys::new(site.client.clone(), below(&site.base, "/login/oauth/keys")),
            hub: Hub { api: Api::new(site.kind, site.client.clone(), below(&site.base, "/api/v1")), site },
        }
    }

    fn oauth(&self) -> Result<&OAuth2, ForgeError> {
        let kind = self.hub.site.kind;
        self.oauth.as_ref().ok_or_else(|| ForgeError::unsupported(kind, "consent page as it is set up"))
    }

    /// Who consented: as the API says, and as the identity token says where there is one.
    async fn consented(&self, granted: &Granted, proof: &Proof) -> Result<Account, ForgeError> {
        let account = self.who(&granted.tokens.credential()).await?;
        let Some(id_token) = &granted.id_token else { return Ok(account) };
        let site = &self.hub.site;
        let expected = Expected {
            // Older versions end it with a slash.
            issuers: &[&site.issuer, &format!("{}/", site.issuer)],
            client_id: &self.oauth()?.application.id,
            nonce: proof.nonce(),
            now: site.clock.now(),
        };
        let profile = identity::verify(id_token, &self.keys, &expected).await?;
        if profile.subject() == account.subject {
            return Ok(account);
        }
        Err(ForgeError::new(
            Fault::Protocol,
            "the identity token is about somebody else than the access token",
            "begin again",
        ))
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[async_trait]
impl Provider for Gitea {
    fn kind(&self) -> ForgeKind {
        ForgeKind::Gitea
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
        let issuers = [issuer, &format!("{issuer}/")];
        let granted =
            self.oauth()?.exchange(&self.endpoints, &issuers, callback, redirect_uri, &proof).await?;
        let account = self.consented(&granted, &proof).await?;
        Ok(Grant { tokens: granted.tokens, account })
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        Ok(self.oauth()?.refresh(&self.endpoints, refresh, redirect_uri).await?.tokens)
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        hub::account::who(&self.hub, credential).await
    }

    async fn version(&self, credential: &Credential) -> Result<Option<String>, ForgeError> {
        let found = self.hub.api.get(credential, &["version"]).find::<Version>().await?;
        Ok(found.map(|it| it.version.chars().take(60).collect()))
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
        // With a token as the password the name is not looked at.
        let password = match credential {
            Credential::Bearer(token) | Credential::PersonalToken(token) => token.clone(),
            Credential::Anonymous | Credential::Oauth1(_) => return None,
        };
        Some(GitLogin { username: "oauth2".into(), password })
    }

    fn manage_url(&self) -> Option<Url> {
        Some(below(&self.hub.site.web, "/user/settings/applications"))
    }

    fn register_url(&self, _redirect_uri: &str, _scopes: &[String]) -> Option<Url> {
        Some(below(&self.hub.site.web, "/user/settings/applications"))
    }
}
