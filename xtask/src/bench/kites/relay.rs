//! The way to a workspace's agent through the relay, beside the API's own.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::bench_kite;
use crate::bench::hearth::Hearth;
use crate::bench::report::Report;
use crate::bench::sample::{Contender, take_turns, timed};
use crate::shell;

/// Calls in one turn.
const EACH: u32 = 200;
/// The folder that is looked at.
const FOLDER: &str = "/tmp/bench";

/// Compares looking at a file with it.
pub(super) fn measure(hearth: &Hearth, rounds: usize, report: &mut Report) -> Result<()> {
    println!("the relay to an agent");
    let workspace = hearth.create(&json!({"name": "kite", "rootfs": "host"}))?;
    let folder = tempfile::tempdir()?;
    let answer = hearth.call("POST", &format!("/kites/{workspace}/token"), None)?;
    let text = |key: &str| answer[key].as_str().with_context(|| format!("the answer has no {key}"));
    let token = folder.path().join("token");
    std::fs::write(&token, text("token")?)?;
    let url = format!("http://{}/kite/relay/{workspace}", hearth.host());
    hearth.call("PUT", &format!("/workspaces/{workspace}/files{FOLDER}?kind=folder"), None)?;
    let arguments = json!([{"path": FOLDER}]).to_string();
    let relayed = |method: &str| {
        let (token, count) = (token.to_string_lossy(), EACH.to_string());
        let said = shell::read(&mut bench_kite(&["ask", &url, &token, method, &arguments, &count]))?;
        Ok(Duration::from_nanos(said.trim().parse()?) / EACH)
    };
    let listing = format!("/workspaces/{workspace}/files{FOLDER}");
    let direct = || {
        let ((), time) = timed(|| (0..EACH).try_for_each(|_| hearth.call("GET", &listing, None).map(drop)))?;
        Ok(time / EACH)
    };
    let contenders: Vec<Contender> = vec![
        ("GET /workspaces/…/files/…, an empty folder", Box::new(direct)),
        ("fs.readDirectory of it through the relay", Box::new(|| relayed("fs.readDirectory"))),
        ("fs.getInfo of it through the relay", Box::new(|| relayed("fs.getInfo"))),
    ];
    let samples = take_turns(rounds, contenders)?;
    report.comparison(
        "Kite: a workspace's folder through the relay",
        &format!("One after the other on one kept-alive connection, the mean of {EACH}; the same agent answers all."),
        &samples,
        &[],
    );
    hearth.delete(&workspace)
}
