//! Any OpenID Connect provider: people sign in with it, it has no repositories.

mod discovery;
pub(crate) mod identity;
pub(crate) mod keys;
mod profile;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Account, ForgeKind};
use tokio::sync::Mutex;
use url::Url;
use vault::Secret;

use crate::oauth2::{Granted, OAuth2, Proof};
use crate::site::{Nonce, Site};
use crate::{Begin, Begun, Callback, Credential, Fault, ForgeError, Grant, Provider, Revoked, Tokens};
use discovery::Discovery;
use identity::Expected;
pub(crate) use profile::{Profile, ask};

/// What a sign-in needs. `offline_access` is kept, so that a closed account is noticed.
const SIGN_IN: &[&str] = &["openid", "profile", "email", "offline_access"];

/// An OpenID Connect provider.
pub(crate) struct OpenId {
    site: Site,
    oauth: Option<OAuth2>,
    discovery: Mutex<Option<Arc<Discovery>>>,
}

impl OpenId {
    /// From its row.
    pub(crate) fn new(site: Site) -> Self {
        let oauth = site.oauth2(Nonce::Sent);
        Self { site, oauth, discovery: Mutex::new(None) }
    }

    fn oauth(&self) -> Result<&OAuth2, ForgeError> {
        self.oauth
            .as_ref()
            .ok_or_else(|| ForgeError::unsupported(ForgeKind::OpenId, "personal access tokens"))
    }

    /// The provider's description of itself, asked again once an hour. Whoever comes meanwhile waits for the
    /// same answer.
    async fn discovery(&self) -> Result<Arc<Discovery>, ForgeError> {
        let mut kept = self.discovery.lock().await;
        let now = self.site.clock.now();
        if let Some(found) = kept.as_ref().filter(|it| it.is_fresh(now)) {
            return Ok(found.clone());
        }
        match Discovery::fetch(&self.site, now).await {
            Ok(found) => Ok(kept.insert(Arc::new(found)).clone()),
            // An old description is as good as it was an hour ago.
            Err(error) if error.is_passing() => kept.clone().ok_or(error),
            Err(error) => Err(error),
        }
    }

    async fn account(&self, at: &Discovery, granted: &Granted, proof: &Proof) -> Result<Account, ForgeError> {
        let Some(id_token) = &granted.id_token else {
            return Err(ForgeError::new(
                Fault::Protocol,
                "the provider sent no identity token",
                "check that the scope `openid` is asked for, and that this is an OpenID Connect provider",
            ));
        };
        let expected = Expected {
            issuers: &[&at.issuer],
            client_id: &self.oauth()?.application.id,
            nonce: proof.nonce(),
            now: self.site.clock.now(),
        };
        let mut profile = identity::verify(id_token, &at.keys, &expected).await?;
        if profile.is_sparse()
            && let Some(url) = &at.userinfo
        {
            let more = profile::ask(&self.site.client, url, &granted.tokens.access).await?;
            profile = profile.complete_with(more)?;
        }
        Ok(profile.into_account())
    }
}

#[async_trait]
impl Provider for OpenId {
    fn kind(&self) -> ForgeKind {
        ForgeKind::OpenId
    }

    async fn begin(&self, begin: Begin<'_>) -> Result<Begun, ForgeError> {
        let at = self.discovery().await?;
        let mut scopes = self.site.wanted(&begin, SIGN_IN);
        if !scopes.contains(&"openid") {
            scopes.push("openid");
        }
        self.oauth()?.begin(&at.endpoints, &begin, &scopes)
    }

    async fn complete(
        &self,
        callback: &Callback,
        redirect_uri: &str,
        private: &Secret<String>,
    ) -> Result<Grant, ForgeError> {
        let at = self.discovery().await?;
        let proof = Proof::unseal(private)?;
        let issuers = [at.issuer.as_str()];
        let granted = self.oauth()?.exchange(&at.endpoints, &issuers, callback, redirect_uri, &proof).await?;
        let account = self.account(&at, &granted, &proof).await;
        let account = self.oauth()?.or_revoke(&at.endpoints, &granted, account).await?;
        Ok(Grant { tokens: granted.tokens, account })
    }

    async fn refresh(&self, refresh: &Secret<String>, redirect_uri: &str) -> Result<Tokens, ForgeError> {
        let at = self.discovery().await?;
        Ok(self.oauth()?.refresh(&at.endpoints, refresh, redirect_uri).await?.tokens)
    }

    async fn revoke(
        &self,
        credential: &Credential,
        refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        let Credential::Bearer(token) = credential else { return Ok(Revoked::NotPossible) };
        let at = self.discovery().await?;
        self.oauth()?.revoke(&at.endpoints, token, refresh).await
    }

    async fn who(&self, credential: &Credential) -> Result<Account, ForgeError> {
        let at = self.discovery().await?;
        let (Some(url), Some(token)) = (&at.userinfo, credential.token()) else {
            return Err(ForgeError::unsupported(ForgeKind::OpenId, "way to ask who somebody is"));
        };
        Ok(profile::ask(&self.site.client, url, token).await?.into_account())
    }

    fn manage_url(&self) -> Option<Url> {
        Some(self.site.web.clone())
    }
}
