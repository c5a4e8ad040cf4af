//! From starting the server's process to its first answer.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::hearth::{host_of, up};
use super::http::{Address, Connection};
use super::report::{Goal, Report};
use super::sample::{Contender, take_turns};
use crate::service::Service;

/// Measures a first start, which makes the database, and a later one.
pub(super) fn measure(rounds: usize, report: &mut Report) -> Result<()> {
    println!("server start-up");
    let kept = tempfile::Builder::new().prefix("hearth-bench-").tempdir_in("/tmp")?;
    let contenders: Vec<Contender> = vec![
        (
            "hearth, empty data folder",
            Box::new(|| {
                let fresh = tempfile::Builder::new().prefix("hearth-bench-").tempdir_in("/tmp")?;
                start(&fresh.path().join("data"))
            }),
        ),
        ("hearth, existing data folder", Box::new(|| start(&kept.path().join("data")))),
    ];
    let samples = take_turns(rounds, contenders)?;
    report.comparison(
        "Server start-up",
        "From exec to the first answer of `GET /healthz`.",
        &samples,
        &[
            Goal::at_most("hearth, empty data folder", Duration::from_millis(150)),
            Goal::at_most("hearth, existing data folder", Duration::from_millis(150)),
        ],
    );
    Ok(())
}

fn start(data: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let mut service = Service::start("hearth", &mut up(data))?;
    let host = service.wait_for(Duration::from_secs(30), host_of)?;
    let mut connection = Connection::open(&Address::Tcp(host), None)?;
    connection.send("GET", "/healthz", "", &mut std::io::empty(), 0).context("cannot ask for its health")?;
    Ok(begun.elapsed())
}
