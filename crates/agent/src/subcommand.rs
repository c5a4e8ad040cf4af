//! What git and SSH inside run: small commands of the agent's executable that ask the agent itself.
//!
//! - `credential [--socket PATH] get|store|erase`: git's credential helper (gitcredentials(7)).
//! - `connect [--socket PATH] HOST PORT`: SSH's way out (`ProxyCommand` of ssh_config(5)).
//!
//! They hold no secret but the one they hand on, and what they cannot do they say in one line.

mod ancestors;
mod attributes;
mod connect;
mod credential;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::doors::call::{Call, LINE_MAX};

/// How long the agent may take for an answer: longer than it gives the server.
const PATIENCE: Duration = Duration::from_secs(75);

/// Runs a command of the helper, if the arguments (without the program's name) are one.
pub fn run_helper(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<String> =
        arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let (command, mut rest) = arguments.split_first()?;
    let mut socket = None;
    if let [option, path, others @ ..] = rest
        && option == "--socket"
    {
        (socket, rest) = (Some(PathBuf::from(path)), others);
    }
    let agent = AgentSocket(socket.unwrap_or_else(usual_socket));
    let done = match (command.as_str(), rest) {
        ("credential", [operation]) => credential::run(&agent, operation),
        ("connect", [host, port]) => connect::run(&agent, host, port),
        ("credential" | "connect", _) => {
            Err("use `credential get|store|erase` or `connect HOST PORT`; git and SSH do".into())
        }
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    })
}

fn usual_socket() -> PathBuf {
    crate::doors::usual_calls(Path::new(&std::env::var_os("HOME").unwrap_or_default()))
}

/// Tells the person; git and SSH pass it on.
fn say(line: &str) {
    // Nobody else to tell.
    drop(writeln!(std::io::stderr(), "hearth: {line}"));
}

/// The agent, as its helper reaches it.
struct AgentSocket(PathBuf);

impl AgentSocket {
    /// Says what is wanted; the answer can be read from the stream.
    fn call(&self, call: &Call) -> Result<UnixStream, String> {
        let away = "the workspace's agent does not answer; restart the workspace";
        let mut stream = UnixStream::connect(&self.0).map_err(|_| away.to_owned())?;
        let mut line = serde_json::to_vec(call).map_err(|error| error.to_string())?;
        line.push(b'\n');
        stream.write_all(&line).map_err(|_| away.to_owned())?;
        Ok(stream)
    }
}

/// Reads one line of the agent's. Byte by byte where more than the line must be left in the stream.
fn answer_line(stream: &UnixStream) -> Result<Vec<u8>, String> {
    let broken = "the workspace's agent broke off; try again";
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    let mut line = Vec::new();
    let mut reader = BufReader::with_capacity(1, stream).take(LINE_MAX);
    match reader.read_until(b'\n', &mut line) {
        Ok(1..) if line.ends_with(b"\n") => {}
        _ => return Err(broken.into()),
    }
    stream.set_read_timeout(None).map_err(|error| error.to_string())?;
    Ok(line)
}
