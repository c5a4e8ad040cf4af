//! What a provider of any product is made of: addresses, a client, and our application there.

use std::sync::Arc;

use domain::{Clock, Entropy, Forge, ForgeAuth, ForgeKind, RepositoryUrl, SshEndpoint};
use outbound::Client;
use url::Url;
use vault::Secret;

use crate::address::below;
use crate::api::{from_outbound, host_of};
use crate::oauth2::{Application, Dialect, OAuth2};
use crate::{Begin, Fault, ForgeError, ForgeSecrets, Outside, Purpose};

/// A forge's row, ready to be used.
pub(crate) struct Site {
    /// The product.
    pub(crate) kind: ForgeKind,
    /// Where browsers reach it.
    pub(crate) web: Url,
    /// Where this server reaches it, without `/api/v4` and the like.
    pub(crate) base: Url,
    /// Where Git reaches it over HTTP.
    pub(crate) git: Url,
    /// Where Git reaches it over SSH, if the administrator said.
    pub(crate) ssh: Option<SshEndpoint>,
    /// Its canonical name in identities.
    pub(crate) issuer: String,
    /// What is asked for when an account is linked.
    pub(crate) scopes: Vec<String>,
    /// How accounts are linked.
    pub(crate) auth: ForgeAuth,
    /// The application's secret (OAuth 2).
    pub(crate) client_secret: Option<Arc<Secret<String>>>,
    /// Makes the requests: redirects stay at their origin, and only where nothing is sent.
    pub(crate) client: Client,
    /// Judges whether something has lapsed.
    pub(crate) clock: Arc<dyn Clock>,
    /// Makes verifiers and nonces.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Site {
    /// From a registered forge.
    pub(crate) fn of(forge: &Forge, secrets: ForgeSecrets, outside: &Outside) -> Result<Self, ForgeError> {
        let mut builder = builder(outside);
        if let Some(pem) = &forge.ca_pem {
            builder = builder.authorities(pem.as_bytes());
        }
        if let Some(certificate) = &forge.client_certificate {
            let key = secrets.client_key.as_ref().ok_or_else(|| {
                ForgeError::new(
                    Fault::Refused,
                    format!("`{}` has a client certificate without its private key", forge.name),
                    "give the private key of the client certificate as well, or take the certificate away",
                )
            })?;
            let identity = Secret::new(format!("{}\n{}", certificate.trim_end(), key.expose()));
            builder = builder.client_certificate(identity);
        }
        if let Some(proxy) = &forge.proxy {
            builder = builder.proxy(proxy.clone());
        }
        Ok(Self {
            kind: forge.kind,
            web: forge.web_url.clone(),
            base: forge.api_base().clone(),
            git: forge.git_base().clone(),
            ssh: forge.ssh.clone(),
            issuer: forge.issuer(),
            scopes: forge.scopes.clone(),
            auth: forge.auth.clone(),
            client_secret: secrets.client_secret.map(Arc::new),
            client: builder.build().map_err(from_outbound)?,
            clock: outside.clock.clone(),
            entropy: outside.entropy.clone(),
        })
    }

    /// A public forge that nobody registered: it can be asked only what everybody may read.
    pub(crate) fn public(kind: ForgeKind, outside: &Outside) -> Result<Self, ForgeError> {
        let home = kind.public_home().and_then(|home| Url::parse(home).ok());
        let web = home.ok_or_else(|| ForgeError::unsupported(kind, "public home"))?;
        Ok(Self {
            kind,
            base: web.clone(),
            git: web.clone(),
            ssh: None,
            issuer: web.as_str().trim_end_matches('/').to_owned(),
            web,
            scopes: Vec::new(),
            auth: ForgeAuth::PersonalToken,
            client_secret: None,
            client: builder(outside).build().map_err(from_outbound)?,
            clock: outside.clock.clone(),
            entropy: outside.entropy.clone(),
        })
    }

    /// The address that Git clones `path` (`group/name`) from, below where Git reaches the forge, whatever the
    /// forge calls itself: tokens go there.
    pub(crate) fn clone_url(&self, path: &str) -> Result<RepositoryUrl, ForgeError> {
        let path = path.trim_end_matches(".git");
        below(&self.git, &format!("/{path}.git")).as_str().parse().map_err(|_| {
            ForgeError::new(
                Fault::Protocol,
                format!("`{}` names a repository that Git cannot clone", host_of(&self.base)),
                "check that the kind of the forge is right",
            )
        })
    }

    /// The same over SSH: what the administrator said has precedence over what the forge tells.
    pub(crate) fn ssh_url(&self, path: &str, told: Option<String>) -> Option<String> {
        let Some(SshEndpoint { host, port, user, .. }) = &self.ssh else { return told };
        let path = path.trim_end_matches(".git");
        Some(match port {
            22 => format!("{user}@{host}:{path}.git"),
            port => format!("ssh://{user}@{host}:{port}/{path}.git"),
        })
    }

    /// Its OAuth 2 side, if accounts are linked that way. `nonce`: an identity token comes back.
    pub(crate) fn oauth2(&self, nonce: Nonce) -> Option<OAuth2> {
        let ForgeAuth::Oauth2 { client_id } = &self.auth else { return None };
        Some(OAuth2 {
            client: self.client.clone(),
            application: Application { id: client_id.clone(), secret: self.client_secret.clone() },
            dialect: Dialect { kind: self.kind, nonce: nonce == Nonce::Sent },
            entropy: self.entropy.clone(),
        })
    }

    /// What to ask for: everything for a link; for a sign-in what that needs (`enough`, all of it or what is
    /// there of it), unless nothing of `enough` may be asked for.
    pub(crate) fn wanted<'a>(&'a self, begin: &Begin<'a>, enough: &[&str]) -> Vec<&'a str> {
        let all: &[String] = if begin.scopes.is_empty() { &self.scopes } else { begin.scopes };
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let little: Vec<&str> = all.iter().copied().filter(|scope| enough.contains(scope)).collect();
        if begin.purpose == Purpose::Link || little.is_empty() { all } else { little }
    }
}

/// Whether a nonce goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nonce {
    /// Yes.
    Sent,
    /// No: there are no identity tokens.
    None,
}

fn builder(outside: &Outside) -> outbound::Builder {
    let builder =
        Client::builder(outside.policy.clone()).same_origin_redirects().entropy(outside.entropy.clone());
    match &outside.resolver {
        Some(resolver) => builder.resolver(resolver.clone()),
        None => builder,
    }
}
