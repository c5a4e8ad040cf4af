//! Keeping connected: dial, serve, and dial again, for ever.

use std::time::Duration;

use tokio::time::Instant;
use wire::agent::AgentConfig;

use crate::agent::{Agent, Outside};

/// The first pause, and the one after a connection that had held for a while.
const FIRST: Duration = Duration::from_millis(50);
/// The longest pause towards another machine.
const LONGEST: Duration = Duration::from_secs(5);
/// The longest pause on the same machine, where a try costs next to nothing and a restarted server
/// should find its workspaces at once.
const LONGEST_LOCAL: Duration = Duration::from_millis(500);
/// A connection that held this long was a good one.
const GOOD: Duration = Duration::from_secs(5);

pub(crate) async fn run(agent: &Agent, config: &AgentConfig) {
    let mut pauses = Pauses::new(if config.server.starts_with("unix:") { LONGEST_LOCAL } else { LONGEST });
    let mut told = String::new();
    while !agent.is_stopping() {
        let stopping = agent.parts.stop.cancelled();
        let dialled = tokio::select! {
            dialled = link::dial(config) => dialled,
            () = stopping => return,
        };
        match dialled {
            Ok(io) => {
                tracing::info!("connected to the server");
                told.clear();
                let since = Instant::now();
                agent.serve(io).await;
                if since.elapsed() >= GOOD {
                    pauses.begin_anew();
                }
                if !agent.is_stopping() {
                    tracing::info!("the connection to the server is gone, dialling again");
                }
            }
            Err(error) => {
                // Once for each reason: this goes on for as long as the server is away.
                let why = chain(&error);
                if why != told {
                    tracing::warn!("{why}; trying again until it works");
                    told = why;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pauses.next(&agent.parts.outside)) => {}
            () = agent.parts.stop.cancelled() => return,
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Pauses that double from [`FIRST`] to the longest, each shortened by a random part of up to a half,
/// so that all agents of a server do not come back in step.
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn new(longest: Duration) -> Self {
        Self { next: FIRST, longest }
    }

    fn begin_anew(&mut self) {
        self.next = FIRST;
    }

    fn next(&mut self, outside: &Outside) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.longest);
        let mut random = [0; 2];
        outside.entropy.fill(&mut random);
        let part = f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX);
        pause.mul_f64(1.0 - part / 2.0)
    }
}

#[cfg(test)]
mod tests;
