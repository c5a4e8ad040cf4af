//! `connect`: standard input and output become a connection that the server makes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::{AgentSocket, answer_line, say};
use crate::doors::call::{Call, Connected};

/// Bytes passed on at once.
const CHUNK: usize = 64 << 10;

/// Connects, and copies bytes until both sides have ended.
pub(super) fn run(agent: &AgentSocket, host: &str, port: &str) -> Result<(), String> {
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let stream = agent.call(&Call::Connect { host: host.to_owned(), port })?;
    let connected: Connected = serde_json::from_slice(&answer_line(&stream)?)
        .map_err(|_| "the agent does not understand".to_owned())?;
    if let Some(why) = connected.why {
        return Err(format!("cannot connect to {host}:{port}: {why}"));
    }
    if let Ok(refusals) = agent.call(&Call::Refusals) {
        // Ends with this process.
        std::thread::spawn(move || tell(&refusals));
    }
    copy(&stream).map_err(|error| format!("the connection to {host}:{port} broke off: {error}"))
}

/// Says why the server does not sign: SSH itself learns only that it does not.
fn tell(refusals: &UnixStream) {
    let mut said = refusals;
    for line in BufReader::new(refusals).lines().map_while(Result::ok) {
        say(&format!("the SSH key was not used: {line}"));
        // SSH waits for this, and ends us soon after.
        if said.write_all(b"\n").is_err() {
            return;
        }
    }
}

fn copy(stream: &UnixStream) -> io::Result<()> {
    let (mut input, mut output) = (file(io::stdin())?, file(io::stdout())?);
    let (mut to_server, mut from_server) = (stream.try_clone()?, stream.try_clone()?);
    // Ends with the input, or with this process.
    std::thread::spawn(move || {
        drop(pass_on(&mut input, &mut to_server));
        drop(to_server.shutdown(Shutdown::Write));
    });
    pass_on(&mut from_server, &mut output)
}

/// Passes every piece on as it comes. `std::io::copy` would splice, which some kernels do not do piece by
/// piece.
fn pass_on(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(buffer.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A standard stream without its buffer.
fn file(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
