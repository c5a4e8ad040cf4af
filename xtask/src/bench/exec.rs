//! One command in a workspace that runs already.

use std::io::Read;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::create::run;
use super::docker::{Docker, Tty};
use super::hearth::Hearth;
use super::report::{Goal, Report};
use super::sample::{Contender, take_turns, timed};

/// Compares exec over the API and by the command line with Docker's.
pub(super) fn measure(hearth: &Hearth, docker: &Docker, rounds: usize, report: &mut Report) -> Result<()> {
    println!("exec");
    let workspace = hearth.create(&json!({"name": "exec", "rootfs": "host"}))?;
    let container = docker.resting_container()?;
    let contenders: Vec<Contender> = vec![
        ("docker exec", Box::new(|| run(docker.cli(&["exec", &container, "true"])))),
        ("docker API: create, start, read to the end", Box::new(|| docker_api(docker, &container))),
        ("hearth API", Box::new(|| timed(|| hearth.exec(&workspace, &["true"])).map(|((), time)| time))),
        ("hearth exec", Box::new(|| run(hearth.cli(&["exec", &workspace, "--", "true"])))),
    ];
    let samples = take_turns(rounds, contenders)?;
    docker.remove(&container)?;
    hearth.delete(&workspace)?;
    report.comparison(
        "Exec",
        "`true` in a workspace or container that runs. The API rows use one kept-alive connection.",
        &samples,
        &[Goal::ratio("hearth API", 0.15), Goal::at_most("hearth API", Duration::from_millis(5))],
    );
    Ok(())
}

fn docker_api(docker: &Docker, container: &str) -> Result<Duration> {
    let ((), time) = timed(|| {
        let (_, mut stream) = docker.attach(container, &["true"], Tty::No)?;
        stream.read_to_end(&mut vec![])?;
        Ok(())
    })?;
    Ok(time)
}
