//! `os.*`: processes with their output as it comes, and who the user is.
//!
//! | method | argument → result |
//! |---|---|
//! | `os.exec` | `{cmd, args?, envs?, workDir?, stdin?, stdout?, stderr?, exit?, detached?}` → `{pid}` |
//! | `os.kill` | `{pid, signal?}` → `true`; `KILL` where no signal is named |
//! | `os.home` | `{username?}` → folder |
//! | `os.currentUsername` | → name |
//!
//! `stdin` is base64; `stdout(line)`, `stderr(line)` and `exit(code)` are functions, and `exit` is called strictly last.
//! `os.kill` reaches what `os.exec` and `exec` started, whoever asked for it, and nothing else: the callers of a
//! workspace are one user inside, and one that has lost its connection must be able to end what it left.
//!
//! A process ends with the connection that started it, and all it started with it, unless it is `detached`:
//! that one runs on, and what it then prints goes nowhere.

mod children;
mod lines;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use kite::{Callback, Error, Request, ServiceBuilder};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::accounts;
use super::answer::Answer;
use super::fs::path::decode;
use crate::agent::Parts;
use crate::environment::Environment;
use crate::problem::Problem;
use crate::process::signal_named;

pub(super) use children::{Children, Listed};

/// As `envs` of `os.exec`: an object, or `NAME=value` each.
#[derive(Deserialize)]
#[serde(untagged)]
enum Variables {
    Named(BTreeMap<String, String>),
    Joined(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    cmd: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    #[serde(default)]
    envs: Option<Variables>,
    #[serde(default)]
    work_dir: Option<String>,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default)]
    stdout: Option<Callback>,
    #[serde(default)]
    stderr: Option<Callback>,
    #[serde(default)]
    exit: Option<Callback>,
    #[serde(default)]
    detached: Option<bool>,
}

#[derive(Serialize)]
struct Started {
    pid: i32,
}

#[derive(Deserialize)]
struct Kill {
    pid: i32,
    #[serde(default)]
    signal: Option<SignalWanted>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SignalWanted {
    Number(i32),
    Name(String),
}

#[derive(Default, Deserialize)]
struct Whose {
    #[serde(default)]
    username: Option<String>,
}

pub(super) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>, children: &Children) -> ServiceBuilder {
    let (starting, killing) = (children.clone(), children.clone());
    let (with_exec, with_home, with_name) = (parts.clone(), parts.clone(), parts.clone());
    builder
        .method("os.exec", move |request| std::future::ready(start(&with_exec, &starting, &request)))
        .method("os.kill", move |request| std::future::ready(kill(&killing, &request)))
        .method("os.home", move |request| std::future::ready(home(&with_home.environment, &request)))
        .method("os.currentUsername", move |_| {
            std::future::ready(Ok(accounts::current(&with_name.environment).name))
        })
}

fn start(parts: &Arc<Parts>, children: &Children, request: &Request) -> Result<Answer<Started>, Error> {
    let wanted: Start = request.arg()?;
    if children.is_full() {
        return Err(no_room());
    }
    let input = wanted.stdin.filter(|text| !text.is_empty()).map(|text| decode(&text)).transpose();
    let input = input.map_err(|why| Error::argument(format!("stdin: {why}")))?;
    let mut command = vec![wanted.cmd];
    command.extend(wanted.args.unwrap_or_default());
    let run = run::Run {
        command,
        variables: variables(wanted.envs)?,
        folder: wanted.work_dir,
        input,
        stdout: wanted.stdout,
        stderr: wanted.stderr,
        exit: wanted.exit,
        peer: (!wanted.detached.unwrap_or(false)).then(|| request.peer().clone()),
    };
    let running = run.start(&parts.environment, children)?;
    let (answer, answered) = Answer::new(Started { pid: running.pid() });
    // Ends with the process, or with the connection.
    tokio::spawn(async move {
        answered.wait().await;
        running.supervise().await;
    });
    Ok(answer)
}

fn variables(wanted: Option<Variables>) -> Result<BTreeMap<String, String>, Error> {
    match wanted {
        None => Ok(BTreeMap::new()),
        Some(Variables::Named(variables)) => Ok(variables),
        Some(Variables::Joined(variables)) => variables
            .into_iter()
            .map(|variable| {
                variable
                    .split_once('=')
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .ok_or_else(|| Error::argument("a variable of `envs` is not `NAME=value`"))
            })
            .collect(),
    }
}

fn kill(children: &Children, request: &Request) -> Result<bool, Error> {
    let wanted: Kill = request.arg()?;
    let signal = match wanted.signal {
        None => Some(Signal::KILL),
        Some(SignalWanted::Name(name)) => signal_named(&name),
        Some(SignalWanted::Number(number)) => Signal::from_named_raw(number),
    };
    let signal = signal.ok_or_else(|| {
        Error::argument("there is no such signal: name it as in `TERM`, or give the number of a standard one")
    })?;
    if children.signal(wanted.pid, signal) {
        return Ok(true);
    }
    Err(Error::custom(
        "osError",
        format!(
            "cannot signal process {}: it was not started by `os.exec` or `exec`, or has ended; use a terminal",
            wanted.pid
        ),
        "not_found",
    ))
}

fn home(environment: &Environment, request: &Request) -> Result<String, Error> {
    let wanted: Whose = request.optional()?.unwrap_or_default();
    let account = match wanted.username.filter(|name| !name.is_empty()) {
        None => accounts::current(environment),
        Some(name) => accounts::named(environment, &name).ok_or_else(|| no_user(&name))?,
    };
    Ok(account.home.to_string_lossy().into_owned())
}

/// There is no user of this name.
pub(super) fn no_user(name: &str) -> Error {
    let name: String = name.chars().take(60).collect();
    Error::custom("osError", format!("there is no user `{name}` in this workspace"), "not_found")
}

/// Too many processes run.
pub(super) fn no_room() -> Error {
    let message = "cannot start another process: too many run; end some of them, as with `os.kill`";
    Error::custom("osError", message, "too_many")
}

/// A problem as Kite clients read it: what it is and what to do about it.
pub(super) fn refused(problem: Problem) -> Error {
    let problem = problem.into_inner();
    Error::custom("osError", format!("{}. {}", problem.detail, problem.mend), problem.code)
}
