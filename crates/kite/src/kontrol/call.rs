//! Calling the registry, over whichever connection there is.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Kontrol, Live, Shared};
use crate::Error;
use crate::error::kind;
use crate::kontrol::query::{Found, Query};
use crate::token::PublicKey;

/// How long a call may take, waiting for a connection included. What the original's clients wait.
const LIMIT: Duration = Duration::from_secs(15);

/// What `getKites` is asked.
#[derive(Serialize)]
struct Asked<'a> {
    query: &'a Query,
}

#[derive(serde::Deserialize)]
struct Answered {
    kites: Vec<Found>,
}

impl Kontrol {
    /// Finds all kites that agree with the query and that one may see; at most 1000, in no order.
    ///
    /// # Errors
    ///
    /// What the registry says, for example that the query is empty; `timeout` when it cannot be reached, which
    /// says why.
    pub async fn get_kites(&self, query: &Query) -> Result<Vec<Found>, Error> {
        let (Answered { kites }, _) = self.shared.call("getKites", Asked { query }).await?;
        for found in &kites {
            self.shared.tokens.learn(found);
        }
        Ok(kites)
    }

    /// The public key that the registry signs with now. Verifiers learn it as well.
    ///
    /// # Errors
    ///
    /// As in [`Kontrol::get_kites`]; `invalidResponse` if what it gives is no key.
    pub async fn get_key(&self) -> Result<PublicKey, Error> {
        self.shared.get_key().await
    }
}

impl Shared {
    pub(super) async fn get_key(&self) -> Result<PublicKey, Error> {
        let (pem, _): (String, _) = self.call("getKey", ()).await?;
        let key = PublicKey::from_pem(&pem).map_err(|fault| {
            Error::invalid_response(format!("the registry's key cannot be used: {fault}"))
        })?;
        self.keys.put(key.clone());
        Ok(key)
    }

    /// Calls the registry. A call that its connection did not survive is made again on the next: all that we
    /// call may be said twice. Gives the answer, and the generation of the connection that it came over.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<(R, u64), Error> {
        let calls = async {
            let mut last = 0;
            loop {
                let live = self.newer_than(last).await?;
                match self.call_on(&live, method, &arguments).await {
                    Ok(answer) => return Ok((answer, live.generation)),
                    Err(error) if error.is(kind::DISCONNECTED) => last = live.generation,
                    Err(error) => return Err(error),
                }
            }
        };
        tokio::time::timeout(LIMIT, calls).await.unwrap_or_else(|_| Err(self.too_late()))
    }

    /// Calls the registry over this connection; once more if it refused the kite key and there is another one.
    pub(super) async fn call_on<R: DeserializeOwned>(
        &self,
        live: &Live,
        method: &str,
        arguments: &impl Serialize,
    ) -> Result<R, Error> {
        let presented = self.credential();
        match live.peer.call(method, arguments).await {
            Err(error) if error.is(kind::AUTHENTICATION) && self.has_other_key(&presented).await => {
                live.peer.call(method, arguments).await
            }
            answer => answer,
        }
    }

    /// The `timeout` of a call that took too long: without a connection, it says why there is none.
    pub(super) fn too_late(&self) -> Error {
        match &self.client {
            Some(client) if self.live.borrow().is_none() => client.unreachable(),
            _ => Error::timeout(),
        }
    }

    /// The connection after that generation, once there is one.
    pub(super) async fn newer_than(&self, generation: u64) -> Result<Live, Error> {
        let mut live = self.live.subscribe();
        let next = live.wait_for(|live| live.as_ref().is_some_and(|live| live.generation > generation));
        tokio::select! {
            live = next => live.ok().and_then(|live| live.clone()).ok_or_else(Error::disconnected),
            () = self.stop.cancelled() => Err(Error::disconnected()),
        }
    }
}
