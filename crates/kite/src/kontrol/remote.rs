//! A found kite: dialled, kept connected, and called with a token that is always good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::task::AbortOnDropHandle;

use super::Kontrol;
use super::query::Found;
use super::token_life::TokenLife;
use crate::client::{Client, Dialer};
use crate::error::kind;
use crate::token::{EXPIRED, TokenText};
use crate::{Error, Kite};

/// How often it is looked whether the token is due: often enough for the shortest, and after a clock that jumped.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A kite that was found, as somebody to call. Cheap to clone; the connection ends with the last clone.
///
/// It keeps the connection to the registry too, which gives the tokens. What the kite calls back meets the
/// service of [`Kontrol`], and is authenticated there like every call: having dialled somebody is no proof of who
/// they are.
#[derive(Clone)]
pub struct Remote {
    shared: Arc<Shared>,
    _renewing: Arc<AbortOnDropHandle<()>>,
}

struct Shared {
    kontrol: Kontrol,
    kite: Kite,
    client: Client,
    token: Mutex<TokenText>,
}

impl Kontrol {
    /// Connects to a kite that was found, and stays connected. Returns once there is a token; calls wait for the
    /// connection.
    ///
    /// # Errors
    ///
    /// What the registry says when it gives no token; `sendError` if the kite's URL cannot be dialled at all.
    pub async fn connect_kite(&self, found: &Found) -> Result<Remote, Error> {
        let dialer = Dialer::new(&found.url)
            .map_err(|error| Error::send(format!("cannot dial the kite `{}`: {error}", found.kite.path())))?;
        self.shared.tokens.learn(found);
        self.connect_kite_by(&found.kite, dialer).await
    }

    /// The same by a dialer of one's own, with other authorities or another transport.
    ///
    /// # Errors
    ///
    /// What the registry says when it gives no token.
    pub async fn connect_kite_by(&self, kite: &Kite, dialer: Dialer) -> Result<Remote, Error> {
        let token = self.get_token(kite).await?;
        let client = Client::builder(dialer, self.shared.service.clone())
            .authentication(token.to_authentication())
            .start();
        let (kontrol, kite) = (self.clone(), kite.clone());
        let shared = Arc::new(Shared { kontrol, kite, client, token: Mutex::new(token) });
        let renewing = tokio::spawn(Arc::clone(&shared).keep_token());
        Ok(Remote { shared, _renewing: Arc::new(AbortOnDropHandle::new(renewing)) })
    }
}

impl Remote {
    /// Calls a method, as [`Client::call`] does. A call that was refused because of its token is made once more
    /// with a fresh one: nothing has been done for it yet.
    ///
    /// # Errors
    ///
    /// What the kite answers; `timeout` or `disconnect`; what the registry says when it gives no fresh token.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<R, Error> {
        let token = self.shared.token();
        match self.shared.client.call(method, &arguments).await {
            Err(error) if error.is(kind::AUTHENTICATION) && error.message == EXPIRED => {
                let Shared { kontrol, kite, .. } = &*self.shared;
                self.shared.present(kontrol.renew_token(kite, &token).await?);
                self.shared.client.call(method, &arguments).await
            }
            answer => answer,
        }
    }

    /// The connection, for calls that need more; its token is kept good.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Who it is.
    pub fn kite(&self) -> &Kite {
        &self.shared.kite
    }
}

impl Shared {
    /// Renews the token on the connection before it ends.
    async fn keep_token(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = (self.kontrol.shared.now)();
            // A token that does not say when it ends is renewed once it was refused.
            if TokenLife::of(&self.token()).is_none_or(|life| life.renewal_in_s(now) > 0) {
                continue;
            }
            match self.kontrol.get_token(&self.kite).await {
                Ok(token) => {
                    self.present(token);
                    // Shown at once: a relay ends a connection on which every token that it saw is over, and one
                    // with an open terminal may have no other call to show it.
                    self.client.call::<serde_json::Value>("kite.ping", ()).await.ok();
                }
                Err(error) => {
                    let kite = self.kite.path();
                    tracing::warn!(%kite, %error, "cannot renew the token for a kite; trying on");
                }
            }
        }
    }

    fn present(&self, token: TokenText) {
        self.client.set_authentication(Some(token.to_authentication()));
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    fn token(&self) -> TokenText {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
