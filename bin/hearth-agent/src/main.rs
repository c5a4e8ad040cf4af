//! `hearth-agent`: runs in every workspace, started by the sandbox's first process.
//!
//! As the agent it takes no arguments and no environment: its configuration comes as JSON on file descriptor
//! 3. Ends with 0 only when the server asked for the end; anything else means "start me again". With
//! arguments it is what git and SSH inside call (`credential`, `connect`), and asks the running agent.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Outside};
use anyhow::Context;
use domain::{Clock, Entropy, Timestamp};
use tracing_subscriber::filter::LevelFilter;

/// Threads for what waits for a disk. Few: each has a stack of its own.
const DISK_THREADS: usize = 4;

fn main() -> ExitCode {
    if let Some(ended) = agent::run_helper(std::env::args_os().skip(1)) {
        return ended;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody to tell but whoever reads the sandbox's log; if that is gone too, so be it.
            drop(writeln!(std::io::stderr(), "hearth-agent: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--version") {
        writeln!(std::io::stdout(), "hearth-agent {}", env!("CARGO_PKG_VERSION"))?;
        return Ok(());
    }
    agent::hide_from_others().context("cannot hide from other processes")?;
    let config = agent::read_config()?;
    agent::close_inherited();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .init();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(DISK_THREADS)
        .thread_keep_alive(Duration::from_secs(2))
        .build()
        .context("cannot start the runtime")?;
    let outside = Outside { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    runtime.block_on(async move { Agent::new(&config, outside).run(&config).await });
    // A file operation on a disk that hangs must not keep the agent from ending.
    runtime.shutdown_background();
    Ok(())
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            // Only ever used for pauses and the names of drafts, which may be poor for once.
            tracing::warn!(error = %error, "the kernel gives no randomness");
        }
    }
}
