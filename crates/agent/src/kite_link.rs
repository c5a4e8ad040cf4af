//! The text plane of the agent's connection: the agent registers there, and tells how often it was called.
//!
//! Kite clients do not come this way: the server carries each of them over a stream of its own
//! ([`crate::kite_relay`]).

use std::time::Duration;

use kite::{Context, Counts, Error, Kite, Peer, Service};
use link::TextPlane;
use serde_json::{Value, json};

use crate::agent::{Agent, Outside};

/// At most this often the registry is told how many calls there were.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// The first pause before the agent tries to register again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What was said of registering, over all connections of an agent, so that nothing is said twice.
#[derive(Debug, Default)]
pub(crate) struct Told(Option<String>);

impl Told {
    fn registered(&mut self) {
        if self.0.as_deref() != Some("") {
            tracing::info!("registered as a kite");
            self.0 = Some(String::new());
        }
    }

    fn refused(&mut self, error: &Error) {
        let why = error.to_string();
        if self.0.as_ref() != Some(&why) {
            tracing::warn!("cannot register as a kite: {why}; trying again until it works");
            self.0 = Some(why);
        }
    }
}

/// Speaks Kite over the text plane until it ends.
pub(crate) async fn run(agent: &Agent, text: TextPlane, told: &mut Told) {
    // Calls that come from the server are judged like all others: with nobody to judge them, only open ones
    // are answered.
    let (peer, connection) = Service::client(descriptor(agent)).serve(text, Context::default());
    tokio::select! {
        () = connection => {}
        never = speak(agent, &peer, told) => match never {},
    }
}

/// What the agent says of itself. The server knows better, and overwrites everything but the version.
fn descriptor(agent: &Agent) -> Kite {
    Kite {
        id: agent.parts.workspace.clone(),
        username: "-".into(),
        environment: "hearth".into(),
        name: "klient".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        region: "local".into(),
        hostname: agent.parts.workspace.clone(),
    }
}

async fn speak(agent: &Agent, peer: &Peer, told: &mut Told) -> std::convert::Infallible {
    register(agent, peer, told).await;
    let mut known = Counts::default();
    loop {
        let counts = agent.klient_counts();
        if counts == known {
            agent.parts.kite_calls.notified().await;
            continue;
        }
        if report(peer, counts).await {
            known = counts;
        }
        tokio::time::sleep(REPORT_EVERY).await;
    }
}

async fn register(agent: &Agent, peer: &Peer, told: &mut Told) {
    let mut longest = FIRST_PAUSE;
    loop {
        match peer.call::<Value>("register", json!({"url": ""})).await {
            Ok(_) => return told.registered(),
            // It comes with the next connection.
            Err(error) if peer.is_closed() => {
                tracing::debug!(%error, "the connection ended while registering");
            }
            Err(error) => told.refused(&error),
        }
        tokio::time::sleep(shortened(longest, &agent.parts.outside)).await;
        longest = (longest * 2).min(LONGEST_PAUSE);
    }
}

/// Tells the registry; answers whether it took it.
async fn report(peer: &Peer, counts: Counts) -> bool {
    let told = peer.call::<Value>("report", json!({"calls": counts.calls, "errors": counts.errors})).await;
    told.inspect_err(|error| tracing::debug!(%error, "the registry does not take a report")).is_ok()
}

/// A random part of a pause, so that all agents of a server do not come in step.
pub(crate) fn shortened(pause: Duration, outside: &Outside) -> Duration {
    let mut random = [0; 2];
    outside.entropy.fill(&mut random);
    pause.mul_f64(f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX))
}
