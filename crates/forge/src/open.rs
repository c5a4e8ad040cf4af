//! From a forge's row to something that can be asked.

use std::sync::Arc;

use domain::{Clock, Entropy, Forge, ForgeKind};
use vault::Secret;

use crate::azure_devops::AzureDevops;
use crate::bitbucket_cloud::BitbucketCloud;
use crate::bitbucket_server::BitbucketServer;
use crate::gitea::Gitea;
use crate::github::Github;
use crate::gitlab::Gitlab;
use crate::open_id::OpenId;
use crate::site::Site;
use crate::{ForgeError, Provider};

/// The sealed values of a forge, opened.
#[derive(Default)]
pub struct ForgeSecrets {
    /// OAuth 2: the application's secret.
    pub client_secret: Option<Secret<String>>,
    /// Private key of [`Forge::client_certificate`], PEM.
    pub client_key: Option<Secret<String>>,
    /// OAuth 1.0a: our private key, PEM.
    pub consumer_key: Option<Secret<String>>,
}

/// What the outside world is to a provider.
#[derive(Clone)]
pub struct Outside {
    /// Which addresses may be dialled.
    pub policy: outbound::Policy,
    /// Looks names up; the system does where absent.
    pub resolver: Option<Arc<dyn outbound::Resolver>>,
    /// Judges whether identity tokens have lapsed.
    pub clock: Arc<dyn Clock>,
    /// Makes verifiers and nonces.
    pub entropy: Arc<dyn Entropy>,
}

/// Makes the provider of a registered forge. Sends nothing. It keeps connections and keys: keep it as long
/// as the row's `updated_at` stays.
///
/// # Errors
///
/// [`Fault::Refused`](crate::Fault::Refused) where certificates, key or proxy cannot be used.
pub fn open(
    forge: &Forge,
    mut secrets: ForgeSecrets,
    outside: &Outside,
) -> Result<Arc<dyn Provider>, ForgeError> {
    let consumer_key = secrets.consumer_key.take();
    provider(Site::of(forge, secrets, outside)?, consumer_key.as_ref())
}

/// Makes the provider of a kind's public home, for a look without an account at what nobody registered.
///
/// # Errors
///
/// [`Fault::Unsupported`](crate::Fault::Unsupported) where there is no public home, else like [`open`].
pub fn open_public(kind: ForgeKind, outside: &Outside) -> Result<Arc<dyn Provider>, ForgeError> {
    provider(Site::public(kind, outside)?, None)
}

fn provider(site: Site, consumer_key: Option<&Secret<String>>) -> Result<Arc<dyn Provider>, ForgeError> {
    Ok(match site.kind {
        ForgeKind::Gitlab => Arc::new(Gitlab::new(site)),
        ForgeKind::Github => Arc::new(Github::new(site)),
        ForgeKind::Gitea => Arc::new(Gitea::new(site)),
        ForgeKind::OpenId => Arc::new(OpenId::new(site)),
        ForgeKind::BitbucketServer => Arc::new(BitbucketServer::new(site, consumer_key)?),
        ForgeKind::BitbucketCloud => Arc::new(BitbucketCloud::new(site)),
        ForgeKind::AzureDevops => Arc::new(AzureDevops::new(site)),
    })
}
