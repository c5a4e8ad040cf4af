//! A terminal's life: started, read, written to, ended.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use pty_process::{OwnedReadPty, OwnedWritePty, Size};
use rustix::process::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::agent::OpenTerminal;

use super::Terminal;
use super::output::Output;
use super::session::Session;
use crate::activity::Activity;
use crate::agent::Parts;
use crate::problem::Problem;
use crate::process;

/// Input frames the program has not read yet.
const INPUT_QUEUE: usize = 64;
/// How much output is gathered into one piece: what one frame carries.
const CHUNK: usize = 64 << 10;
/// How often output is looked at as a sign of work.
const ACTIVITY_EVERY: Duration = Duration::from_secs(1);
/// How long the PTY may stay open after its first process has ended. The kernel hangs it up at once.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// Starts the process and the tasks that read and write. Reading and writing are separate, so that a
/// flood of output does not keep an interrupt from being typed.
pub(super) fn begin(id: u32, parts: &Arc<Parts>, request: OpenTerminal) -> Result<Arc<Terminal>, Problem> {
    let folder = process::folder(&parts.environment, request.folder.as_deref())?;
    let (program, arguments, arg0) = match request.command.as_deref().unwrap_or_default() {
        [] => {
            let shell = parts.environment.shell().to_owned();
            // A dash in front of the name makes it a login shell.
            let arg0 = format!("-{}", file_name(&shell));
            (shell, vec![], arg0)
        }
        [program, arguments @ ..] => (program.clone(), arguments.to_vec(), program.clone()),
    };
    if program.contains('\0') || arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(Problem::invalid("cannot pass on an argument with a zero byte", "Take it out."));
    }
    let columns = request.columns.filter(|columns| *columns > 0).unwrap_or(80);
    let rows = request.rows.filter(|rows| *rows > 0).unwrap_or(24);
    let is_task = request.title.is_some();
    let title = request.title.unwrap_or_else(|| file_name(&program));

    let no_pty = |what: String| {
        Problem::internal(format!("cannot open a terminal: {what} (is /dev/pts mounted in the workspace?)"))
    };
    let (pty, pts) = pty_process::open().map_err(|error| no_pty(error.to_string()))?;
    pty.resize(Size::new(rows, columns)).map_err(|error| no_pty(error.to_string()))?;
    let control = pty.as_fd().try_clone_to_owned().map_err(|error| no_pty(error.to_string()))?;
    let child = process::terminal_command(&parts.environment, &program, &folder)
        .args(&arguments)
        .arg0(&arg0)
        .spawn(pts)
        .map_err(|error| refuse(&program, error))?;
    let leader = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| Problem::internal("the terminal's process ended before it began"))?;

    let (input, typed) = mpsc::channel(INPUT_QUEUE);
    let terminal = Arc::new(Terminal {
        id,
        title,
        is_task,
        opened_at: parts.outside.clock.now(),
        leader,
        pty: control,
        size: Mutex::new((columns, rows)),
        input,
        output: Output::new(),
        session: Session::new(),
    });
    let (reader, writer) = pty.into_split();
    let reading = tokio::spawn(read(terminal.clone(), reader, parts.activity.clone()));
    let writing = tokio::spawn(write(typed, writer));
    tokio::spawn(wait(terminal.clone(), child, reading, writing));
    Ok(terminal)
}

fn file_name(program: &str) -> String {
    program.rsplit('/').next().unwrap_or(program).to_owned()
}

fn refuse(program: &str, error: pty_process::Error) -> Problem {
    let error = match error {
        pty_process::Error::Io(error) => error,
        other => std::io::Error::other(other.to_string()),
    };
    let (code, detail) = process::start_failure(program, &error);
    let mend = "Name a program that is installed in the workspace.";
    if code == process::NOT_FOUND { Problem::not_found(detail, mend) } else { Problem::invalid(detail, mend) }
}

/// PTY → output, as long as no viewer holds it up.
async fn read(terminal: Arc<Terminal>, mut pty: OwnedReadPty, activity: Activity) {
    let mut chunk = vec![0; CHUNK];
    let mut looked_at: Option<Instant> = None;
    loop {
        terminal.output.readable().await;
        // An error means that nobody has the other end open any more: the end of the output.
        let Ok(mut count @ 1..) = pty.read(&mut chunk).await else { return };
        // The kernel hands out four kilobytes at most. What else is there already goes along, so that a
        // flood travels in few large frames; nothing is waited for.
        while let Some(Some(Ok(more @ 1..))) =
            chunk.get_mut(count..).filter(|rest| !rest.is_empty()).map(|rest| pty.read(rest).now_or_never())
        {
            count += more;
        }
        terminal.output.push(chunk.get(..count).unwrap_or_default());
        if looked_at.is_none_or(|at| at.elapsed() >= ACTIVITY_EVERY) {
            looked_at = Some(Instant::now());
            if terminal.has_foreground_job() {
                activity.touch();
            }
        }
    }
}

/// Typed keys → PTY.
async fn write(mut typed: mpsc::Receiver<Bytes>, mut pty: OwnedWritePty) {
    while let Some(bytes) = typed.recv().await {
        if pty.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Waits for the process, then for the last of its output.
async fn wait(
    terminal: Arc<Terminal>,
    mut child: Child,
    mut reading: tokio::task::JoinHandle<()>,
    writing: tokio::task::JoinHandle<()>,
) {
    let exit_code = child.wait().await.map_or(255, process::exit_code);
    if tokio::time::timeout(LAST_OUTPUT, &mut reading).await.is_err() {
        reading.abort();
    }
    writing.abort();
    terminal.output.finish(exit_code);
}
