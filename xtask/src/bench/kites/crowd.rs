//! Ten thousand kites that are registered and do nothing: what they cost the server, and finding one of them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::bench_kite;
use crate::bench::footprint::resident;
use crate::bench::hearth::Hearth;
use crate::bench::http::{Address, Connection};
use crate::bench::report::{Goal, Report};
use crate::bench::sample::{Contender, take_turns, timed};
use crate::service::Service;
use crate::shell;

/// How many kites.
const KITES: usize = 10_000;
/// How many people they belong to: one may have a thousand.
const OWNERS: usize = 12;
/// How long the kites are watched doing nothing: four times what a kite may be silent for.
const WATCHED: Duration = Duration::from_mins(2);
/// The same when it has to be quick: still longer than a kite may be silent for.
const WATCHED_QUICKLY: Duration = Duration::from_secs(40);
/// Rounds of queries, and queries in one round. A person may ask for 500 tokens at once.
const QUERIES: (usize, u32) = (10, 40);
/// Bytes that the server may take with all of them.
const MOST: u64 = 512_000_000;

/// Starts a server and the kites, waits, looks, asks.
pub(super) fn measure(rounds: usize, is_quick: bool, report: &mut Report) -> Result<()> {
    println!("{KITES} kites");
    let hearth = Hearth::start()?;
    let folder = tempfile::tempdir()?;
    let tokens = (0..OWNERS).map(|number| owner(&hearth, number)).collect::<Result<Vec<_>>>()?;
    let all_tokens = secret(folder.path(), "tokens", &tokens.join("\n"))?;
    let one_token = secret(folder.path(), "token", tokens.first().context("no owners")?)?;
    std::thread::sleep(Duration::from_secs(5));
    let idle = resident(hearth.pid())?;

    let url = format!("http://{}/kite", hearth.host());
    let begun = Instant::now();
    let count = KITES.to_string();
    let mut crowd = Service::start(
        "bench_kite",
        &mut bench_kite(&["crowd", &url, &all_tokens.to_string_lossy(), &count]),
    )?;
    crowd.wait_for(Duration::from_mins(5), |said| said.contains("registered ").then_some(()))?;
    let registering = begun.elapsed();
    let watched = if is_quick { WATCHED_QUICKLY } else { WATCHED };
    let busy = processor_time(hearth.pid())?;
    std::thread::sleep(watched);
    let busy = processor_time(hearth.pid())?.saturating_sub(busy);
    let full = resident(hearth.pid())?;
    let connected = connected(&crowd.output()).context("the kites have said nothing")?;
    let listed = listed(&hearth)?;

    report.sizes(
        "Kite: ten thousand registered",
        &format!(
            "Resident set size of `hearth up` with {KITES} services of {OWNERS} people over raw WebSockets on the \
             loopback, all in another process, that do nothing but answer the registry's heartbeat every 10 s. They were \
             registered within {:.1} s. After {} s, {connected} of them were still connected and {listed} listed as \
             connected; the server had used {:.1} % of one core in that time. Each takes {:.1} kB.",
            registering.as_secs_f64(),
            watched.as_secs(),
            100.0 * busy.as_secs_f64() / watched.as_secs_f64(),
            kilobytes_each(full.saturating_sub(idle)),
        ),
        &[("hearth server without kites", idle, None), ("hearth server with all of them", full, Some(MOST))],
    );
    ensure!(connected == KITES && listed == KITES, "kites were lost: {connected} connected, {listed} listed");
    queries(&hearth, &url, &one_token, rounds, report)
}

