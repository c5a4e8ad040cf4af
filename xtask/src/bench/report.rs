//! The report: tables in Markdown, with every ratio and whether each goal was met.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};

use super::docker::Docker;
use super::machine;
use super::sample::Sample;
use crate::project;

/// What a contender should reach.
pub(super) struct Goal {
    contender: &'static str,
    bound: Bound,
}

enum Bound {
    /// A share of the first contender's median.
    Ratio(f64),
    /// A time.
    Time(Duration),
}

impl Goal {
    /// At most this share of the first contender's median.
    pub(super) fn ratio(contender: &'static str, most: f64) -> Self {
        Self { contender, bound: Bound::Ratio(most) }
    }

    /// At most this long in the median.
    pub(super) fn at_most(contender: &'static str, most: Duration) -> Self {
        Self { contender, bound: Bound::Time(most) }
    }

    /// `goal: …, met` in words.
    fn verdict(&self, first: Duration, own: Duration) -> String {
        let (met, text) = match self.bound {
            Bound::Ratio(most) => (share(own, first) <= most, format!("at most {most} × of the first row")),
            Bound::Time(most) => (own <= most, format!("at most {}", millis(most))),
        };
        format!("Goal of *{}*: {text}. {}.\n", self.contender, if met { "Met" } else { "**Not met**" })
    }
}

/// A report in the making.
pub(super) struct Report {
    text: String,
    tables: String,
}

impl Report {
    /// Begins with the machine.
    pub(super) fn new(rounds: usize) -> Result<Self> {
        let mut text = String::from(
            "# Benchmarks\n\nWritten by `cargo xtask bench`, which runs all contenders in turn in one run. \
             Times are medians; p95 beside them.\n\n",
        );
        for (what, value) in machine::describe() {
            writeln!(text, "- {what}: {value}")?;
        }
        writeln!(text, "- rounds: {rounds}, after one that does not count")?;
        Ok(Self { text, tables: String::new() })
    }

    /// Notes the peer's version.
    pub(super) fn docker(&mut self, docker: &Docker) {
        let version = docker.version().unwrap_or_else(|_| "unknown".into());
        self.text.extend(["- Docker Engine: ", &version]);
        if let Some(time) = docker.start_up {
            self.text.extend([", which took ", &millis(time), " to answer after its start"]);
        }
        self.text.push('\n');
    }

    /// A comparison of times; ratios are to the first.
    pub(super) fn comparison(
        &mut self,
        title: &str,
        note: &str,
        samples: &[(&'static str, Sample)],
        goals: &[Goal],
    ) {
        let first = samples.first().map(|(_, sample)| sample.median()).unwrap_or_default();
        let mut table =
            format!("\n## {title}\n\n{note}\n\n| | median | p95 | ratio |\n|---|---:|---:|---:|\n");
        for (name, sample) in samples {
            let ratio = format!("{:.2}", share(sample.median(), first));
            table.extend(["| ", name, " | ", &millis(sample.median()), " | ", &millis(sample.p95())]);
            table.extend([" | ", &ratio, " |\n"]);
        }
        for goal in goals {
            let own = samples.iter().find(|(name, _)| *name == goal.contender);
            let own = own.map_or(Duration::MAX, |(_, sample)| sample.median());
            table.extend(["\n", &goal.verdict(first, own)]);
        }
        self.tables.push_str(&table);
    }

    /// A comparison of throughputs. The goal is in megabytes a second.
    pub(super) fn throughput(
        &mut self,
        title: &str,
        note: &str,
        bytes: u64,
        samples: &[(&'static str, Sample)],
        goal: (&'static str, f64),
    ) {
        let rate = |time: Duration| megabytes(bytes) / time.as_secs_f64();
        let first = samples.first().map(|(_, sample)| rate(sample.median())).unwrap_or_default();
        let mut table =
            format!("\n## {title}\n\n{note}\n\n| | median | slowest | ratio |\n|---|---:|---:|---:|\n");
        let mut own = 0.0;
        for (name, sample) in samples {
            let median = rate(sample.median());
            if *name == goal.0 {
                own = median;
            }
            let row = format!(
                "| {name} | {median:.1} MB/s | {:.1} MB/s | {:.2} |\n",
                rate(sample.p95()),
                median / first
            );
            table.push_str(&row);
        }
        let verdict = if own >= goal.1 { "Met" } else { "**Not met**" };
        table.extend([format!("\nGoal of *{}*: at least {} MB/s. {verdict}.\n", goal.0, goal.1)]);
        self.tables.push_str(&table);
    }

    /// Sizes, each with its goal if it has one.
    pub(super) fn sizes(&mut self, title: &str, note: &str, rows: &[(&'static str, u64, Option<u64>)]) {
        let mut table = format!("\n## {title}\n\n{note}\n\n| | size | goal |\n|---|---:|---|\n");
        for (name, bytes, goal) in rows {
            println!("  {name}: {:.1} MB", megabytes(*bytes));
            let verdict = match goal {
                Some(most) if bytes <= most => format!("at most {:.1} MB: met", megabytes(*most)),
                Some(most) => format!("at most {:.1} MB: **not met**", megabytes(*most)),
                None => String::new(),
            };
            table.extend([format!("| {name} | {:.1} MB | {verdict} |\n", megabytes(*bytes))]);
        }
        self.tables.push_str(&table);
    }

    /// The whole document.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.text, self.tables)
    }
}

/// Puts the document where people look for it.
pub(super) fn write(text: &str) -> Result<()> {
    let path = project::root().join("docs/benchmarks.md");
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn share(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Millions of bytes.
#[expect(clippy::cast_precision_loss, reason = "for people, who read three digits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_says_whether_it_was_met() {
        let ms = Duration::from_millis;

        assert!(Goal::ratio("a", 0.5).verdict(ms(100), ms(50)).ends_with(" Met.\n"));
        assert!(Goal::ratio("a", 0.5).verdict(ms(100), ms(51)).contains("Not met"));
        assert!(Goal::at_most("a", ms(5)).verdict(ms(100), ms(6)).contains("Not met"));
    }
}
