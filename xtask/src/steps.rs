//! The steps of a test run: what they count, how long they took, and the summary at the end.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests ended how. A check that is not made of tests counts as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Did what they should.
    pub(crate) passed: u32,
    /// Did not.
    pub(crate) failed: u32,
    /// Could not be tried.
    pub(crate) skipped: u32,
}

impl Tally {
    /// One check that passed.
    pub(crate) const ONE: Self = Self { passed: 1, failed: 0, skipped: 0 };

    /// Counts another's as well.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What a step found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What it counted.
    pub(crate) tally: Tally,
    /// What it could not try, and why: one line each.
    pub(crate) skips: Vec<String>,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

impl Found {
    /// One check that passed.
    pub(crate) fn passed() -> Self {
        Self { tally: Tally::ONE, ..Self::default() }
    }
}

struct Step {
    name: &'static str,
    took: Duration,
    found: Found,
}

/// All steps of a run so far.
#[derive(Default)]
pub(crate) struct Steps {
    /// The names of the only steps to run; all where empty.
    only: Vec<String>,
    done: Vec<Step>,
}

impl Steps {
    /// A run of the named steps only, or of all where none is named.
    pub(crate) fn only(names: Vec<String>) -> Self {
        Self { only: names, done: vec![] }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    /// Runs one step, prints how long it took, and answers whether it passed. One that is not wanted is
    /// taken to have passed before.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<Found>) -> bool {
        if !self.is_wanted(name) {
            return true;
        }
        println!("\n── {name} ──");
        let begun = Instant::now();
        let mut found =
            step().unwrap_or_else(|error| Found { failure: Some(format!("{error:#}")), ..Found::default() });
        if found.failure.is_some() && found.tally.failed == 0 {
            found.tally.failed = 1;
        }
        let took = begun.elapsed();
        let passed = found.tally.failed == 0;
        println!("── {name}: {} in {}", if passed { "passed" } else { "FAILED" }, seconds(took));
        if let Some(why) = &found.failure {
            println!("   {why}");
        }
        self.done.push(Step { name, took, found });
        passed
    }

    /// Records that a step was not tried.
    pub(crate) fn skip(&mut self, name: &'static str, why: &str) {
        if !self.is_wanted(name) {
            return;
        }
        println!("\n── {name}: skipped: {why}");
        let found = Found {
            tally: Tally { skipped: 1, ..Tally::default() },
            skips: vec![why.to_owned()],
            failure: None,
        };
        self.done.push(Step { name, took: Duration::ZERO, found });
    }

    /// Prints the summary. Its last line is the count that test runners end with.
    pub(crate) fn finish(self) -> ExitCode {
        let mut total = Tally::default();
        println!("\nSummary");
        for step in &self.done {
            total.add(step.found.tally);
            println!("  {:<28} {:>9}   {}", step.name, seconds(step.took), step.found.tally);
        }
        let all: Duration = self.done.iter().map(|step| step.took).sum();
        println!("  {:<28} {:>9}", "all", seconds(all));
        for step in &self.done {
            for why in &step.found.skips {
                println!("skipped in {}: {why}", step.name);
            }
        }
        for step in &self.done {
            if let Some(why) = &step.found.failure {
                println!("failed: {}: {why}", step.name);
            }
        }
        println!("{total}");
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_errors_counts_as_one_failure() {
        let mut steps = Steps::default();

        let passed = steps.run("broken", || anyhow::bail!("no reason"));

        assert!(!passed);
        assert_eq!(steps.done[0].found.tally, Tally { passed: 0, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_step_that_is_not_wanted_does_not_run_and_does_not_count() {
        let mut steps = Steps::only(vec!["wanted".into()]);

        assert!(steps.run("other", || anyhow::bail!("must not run")));
        steps.skip("third", "does not count either");
        steps.run("wanted", || Ok(Found::passed()));

        assert_eq!(steps.done.iter().map(|step| step.name).collect::<Vec<_>>(), ["wanted"]);
    }

    #[test]
    fn a_run_without_failures_succeeds_even_with_skips() {
        let mut steps = Steps::default();
        steps.run("fine", || Ok(Found::passed()));
        steps.skip("absent", "not here");

        assert_eq!(format!("{:?}", steps.finish()), format!("{:?}", ExitCode::SUCCESS));
    }
}
