//! `cargo xtask bench`: Hearth beside its peers, on the same machine, in the same run.
//!
//! Contenders of one comparison take turns, round by round, so that whatever else the machine does
//! disturbs all of them alike. Hearth is driven through its public API and command line only.

#![expect(clippy::indexing_slicing, reason = "an absent key of a JSON value reads as null")]

mod contexts;
mod create;
mod docker;
mod events;
mod exec;
mod footprint;
mod forge;
mod hearth;
mod http;
mod kites;
mod machine;
mod report;
mod rootfs;
mod sample;
mod secrets;
mod startup;
mod terminal;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::project::Profile;
use crate::{agent, needs, packages, shell, ui, up};
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
    /// Watch the kites that do nothing for 40 s instead of two minutes.
    #[arg(long)]
    quick: bool,
    /// Measure only this part, and print the report.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The server and its workspaces, beside Docker.
    Workspaces,
    /// Secrets, addresses, and what goes through a forge.
    Forges,
    /// Kites, beside kite.js, and a registry with ten thousand of them.
    Kites,
}

impl Bench {
    /// Builds, measures, writes the report.
    pub(crate) fn run(self) -> Result<()> {
        let wants = |part| self.only.is_none_or(|only| only == part);
        let (workspaces, forges, kites) = (wants(Part::Workspaces), wants(Part::Forges), wants(Part::Kites));
        let optional = [(workspaces, needs::BENCH), (forges, secrets::NEEDS)];
        let wanted = optional.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, needs)| needs);
        packages::provide(&std::iter::once(needs::UP).chain(wanted).collect::<Vec<_>>().concat())?;
        if !self.no_build {
            agent::build()?;
            ui::build()?;
            up::build_server(Profile::Release)?;
            if forges {
                build_examples(FORGE_EXAMPLES)?;
            }
            if kites {
                build_examples(KITE_EXAMPLES)?;
            }
        }

        let mut report = Report::new(self.rounds)?;
        if workspaces {
            startup::measure(self.rounds, &mut report)?;
        }
        let hearth = Hearth::start()?;
        let docker = if workspaces { Some(Docker::start()?) } else { None };
        if let Some(docker) = &docker {
            report.docker(docker);
            hearth.import_image(docker)?;
            create::measure(&hearth, docker, self.rounds, &mut report)?;
            exec::measure(&hearth, docker, self.rounds, &mut report)?;
            terminal::measure(&hearth, docker, &mut report)?;
        }
        if forges {
            forge::measure(&hearth, self.rounds, &mut report)?;
            contexts::measure(self.rounds, &mut report)?;
            secrets::measure(&mut report)?;
        }
        if kites {
            kites::measure(&hearth, self.rounds, self.quick, &mut report)?;
        }
        if let Some(docker) = &docker {
            footprint::measure(&hearth, docker, &mut report)?;
        }

        let text = report.text();
        println!("\n{text}");
        if self.print_only || self.only.is_some() {
            return Ok(());
        }
        report::write(&text)
    }
}

/// Programs that measure single parts, and the forge they are measured with: package and example.
const FORGE_EXAMPLES: &[(&str, &str)] =
    &[("vault", "bench_seal"), ("forge", "bench_context"), ("testkit", "gitlab_double")];
/// The other ends of kites.
const KITE_EXAMPLES: &[(&str, &str)] = &[("testkit", "bench_kite")];

fn build_examples(examples: &[(&str, &str)]) -> Result<()> {
    let mut build = shell::cargo();
    build.args(["build", "--locked", "--release"]);
    for (package, example) in examples {
        build.args(["--package", package, "--example", example]);
    }
    shell::run(&mut build)
}
