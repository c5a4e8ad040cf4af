//! The server's side of a launch: start the launcher, tell it the plan, hear how it went.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::failed::{Context, Failed};
use super::plan::{Plan, Report};

/// The executable that becomes the sandbox: the server's own, called so that it runs
/// [`super::sandbox_main`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, which say nothing about the sandbox.
    pub arguments: Vec<String>,
}

/// A launch takes some 20 ms; a machine that needs this long has stopped working.
const LONGEST_LAUNCH: Duration = Duration::from_secs(30);
/// How long a start waits for its network. A carrier takes some 20 ms, and none at all comes up on a
/// machine without a network of its own.
const LONGEST_WAIT_FOR_NETWORK: Duration = Duration::from_millis(1500);

/// How a launch ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Launched {
    /// The command runs, and packets leave if there is a carrier.
    Running,
    /// The command runs, but the carrier has not said that it carries.
    WithoutNetwork,
    /// Somebody else is starting or running this sandbox.
    Busy,
}

impl Launcher {
    /// Starts a sandbox and returns once its command runs.
    pub(super) fn launch(&self, plan: &Plan, secret: &[u8]) -> Result<Launched, Failed> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context(|| format!("cannot start the launcher `{}`", self.program.display()))?;
        let told = tell(&mut child, plan, secret);
        let heard = match child.stdout.take() {
            Some(stdout) => listen(stdout, plan.network.is_some()),
            None => Err(Failed::because("the launcher has no standard output")),
        };
        if heard.is_err() {
            // It may be stuck; what it made dies with the guard, which the caller sees to.
            let _ended_already = child.kill();
        }
        let status = child.wait().context(|| "cannot wait for the launcher")?;
        match heard {
            Err(failed) if failed.what == SILENT => {
                told?;
                Err(Failed::because(format!("the launcher ended without a word ({status})")))
            }
            heard => heard,
        }
    }
}

/// Marks the one failure that the caller can say better.
const SILENT: &str = "the launcher ended without a word";

fn tell(child: &mut Child, plan: &Plan, secret: &[u8]) -> Result<(), Failed> {
    let text = serde_json::to_vec(plan).map_err(|error| Failed::because(error.to_string()))?;
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes();
    let Some(mut stdin) = child.stdin.take() else {
        return Err(Failed::because("the launcher has no standard input"));
    };
    for part in [&length[..], &text, secret] {
        stdin.write_all(part).context(|| "cannot tell the launcher its plan")?;
    }
    Ok(())
}

fn listen(mut stdout: ChildStdout, has_carrier: bool) -> Result<Launched, Failed> {
    let mut deadline = Instant::now() + LONGEST_LAUNCH;
    let (mut running, mut network) = (false, !has_carrier);
    let mut text = Vec::new();
    loop {
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let rest = text.split_off(end + 1);
            let line = std::mem::replace(&mut text, rest);
            match serde_json::from_slice(&line) {
                Ok(Report::Running) => {
                    running = true;
                    deadline = Instant::now() + LONGEST_WAIT_FOR_NETWORK;
                }
                Ok(Report::NetworkUp) => network = true,
                Ok(Report::Failed(failed)) => return Err(failed),
                Ok(Report::Busy) => return Ok(Launched::Busy),
                Err(error) => {
                    return Err(Failed::because(format!("the launcher says something strange: {error}")));
                }
            }
        }
        if running && network {
            return Ok(Launched::Running);
        }
        if !wait_for_more(&stdout, deadline)? {
            let late = Failed::because(format!("the launcher did not answer within {LONGEST_LAUNCH:?}"));
            return if running { Ok(Launched::WithoutNetwork) } else { Err(late) };
        }
        let mut piece = [0; 4096];
        let count = stdout.read(&mut piece).context(|| "cannot hear the launcher")?;
        if count == 0 {
            // All that could speak has ended: also a command that ended well before its network was up.
            return if running { Ok(Launched::Running) } else { Err(Failed::because(SILENT)) };
        }
        text.extend(piece.iter().take(count));
    }
}

/// `false` when the deadline has come.
fn wait_for_more(stdout: &ChildStdout, deadline: Instant) -> Result<bool, Failed> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = left.try_into().ok();
        let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno).context(|| "cannot wait for the launcher"),
        }
    }
}
