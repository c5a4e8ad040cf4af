//! From wanting a workspace to the answer of its first command.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::docker::Docker;
use super::hearth::{Hearth, IMAGE};
use super::report::{Goal, Report};
use super::sample::{Contender, take_turns, timed};

/// Compares Hearth's three ways to a first command with `docker run` and `bwrap`.
pub(super) fn measure(hearth: &Hearth, docker: &Docker, rounds: usize, report: &mut Report) -> Result<()> {
    println!("create → first command");
    let origin = hearth.create(&json!({"name": "origin", "rootfs": "host"}))?;
    hearth.exec(&origin, &["true"])?;
    hearth.stop(&origin)?;

    let host = json!({"rootfs": "host"});
    let image = json!({ "rootfs": IMAGE });
    let contenders: Vec<Contender> = vec![
        ("docker run", Box::new(|| run(docker.cli(&["run", "--rm", IMAGE, "true"])))),
        ("docker API: create, start, wait", Box::new(|| docker_api(docker))),
        ("bwrap", Box::new(|| run(bwrap()))),
        ("hearth, host root file system", Box::new(|| create(hearth, &host))),
        ("hearth, imported image", Box::new(|| create(hearth, &image))),
        ("hearth, fork", Box::new(|| first_command(hearth, || hearth.fork(&origin)))),
    ];
    let samples = take_turns(rounds, contenders)?;
    hearth.delete(&origin)?;
    report.comparison(
        "Create → first command",
        "From the request to the end of `true` in a new workspace or container. Hearth: `POST /workspaces`, \
         the `running` event, `POST …/exec`, all over HTTP; deleting is not counted. `docker run --rm` counts \
         its client and its removal, as a user waits for both; the API row counts neither.",
        &samples,
        &[
            Goal::ratio("hearth, host root file system", 0.35),
            Goal::at_most("hearth, host root file system", Duration::from_millis(60)),
        ],
    );
    Ok(())
}

fn create(hearth: &Hearth, body: &Value) -> Result<Duration> {
    first_command(hearth, || hearth.create(body))
}

fn first_command(hearth: &Hearth, make: impl FnOnce() -> Result<String>) -> Result<Duration> {
    let (id, time) = timed(|| {
        let id = make()?;
        hearth.exec(&id, &["true"])?;
        Ok(id)
    })?;
    hearth.delete(&id)?;
    Ok(time)
}

fn docker_api(docker: &Docker) -> Result<Duration> {
    let (id, time) = timed(|| {
        let id = docker.create(&json!({"Image": IMAGE, "Cmd": ["true"]}))?;
        docker.call("POST", &format!("/containers/{id}/start"), None)?;
        let ended = docker.call("POST", &format!("/containers/{id}/wait"), None)?;
        anyhow::ensure!(ended["StatusCode"] == 0, "the container failed: {ended}");
        Ok(id)
    })?;
    docker.remove(&id)?;
    Ok(time)
}

/// The floor: namespaces and mounts of the same kinds, and nothing else.
fn bwrap() -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"]);
    command.args(["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]);
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "true"]);
    command
}

/// Runs a command that must succeed, silently.
pub(super) fn run(mut command: Command) -> Result<Duration> {
    let ((), time) = timed(|| {
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run `{}`", crate::shell::shown(&command)))?;
        if !output.status.success() {
            bail!("`{}` failed: {}", crate::shell::shown(&command), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    })?;
    Ok(time)
}
