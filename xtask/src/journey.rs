//! What a browser sees: every page with a stand-in for the server, then the journeys, a real Chromium
//! against a real server, which clones from a real Git server or from a double of GitLab.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::project::Profile;
use crate::service::Service;
use crate::steps::Found;
use crate::tools::Node;
use crate::{runner, shell, ui};

/// Looks at every page in every state, served from the built UI with a stand-in for the server.
pub(crate) fn pages() -> Result<Found> {
    let chromium = shell::find("chromium").context("`chromium` is not installed")?;
    let node = Node::provide()?;
    ui::install(&node)?;
    runner::run(playwright(&node, "gallery", &chromium).env_remove("HEARTH_URL"))
}

/// Playwright for one of the suites. Pictures of all pages go to `target/screenshots`, for people to look
/// at, and what a failure leaves to `target/playwright`, so that somebody else's run is not disturbed.
fn playwright(node: &Node, suite: &str, chromium: &Path) -> Command {
    let target = crate::project::target();
    let mut command = node.npm();
    // The folder too: other suites' names may end like this one's.
    let files = format!("e2e/{suite}");
    command.args(["run", "e2e", "--", &files, "--output"]).arg(target.join("playwright").join(suite));
    command.env("CI", "true").env("HEARTH_CHROMIUM", chromium);
    command.env("HEARTH_SCREENSHOTS", target.join("screenshots"));
    command
}

/// Starts the server, the Git server and the browser tests, and stops all of them.
pub(crate) fn run() -> Result<Found> {
    let mut git = example("git_server")?;
    with_server("journey", |folder, _| {
        // Its repositories lie in its temporary folder, which goes with ours.
        let mut git = Service::start("the Git server", git.env("TMPDIR", folder))?;
        let repository = first_line(&mut git)?;
        Ok((git, vec![("HEARTH_REPO_URL", repository)]))
    })
}

/// The same with a double of GitLab, which people register, sign in with and clone from.
pub(crate) fn forges() -> Result<Found> {
    let mut double = example("gitlab_double")?;
    with_server("forges", |folder, url| {
        // All forges share this address; the one of its own is known only when it is registered.
        let redirect = format!("{url}/oauth/callback");
        double.args(["--json", "--port", "0", "--redirect", &redirect]).env("TMPDIR", folder);
        let mut double = Service::start("the GitLab double", &mut double)?;
        let described = first_line(&mut double)?;
        Ok((double, vec![("HEARTH_DOUBLE", described)]))
    })
}

/// A program of the test kit, built.
fn example(name: &str) -> Result<Command> {
    shell::run(shell::cargo().args(["build", "--locked", "--package", "testkit", "--example", name]))?;
    Ok(shell::command(crate::project::target().join("debug/examples").join(name)))
}

fn first_line(service: &mut Service) -> Result<String> {
    service.wait_for(Duration::from_secs(30), |said| {
        said.contains('\n').then(|| said.lines().next().map(str::to_owned)).flatten()
    })
}

/// Runs a suite against a fresh server. `beside` starts what it needs beside it, for a temporary folder and
/// the server's address, and says what the suite is to know about it.
fn with_server(
    suite: &str,
    beside: impl FnOnce(&Path, &str) -> Result<(Service, Vec<(&'static str, String)>)>,
) -> Result<Found> {
    let chromium = shell::find("chromium").context("`chromium` is not installed")?;
    let node = Node::provide()?;
    ui::install(&node)?;
    // A short path: a Unix socket's has at most 108 bytes.
    let folder = tempfile::Builder::new().prefix("hearth-journey-").tempdir_in("/tmp")?;
    let data = folder.path().join("data");

    let mut up = shell::command(Profile::Dev.hearth());
    up.args(["up", "--listen", "127.0.0.1:0"]).env("HEARTH_DATA_DIR", &data).env_remove("HEARTH_CONFIG");
    let mut server = Service::start("hearth", &mut up)?;
    let setup = server.wait_for(Duration::from_mins(1), |said| after(said, "First visit: "))?;
    let url = after(&server.output(), "Hearth is ready at ").context("the server did not say where it is")?;

    let found = beside(folder.path(), &url).and_then(|(_beside, variables)| {
        let mut browser = playwright(&node, suite, &chromium);
        browser.env("HEARTH_URL", &url).env("HEARTH_SETUP_URL", &setup).envs(variables);
        let found = runner::run(&mut browser);
        // Whatever a workspace still needs of it.
        let swept = sweep(&data);
        swept_into(found, swept)
    });
    drop(server);
    found
}

/// What was left behind counts as a failure, unless there was another before.
fn swept_into(found: Result<Found>, swept: Result<()>) -> Result<Found> {
    let mut found = found?;
    if let Err(error) = swept
        && found.failure.is_none()
    {
        found.failure = Some(format!("{error:#}"));
    }
    Ok(found)
}

/// The rest of the first line that begins so.
fn after(said: &str, start: &str) -> Option<String> {
    said.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned)
}

/// Deletes what the journey left: workspaces outlive their server.
fn sweep(data: &Path) -> Result<()> {
    let hearth = |arguments: &[&str]| {
        let mut command = shell::command(Profile::Dev.hearth());
        command.args(arguments).env("HEARTH_DATA_DIR", data).env_remove("HEARTH_SERVER");
        shell::read(&mut command)
    };
    for _ in 0..600 {
        let listed: serde_json::Value = serde_json::from_str(&hearth(&["--json", "list"])?)?;
        let left: Vec<_> =
            listed.get("items").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        if left.is_empty() {
            return Ok(());
        }
        for workspace in left.iter().filter(|one| one.get("phase").is_none_or(|phase| phase != "deleting")) {
            if let Some(id) = workspace.get("id").and_then(serde_json::Value::as_str) {
                // It may be gone by now, which the next look tells.
                let _gone = hearth(&["delete", id]);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("workspaces of the journey are still there after a minute")
}
