//! An agent in this process, and a client connected to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::{Agent, Outside};
use domain::{Clock, Entropy, Timestamp};
use link::AgentClient;
use wire::agent::{AgentConfig, ExecRequest};

/// How long a test waits for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

pub(crate) struct Bench {
    pub(crate) agent: Agent,
    pub(crate) client: AgentClient,
    pub(crate) root: tempfile::TempDir,
}

/// An agent with a workspace folder and a home of its own, and a client of it.
pub(crate) async fn bench() -> Bench {
    let root = tempfile::tempdir().unwrap();
    for folder in ["workspace", "home"] {
        std::fs::create_dir(root.path().join(folder)).unwrap();
    }
    let program = env!("CARGO_BIN_EXE_agent-helper").into();
    let agent = Agent::with_program(&config(root.path()), outside(), program);
    let client = connect(&agent).await;
    Bench { agent, client, root }
}

impl Bench {
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("workspace")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder().join(name).display().to_string()
    }
}

pub(crate) fn config(root: &Path) -> AgentConfig {
    AgentConfig {
        workspace: "ws_00000000000000000000000000".into(),
        server: "unix:/nonexistent".into(),
        token: "hearth_agent_secret".into(),
        ca_pem: None,
        folder: root.join("workspace").display().to_string(),
        env: vec![
            ("HOME".into(), root.join("home").display().to_string()),
            ("FROM_CONFIG".into(), "yes".into()),
            ("PS1".into(), "$ ".into()),
        ],
    }
}

pub(crate) fn outside() -> Outside {
    Outside { clock: Arc::new(Now), entropy: Arc::new(Seeded(AtomicU64::new(7))) }
}

/// A new connection to the agent; earlier ones go on.
pub(crate) async fn connect(agent: &Agent) -> AgentClient {
    let (near, far) = tokio::io::duplex(64 << 10);
    let agent = agent.clone();
    tokio::spawn(async move { agent.serve(far).await });
    let (client, connection) = AgentClient::connect(near).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn command(command: &[&str]) -> ExecRequest {
    ExecRequest { command: command.iter().map(ToString::to_string).collect(), ..ExecRequest::default() }
}

pub(crate) fn shell(script: &str) -> ExecRequest {
    command(&["/bin/sh", "-c", script])
}

/// Waits until `condition` holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begin = std::time::Instant::now();
    while !condition().await {
        assert!(begin.elapsed() < LIMIT, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process with this id exists and is not merely waiting to be reaped.
pub(crate) fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "the real time, for the agent under test")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// SplitMix64: the same bytes in every run.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let bytes = (mixed ^ (mixed >> 27)).to_ne_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
