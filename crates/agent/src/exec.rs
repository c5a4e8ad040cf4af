//! Commands that run to their end: their output kept ([`run`]) or passed on as it comes ([`stream`]).

mod stream;
mod tail;

use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use wire::agent::{EXEC_OUTPUT_MAX, ExecRequest, ExecResult};

use crate::environment::Environment;
use crate::problem::Problem;
use crate::process::{self, Group};

pub(crate) use stream::stream;
pub(crate) use tail::Tail;

/// How long output is still waited for after the command itself has ended. What it left running in the
/// background may hold its output open for ever; what it wrote itself is there at once.
pub(crate) const LAST_OUTPUT: Duration = Duration::from_millis(200);
/// How much of output is read at once.
pub(crate) const CHUNK: usize = 32 << 10;

/// Runs a command to its end and keeps its output, up to [`EXEC_OUTPUT_MAX`] of each kind.
///
/// Dropping the future, as when the caller goes away, kills the command and all it started.
pub(crate) async fn run(environment: &Environment, request: ExecRequest) -> Result<ExecResult, Problem> {
    run_listed(environment, request, EXEC_OUTPUT_MAX, |_| ()).await
}

/// The same with at most `most` bytes of output of each kind. What `list` makes of the command is dropped as soon as
/// that has ended: its number may then be somebody else's.
pub(crate) async fn run_listed<L>(
    environment: &Environment,
    mut request: ExecRequest,
    most: usize,
    list: impl FnOnce(&Child) -> L,
) -> Result<ExecResult, Problem> {
    let input = request.stdin.take();
    let mut command = prepare(environment, &request)?;
    command.stdin(if input.is_some() { std::process::Stdio::piped() } else { std::process::Stdio::null() });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let (exit_code, stderr) = process::start_failure(program(&request), &error);
            let stderr = stderr + "\n";
            let stdout = String::new();
            return Ok(ExecResult { exit_code, stdout, stderr, truncated: false, timed_out: false });
        }
    };
    let mut group = Group::of(&child);
    let listed = list(&child);
    let stdin = child.stdin.take();
    let writing = async move {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A command that does not read its input to the end is no fault.
            drop(stdin.write_all(input.as_bytes()).await);
        }
    };
    let (mut stdout, mut stderr) = (Kept::up_to(most), Kept::up_to(most));
    let pipes = (child.stdout.take(), child.stderr.take());
    let reading = async {
        tokio::join!(stdout.fill(pipes.0), stderr.fill(pipes.1));
    };
    let (exit_code, timed_out) = {
        tokio::pin!(writing, reading);
        let ending = end(&mut child, &group, request.timeout_s);
        tokio::pin!(ending);
        let mut is_written = false;
        let mut is_read = false;
        let ended = loop {
            tokio::select! {
                ended = &mut ending => break ended,
                () = &mut writing, if !is_written => is_written = true,
                () = &mut reading, if !is_read => is_read = true,
            }
        };
        drop(listed);
        if !is_read {
            drop(tokio::time::timeout(LAST_OUTPUT, reading).await);
        }
        ended
    };
    group.let_go();
    Ok(ExecResult {
        exit_code,
        truncated: stdout.is_cut || stderr.is_cut,
        stdout: stdout.into_text(),
        stderr: stderr.into_text(),
        timed_out,
    })
}

fn program(request: &ExecRequest) -> &str {
    request.command.first().map_or("", String::as_str)
}

/// The command as asked for, with its outputs piped.
pub(crate) fn prepare(environment: &Environment, request: &ExecRequest) -> Result<Command, Problem> {
    let Some((program, arguments)) = request.command.split_first().filter(|(program, _)| !program.is_empty())
    else {
        return Err(Problem::invalid(
            "cannot run a command without a program",
            "Name the program and its arguments in `command`.",
        ));
    };
    let is_whole = |text: &String| !text.contains('\0');
    if !request.command.iter().all(is_whole)
        || !request
            .env
            .iter()
            .all(|(name, value)| is_whole(name) && is_whole(value) && !name.is_empty() && !name.contains('='))
    {
        return Err(Problem::invalid(
            "cannot pass on an argument or variable with a zero byte, or a variable without a proper name",
            "Take it out.",
        ));
    }
    let folder = process::folder(environment, request.folder.as_deref())?;
    let mut command = process::command(environment, program, &folder);
    command
        .args(arguments)
        .envs(&request.env)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    Ok(command)
}

/// Waits for the command's end, or makes it end when the time is up: exit code, and whether it was.
async fn end(child: &mut Child, group: &Group, timeout_s: Option<u32>) -> (i32, bool) {
    let waited = match timeout_s {
        None => Some(child.wait().await),
        Some(seconds) => tokio::time::timeout(Duration::from_secs(seconds.into()), child.wait()).await.ok(),
    };
    match waited {
        Some(Ok(status)) => (process::exit_code(status), false),
        Some(Err(error)) => {
            tracing::warn!(error = %error, "cannot learn how a command ended");
            (255, false)
        }
        None => {
            group.signal(Signal::KILL);
            drop(child.wait().await);
            (process::TIMED_OUT, true)
        }
    }
}

/// Output up to the limit. More is read and dropped, so that the command can go on.
struct Kept {
    bytes: Vec<u8>,
    most: usize,
    is_cut: bool,
}

impl Kept {
    fn up_to(most: usize) -> Self {
        Self { bytes: vec![], most, is_cut: false }
    }

    async fn fill(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
            let room = self.most.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(chunk.get(..count.min(room)).unwrap_or_default());
            self.is_cut |= count > room;
        }
    }

    fn into_text(self) -> String {
        String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}
