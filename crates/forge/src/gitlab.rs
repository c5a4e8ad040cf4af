//! GitLab, gitlab.com and self-managed, below any path.

mod account;
mod hook;
mod key;
mod merge_request;
mod project;
mod reference;
mod report;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::Api;
use crate::oauth2::{ClientAuth, Endpoints, Granted, OAuth2, Proof};
use crate::open_id::identity::{self, Expected};
use crate::open_id::keys::Keys;
use crate::site::{Nonce, Site};
use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, Fault, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Provider, Ref, RepositoryFacts, RepositoryPage, Revoked, Subject,
    Tokens, UploadedKey,
};

/// What a sign-in needs.
const SIGN_IN: &[&str] = &["openid", "profile", "email", "read_user"];

/// A GitLab instance.
pub(crate) struct Gitlab {
    site: Site,
    /// `/api/v4`.
    api: Api,
    /// What lies beside the API: `/oauth/…`.
    root: Api,
    oauth: Option<OAuth2>,
    endpoints: Endpoints,
    keys: Keys,
}

impl Gitlab {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        let api = |root: Url| Api::new(site.kind, site.client.clone(), root);
        Self {
            api: api(below(&site.base, "/api/v4")),
            root: api(site.base.clone()),
            oauth: site.oauth2(Nonce::Sent),
            endpoints: Endpoints {
                authorize: below(&site.web, "/oauth/authorize"),
                token: below(&site.base, "/oauth/token"),
                revoke: Some(below(&site.base, "/oauth/revoke")),
                auth: ClientAuth::Form,
            },
            keys: Keys::new(site.client.clone(), below(&site.base, "/oauth/discovery/keys")),
            site,
        }
    }

    fn oauth(&self) -> Result<&OAuth2, ForgeError> {
        self.oauth
            .as_ref()
            .ok_or_else(|| ForgeError::unsupported(self.site.kind, "consent page as it is set up"))
    }

    /// Who consented: as the API says, and as the identity token says where there is one.
    async fn consented(&self, granted: &Granted, proof: &Proof) -> Result<Account, ForgeError> {
        let mut account = self.who(&granted.tokens.credential()).await?;
        let Some(id_token) = &granted.id_token else { return Ok(account) };
        let expected = Expected {
            issuers: &[&self.site.issuer],
            client_id: &self.oauth()?.application.id,
            nonce: proof.nonce(),
            now: self.site.clock.now(),
        };
        let profile = identity::verify(id_token, &self.keys, &expected).await?;
        if profile.subject() != account.subject {
            return Err(ForgeError::new(
                Fault::Protocol,
                "the identity token is about somebody else than the access token",
                "begin again",
            ));
        }
        let email = profile.email();
        if email.is_some() && (account.email.is_none() || account.email == email) {
            account.email_verified = profile.is_email_verified();
            account.email = email;
        }
        Ok(account)
    }
}

#[async_trait]
impl Provider for Gitlab {
    fn kind(&self) -> ForgeKind {
        ForgeKind::Gitlab
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
        let (oauth, at) = (self.oauth()?, &self.endpoints);
        let proof = Proof::unseal(private)?;
        let granted = oauth.exchange(at, &[&self.site.issuer], callback, redirect_uri, &proof).await?;
        let account = self.consented(&granted, &proof).await;
        let account = oauth.or_revoke(at, &granted, account).await?;
        Ok(Grant { tokens: granted.tokens, account })
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        Ok(self.oauth()?.refresh(&self.endpoints, refresh, redirect_uri).await?.tokens)
    }

    async fn revoke(
        &self,
        credential: &Credential,
        refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        let (Credential::Bearer(token), Some(oauth)) = (credential, &self.oauth) else {
            return Ok(Revoked::NotPossible);
        };
        let at = &self.endpoints;
        // A pair whose access token has lapsed is not revoked by its tokens, and its refresh token stays good
        // for ever: GitLab says 200 and does nothing. So it is made young first.
        if let Some(refresh) = refresh
            && account::has_lapsed(self, credential).await?
        {
            return match oauth.refresh(at, refresh, "").await {
                Ok(next) => oauth.revoke(at, &next.tokens.access, next.tokens.refresh.as_deref()).await,
                Err(error) if matches!(error.fault(), Fault::Link(_)) => Ok(Revoked::Done),
                Err(error) => Err(error),
            };
        }
        oauth.revoke(at, token, refresh).await
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        account::who(self, credential).await
    }

    async fn scopes_of(&self, credential: &Credential) -> Result<Option<Vec<String>>, ForgeError> {
        account::scopes_of(self, credential).await
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
        project::list(self, credential, search, page).await
    }

    async fn repository(
        &self,
        credential: &Credential,
        path: &str,
    ) -> Result<Option<RepositoryFacts>, ForgeError> {
        project::find(self, credential, path).await
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
        merge_request::find(self, credential, repository, number).await
    }

    async fn issue(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<Issue>, ForgeError> {
        merge_request::find_issue(self, credential, repository, number).await
    }

    async fn keys(&self, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        key::list(self, credential).await
    }

    async fn add_key(&self, credential: &Credential, title: &str, line: &str) -> Result<AddKey, ForgeError> {
        key::add(self, credential, title, line).await
    }

    async fn remove_key(&self, credential: &Credential, id: &str) -> Result<(), ForgeError> {
        self.api.delete(credential, &["user", "keys", id]).gone().await
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
        self.api.delete(credential, &["projects", &project::key(repository), "hooks", id]).gone().await
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
        // GitLab looks at the name only for passwords; this one marks a token.
        let password = match credential {
            Credential::Bearer(token) | Credential::PersonalToken(token) => token.clone(),
            Credential::Anonymous | Credential::Oauth1(_) => return None,
        };
        Some(GitLogin { username: "oauth2".into(), password })
    }

    fn manage_url(&self) -> Option<Url> {
        Some(below(&self.site.web, "/-/user_settings/applications"))
    }

    fn register_url(&self, _redirect_uri: &str, _scopes: &[String]) -> Option<Url> {
        // Administrators register for everybody; at gitlab.com nobody else is one.
        let is_public = ForgeKind::Gitlab.public_home() == Some(self.site.issuer.as_str());
        let path = if is_public { "/-/user_settings/applications" } else { "/admin/applications/new" };
        Some(below(&self.site.web, path))
    }
}
