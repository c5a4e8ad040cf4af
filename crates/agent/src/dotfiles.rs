//! A person's dotfiles: cloned into `~/.dotfiles`, then installed by their own script or by links.

mod links;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use domain::RepositoryUrl;
use futures_util::Stream;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use wire::agent::{CloneEvent, CloneRequest, DotfilesRequest};

use crate::agent::{Agent, Parts};
use crate::clone::{self, Events, Failure};
use crate::process::{self, Group};

/// Below the home folder.
const FOLDER: &str = ".dotfiles";
/// The first of these that is there installs them.
const SCRIPTS: [&str; 6] = ["install.sh", "install", "bootstrap.sh", "bootstrap", "setup.sh", "setup"];
/// How long the script may take.
const SCRIPT_LIMIT: Duration = Duration::from_mins(10);
/// Longest line of the script's that is shown.
const LINE_MAX: u64 = 4 << 10;
/// Events not sent yet. When full, the script waits until the server has read them.
const QUEUE: usize = 32;

/// Installs, and tells about it. Dropping the stream stops it.
pub(crate) fn events(agent: Agent, request: DotfilesRequest) -> impl Stream<Item = CloneEvent> + Send {
    let (events, queue) = mpsc::channel(QUEUE);
    // Ends with the work, or as soon as nobody listens.
    tokio::spawn(async move {
        let last = tokio::select! {
            () = events.closed() => return,
            done = run(&agent.parts, &request, &events) => match done {
                Ok(done) => done,
                Err(Failure { reason, mend }) => CloneEvent::Failed { reason, mend },
            },
        };
        // What stood in the home folder may be another file now.
        agent.parts.git_config.include_again().await;
        drop(events.send(last).await);
    });
    ReceiverStream::new(queue)
}

async fn run(parts: &Parts, request: &DotfilesRequest, events: &Events) -> Result<CloneEvent, Failure> {
    let url: RepositoryUrl = request.url.parse().map_err(|error| Failure::bad_request(&error))?;
    let home = parts.environment.home().to_owned();
    let folder = home.join(FOLDER);
    let request = CloneRequest {
        url: url.to_string(),
        folder: folder.display().to_string(),
        through_server: true,
        ..CloneRequest::default()
    };
    let done = clone::run(parts, &request, events).await?;
    match SCRIPTS.iter().map(|name| folder.join(name)).find(|script| script.is_file()) {
        Some(script) => install(parts, &folder, &script, events).await?,
        None => {
            let made = tokio::task::spawn_blocking(move || links::make(&folder, &home));
            let made = made.await.map_err(|error| Failure::other(&error.to_string()))?;
            for text in made.map_err(|error| Failure::other(&format!("cannot link the dotfiles: {error}")))? {
                drop(events.send(CloneEvent::Line { text }).await);
            }
        }
    }
    Ok(done)
}

async fn install(parts: &Parts, folder: &Path, script: &PathBuf, events: &Events) -> Result<(), Failure> {
    let name = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
    drop(events.send(CloneEvent::Line { text: format!("Running `{name}`") }).await);
    let cannot = |why: &str| Failure {
        reason: format!("`{name}` of the dotfiles {why}"),
        mend: "Run it in a terminal, in `~/.dotfiles`, to see what is wrong.".into(),
    };
    let is_executable = rustix::fs::access(script, rustix::fs::Access::EXEC_OK).is_ok();
    let program = if is_executable { script.display().to_string() } else { "/bin/sh".into() };
    let mut command = process::command(&parts.environment, &program, folder);
    if !is_executable {
        command.arg(script);
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| cannot(&format!("cannot be run: {error}")))?;
    // Dropped half-way it ends all the script has started.
    let mut group = Group::of(&child);
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let ended = async { tokio::join!(tell(output, events), tell(errors, events)) };
        tokio::select! {
            _ = ended => child.wait().await,
            // What it leaves running may keep its output open.
            status = child.wait() => status,
        }
    };
    let status = tokio::time::timeout(SCRIPT_LIMIT, work).await;
    let status = status.map_err(|_| cannot("took longer than ten minutes"))?;
    group.let_go();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(cannot(&format!("ended with {}", process::exit_code(status)))),
        Err(error) => Err(cannot(&format!("cannot be waited for: {error}"))),
    }
}

async fn tell(pipe: Option<impl AsyncRead + Unpin>, events: &Events) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line).await {
            Ok(1..) => {}
            _ => return,
        }
        let text = String::from_utf8_lossy(&line);
        let text: String = text.trim_end().chars().filter(|c| !c.is_control()).collect();
        if !text.is_empty() {
            drop(events.send(CloneEvent::Line { text }).await);
        }
    }
}
