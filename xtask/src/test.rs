//! `cargo xtask test`: everything that must hold, cheapest first, with times and a count at the end.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::project::{self, Profile};
use crate::steps::{Found, Steps};
use crate::tools::{self, Node};
use crate::{agent, journey, needs, packages, peers, runner, shell, skips, tidy, ui, up};

/// No single step takes longer on a slow machine; past it something hangs.
const STEP_LIMIT_S: &str = "2400";

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Leave out doc tests, the black-box suite and the browser journey; install nothing.
    #[arg(long)]
    fast: bool,
    /// Run only this step, named as in the summary; may be given more than once.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
}

impl Test {
    /// Runs all steps and answers whether everything passed.
    pub(crate) fn run(self) -> ExitCode {
        let mut steps = Steps::only(self.only);
        if self.fast {
            steps.skip("packages", "--fast installs nothing");
        } else {
            steps.run("packages", provide_packages);
        }
        steps.run("agent", || agent::build().map(|()| Found::passed()));
        let has_ui = steps.run("ui build", || ui::build().map(|()| Found::passed()));
        steps.run("format", || check(shell::cargo().args(["fmt", "--all", "--check"])));
        steps.run("tidy", || tidy::run().map(|()| Found::passed()));
        steps.run("clippy", || {
            let mut clippy = shell::cargo();
            clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
            check(&mut clippy)
        });
        steps.run("tests", || nextest(&["--workspace", "--exclude", "blackbox"]));
        if self.fast {
            for name in ["doc tests", "black box", "ui pages", "browser journey", "forge journey"] {
                steps.skip(name, "--fast");
            }
        } else {
            steps.run("doc tests", doc_tests);
        }
        if has_ui {
            steps.run("ui check", ui_check);
        } else {
            steps.skip("ui check", "the UI was not built");
        }
        if !self.fast {
            if steps.run("server", || up::build_server(Profile::Dev).map(|()| Found::passed())) {
                steps.run("black box", || nextest(&["--package", "blackbox"]));
                steps.run("ui pages", journey::pages);
                steps.run("browser journey", journey::run);
                steps.run("forge journey", journey::forges);
            } else {
                steps.skip("black box", "the server was not built");
                steps.skip("ui pages", "the server was not built");
                steps.skip("browser journey", "the server was not built");
                steps.skip("forge journey", "the server was not built");
            }
        }
        steps.finish()
    }
}

/// Whether we run where a skip of something installable must not pass unseen.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn provide_packages() -> Result<Found> {
    let mut found = Found::passed();
    let needs: Vec<_> = needs::UP.iter().chain(needs::TEST).copied().collect();
    let mut missing = packages::provide(&needs)?;
    missing.extend(peers::provide()?);
    for need in missing {
        found.tally.skipped += 1;
        found.skips.push(format!("`{}` is not installed: {}", need.name(), need.purpose));
    }
    tools::provide_nextest()?;
    refuse_skips(&mut found);
    Ok(found)
}

/// In CI, a skip of something that can be installed is a failure.
fn refuse_skips(found: &mut Found) {
    if is_ci()
        && let Some(skip) = found.skips.iter().find(|skip| skips::is_installable(skip))
    {
        found.failure = Some(format!("skipped although it can be installed: {skip}"));
    }
}

fn check(command: &mut Command) -> Result<Found> {
    shell::run(command).map(|()| Found::passed())
}

/// Runs tests by nextest, which gives each a process of its own and a time limit.
fn nextest(what: &[&str]) -> Result<Found> {
    let junit = project::target().join("nextest/ci/junit.xml");
    // A report of an earlier run must not be read as this one's.
    let _absent = std::fs::remove_file(&junit);
    let mut command = limited("cargo");
    command.args(["nextest", "run", "--locked", "--profile", "ci"]).args(what);
    let mut found = runner::run(&mut command)?;
    skips::account(&mut found, &junit);
    refuse_skips(&mut found);
    Ok(found)
}

/// nextest runs no doc tests.
fn doc_tests() -> Result<Found> {
    let mut command = limited("cargo");
    command.args(["test", "--locked", "--doc"]);
    command.args(["--package", "domain", "--package", "wire", "--package", "vault"]);
    let mut found = runner::run(&mut command)?;
    // A crate without doc tests reports a total of none, which is no failure.
    if found.failure.as_ref().is_some_and(|why| why.ends_with("reported no tests")) {
        found = Found::passed();
    }
    Ok(found)
}

/// Types, lint and unit tests of the UI. How much a browser has to fetch is part of its build.
fn ui_check() -> Result<Found> {
    let node = Node::provide()?;
    ui::install(&node)?;
    runner::run(node.npm().args(["run", "check"]))
}

/// A command of the project that is ended when it hangs, with all it started.
fn limited(program: &str) -> Command {
    let mut command = shell::command("timeout");
    command.args(["--foreground", "--kill-after=60", STEP_LIMIT_S, program]);
    command
}
