//! What every kind of forge can be asked. One implementation per product.

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use url::Url;
use vault::Secret;

use crate::{
    AddKey, Begin, Begun, Callback, CommitStatus, Credential, ForgeError, GitLogin, Grant, Hook,
    MergeRequestFacts, NewHook, PathKind, Ref, RepositoryFacts, RepositoryPage, Revoked, ScopeInfo, Subject,
    Tokens, UploadedKey, scopes,
};

/// A forge, ready to be asked. What a product does not have answers [`crate::Fault::Unsupported`].
///
/// "None" always means: not there, or not for this credential to see.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What runs there.
    fn kind(&self) -> ForgeKind;

    /// Every scope that makes sense here.
    fn scopes(&self) -> &'static [ScopeInfo] {
        scopes(self.kind())
    }

    /// Begins linking an account. For OAuth 2 nothing is sent but perhaps a look at the provider's
    /// description of itself; for OAuth 1.0a a request token is fetched.
    async fn begin(&self, begin: Begin<'_>) -> Result<Begun, ForgeError> {
        let _ = begin;
        Err(ForgeError::unsupported(self.kind(), "consent page"))
    }

    /// Exchanges what the browser brought back, and asks whose it is. `redirect_uri` and `private` are
    /// those of [`Provider::begin`]. The caller has compared `state` before.
    ///
    /// # Errors
    ///
    /// [`crate::Fault::Denied`] when the person said no, [`crate::Fault::Link`] for a spent or lapsed code,
    /// [`crate::Fault::Application`], [`crate::Fault::Protocol`] for an identity token or issuer that
    /// cannot be believed.
    async fn complete(
        &self,
        callback: &Callback,
        redirect_uri: &str,
        private: &Secret<String>,
    ) -> Result<Grant, ForgeError> {
        let _ = (callback, redirect_uri, private);
        Err(ForgeError::unsupported(self.kind(), "consent page"))
    }

    /// Exchanges a refresh token for the next pair. Sent once, never repeated here; the old pair is void
    /// once the forge has answered.
    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        let _ = (refresh, redirect_uri);
        Err(ForgeError::unsupported(self.kind(), "refresh tokens"))
    }

    /// Makes the forge forget a credential and the refresh token that belongs to it.
    async fn revoke(
        &self,
        credential: &Credential,
        refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        let _ = (credential, refresh);
        Ok(Revoked::NotPossible)
    }

    /// Whose credential it is. At most forges the address is taken for unverified here; what an identity token
    /// said about it is in [`Provider::complete`]'s account only.
    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError>;

    /// What the credential was granted; none where the forge does not tell.
    async fn scopes_of(&self, credential: &Credential) -> Result<Option<Vec<String>>, ForgeError> {
        let _ = credential;
        Ok(None)
    }

    /// The version that runs there, raw; none where the forge does not tell. See [`crate::capabilities`].
    async fn version(&self, credential: &Credential) -> Result<Option<String>, ForgeError> {
        let _ = credential;
        Ok(None)
    }

    /// Repositories that the account works with, the most recently active first; `search` narrows by name.
    /// Pages count from 1.
    async fn repositories(
        &self,
        credential: &Credential,
        search: Option<&str>,
        page: u32,
    ) -> Result<RepositoryPage, ForgeError> {
        let _ = (credential, search, page);
        Err(ForgeError::unsupported(self.kind(), "repositories"))
    }

    /// The repository at `path` (`group/subgroup/name`, without `.git`), following a rename.
    async fn repository(
        &self,
        credential: &Credential,
        path: &str,
    ) -> Result<Option<RepositoryFacts>, ForgeError> {
        let _ = (credential, path);
        Err(ForgeError::unsupported(self.kind(), "repositories"))
    }

    /// What the exact `name` stands for; a branch before a tag where `kind` does not say. A commit is found
    /// only by [`RefKind::Revision`].
    async fn find_ref(
        &self,
        credential: &Credential,
        repository: &Repository,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ForgeError> {
        let _ = (credential, repository, name, kind);
        Err(ForgeError::unsupported(self.kind(), "repositories"))
    }

    /// The full id of the commit that `sha`, perhaps abbreviated, names.
    async fn commit(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
    ) -> Result<Option<String>, ForgeError> {
        let _ = (credential, repository, sha);
        Err(ForgeError::unsupported(self.kind(), "repositories"))
    }

    /// What `path` is in `reference` (branch, tag or commit id). The root is a folder.
    async fn path_kind(
        &self,
        credential: &Credential,
        repository: &Repository,
        reference: &str,
        path: &str,
    ) -> Result<Option<PathKind>, ForgeError> {
        let _ = (credential, repository, reference, path);
        Err(ForgeError::unsupported(self.kind(), "repositories"))
    }

    /// The merge or pull request with this number.
    async fn merge_request(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<MergeRequestFacts>, ForgeError> {
        let _ = (credential, repository, number);
        Err(ForgeError::unsupported(self.kind(), "merge requests"))
    }

    /// The issue with this number.
    async fn issue(
        &self,
        credential: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<Issue>, ForgeError> {
        let _ = (credential, repository, number);
        Err(ForgeError::unsupported(self.kind(), "issues"))
    }

    /// The account's SSH keys for signing in.
    async fn keys(&self, credential: &Credential) -> Result<Vec<UploadedKey>, ForgeError> {
        let _ = credential;
        Err(ForgeError::unsupported(self.kind(), "SSH keys"))
    }

    /// Registers an SSH key for the account. `line` is `ssh-ed25519 AAAA…`. Asks what is there before and
    /// after a refusal, so that doing it again is no error.
    async fn add_key(&self, credential: &Credential, title: &str, line: &str) -> Result<AddKey, ForgeError> {
        let _ = (credential, title, line);
        Err(ForgeError::unsupported(self.kind(), "SSH keys"))
    }

    /// Removes an SSH key of the account; one that is gone already is fine.
    async fn remove_key(&self, credential: &Credential, id: &str) -> Result<(), ForgeError> {
        let _ = (credential, id);
        Err(ForgeError::unsupported(self.kind(), "SSH keys"))
    }

    /// The repository's web hooks.
    async fn hooks(&self, credential: &Credential, repository: &Repository) -> Result<Vec<Hook>, ForgeError> {
        let _ = (credential, repository);
        Err(ForgeError::unsupported(self.kind(), "web hooks"))
    }

    /// Registers a web hook. Forges take the same address twice: look at [`Provider::hooks`] first.
    async fn add_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        hook: &NewHook,
    ) -> Result<Hook, ForgeError> {
        let _ = (credential, repository, hook);
        Err(ForgeError::unsupported(self.kind(), "web hooks"))
    }

    /// Removes a web hook; one that is gone already is fine.
    async fn remove_hook(
        &self,
        credential: &Credential,
        repository: &Repository,
        id: &str,
    ) -> Result<(), ForgeError> {
        let _ = (credential, repository, id);
        Err(ForgeError::unsupported(self.kind(), "web hooks"))
    }

    /// Shows a line beside a commit.
    async fn set_commit_status(
        &self,
        credential: &Credential,
        repository: &Repository,
        sha: &str,
        status: &CommitStatus,
    ) -> Result<(), ForgeError> {
        let _ = (credential, repository, sha, status);
        Err(ForgeError::unsupported(self.kind(), "commit statuses"))
    }

    /// Comments on a merge request or issue. Sent once, never repeated here.
    async fn comment(
        &self,
        credential: &Credential,
        repository: &Repository,
        subject: Subject,
        text: &str,
    ) -> Result<(), ForgeError> {
        let _ = (credential, repository, subject, text);
        Err(ForgeError::unsupported(self.kind(), "comments"))
    }

    /// What Git is told over HTTP; none where this credential is no use to Git (OAuth 1.0a, nobody's).
    fn git_login(&self, credential: &Credential, account: &Account) -> Option<GitLogin> {
        let _ = (credential, account);
        None
    }

    /// The page where people see and take back what they granted.
    fn manage_url(&self) -> Option<Url> {
        None
    }

    /// The page where an application is registered, filled in as far as the forge allows.
    fn register_url(&self, redirect_uri: &str, scopes: &[String]) -> Option<Url> {
        let _ = (redirect_uri, scopes);
        None
    }
}
