//! Running git: never interactive, no hooks, only HTTP.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use wire::agent::CloneEvent;

use super::Events;
use super::failure::Failure;
use super::progress::{self, Said};
use crate::environment::Environment;
use crate::process::{self, Group};

/// Settings for every run; they are not written into the clone.
const SETTINGS: [&str; 4] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "advice.detachedHead=false",
    "maintenance.auto=false",
];

/// Its own words in English, so that they can be understood; no questions; no other protocol, whatever
/// a redirect or a submodule asks for; a connection that gives nothing for five minutes is dead.
const VARIABLES: [(&str, &str); 5] = [
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ALLOW_PROTOCOL", "http:https"),
    ("GIT_HTTP_LOW_SPEED_LIMIT", "1"),
    ("GIT_HTTP_LOW_SPEED_TIME", "300"),
];

/// Lines of git's that are kept to explain a failure.
const LAST_LINES: usize = 40;

/// Runs git.
pub(super) struct Git<'a> {
    pub(super) environment: &'a Environment,
    /// As `-c` takes them, beyond [`SETTINGS`].
    pub(super) settings: Vec<String>,
    pub(super) events: &'a Events,
}

/// Git did not do it.
pub(super) struct Stopped {
    /// How it ended; `None` when it did not start.
    pub(super) status: Option<ExitStatus>,
    /// The last of what it said, or why it did not start.
    pub(super) said: String,
    pub(super) is_missing: bool,
}

impl Stopped {
    /// Whether the branch or tag given to `clone` does not exist.
    pub(super) fn is_missing_branch(&self) -> bool {
        self.said.contains("Remote branch") && self.said.contains("not found in upstream")
    }

    /// The branch does not exist, in git's own words.
    pub(super) fn missing_branch() -> Self {
        let said = "Remote branch not found in upstream".to_owned();
        Self { status: None, said, is_missing: false }
    }

    fn before_start(error: &std::io::Error) -> Self {
        let is_missing = error.kind() == std::io::ErrorKind::NotFound;
        Self { status: None, said: error.to_string(), is_missing }
    }
}

impl Git<'_> {
    /// Runs git and tells what it says. Dropping the future kills it with all it started.
    pub(super) async fn run(&self, folder: &Path, arguments: &[String]) -> Result<(), Stopped> {
        let mut command = self.command(folder);
        let mut child = command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Stopped::before_start(&error))?;
        let mut group = Group::of(&child);
        let mut last = VecDeque::new();
        if let Some(stderr) = child.stderr.take() {
            self.tell(stderr, &mut last).await;
        }
        let status = child.wait().await.map_err(|error| Stopped::before_start(&error))?;
        group.let_go();
        if status.success() {
            return Ok(());
        }
        let said = last.into_iter().collect::<Vec<_>>().join("\n");
        Err(Stopped { status: Some(status), said, is_missing: false })
    }

    /// Runs git for its answer: what it wrote, or nothing if it said no.
    pub(super) async fn answer(&self, folder: &Path, arguments: &[&str]) -> Option<String> {
        let output = self.command(folder).args(arguments).output().await.ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The same where nothing is an answer too, and a git that does not start is a failure.
    pub(super) async fn quietly(&self, folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(folder).args(arguments).output().await;
        let output = output.map_err(|error| Failure::not_started(&error))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The branch that is checked out. Its short form would be another where a tag has the same name.
    pub(super) async fn branch(&self, folder: &Path) -> Result<Option<String>, Failure> {
        let head = self.quietly(folder, &["symbolic-ref", "--quiet", "HEAD"]).await?;
        Ok(head.strip_prefix("refs/heads/").map(str::to_owned))
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = process::command(self.environment, "git", folder);
        command.envs(VARIABLES).stdin(Stdio::null());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command
    }

    async fn tell(&self, mut stderr: impl AsyncRead + Unpin, last: &mut VecDeque<String>) {
        let mut lines = progress::Lines::default();
        let mut chunk = vec![0; 8 << 10];
        while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
            for said in lines.push(chunk.get(..count).unwrap_or_default()) {
                let event = match said {
                    Said::Progress { phase, percent, detail } => {
                        CloneEvent::Progress { phase, percent, detail }
                    }
                    Said::Line(text) => {
                        if last.len() >= LAST_LINES {
                            last.pop_front();
                        }
                        last.push_back(text.clone());
                        CloneEvent::Line { text }
                    }
                };
                // Waits while the server does not read. Nobody listening is noticed elsewhere.
                drop(self.events.send(event).await);
            }
        }
    }
}
