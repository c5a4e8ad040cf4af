//! `cargo xtask bench`: Hearth beside its peers, on the same machine, in the same run.
//!
//! Contenders of one comparison take turns, round by round, so that whatever else the machine does
//! disturbs all of them alike. Hearth is driven through its public API and command line only.

#![expect(clippy::indexing_slicing, reason = "an absent key of a JSON value reads as null")]

mod create;
mod docker;
mod events;
mod exec;
mod footprint;
mod hearth;
mod http;
mod machine;
mod report;
mod rootfs;
mod sample;
mod startup;
mod terminal;

use anyhow::Result;
use clap::Args;

use crate::project::Profile;
use crate::{agent, needs, packages, ui, up};
use docker::Docker;
use hearth::Hearth;
use report::Report;

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Rounds of each comparison.
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Print the report and leave docs/benchmarks.md as it is.
    #[arg(long)]
    print_only: bool,
    /// Measure the release that is built already, such as when only the benchmark has changed.
    #[arg(long)]
    no_build: bool,
}

impl Bench {
    /// Builds, measures, writes the report.
    pub(crate) fn run(self) -> Result<()> {
        packages::provide(&[needs::UP, needs::BENCH].concat())?;
        if !self.no_build {
            agent::build()?;
            ui::build()?;
            up::build_server(Profile::Release)?;
        }

        let mut report = Report::new(self.rounds)?;
        startup::measure(self.rounds, &mut report)?;
        let hearth = Hearth::start()?;
        let docker = Docker::start()?;
        report.docker(&docker);
        hearth.import_image(&docker)?;
        create::measure(&hearth, &docker, self.rounds, &mut report)?;
        exec::measure(&hearth, &docker, self.rounds, &mut report)?;
        terminal::measure(&hearth, &docker, &mut report)?;
        footprint::measure(&hearth, &docker, &mut report)?;

        let text = report.text();
        println!("\n{text}");
        if self.print_only {
            return Ok(());
        }
        report::write(&text)
    }
}
