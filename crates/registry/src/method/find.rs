//! `getKites` and `getToken`: finding kites, and getting tokens for them.

use std::sync::Arc;

use domain::{Entropy, KiteAction};
use kite::token::TokenText;
use kite::{Callback, Error, Kite, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authority::{Person, person};
use crate::entry::Entry;
use crate::errors::NO_KITES;
use crate::method::watch::{Form, Listener, Watch};
use crate::query::{InvalidQuery, Query};
use crate::registry::Registry;
use crate::tokens::{Freshness, Sent};

/// Most kites in one answer. More make an answer of a megabyte, and signing their tokens takes a second.
const MAX_KITES: usize = 1000;

/// The arguments of `getKites`. Both names of the function that is told of changes are in use: Go's clients send the
/// first, kite.js the second.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    query: Value,
    #[serde(default)]
    watch_callback: Option<Callback>,
    #[serde(default)]
    watch_handler: Option<Callback>,
}

/// The answer of `getKites`.
#[derive(Serialize)]
pub(crate) struct Found {
    kites: Vec<FoundKite>,
    #[serde(rename = "watcherID", skip_serializing_if = "Option::is_none")]
    watcher: Option<String>,
    /// There are more than are in the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// One kite, as it is found.
#[derive(Serialize)]
pub(crate) struct FoundKite {
    pub(crate) kite: Kite,
    pub(crate) url: String,
    /// Which of the registry's keys signed the token.
    #[serde(rename = "keyId")]
    pub(crate) key: String,
    /// Empty where the caller may see the kite and not call it: kite.js falls over where there is none.
    pub(crate) token: Sent,
}

impl From<InvalidQuery> for Error {
    fn from(invalid: InvalidQuery) -> Self {
        Self::argument(invalid.sentence())
    }
}

impl Registry {
    pub(crate) async fn get_kites(self, request: Request) -> Result<Found, Error> {
        let person = person(&request)?;
        let wanted: Wanted = request.arg()?;
        let query = Query::parse(&wanted.query)?;
        let listener = match (wanted.watch_callback, wanted.watch_handler) {
            (Some(callback), _) => Some(Listener { callback, form: Form::Event }),
            (None, Some(callback)) => Some(Listener { callback, form: Form::Response }),
            (None, None) => None,
        };
        let (mut entries, watch) = match listener {
            None => (self.select(&query, person, KiteAction::See), None),
            Some(listener) => {
                let (entries, watch) =
                    self.watch(query, person, listener, request.peer().clone(), MAX_KITES)?;
                (entries, Some(watch))
            }
        };
        // In any order but the same: callers take the first, and so share the load.
        shuffle(&mut entries, self.inner.outside.entropy.as_ref());
        let truncated = entries.len() > MAX_KITES;
        entries.truncate(MAX_KITES);
        let kites = self.found(person, &entries).await?;
        let watcher = watch.map(Watch::begin);
        Ok(Found { kites, watcher, truncated })
    }

    pub(crate) async fn get_token(self, request: Request) -> Result<Sent, Error> {
        let person = person(&request)?;
        let fields: Value = request.arg()?;
        let query = Query::parse(&fields)?;
        let freshness = match fields.get("force") {
            Some(Value::Bool(true)) => Freshness::New,
            _ => Freshness::Kept,
        };
        let entries = self.select(&query, person, KiteAction::Call);
        if entries.len() > 1 {
            return Err(Error::argument(
                "query matches more than one kite: give more fields, or the id of one of them",
            ));
        }
        // What is hidden, what may not be called, and nothing at all are answered alike.
        let issued = self.issue(&person.principal, &entries, freshness).await?;
        issued.into_iter().next().map(|issued| Sent(issued.token)).ok_or_else(|| Error::generic(NO_KITES))
    }

    fn select(&self, query: &Query, person: &Person, action: KiteAction) -> Vec<Arc<Entry>> {
        self.state().book.index.select(Some(query), person.viewer.as_ref(), action)
    }

    /// The entries as they are found, in their order, with tokens for those that may be called.
    pub(crate) async fn found(
        &self,
        person: &Person,
        entries: &[Arc<Entry>],
    ) -> Result<Vec<FoundKite>, Error> {
        let may_call = |entry: &&Arc<Entry>| person.viewer.may(KiteAction::Call, entry);
        let callable: Vec<_> = entries.iter().filter(may_call).cloned().collect();
        let mut tokens = self.issue(&person.principal, &callable, Freshness::Kept).await?.into_iter();
        let key = self.signing_key()?.id().to_owned();
        let mut callable = callable.iter().peekable();
        let found = entries.iter().map(|entry| {
            let token = callable.next_if(|next| Arc::ptr_eq(next, entry)).and_then(|_| tokens.next());
            FoundKite {
                kite: entry.kite.clone(),
                url: entry.url.clone(),
                key: key.clone(),
                token: Sent(token.map_or_else(|| TokenText::new(""), |issued| issued.token)),
            }
        });
        Ok(found.collect())
    }
}

/// Fisher and Yates. The remainder's bias is far below what anybody could measure.
fn shuffle<T>(items: &mut [T], entropy: &dyn Entropy) {
    for last in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let bound = u64::try_from(last).unwrap_or(0).saturating_add(1);
        let place = usize::try_from(u64::from_le_bytes(bytes) % bound).unwrap_or(0);
        items.swap(last, place);
    }
}
