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
        self.rates(title, note, (megabytes(bytes), "MB/s"), samples, &[goal]);
    }

    /// A comparison of how much of something is done in a second; `amount` of it in the time of each sample.
    /// Goals are the least that a contender should reach.
    pub(super) fn rates(
        &mut self,
        title: &str,
        note: &str,
        (amount, unit): (f64, &str),
        samples: &[(&'static str, Sample)],
        goals: &[(&'static str, f64)],
    ) {
        let rate = |time: Duration| amount / time.as_secs_f64();
        let first = samples.first().map(|(_, sample)| rate(sample.median())).unwrap_or_default();
        let mut table =
            format!("\n## {title}\n\n{note}\n\n| | median | slowest | ratio |\n|---|---:|---:|---:|\n");
        for (name, sample) in samples {
            let (median, slowest) = (rate(sample.median()), rate(sample.p95()));
            let row = [
                format!("| {name} | {} {unit} | {} {unit}", digits(median), digits(slowest)),
                format!(" | {:.2} |\n", median / first),
            ];
            table.extend(row);
        }
        for (contender, least) in goals {
            let own = samples.iter().find(|(name, _)| name == contender);
            let own = own.map_or(0.0, |(_, sample)| rate(sample.median()));
            let verdict = if own >= *least { "Met" } else { "**Not met**" };
            table.extend([format!("\nGoal of *{contender}*: at least {least} {unit}. {verdict}.\n")]);
        }
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

/// A time as people say it: milliseconds, or microseconds where there is less than one.
fn millis(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        return format!("{:.1} µs", time.as_secs_f64() * 1e6);
    }
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// A rate with as many digits as mean something.
fn digits(rate: f64) -> String {
    if rate < 1e3 { format!("{rate:.1}") } else { format!("{rate:.0}") }
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

    #[test]
    fn times_and_rates_have_digits_that_mean_something() {
        assert_eq!(millis(Duration::from_nanos(2_340)), "2.3 µs");
        assert_eq!(millis(Duration::from_micros(2_340)), "2.3 ms");
        assert_eq!((digits(45.44).as_str(), digits(1_234_567.8).as_str()), ("45.4", "1234568"));
    }

    #[test]
    fn a_rate_below_its_goal_is_said_so() {
        let mut report = Report { text: String::new(), tables: String::new() };
        let mut sample = Sample::default();
        sample.push(Duration::from_millis(500));

        report.rates("T", "N", (100.0, "/s"), &[("a", sample)], &[("a", 200.0), ("a", 201.0)]);

        assert!(report.text().contains("| a | 200.0 /s | 200.0 /s | 1.00 |"));
        assert!(
            report.text().contains("at least 200 /s. Met.") && report.text().contains("201 /s. **Not met**.")
        );
    }
}
