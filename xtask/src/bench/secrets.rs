//! Sealing secrets and opening them, beside OpenSSL's own benchmark.

use std::time::Duration;

use anyhow::{Context, Result};

use super::report::Report;
use super::sample::{Contender, take_turns};
use crate::needs::{Found, Need, Weight};
use crate::{project, shell};

/// What is needed on the machine.
pub(super) const NEEDS: &[Need] = &[Need {
    found: Found::Program("openssl"),
    purpose: "sealing is compared with it",
    weight: Weight::Required,
    debian: "openssl",
    elsewhere: ["openssl"; 4],
}];

/// OpenSSL measures for whole seconds, so that fewer turns must do.
const TURNS: usize = 5;
/// Secrets in one turn.
const BATCH: u32 = 200_000;
/// Bytes of a secret: those of an access token of GitLab.
const BYTES: u32 = 64;

/// Compares the two directions with the bare algorithm.
pub(super) fn measure(report: &mut Report) -> Result<()> {
    println!("sealing");
    let contenders: Vec<Contender> = vec![
        ("openssl speed, encryption", Box::new(|| openssl(&[]))),
        ("openssl speed, decryption", Box::new(|| openssl(&["-decrypt"]))),
        ("hearth, sealing", Box::new(|| hearth("seal"))),
        ("hearth, opening", Box::new(|| hearth("open"))),
    ];
    let samples = take_turns(TURNS, contenders)?;
    let version = shell::read(shell::command("openssl").arg("version"))?;
    let version: Vec<&str> = version.split_whitespace().take(2).collect();
    report.rates(
        "Sealing",
        &format!(
            "Secrets of {BYTES} bytes with AES-256-GCM on one core, {TURNS} times each. Hearth: `DataKey::seal` \
             and `DataKey::open` with a fresh random nonce, the place bound to the value, and the stored form \
             made or read. {}: `openssl speed -aead -evp aes-256-gcm`, the same key and buffer again and again.",
            version.join(" ")
        ),
        (f64::from(BATCH), "/s"),
        &samples,
        &[("hearth, sealing", 100_000.0), ("hearth, opening", 100_000.0)],
    );
    Ok(())
}

fn hearth(direction: &str) -> Result<Duration> {
    run_example("bench_seal", &[direction, &BATCH.to_string()])
}

/// One second of OpenSSL's benchmark, as the time for a batch.
fn openssl(more: &[&str]) -> Result<Duration> {
    let bytes = BYTES.to_string();
    let mut speed = shell::command("openssl");
    speed.args(["speed", "-mr", "-seconds", "1", "-bytes", &bytes, "-aead"]).args(more);
    let said = shell::read(speed.args(["-evp", "aes-256-gcm"]))?;
    let rate = bytes_a_second(&said).with_context(|| format!("cannot read `openssl speed`: {said}"))?;
    Ok(Duration::from_secs_f64(f64::from(BATCH) * f64::from(BYTES) / rate))
}

/// From its output for machines: `+F:25:AES-256-GCM:176289697.96`.
fn bytes_a_second(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.starts_with("+F:"))?;
    line.rsplit_once(':')?.1.trim().parse().ok().filter(|rate| *rate > 0.0)
}

/// Runs an example that measures itself and says how many nanoseconds it took.
pub(super) fn run_example(name: &str, arguments: &[&str]) -> Result<Duration> {
    let said = shell::read(shell::command(example(name)).args(arguments))?;
    let nanos = said.trim().parse().with_context(|| format!("`{name}` did not say a time: {said}"))?;
    Ok(Duration::from_nanos(nanos))
}

/// The executable of an example, once it is built.
pub(super) fn example(name: &str) -> std::path::PathBuf {
    project::target().join("release/examples").join(name)
}

#[cfg(test)]
mod tests {
    use super::bytes_a_second;

    #[test]
    fn the_rate_is_read_from_what_openssl_says() {
        let said =
            "+DT:AES-256-GCM:1:64\n+R:1349718:AES-256-GCM:0.490000\n+H:64\n+F:25:AES-256-GCM:176289697.96\n";

        assert_eq!(bytes_a_second(said), Some(176_289_697.96));
        assert_eq!(bytes_a_second("+F:25:AES-256-GCM:0.00\n"), None);
        assert_eq!(bytes_a_second("usage"), None);
    }
}
