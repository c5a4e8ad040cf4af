//! Calls over one WebSocket: how many in a second, and how long one takes at a steady rate. kite.js is the peer.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{bench_kite, start_server};
use crate::bench::report::{Goal, Report};
use crate::bench::sample::{Contender, take_turns, together};
use crate::{peers, project, shell};

/// Turns of each contender; one takes seconds.
const TURNS: usize = 5;
/// Calls in one turn; where kite.js is at one end, a tenth of them.
const CALLS: u32 = 200_000;
/// Calls under way at any time.
const WINDOW: u32 = 64;
/// Calls a second, where they are paced.
const RATE: u32 = 10_000;
/// Seconds of paced calls in one turn.
const SECONDS: u32 = 3;

/// Compares the pairs of ends, then measures ours at a steady rate.
pub(super) fn measure(report: &mut Report) -> Result<()> {
    peers::provide()?;
    let (_ours, ours) = start_server("bench_kite", &mut bench_kite(&["serve"]))?;
    let (_theirs, theirs) = start_server("kite.js", &mut kite_js(&["serve"]))?;
    let (ours, theirs) = (format!("http://{ours}"), format!("http://{theirs}"));

    let contenders: Vec<Contender> = vec![
        ("kite.js's server, Hearth's client", Box::new(|| calls(bench_kite, &theirs, CALLS / 10))),
        ("kite.js at both ends", Box::new(|| calls(kite_js, &theirs, CALLS / 10))),
        ("hearth's server, kite.js's client", Box::new(|| calls(kite_js, &ours, CALLS / 10))),
        ("hearth at both ends", Box::new(|| calls(bench_kite, &ours, CALLS))),
    ];
    let samples = take_turns(TURNS, contenders)?;
    report.rates(
        "Kite: calls over one connection",
        &format!(
            "`square` of a number, {WINDOW} calls under way at any time over one raw WebSocket on the loopback, each \
             end a process of its own, {TURNS} times each: {CALLS} calls between two of Hearth's `kite` crate, {} where \
             kite.js 1.0.13 is one end. Nobody authenticates, because kite.js's server does not ask for it.",
            CALLS / 10
        ),
        (f64::from(CALLS), "calls/s"),
        &samples,
        &[("hearth at both ends", 50_000.0)],
    );

    let names = ["half of the calls", "99 of 100 calls"];
    let samples = together(TURNS, names, || paced(&ours))?;
    report.comparison(
        "Kite: time of a call",
        &format!(
            "The same call at a steady {RATE} a second for {SECONDS} s, {TURNS} times; from when a call was due to its \
             answer, so that a call that is held up holds up none of the others' clocks. Hearth at both ends."
        ),
        &samples,
        &[Goal::at_most("99 of 100 calls", Duration::from_millis(2))],
    );
    Ok(())
}

/// Pipelined calls from a client of either side, as the time for [`CALLS`] of them.
fn calls(client: impl Fn(&[&str]) -> Command, url: &str, count: u32) -> Result<Duration> {
    let time = shell::read(&mut client(&["calls", url, &count.to_string(), &WINDOW.to_string()]))?;
    let time = Duration::from_nanos(time.trim().parse().with_context(|| format!("no time: {time}"))?);
    Ok(time * (CALLS / count))
}

/// What half of the calls, and what 99 of 100 do not exceed.
fn paced(url: &str) -> Result<[Duration; 2]> {
    let said = shell::read(&mut bench_kite(&["paced", url, &RATE.to_string(), &SECONDS.to_string()]))?;
    let mut times = said.split_whitespace().map(|nanos| Ok(Duration::from_nanos(nanos.parse()?)));
    let mut next = || times.next().unwrap_or_else(|| anyhow::bail!("two times are missing in: {said}"));
    Ok([next()?, next()?])
}

/// The peer's end, in the Node that was fetched for it.
fn kite_js(arguments: &[&str]) -> Command {
    let peers = project::target().join("peers/node");
    let mut command = shell::command(peers.join("bin/node"));
    command.arg(project::root().join("xtask/src/bench/kites/peer.js")).args(arguments);
    command.env("NODE_PATH", peers.join("node_modules")).env_remove("NODE_OPTIONS");
    command
}
