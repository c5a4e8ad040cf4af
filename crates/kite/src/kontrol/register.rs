//! Being found: registering, again at each new connection, and keeping the key that the registry re-issues.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kontrol, Live, Shared};
use crate::Error;
use crate::token::{PublicKey, TokenText};

/// How long after a failure it is tried again, at first; as the original's clients.
const RETRY: Duration = Duration::from_secs(10);
/// The longest pause, for a key that was revoked; as the original's clients.
const MAX_RETRY: Duration = Duration::from_mins(5);

/// The kite is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Where others are told to dial it: what was asked for, or what the registry made of it.
    pub url: String,
    /// The connection that the registration lives with.
    generation: u64,
}

#[derive(Serialize)]
struct Wanted<'a> {
    url: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    url: String,
    #[serde(default, rename = "publicKey")]
    public_key: Option<String>,
    #[serde(default, rename = "kiteKey")]
    kite_key: Option<TokenText>,
}

impl Kontrol {
    /// Registers the service's kite under a URL that others dial, and keeps it registered from then on.
    ///
    /// # Errors
    ///
    /// What the registry says; `timeout` when it cannot be reached. It is then not tried again.
    pub async fn register(&self, url: &str) -> Result<Registered, Error> {
        let mut wanted = self.shared.wanted_url.lock().await;
        let (answer, generation) = self.shared.call("register", Wanted { url }).await?;
        *wanted = Some(url.to_owned());
        Ok(self.shared.accept(url, answer, generation).await)
    }

    /// Whether the kite is registered at this moment; changes with every connection.
    pub fn registered(&self) -> tokio::sync::watch::Receiver<Option<Registered>> {
        self.shared.registered.subscribe()
    }
}

impl Shared {
    /// Registers again after each reconnection, with the last URL.
    pub(super) async fn keep_registered(self: Arc<Self>) {
        let mut last = 0;
        let mut pause = RETRY;
        while let Ok(live) = self.newer_than(last).await {
            match self.register_again(&live).await {
                Ok(()) => {
                    last = live.generation;
                    pause = RETRY;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot register this kite again; trying on");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = live.peer.closed() => last = live.generation,
                    }
                    pause = pause.saturating_mul(2).min(MAX_RETRY);
                }
            }
        }
    }

    /// Does nothing where nothing was to be registered, or this connection has it already.
    async fn register_again(&self, live: &Live) -> Result<(), Error> {
        let wanted = self.wanted_url.lock().await;
        let Some(url) = wanted.as_deref() else { return Ok(()) };
        if self.registered.borrow().as_ref().is_some_and(|it| it.generation == live.generation) {
            return Ok(());
        }
        let answer = self.call_on(live, "register", &Wanted { url }).await?;
        self.accept(url, answer, live.generation).await;
        Ok(())
    }

    async fn accept(&self, url: &str, answer: Answer, generation: u64) -> Registered {
        if let Some(key) = answer.public_key.as_deref().and_then(|pem| PublicKey::from_pem(pem).ok()) {
            self.keys.put(key);
        }
        if let Some(text) = answer.kite_key {
            self.keep_key(&text).await;
        }
        let url = if answer.url.is_empty() { url.to_owned() } else { answer.url };
        let registered = Registered { url, generation };
        self.registered.send_if_modified(|shown| {
            // The connection may have ended since; `attend` takes it away before it empties this.
            let is_live = self.live.borrow().as_ref().is_some_and(|live| live.generation == generation);
            if is_live {
                *shown = Some(registered.clone());
            }
            is_live
        });
        registered
    }
}