/// Asks the registry while all of them are there.
fn queries(hearth: &Hearth, url: &str, token: &Path, rounds: usize, report: &mut Report) -> Result<()> {
    let (most_rounds, each) = QUERIES;
    let ask = |method: &str, query: &Value| -> Result<Duration> {
        let token = token.to_string_lossy();
        let said = shell::read(&mut bench_kite(&[
            "ask",
            url,
            &token,
            method,
            &query.to_string(),
            &each.to_string(),
        ]))?;
        Ok(Duration::from_nanos(said.trim().parse()?) / each)
    };
    let one = json!([{"query": {"username": owner_name(0), "name": "special"}}]);
    let own = json!([{"query": {"username": owner_name(0)}}]);
    let mut api = Connection::open(&Address::Tcp(hearth.host().to_owned()), Some(hearth.token()))?;
    let contenders: Vec<Contender> = vec![
        ("kite.ping, the bare call", Box::new(|| ask("kite.ping", &json!([])))),
        ("getKites, one by user name and name", Box::new(|| ask("getKites", &one))),
        (
            "getToken, kept",
            Box::new(|| ask("getToken", &json!([{"username": owner_name(0), "name": "special"}]))),
        ),
        ("GET /kites, one by user name and name", {
            let path = format!("/api/v1/kites?username={}&name=special", owner_name(0));
            Box::new(move || {
                let (page, time) = timed(|| api.call("GET", &path, None))?;
                ensure!(page["items"].as_array().is_some_and(|items| items.len() == 1), "{page}");
                Ok(time)
            })
        }),
        ("getKites, the 834 of one person", Box::new(|| ask_few(url, token, &own))),
        ("GET /kites, all 10 000", Box::new(|| timed(|| listed(hearth)).map(|(_, time)| time))),
    ];
    let samples = take_turns(rounds.min(most_rounds), contenders)?;
    report.comparison(
        "Kite: finding one of ten thousand",
        &format!(
            "One after the other on one connection, the mean of {each} (of 5, and of one, in the last two rows), while \
             all of them are registered; each kite comes with a token, which was signed before."
        ),
        &samples,
        &[Goal::at_most("getKites, one by user name and name", Duration::from_millis(1))],
    );
    Ok(())
}

/// A query with an answer of a megabyte.
fn ask_few(url: &str, token: &Path, query: &Value) -> Result<Duration> {
    let arguments = ["ask", url, &token.to_string_lossy(), "getKites", &query.to_string(), "5"];
    let said = shell::read(&mut bench_kite(&arguments))?;
    Ok(Duration::from_nanos(said.trim().parse()?) / 5)
}

/// Adds a person, and answers an API token of theirs.
fn owner(hearth: &Hearth, number: usize) -> Result<String> {
    let credentials = json!({"name": owner_name(number), "password": "correct horse battery staple"});
    hearth.call("POST", "/users", Some(&credentials))?;
    let mut browser = Connection::open(&Address::Tcp(hearth.host().to_owned()), None)?;
    let mut post = |path: &str, cookie: &str, document: &Value| {
        let (headers, body) = (
            [("content-type", "application/json"), ("cookie", cookie), ("sec-fetch-site", "same-origin")],
            document.to_string(),
        );
        let answer = browser.ask("POST", path, &headers, &mut body.as_bytes(), body.len() as u64)?;
        ensure!(answer.status < 300, "POST {path} answered {}: {}", answer.status, answer.text());
        Ok(answer)
    };
    let welcome = post("/api/v1/session", "", &credentials)?;
    let cookies: Vec<&str> =
        welcome.headers("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
    let wish = json!({"name": "bench", "scopes": ["all"]});
    let answer = post("/api/v1/me/tokens", &cookies.join("; "), &wish)?;
    let answer: Value = serde_json::from_slice(&answer.body)?;
    answer["token"].as_str().map(str::to_owned).context("the answer has no token")
}

fn owner_name(number: usize) -> String {
    format!("owner{number}")
}

/// A file that only we can read.
fn secret(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

/// How many kites the server lists as connected.
fn listed(hearth: &Hearth) -> Result<usize> {
    let page = hearth.call("GET", "/kites", None)?;
    let kites = page["items"].as_array().context("the page has no items")?;
    Ok(kites.iter().filter(|kite| kite["connected"] == true).count())
}

/// The last number of kites that were connected.
fn connected(said: &str) -> Option<usize> {
    said.lines().rev().find_map(|line| line.strip_prefix("connected ")?.parse().ok())
}

/// Processor time of a process so far, in user and kernel.
fn processor_time(pid: u32) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    // The name, in parentheses, may hold anything; the two times are the twelfth and thirteenth field after it.
    let (_, rest) = stat.rsplit_once(')').context("no name in the process's line")?;
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // Linux counts hundredths of a second for user space, whatever the kernel's own clock.
    Ok(Duration::from_millis(ticks * 10))
}

#[expect(clippy::cast_precision_loss, reason = "for people, who read three digits")]
fn kilobytes_each(bytes: u64) -> f64 {
    bytes as f64 / 1e3 / KITES as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_is_the_one_that_matters() {
        assert_eq!(connected("registered 3\nconnected 3\nconnected 2\n"), Some(2));
        assert_eq!(connected("registered 3\n"), None);
    }

    #[test]
    fn our_own_processor_time_grows() {
        let before = processor_time(std::process::id()).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(200)
            || processor_time(std::process::id()).unwrap() == before
        {
            std::hint::spin_loop();
        }

        assert!(processor_time(std::process::id()).unwrap() > before);
    }
}
