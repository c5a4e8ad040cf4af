//! What the registry is told when it is made.

use std::sync::Arc;

use domain::{Clock, Entropy, SignedDuration};
use kite::token::{PublicKey, SigningKey};

/// How the registry presents itself and how long things last.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry's own URL, `https://host/kite`: the audience of kite keys, and `kontrolURL` in them.
    pub url: String,
    /// What the id of an agent's kite is put behind to make its URL: `https://host/kite/relay`.
    pub relay_url: String,
    /// `iss` of everything that is signed.
    pub issuer: String,
    /// How long a token is good. An hour; at most [`kite::token::MAX_TOKEN_LIFE`].
    pub token_life: SignedDuration,
    /// How often a kite is asked to send a heartbeat. Ten seconds, as the original; gone after three times that.
    pub heartbeat: SignedDuration,
    /// How long kites of this server that were stored before its start have to come back. 25 seconds.
    pub restart_grace: SignedDuration,
    /// The region of agents' kites.
    pub region: String,
    /// Names this server among those on the same database.
    pub server: String,
}

impl Settings {
    /// The usual times, issuer and region, for a server that people reach at `public_url` (without a slash at its end).
    pub fn new(public_url: &str, server: &str) -> Self {
        Self {
            url: format!("{public_url}/kite"),
            relay_url: format!("{public_url}/kite/relay"),
            issuer: "hearth".to_owned(),
            token_life: SignedDuration::from_hours(1),
            heartbeat: SignedDuration::from_secs(10),
            restart_grace: SignedDuration::from_secs(25),
            region: "local".to_owned(),
            server: server.to_owned(),
        }
    }
}

/// What comes from beyond the process.
#[derive(Clone)]
pub struct Outside {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// The registry's keys.
#[derive(Clone)]
pub struct Keys {
    /// Signs everything.
    pub current: Arc<SigningKey>,
    /// Were current, and still verify what they signed.
    pub retired: Vec<PublicKey>,
}
