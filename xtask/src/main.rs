//! Everything a developer of Hearth does, as one command: `cargo xtask …`.
//!
//! Needs nothing but cargo and a C linker to run; what else a command needs it installs, or says how.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

mod agent;
mod bench;
mod dist;
mod fuzz;
mod gitlab_double;
mod journey;
mod needs;
mod packages;
mod peers;
mod project;
mod runner;
mod service;
mod shell;
mod skips;
mod steps;
mod test;
mod tidy;
mod tools;
mod ui;
mod up;

use std::process::ExitCode;

use clap::Parser;

/// Builds, runs, checks, packs and measures Hearth.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
enum Xtask {
    /// Install what is missing, build everything, start Hearth and print its address.
    Up(up::Up),
    /// Install what the tests need and run all of them.
    Test(test::Test),
    /// Check layering, file sizes, names and documents.
    Tidy,
    /// Make the release file and the files to install it with, in `target/dist`.
    Dist,
    /// Measure Hearth beside its peers and write `docs/benchmarks.md`.
    Bench(bench::Bench),
    /// Fuzz the parsers of what strangers send.
    Fuzz(fuzz::Fuzz),
    /// Run a double of GitLab with demonstration data.
    GitlabDouble(gitlab_double::Double),
}

fn main() -> ExitCode {
    let done = match Xtask::parse() {
        Xtask::Up(up) => up.run(),
        Xtask::Test(test) => return test.run(),
        Xtask::Tidy => tidy::run(),
        Xtask::Dist => dist::run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::Fuzz(fuzz) => fuzz.run(),
        Xtask::GitlabDouble(double) => double.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
