//! The agent as a whole: its parts, and serving them on a connection.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::{Clock, Entropy, Timestamp};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire::agent::{AGENT_PATH, AgentConfig, PROTOCOL};

use crate::activity::Activity;
use crate::asks::Asks;
use crate::doors::Doors;
use crate::egress::Egress;
use crate::environment::Environment;
use crate::git_config::GitConfig;
use crate::kite_link::{self, Told};
use crate::terminal::Terminals;

/// As the server has it (crate `link`): what of one stream may be under way unread.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// How often a quiet connection is asked whether it lives. A server that is gone without a word is
/// noticed within twice this.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long calls under way may take once the agent was asked to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Time and randomness.
#[derive(Clone)]
pub struct Outside {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives what names and pauses are drawn from.
    pub entropy: Arc<dyn Entropy>,
}

/// One workspace's agent. Clones share it.
#[derive(Clone)]
pub struct Agent {
    pub(crate) parts: Arc<Parts>,
    /// Made at the first need. Not one of the parts: its methods hold those.
    klient: Arc<OnceLock<kite::Service>>,
}

/// What the calls work on.
pub(crate) struct Parts {
    /// The workspace's id.
    pub(crate) workspace: String,
    pub(crate) environment: Environment,
    pub(crate) outside: Outside,
    pub(crate) activity: Activity,
    pub(crate) terminals: Terminals,
    pub(crate) egress: Egress,
    pub(crate) asks: Asks,
    pub(crate) doors: Doors,
    pub(crate) git_config: GitConfig,
    pub(crate) started_at: Timestamp,
    /// Held by the clone under way.
    pub(crate) clone_turn: tokio::sync::Mutex<()>,
    /// Told whenever a Kite client was answered.
    pub(crate) kite_calls: Notify,
    /// Cancelled by `POST /v1/shutdown`.
    pub(crate) stop: CancellationToken,
}

impl Agent {
    /// Puts an agent together. Nothing runs and nobody is connected yet. What git and SSH inside call
    /// opens with [`Agent::run`], or at the first need.
    pub fn new(config: &AgentConfig, outside: Outside) -> Self {
        Self::with_program(config, outside, AGENT_PATH.into())
    }

    /// The same where the executable that has [`crate::run_helper`], which git and SSH call, lies elsewhere than
    /// drivers put it.
    pub fn with_program(config: &AgentConfig, outside: Outside, program: PathBuf) -> Self {
        let started_at = outside.clock.now();
        let mut environment = Environment::new(config);
        let doors = Doors::place(environment.home(), &config.workspace);
        if let Some(socket) = doors.ssh() {
            environment.set("SSH_AUTH_SOCK", &socket.display().to_string());
        }
        let git_config = GitConfig::new(&environment, program, doors.calls(), doors.ssh());
        let parts = Parts {
            workspace: config.workspace.clone(),
            environment,
            asks: Asks::new(),
            doors,
            git_config,
            activity: Activity::new(outside.clock.clone()),
            terminals: Terminals::new(),
            egress: Egress::new(&config.workspace),
            outside,
            started_at,
            clone_turn: tokio::sync::Mutex::default(),
            kite_calls: Notify::new(),
            stop: CancellationToken::new(),
        };
        Self { parts: Arc::new(parts), klient: Arc::default() }
    }

    /// What Kite clients can call.
    pub(crate) fn klient(&self) -> &kite::Service {
        self.klient.get_or_init(|| crate::klient::service(&self.parts))
    }

    /// How often they did.
    pub(crate) fn klient_counts(&self) -> kite::Counts {
        self.klient.get().map(kite::Service::counts).unwrap_or_default()
    }

    /// Dials the server, serves, and dials again, until it is asked to shut down.
    pub async fn run(&self, config: &AgentConfig) {
        self.parts.doors.open(self).await;
        self.parts.git_config.restore(&self.parts.egress).await;
        crate::reconnect::run(self, config).await;
        self.parts.terminals.hang_up_all().await;
    }

    /// Serves one connection, both planes of it, until it ends or the agent shuts down.
    pub async fn serve_dialled(&self, dialled: link::Dialled) {
        self.serve_planes(dialled, &mut Told::default()).await;
    }

    pub(crate) async fn serve_planes(&self, dialled: link::Dialled, told: &mut Told) {
        let protocol = dialled.protocol();
        let bytes = self.serve_as(dialled.bytes, protocol);
        let Some(text) = dialled.text else { return bytes.await };
        tokio::select! {
            () = bytes => {}
            // Without it nobody would find the kite; the next connection brings it back.
            () = kite_link::run(self, text, told) => {}
        }
    }

    /// Serves calls on one connection that carries only bytes, until it ends or the agent shuts down.
    pub async fn serve<I>(&self, io: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.serve_as(io, PROTOCOL).await;
    }

    async fn serve_as<I>(&self, io: I, protocol: u32)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = TowerToHyperService::new(crate::api::router(self.clone(), protocol));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(128 << 10)
            .max_concurrent_streams(512)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .serve_connection(TokioIo::new(io), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.parts.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::time::timeout(LAST_WORDS, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "connection to the server ended");
        }
    }

    /// Whether the agent was asked to shut down.
    pub fn is_stopping(&self) -> bool {
        self.parts.stop.is_cancelled()
    }
}
