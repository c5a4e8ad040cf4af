//! kite.js, the Kite library of old, in Node: scripts of anybody's, and one that does what tests tell it
//! ([`Driver`]).

mod driver;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::peers::{self, Skip};

pub use driver::{Driver, Thrown};

/// How long anything may take. Machines are shared; only a hang is a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A script that runs. Dropping it kills it; if the test fails, what it printed is shown.
pub struct Script {
    child: Child,
    input: ChildStdin,
    lines: UnboundedReceiver<String>,
    log: Arc<Mutex<String>>,
}

impl Script {
    /// Starts a script that may use kite.js, with these arguments and these additional variables.
    ///
    /// # Errors
    ///
    /// When kite.js is not installed.
    ///
    /// # Panics
    ///
    /// When Node does not start.
    pub fn start(script: &Path, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Result<Self, Skip> {
        let modules = peers::node_modules().filter(|modules| modules.join("kite.js").is_dir());
        let modules = modules.ok_or_else(|| Skip::missing("the npm package kite.js"))?;
        // Ends it even when this process is killed.
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=KILL").arg(peers::node()).arg(script).args(arguments);
        command.env("NODE_PATH", modules).env_remove("NODE_OPTIONS").envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("`setpriv` of util-linux is installed");
        let (told, lines) = unbounded_channel();
        let log = Arc::default();
        let input = child.stdin.take().expect("piped");
        tokio::spawn(note(child.stdout.take().expect("piped"), Arc::clone(&log), Some(told)));
        tokio::spawn(note(child.stderr.take().expect("piped"), Arc::clone(&log), None));
        Ok(Self { child, input, lines, log })
    }

    /// The next line that it prints.
    ///
    /// # Panics
    ///
    /// When it ends instead, or prints nothing.
    pub async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
        line.expect("the script says something").expect("the script has not ended")
    }

    /// The rest of the next line that begins like this.
    ///
    /// # Panics
    ///
    /// As [`Script::line`].
    pub async fn line_after(&mut self, beginning: &str) -> String {
        loop {
            if let Some(rest) = self.line().await.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub async fn write(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.expect("the script reads");
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the script ends").expect("our own child")
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has printed, errors included.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show(&self.log());
        }
    }
}

#[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
fn show(log: &str) {
    eprintln!("--- what the script printed ---\n{log}");
}

/// Keeps what is printed, and tells it line by line.
async fn note(from: impl AsyncRead + Unpin, log: Arc<Mutex<String>>, tell: Option<UnboundedSender<String>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
        if let Some(tell) = &tell {
            tell.send(line).ok();
        }
    }
}
