//! One process of `os.exec`: its output goes line by line to its caller's functions, its end comes last.

use std::collections::BTreeMap;
use std::process::Stdio;

use kite::{Callback, Error, Peer};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio_util::sync::CancellationToken;
use wire::agent::ExecRequest;

use super::children::{Children, Listed};
use super::lines::Lines;
use super::refused;
use crate::environment::Environment;
use crate::exec::{self, Tail};
use crate::process::{self, Group};

/// What is to run, and who hears of it.
pub(super) struct Run {
    pub(super) command: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) folder: Option<String>,
    pub(super) input: Option<Vec<u8>>,
    pub(super) stdout: Option<Callback>,
    pub(super) stderr: Option<Callback>,
    pub(super) exit: Option<Callback>,
    /// The connection it ends with; none if it runs on.
    pub(super) peer: Option<Peer>,
}

/// A process that nobody listens to yet. Dropped, it is killed with all it started.
pub(super) struct Running {
    child: Child,
    group: Group,
    /// Given up as soon as it is reaped: its number may then be somebody else's.
    listed: Option<Listed>,
    pid: i32,
    run: Run,
}

impl Run {
    /// Starts the process.
    pub(super) fn start(mut self, environment: &Environment, children: &Children) -> Result<Running, Error> {
        let request = ExecRequest {
            command: std::mem::take(&mut self.command),
            env: std::mem::take(&mut self.variables),
            folder: self.folder.take(),
            ..ExecRequest::default()
        };
        let mut command = exec::prepare(environment, &request).map_err(refused)?;
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        let not_started = |why: String| Error::custom("osError", why, "not_started");
        let child = command.spawn().map_err(|error| {
            let program = request.command.first().map_or("", String::as_str);
            not_started(process::start_failure(program, &error).1)
        })?;
        let listed =
            children.add(&child).ok_or_else(|| not_started("the process ended before it began".into()))?;
        Ok(Running { group: Group::of(&child), child, pid: listed.pid(), listed: Some(listed), run: self })
    }
}

impl Running {
    /// The process's id.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Passes its output on until it has ended, or its connection has.
    pub(super) async fn supervise(self) {
        let peer = self.run.peer.clone();
        let gone = async {
            match peer {
                Some(peer) => peer.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.follow() => {}
            // What is dropped here kills the process and its group.
            () = gone => {}
        }
    }

    async fn follow(mut self) {
        let input = feed(self.child.stdin.take(), self.run.input.take());
        let over = CancellationToken::new();
        let mut stdout = Output::new(self.child.stdout.take(), self.run.stdout.take());
        let mut stderr = Output::new(self.child.stderr.take(), self.run.stderr.take());
        let code = {
            let pumping = async {
                let tail = || Tail::new(over.clone());
                tokio::join!(stdout.pump(tail()), stderr.pump(tail()));
            };
            tokio::pin!(input, pumping);
            let (mut is_fed, mut is_drained) = (false, false);
            let status = loop {
                tokio::select! {
                    status = self.child.wait() => break status,
                    () = &mut input, if !is_fed => is_fed = true,
                    () = &mut pumping, if !is_drained => is_drained = true,
                }
            };
            self.group.let_go();
            drop(self.listed.take());
            over.cancel();
            if !is_drained {
                pumping.await;
            }
            status.map_or(255, process::exit_code)
        };
        stdout.finish().await;
        stderr.finish().await;
        tell(self.run.exit.as_ref(), code).await;
    }
}

/// One of the two outputs. Nothing is read while the caller does not take what was read before, so that a slow
/// one holds the process up and not our memory.
struct Output<P> {
    pipe: Option<P>,
    lines: Lines,
    listener: Option<Callback>,
}

impl<P: AsyncRead + Unpin> Output<P> {
    fn new(pipe: Option<P>, listener: Option<Callback>) -> Self {
        Self { pipe, lines: Lines::default(), listener }
    }

    async fn pump(&mut self, mut tail: Tail) {
        let Some(pipe) = &mut self.pipe else { return };
        while tail.read(pipe, self.lines.buffer()).await {
            while let Some(line) = self.lines.next() {
                tell(self.listener.as_ref(), line).await;
            }
        }
    }

    /// Passes on what was read and not passed on yet.
    async fn finish(&mut self) {
        while let Some(line) = self.lines.finish() {
            tell(self.listener.as_ref(), line).await;
        }
    }
}

/// Calls a function of the caller, if there is one and it is still there.
async fn tell(listener: Option<&Callback>, argument: impl Serialize) {
    if let Some(listener) = listener
        && let Err(error) = listener.call((argument,)).await
    {
        tracing::debug!(%error, "the output of a process goes nowhere");
    }
}

/// Writes all input and closes it. A process that does not read its input to the end is no fault.
async fn feed(stdin: Option<ChildStdin>, input: Option<Vec<u8>>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        drop(stdin.write_all(&input).await);
    }
}
