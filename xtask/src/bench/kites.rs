//! Kites: calls between two of them beside kite.js, and a registry that keeps ten thousand.

mod calls;
mod crowd;
mod relay;

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::hearth::Hearth;
use super::report::Report;
use super::secrets::example;
use crate::service::Service;
use crate::shell;

/// Where programs of both sides say that they listen.
const LISTENING: &str = "listening on ";

/// Measures all of it. With `is_quick`, the kites that do nothing are watched for a shorter time.
pub(super) fn measure(hearth: &Hearth, rounds: usize, is_quick: bool, report: &mut Report) -> Result<()> {
    println!("kites");
    calls::measure(report)?;
    crowd::measure(rounds, is_quick, report)?;
    relay::measure(hearth, rounds, report)
}

/// One end of a measurement.
fn bench_kite(arguments: &[&str]) -> Command {
    let mut command = shell::command(example("bench_kite"));
    command.args(arguments);
    command
}

/// Starts a server of either side, and answers its `host:port` too.
fn start_server(name: &str, command: &mut Command) -> Result<(Service, String)> {
    let mut service = Service::start(name, command)?;
    let host = service.wait_for(Duration::from_secs(30), |said| {
        said.lines().find_map(|line| line.strip_prefix(LISTENING)).map(str::to_owned)
    })?;
    Ok((service, host))
}
