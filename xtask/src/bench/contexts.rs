//! What a pasted address means, as far as that is found out without asking anybody.

use std::time::Duration;

use anyhow::Result;

use super::report::{Goal, Report};
use super::sample::{Contender, take_turns};
use super::secrets::run_example;

/// How often an example goes through its list in one turn.
const PASSES: u32 = 1000;
/// Addresses in its list.
const ADDRESSES: u32 = 32;

/// Compares the parser of contexts with the parser of URLs that it stands on.
pub(super) fn measure(rounds: usize, report: &mut Report) -> Result<()> {
    println!("addresses");
    let contenders: Vec<Contender> = vec![
        ("url::Url::parse", Box::new(|| each("url"))),
        ("hearth, context", Box::new(|| each("context"))),
    ];
    let samples = take_turns(rounds, contenders)?;
    report.comparison(
        "What an address means",
        &format!(
            "For one address, of {ADDRESSES} that are written in every accepted way: pages of all products, \
             clone addresses, SSH, without a scheme, with prefixes. A time is the mean of {PASSES} passes."
        ),
        &samples,
        &[Goal::at_most("hearth, context", Duration::from_micros(20))],
    );
    Ok(())
}

fn each(parser: &str) -> Result<Duration> {
    let all = run_example("bench_context", &[parser, &PASSES.to_string(), &ADDRESSES.to_string()])?;
    Ok(all / (PASSES * ADDRESSES))
}
