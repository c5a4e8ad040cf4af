//! What an idle agent costs the server in memory: `cargo run -p link --example idle_agents -- 1000 both`.
//!
//! The server's end of so many connections lies in this process and their other end in a second one. `bytes` is a
//! connection without a text plane, `both` one whose agent has registered over it. Prints kilobytes an agent.
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Outside};
use async_trait::async_trait;
use domain::{Clock, Entropy, Timestamp, WorkspaceId};
use kite::{Authenticator, Claim, Context, Kite, Request, Service, Verified};
use link::{Admission, Agents, listen_unix};
use tokio_util::sync::CancellationToken;
use wire::agent::AgentConfig;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long everything rests before it is measured.
const REST: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["dial", folder, count] => dial(Path::new(folder), count.parse()?).await,
        [count, planes @ ("bytes" | "both")] => serve(count.parse()?, *planes == "both").await,
        _ => Err("say how many and `bytes` or `both`".into()),
    }
}

/// The server's end, measured.
async fn serve(count: i64, has_text: bool) -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("idle-agents-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let agents = Agents::new();
    if has_text {
        agents.serve_kites(registry(), |workspace| Context::with(Seat(workspace)));
    }
    let stop = CancellationToken::new();
    for number in 0..count {
        let socket = folder.join(format!("{number}.sock"));
        let door = Arc::new(Open);
        tokio::spawn(listen_unix(&socket, workspace(number)?, agents.clone(), door, stop.clone())?);
    }
    tokio::time::sleep(REST).await;
    let before = resident()?;
    let mut other = tokio::process::Command::new(std::env::current_exe()?)
        .args(["dial".as_ref(), folder.as_os_str(), count.to_string().as_ref()])
        .kill_on_drop(true)
        .spawn()?;
    while i64::try_from(agents.len())? < count {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(REST).await;
    let kilobytes = (resident()? - before) / 1000 / usize::try_from(count)?;
    writeln!(
        std::io::stdout(),
        "{count} idle agents: {kilobytes} kB each, {} MB in all",
        resident()? / 1_000_000
    )?;
    other.kill().await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// The agents' end.
async fn dial(folder: &Path, count: i64) -> Outcome<()> {
    for number in 0..count {
        let socket: PathBuf = folder.join(format!("{number}.sock"));
        let config = AgentConfig {
            workspace: workspace(number)?.to_string(),
            server: format!("unix:{}", socket.display()),
            token: String::from("any"),
            ca_pem: None,
            folder: folder.display().to_string(),
            env: vec![],
        };
        let dialled = link::dial(&config).await?;
        let agent = Agent::new(&config, Outside { clock: Arc::new(Fixed), entropy: Arc::new(Fixed) });
        tokio::spawn(async move { agent.serve_dialled(dialled).await });
    }
    std::future::pending().await
}

struct Seat(WorkspaceId);

fn registry() -> Service {
    let kite = Kite { id: "1".into(), name: "registry".into(), ..Kite::default() };
    Service::builder(kite)
        .authenticator(Arc::new(Seated))
        .method("register", |request: Request| async move {
            let peer = request.peer().clone();
            // As the registry does: it is told of the connection's end.
            tokio::spawn(async move { peer.closed().await });
            Ok(request.caller().username.clone())
        })
        .build()
}

struct Seated;

#[async_trait]
impl Authenticator for Seated {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, kite::Error> {
        let seat = claim.context.get::<Seat>();
        seat.map(|seat| Verified::user(seat.0.to_string()))
            .ok_or_else(|| kite::Error::authentication("no seat"))
    }
}

struct Open;

#[async_trait]
impl Admission for Open {
    async fn admit(&self, _workspace: WorkspaceId, _token: &str) -> bool {
        true
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(1);
    }
}

fn workspace(number: i64) -> Outcome<WorkspaceId> {
    Ok(WorkspaceId::generate(Timestamp::from_millisecond(number)?, &Fixed))
}

/// Resident bytes of this process.
fn resident() -> Outcome<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? << 10)
}
