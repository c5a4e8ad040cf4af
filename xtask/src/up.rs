//! `cargo xtask up`: from a fresh clone to a running server.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};
use clap::Args;

use crate::project::Profile;
use crate::{agent, needs, packages, shell, ui};

/// Options of `cargo xtask up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Build with optimisation: slower to build, faster to run.
    #[arg(long)]
    release: bool,
    /// Arguments for `hearth up`, such as `--listen 127.0.0.1:9000`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Up {
    /// Builds everything and becomes `hearth up`.
    pub(crate) fn run(self) -> Result<()> {
        let profile = if self.release { Profile::Release } else { Profile::Dev };
        packages::provide(needs::UP)?;
        agent::build()?;
        ui::build()?;
        build_server(profile)?;
        let mut hearth = shell::command(profile.hearth());
        // In the caller's folder, as if typed; signals then reach the server and nobody between.
        hearth.current_dir(std::env::current_dir().context("cannot tell the present folder")?);
        let error = hearth.arg("up").args(&self.arguments).exec();
        Err(error).with_context(|| format!("cannot run `{}`", profile.hearth().display()))
    }
}

/// Builds the server's executable, which packs the agent and the UI that are there.
pub(crate) fn build_server(profile: Profile) -> Result<()> {
    let mut build = shell::cargo();
    build.args(["build", "--locked", "--package", "hearth"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    shell::run(&mut build)
}
