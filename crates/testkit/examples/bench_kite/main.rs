//! Measures kites for `cargo xtask bench`: each use is one end of a measurement, in a process of its own.
//!
//! Times are printed in nanoseconds. Credentials are read from files, so that they are in no list of processes.
#![expect(clippy::print_stdout, reason = "a program for another program")]

mod calls;
mod crowd;
mod paced;
mod server;

use std::error::Error;
use std::time::Duration;

use kite::client::{Dialer, Transports};
use kite::{Context, Kite, Peer, Service};

/// What goes wrong here is told to whoever measures.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How it is used.
const USAGE: &str = "use: bench_kite serve | calls URL COUNT WINDOW | paced URL RATE SECONDS \
                     | ask URL TOKEN_FILE METHOD ARGUMENTS COUNT | crowd URL TOKENS_FILE COUNT";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["serve"] => {
            let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            threads.block_on(server::serve())
        }
        ["calls", url, count, window] => {
            let time = one_thread(calls::pipelined(url, count.parse()?, window.parse()?))?;
            println!("{}", time.as_nanos());
            Ok(())
        }
        ["paced", url, rate, seconds] => {
            let times = one_thread(paced::latencies(url, rate.parse()?, seconds.parse()?))?;
            let [p50, p99] = [0.5, 0.99].map(|share| paced::quantile(&times, share).as_nanos());
            println!("{p50} {p99}");
            Ok(())
        }
        ["ask", url, token, method, values, count] => {
            let token = std::fs::read_to_string(token)?;
            let values: Vec<serde_json::Value> = serde_json::from_str(values)?;
            let time = one_thread(calls::one_by_one(url, token.trim(), method, &values, count.parse()?))?;
            println!("{}", time.as_nanos());
            Ok(())
        }
        ["crowd", url, tokens, count] => {
            let tokens = std::fs::read_to_string(tokens)?;
            let tokens: Vec<&str> = tokens.lines().collect();
            one_thread(crowd::stand(url, &tokens, count.parse()?))
        }
        _ => Err(USAGE.into()),
    }
}

/// Everything on one thread: the other end has the machine's other core.
fn one_thread<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The kite of this number among those of this name.
pub(crate) fn kite(name: &str, number: usize) -> Kite {
    Kite {
        id: format!("{name}-{number:06}"),
        username: "bench".into(),
        environment: "bench".into(),
        name: name.into(),
        version: "1.0.0".into(),
        region: "local".into(),
        hostname: "localhost".into(),
    }
}

/// Connects by a bare WebSocket.
pub(crate) async fn dial(url: &str, kite: Kite) -> Result<Peer, Failure> {
    let dialer = Dialer::new(url)?.by(Transports::WebSocket).timeout(Duration::from_mins(1));
    Ok(dialer.dial(&Service::client(kite), Context::default()).await?)
}
