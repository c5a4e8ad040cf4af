//! Providers of registered forges, kept as long as their rows stay.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::{Entropy, Forge, ForgeId, Timestamp};
use forge::{Begin, Callback, Fault, ForgeError, ForgeSecrets, Provider, Purpose};
use vault::{Secret, Token};

use crate::control::{Control, hold};
use crate::error::Error;
use crate::seal::CellKind;

/// The providers in use. One holds connections and keys; forges are few.
#[derive(Default)]
pub(crate) struct Providers(Mutex<HashMap<ForgeId, Kept>>);

struct Kept {
    /// Of the row it was made from.
    updated_at: Timestamp,
    provider: Arc<dyn Provider>,
}

impl Providers {
    fn get(&self, forge: &Forge) -> Option<Arc<dyn Provider>> {
        let kept = hold(&self.0);
        let kept = kept.get(&forge.id).filter(|kept| kept.updated_at == forge.updated_at)?;
        Some(kept.provider.clone())
    }

    fn keep(&self, forge: &Forge, provider: Arc<dyn Provider>) {
        hold(&self.0).insert(forge.id, Kept { updated_at: forge.updated_at, provider });
    }

    pub(super) fn forget(&self, id: ForgeId) {
        hold(&self.0).remove(&id);
    }
}

impl Control {
    /// What asks this forge.
    ///
    /// # Errors
    ///
    /// When its secrets cannot be opened, or its certificates or proxy cannot be used.
    pub(crate) async fn provider(&self, forge: &Forge) -> Result<Arc<dyn Provider>, Error> {
        if let Some(provider) = self.inner.forges.providers.get(forge) {
            return Ok(provider);
        }
        let provider = self.open_provider(forge, self.forge_secrets(forge.id).await?)?;
        self.inner.forges.providers.keep(forge, provider.clone());
        Ok(provider)
    }

    /// The sealed values of a forge, opened.
    pub(crate) async fn forge_secrets(&self, id: ForgeId) -> Result<ForgeSecrets, Error> {
        let row = id.to_string();
        Ok(ForgeSecrets {
            client_secret: self.unseal(CellKind::ForgeClientSecret, &row).await?,
            client_key: self.unseal(CellKind::ForgeClientKey, &row).await?,
            consumer_key: self.unseal(CellKind::ForgeConsumerKey, &row).await?,
        })
    }

    /// Makes a provider that is not kept.
    pub(crate) fn open_provider(
        &self,
        forge: &Forge,
        secrets: ForgeSecrets,
    ) -> Result<Arc<dyn Provider>, Error> {
        let outside = forge::Outside {
            policy: self.inner.settings.network.clone(),
            resolver: None,
            clock: self.inner.clock.clone(),
            entropy: self.inner.entropy.clone(),
        };
        forge::open(forge, secrets, &outside).map_err(|error| said(forge, error))
    }
}

/// Asks whether the forge takes our application, with a code that nobody was given.
///
/// Servers look at the client before they look at a code, but after a refresh token: GitLab answers a spent refresh
/// token of a deleted application with the same word as that of a living one.
///
/// # Errors
///
/// [`Fault::Application`] when it does not; any other fault means that nothing was found out.
pub(crate) async fn try_application(
    provider: &dyn Provider,
    redirect_uri: &str,
    entropy: &dyn Entropy,
) -> Result<(), ForgeError> {
    let nobodys = |prefix| Secret::new(Token::generate(prefix, entropy).expose().to_owned());
    let state = nobodys("check");
    let begin = Begin { redirect_uri, state: state.expose(), scopes: &[], purpose: Purpose::SignIn };
    let begun = provider.begin(begin).await?;
    let callback =
        Callback { code: Some(nobodys("check")), state: Some(state.expose().clone()), ..Callback::default() };
    match provider.complete(&callback, redirect_uri, &begun.private).await {
        Ok(_) => Ok(()),
        // It knows us, and does not know the code: as it should be.
        Err(error) if matches!(error.fault(), Fault::Link(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A forge's refusal, for the person who wanted something of it.
#[expect(clippy::needless_pass_by_value, reason = "it is the end of the error, and reads well in `map_err`")]
pub(crate) fn said(forge: &Forge, error: ForgeError) -> Error {
    let (what, mend) = (error.to_string(), error.mend().to_owned());
    match error.fault() {
        Fault::Passing { .. } => Error::Unavailable { what, mend },
        Fault::Link(_) => Error::LinkNeeded { forge: forge.id, name: forge.name.clone(), why: what },
        Fault::MissingScope { scopes } => {
            Error::ScopeMissing { forge: forge.id, scopes: scopes.clone(), why: what }
        }
        Fault::Denied
        | Fault::Application
        | Fault::NotFound
        | Fault::Forbidden
        | Fault::Request
        | Fault::Protocol
        | Fault::Tls
        | Fault::Refused
        | Fault::Unsupported => Error::Forge { what, mend },
    }
}
