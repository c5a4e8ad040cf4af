//! `cargo xtask fuzz`: every parser of Kite's foreign input, with input made by libFuzzer.

use anyhow::{Context, Result};
use clap::Args;

use crate::{project, shell};

/// Below `fuzz/src/bin`.
const TARGETS: [&str; 4] = ["dnode", "sockjs", "token", "version"];

/// What to fuzz, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target.
    #[arg(long, default_value_t = 120)]
    seconds: u32,
    /// This target alone.
    #[arg(long, value_parser = TARGETS)]
    only: Option<String>,
}

impl Fuzz {
    /// Runs the targets one after the other; the first that fails ends it, and says where the input is.
    pub(crate) fn run(&self) -> Result<()> {
        if shell::read(shell::cargo().args(["fuzz", "--version"])).is_err() {
            shell::run(shell::cargo().args(["install", "cargo-fuzz", "--version", "0.13.2", "--locked"]))?;
        }
        let is_wanted = |target: &&str| self.only.as_deref().is_none_or(|only| only == *target);
        for target in TARGETS.into_iter().filter(is_wanted) {
            let corpus = format!("fuzz/corpus/{target}");
            let folder = project::root().join(&corpus);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
            // Without a sanitizer, which stable Rust does not have: there is no unsafe code to look at.
            let mut run = shell::cargo();
            run.args([
                "fuzz",
                "run",
                "--sanitizer",
                "none",
                target,
                &corpus,
                &format!("fuzz/seeds/{target}"),
            ])
            .args(["--", &format!("-max_total_time={}", self.seconds), "-timeout=10", "-rss_limit_mb=2048"])
            .env("RUSTC_BOOTSTRAP", "1");
            shell::run(&mut run)?;
        }
        Ok(())
    }
}
