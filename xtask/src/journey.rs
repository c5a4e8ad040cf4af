//! What a browser sees: every page with a stand-in for the server, then the journey, a real Chromium
//! against a real server which clones from a real Git server.

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
    command.args(["run", "e2e", "--", suite, "--output"]).arg(target.join("playwright").join(suite));
    command.env("CI", "true").env("HEARTH_CHROMIUM", chromium);
    command.env("HEARTH_SCREENSHOTS", target.join("screenshots"));
    command
}

/// Starts the server, the Git server and the browser tests, and stops all of them.
pub(crate) fn run() -> Result<Found> {
    let chromium = shell::find("chromium").context("`chromium` is not installed")?;
    let node = Node::provide()?;
    ui::install(&node)?;
    // A short path: a Unix socket's has at most 108 bytes.
    let folder = tempfile::Builder::new().prefix("hearth-journey-").tempdir_in("/tmp")?;
    let data = folder.path().join("data");

    shell::run(shell::cargo().args([
        "build",
        "--locked",
        "--package",
        "testkit",
        "--example",
        "git_server",
    ]))?;
    let mut git = shell::command(crate::project::target().join("debug/examples/git_server"));
    // Its repositories lie in its temporary folder, which goes with ours.
    let mut git = Service::start("the Git server", git.env("TMPDIR", folder.path()))?;
    let repository = git.wait_for(Duration::from_secs(30), |said| said.lines().next().map(str::to_owned))?;

    let mut up = shell::command(Profile::Dev.hearth());
    up.args(["up", "--listen", "127.0.0.1:0"]).env("HEARTH_DATA_DIR", &data).env_remove("HEARTH_CONFIG");
    let mut server = Service::start("hearth", &mut up)?;
    let setup = server.wait_for(Duration::from_mins(1), |said| after(said, "First visit: "))?;
    let url = after(&server.output(), "Hearth is ready at ").context("the server did not say where it is")?;

    let mut browser = playwright(&node, "journey", &chromium);
    browser.env("HEARTH_URL", &url).env("HEARTH_SETUP_URL", &setup).env("HEARTH_REPO_URL", &repository);
    let mut found = runner::run(&mut browser);

    let swept = sweep(&data);
    drop(server);
    if let (Ok(found), Err(error)) = (&mut found, swept)
        && found.failure.is_none()
    {
        found.failure = Some(format!("{error:#}"));
    }
    found
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
