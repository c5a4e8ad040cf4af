//! Tokens for other kites, kept until they are due to be renewed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::Mutex as AsyncMutex;

use super::query::{Found, Query};
use super::token_life::TokenLife;
use super::{Kontrol, Shared};
use crate::error::kind;
use crate::token::TokenText;
use crate::{Error, Kite};

/// So many tokens are kept, of 1 KB each: one for every kite of a large registry.
const MAX_KEPT: usize = 10_000;

/// One token a kite, by the kite's path. The lock of a slot is held while its token is fetched, so that many
/// callers fetch it once.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<String, Slot>>,
}

type Slot = Arc<AsyncMutex<Option<TokenText>>>;

impl Tokens {
    fn slot(&self, path: String) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_KEPT && !slots.contains_key(&path) {
            // Those under way stay; whoever needs one of the others fetches it again.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(path).or_default())
    }

    /// Keeps a token that came with a found kite.
    pub(super) fn learn(&self, found: &Found) {
        let Some((token, life)) = found.token.as_ref().and_then(|it| Some((it, TokenLife::of(it)?))) else {
            return;
        };
        // One that is being fetched is fresher.
        let slot = self.slot(found.kite.path());
        let Ok(mut kept) = slot.try_lock() else { return };
        if kept.as_ref().and_then(TokenLife::of).is_none_or(|before| life.outlasts(before)) {
            *kept = Some(token.clone());
        }
    }
}

#[derive(Serialize)]
struct Asked {
    #[serde(flatten)]
    query: Query,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force: bool,
}

impl Kontrol {
    /// A token that is good at this kite, kept until it is due to be renewed.
    ///
    /// # Errors
    ///
    /// What the registry says, for example that there is no such kite; `timeout` when it cannot be reached and
    /// there is no token that is still good.
    pub async fn get_token(&self, kite: &Kite) -> Result<TokenText, Error> {
        let slot = self.shared.tokens.slot(kite.path());
        let mut kept = slot.lock().await;
        let now = (self.shared.now)();
        let life = kept.as_ref().and_then(TokenLife::of);
        if let (Some(token), Some(life)) = (&*kept, life)
            && life.renewal_in_s(now) > 0
        {
            return Ok(token.clone());
        }
        match (self.shared.fetch(kite, false).await, &*kept, life) {
            (Ok(token), _, _) => Ok(kept.insert(token).clone()),
            (Err(error), Some(token), Some(life)) if is_passing(&error) && !life.is_over(now) => {
                tracing::warn!(%error, "cannot renew a token; the old one is good for a while");
                Ok(token.clone())
            }
            (Err(error), _, _) => {
                *kept = None;
                Err(error)
            }
        }
    }

    /// A token in the place of one that the kite refused.
    ///
    /// # Errors
    ///
    /// As in [`Kontrol::get_token`].
    pub async fn renew_token(&self, kite: &Kite, refused: &TokenText) -> Result<TokenText, Error> {
        let slot = self.shared.tokens.slot(kite.path());
        let mut kept = slot.lock().await;
        if let Some(token) = &*kept
            && token.expose() != refused.expose()
        {
            // Somebody else was faster.
            return Ok(token.clone());
        }
        *kept = None;
        let token = self.shared.fetch(kite, true).await?;
        Ok(kept.insert(token).clone())
    }
}

impl Shared {
    async fn fetch(&self, kite: &Kite, force: bool) -> Result<TokenText, Error> {
        let asked = Asked { query: Query::exactly(kite), force };
        self.call("getToken", asked).await.map(|(token, _)| token)
    }
}

fn is_passing(error: &Error) -> bool {
    error.is(kind::TIMEOUT) || error.is(kind::DISCONNECTED) || error.is(kind::RATE_LIMITED)
}
