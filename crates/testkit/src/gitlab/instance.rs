//! What every part of the double shares: options, address, state, clock, random tokens.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use serde_json::Value;

use super::faults::Faults;
use super::hooks::sender::Sender;
use super::oauth::signing::SigningKey;
use super::options::Options;
use super::requests::Requests;
use super::version::{Feature, Version};
use super::world::{Event, World};

/// One running instance.
pub(crate) struct Instance {
    pub(crate) options: Options,
    /// Where it is reached, prefix included, without a slash at the end.
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
    world: Mutex<World>,
    skew: Mutex<SignedDuration>,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) signing: SigningKey,
    pub(crate) sender: Sender,
    /// Requests by caller in the minute they were last seen.
    counts: Mutex<HashMap<String, (i64, u64)>>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// `user@127.0.0.1:port` of the SSH server, once it runs.
    pub(crate) ssh_address: Mutex<Option<String>>,
}

/// Everything but RFC 3986's unreserved characters, so that a slash becomes `%2F`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Instance {
    pub(crate) fn new(options: Options, url: String) -> Arc<Self> {
        let folder = tempfile::Builder::new().prefix("gitlab-double-").tempdir().expect("a temporary folder");
        let sender = Sender::new(&options.hooks);
        Arc::new(Self {
            url,
            folder,
            world: Mutex::default(),
            skew: Mutex::new(SignedDuration::ZERO),
            faults: Faults::default(),
            requests: Requests::default(),
            signing: SigningKey::generate(),
            sender,
            counts: Mutex::default(),
            runtime: tokio::runtime::Handle::current(),
            ssh_address: Mutex::new(None),
            options,
        })
    }

    /// The state, locked. Never held across a wait.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance's time: the clock's, shifted by the skew.
    pub(crate) fn now(&self) -> Timestamp {
        let skew = *self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        self.options.clock.now().checked_add(skew).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn set_skew(&self, skew: SignedDuration) {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = skew;
    }

    pub(crate) fn version(&self) -> &Version {
        &self.options.version
    }

    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.options.version.has(feature)
    }

    /// `bytes` random bytes as hexadecimal text.
    pub(crate) fn random_hex(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.options.entropy.fill(&mut buffer);
        hex::encode(buffer)
    }

    /// A random UUID, as deliveries of hooks carry it.
    pub(crate) fn random_uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.options.entropy.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = hex::encode(bytes);
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }

    /// The address of a page or project below the instance.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// Where a project is cloned over SSH; GitLab's usual form where the double serves none.
    pub(crate) fn ssh_url(&self, path: &str) -> String {
        let address = self.ssh_address.lock().unwrap_or_else(PoisonError::into_inner);
        match &*address {
            Some(address) => format!("ssh://{address}/{path}.git"),
            None => format!("git@127.0.0.1:{path}.git"),
        }
    }

    /// Counts a request; gives how many the caller has made in this minute.
    pub(crate) fn count_request(&self, caller: &str, minute: i64) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(caller.to_owned()).or_default();
        if count.0 != minute {
            *count = (minute, 0);
        }
        count.1 += 1;
        count.1
    }

    /// Adds to the activity feed.
    pub(crate) fn record_event(&self, project: u64, author: u64, detail: Value) {
        let at = self.now();
        let mut world = self.world();
        let id = world.next_id("event");
        world.events.push(Event { id, project, author, at, detail });
    }

    pub(crate) fn repositories(&self) -> PathBuf {
        self.folder.path().join("repositories")
    }
}

/// Times as Rails writes them in JSON: `2026-01-01T00:00:00.000Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Times as payloads of hooks write them: `2026-01-01 00:00:00 UTC`.
pub(crate) fn spaced(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time's date.
pub(crate) fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// One segment of a path, or a value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Runs what waits for processes or files where that holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("work that does not panic")
}

/// The longest time a person could wait for anything the double does.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
