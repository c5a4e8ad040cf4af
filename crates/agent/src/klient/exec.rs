//! `exec`: one command line through the login shell, its output whole in the answer.
//!
//! `exec {command, async?}` → `{stdout, stderr, exitStatus, truncated}`. With `async` the answer comes at once
//! with the process's `pid`; the command runs on, once, until it ends or `os.kill` ends it, and its output goes
//! nowhere. Without it the command ends with its caller's connection.

use std::process::Stdio;
use std::sync::Arc;

use kite::{Error, Request, ServiceBuilder};
use serde::{Deserialize, Serialize};
use wire::agent::ExecRequest;

use super::os::{Children, no_room, refused};
use crate::agent::Parts;
use crate::exec;
use crate::process;

/// Most bytes of each of the two outputs in an answer. Written as JSON a byte takes at most six, and both must
/// fit a message of 4 MiB.
const OUTPUT_MAX: usize = 320 << 10;

#[derive(Deserialize)]
struct Command {
    command: String,
    #[serde(rename = "async", default)]
    is_async: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    stdout: String,
    stderr: String,
    exit_status: i32,
    /// Whether either output was longer than fits an answer.
    truncated: bool,
    /// Of a command that runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
}

pub(super) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>, children: &Children) -> ServiceBuilder {
    let (parts, children) = (parts.clone(), children.clone());
    builder.method("exec", move |request| run(parts.clone(), children.clone(), request))
}

async fn run(parts: Arc<Parts>, children: Children, request: Request) -> Result<Ended, Error> {
    let wanted: Command = request.arg()?;
    let shell = parts.environment.shell().to_owned();
    let command = ExecRequest { command: vec![shell, "-c".into(), wanted.command], ..ExecRequest::default() };
    if children.is_full() {
        return Err(no_room());
    }
    if wanted.is_async.unwrap_or(false) {
        return start(&parts, &children, &command);
    }
    // Counted and within reach of `os.kill`, as any other.
    let list = |child: &_| children.add(child);
    let result = exec::run_listed(&parts.environment, command, OUTPUT_MAX, list).await.map_err(refused)?;
    Ok(Ended {
        stdout: result.stdout,
        stderr: result.stderr,
        exit_status: result.exit_code,
        truncated: result.truncated,
        pid: None,
    })
}

/// Starts a command that nobody waits for.
fn start(parts: &Arc<Parts>, children: &Children, request: &ExecRequest) -> Result<Ended, Error> {
    let mut command = exec::prepare(&parts.environment, request).map_err(refused)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        let program = request.command.first().map_or("", String::as_str);
        Error::custom("osError", process::start_failure(program, &error).1, "not_started")
    })?;
    let listed = children.add(&child);
    let pid = listed.as_ref().map(super::os::Listed::pid);
    // Ends with the process, which nobody else waits for.
    tokio::spawn(async move {
        if let Err(error) = child.wait().await {
            tracing::warn!(%error, "cannot learn how a command ended");
        }
        drop(listed);
    });
    Ok(Ended { stdout: String::new(), stderr: String::new(), exit_status: 0, truncated: false, pid })
}
