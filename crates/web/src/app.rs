//! What every handler can reach.

use std::sync::{Arc, OnceLock};

use axum::Router;
use control::Control;
use link::Agents;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::idempotency::UnderWay;
use crate::probe::Census;
use crate::telemetry::Telemetry;
use crate::ui::{self, Asset};

/// The web edge's state. Clones share everything.
#[derive(Clone)]
pub struct App {
    pub(crate) control: Control,
    pub(crate) agents: Agents,
    /// Where people reach this server; its scheme and origin decide about cookies and origins.
    pub(crate) public_url: Arc<Url>,
    /// Cancelled when live streams must end because the server does.
    pub(crate) stop: CancellationToken,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) census: Arc<Census>,
    pub(crate) under_way: Arc<UnderWay>,
    /// Reads a file of the web interface.
    pub(crate) ui: fn(&str) -> Option<Asset>,
    /// The router behind the local socket, built for its first connection.
    pub(crate) local: Arc<OnceLock<Router>>,
}

impl App {
    /// The state of a server that people reach at `public_url`.
    pub fn new(control: Control, agents: Agents, public_url: Url) -> Self {
        Self {
            control,
            agents,
            public_url: Arc::new(public_url),
            stop: CancellationToken::new(),
            telemetry: Arc::default(),
            census: Arc::default(),
            under_way: Arc::default(),
            ui: ui::embedded,
            local: Arc::default(),
        }
    }

    /// Ends every live stream once `stop` is cancelled, so that a shutdown need not wait for them.
    #[must_use]
    pub fn with_stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Serves another web interface than the one inside the executable.
    #[must_use]
    pub fn with_ui(mut self, read: fn(&str) -> Option<Asset>) -> Self {
        self.ui = read;
        self
    }

    /// Whether people reach the server over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
