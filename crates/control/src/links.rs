//! Links: people's accounts on forges, how they are made, kept alive and taken back.
//!
//! A link begins with a round trip through the browser (`begin`, `callback`, `complete`) or a pasted token
//! (`personal_token`). Whoever needs to ask a forge for somebody takes the credential from `token`, which has it
//! renewed in time (`renew`): once, however many callers and servers there are. What is replaced or taken back is
//! revoked at the forge (`revoke`).

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Account, Entropy, ForgeId, Link, LinkId, SignedDuration, Timestamp};
use forge::Tokens;
use store::Tx;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use vault::Secret;

use crate::control::Control;
use crate::error::Error;
use crate::seal::{CellKind, Sealer};

mod begin;
mod callback;
mod complete;
mod disconnect;
mod failure;
mod integrations;
mod margin;
mod personal_token;
mod queue;
mod renew;
mod return_path;
mod revoke;
mod sign_up;
mod token;
mod upkeep;

pub use begin::{Begun, LinkWish};
pub use callback::{CallbackInput, CallbackOutcome};
pub use disconnect::Disconnected;
pub use integrations::{Integration, LinkFacts};
pub use return_path::{InvalidReturnPath, ReturnPath};
pub use revoke::REVOKE_TOKENS;

pub(crate) use revoke::{Doom, doom_with};
pub(crate) use sign_up::{Refusal, admit, names, parse_domain};

/// What was counted about tokens since the server started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Credentials renewed.
    pub renewed: u64,
    /// Refresh tokens that a forge did not take: their owners have to sign in again.
    pub invalid_grant: u64,
    /// Times a forge did not take our application.
    pub invalid_client: u64,
    /// Times a credential was not renewed because somebody else just had.
    pub race_avoided: u64,
    /// Times it could not be renewed for reasons that pass.
    pub unavailable: u64,
}

/// What is kept in memory about links.
pub(crate) struct LinkMemory {
    /// Names this process in leases, behind the server's name.
    nonce: String,
    flights: Mutex<HashMap<LinkId, watch::Receiver<Option<renew::Renewal>>>>,
    turns: queue::Turns,
    counters: Counters,
    /// What must not be cut off half-way: exchanges with forges whose answer comes only once.
    work: TaskTracker,
}

#[derive(Default)]
struct Counters {
    renewed: AtomicU64,
    invalid_grant: AtomicU64,
    invalid_client: AtomicU64,
    race_avoided: AtomicU64,
    unavailable: AtomicU64,
}

impl LinkMemory {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut nonce = [0; 8];
        entropy.fill(&mut nonce);
        Self {
            nonce: hex::encode(nonce),
            flights: Mutex::default(),
            turns: queue::Turns::default(),
            counters: Counters::default(),
            work: TaskTracker::new(),
        }
    }
}

impl Control {
    /// What was counted about tokens, for the page of numbers.
    pub fn token_counts(&self) -> TokenCounts {
        let counters = &self.inner.links.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TokenCounts {
            renewed: read(&counters.renewed),
            invalid_grant: read(&counters.invalid_grant),
            invalid_client: read(&counters.invalid_client),
            race_avoided: read(&counters.race_avoided),
            unavailable: read(&counters.unavailable),
        }
    }

    /// Waits for exchanges with forges that are under way, whose answers come only once. To be called when the
    /// server stops, after [`Control::run`] has ended and with a limit: thirty seconds are enough for every answer.
    pub async fn finish_exchanges(&self) {
        self.inner.links.work.close();
        self.inner.links.work.wait().await;
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What is said after each commit that changes a link or its credential.
pub(crate) fn link_topic(id: LinkId) -> String {
    format!("link {id}")
}

/// Puts tokens into a link's cells, in place of what was there.
async fn put_tokens(tx: &mut Tx, sealer: &Sealer, id: LinkId, tokens: &Tokens) -> Result<(), Error> {
    let row = id.to_string();
    sealer.put(tx, CellKind::LinkAccessToken, &row, &tokens.access).await?;
    match &tokens.refresh {
        Some(refresh) => sealer.put(tx, CellKind::LinkRefreshToken, &row, refresh).await?,
        None => {
            tx.delete_sealed(CellKind::LinkRefreshToken.as_str(), &row).await?;
        }
    }
    Ok(())
}

/// When tokens that were got now lapse; an age without end is as good as none.
fn lapse(tokens: &Tokens, now: Timestamp) -> Option<Timestamp> {
    let life: SignedDuration = tokens.expires_in?;
    now.checked_add(life).ok()
}

/// Whether two secrets are the same. Both are the server's own, so that time tells nobody anything.
fn same(one: &Secret<String>, other: &Secret<String>) -> bool {
    vault::TokenHash::of(one.expose()).matches(&vault::TokenHash::of(other.expose()))
}

/// An account with its texts cut to what fits a list; forges are strangers.
fn tidy(mut account: Account) -> Account {
    let line = |text: &mut String| {
        *text = text.chars().filter(|c| !c.is_control()).take(255).collect();
    };
    line(&mut account.login);
    for text in [&mut account.name, &mut account.email].into_iter().flatten() {
        line(text);
    }
    account.web_url = account
        .web_url
        .filter(|url| url.len() < 2048 && (url.starts_with("https://") || url.starts_with("http://")));
    account
}

/// The link's forge, which exists as long as the link does.
async fn forge_of(control: &Control, id: ForgeId) -> Result<domain::Forge, Error> {
    let forge = control.inner.store.read().await?.forge(id).await?;
    forge.ok_or_else(|| Error::missing("forge", id))
}

/// The link, if there is one.
async fn link_with(control: &Control, id: LinkId) -> Result<Link, Error> {
    let link = control.inner.store.read().await?.link(id).await?;
    link.ok_or_else(|| Error::missing("link", id))
}
