//! Keeping connected: dial, serve, and dial again, for ever.

use std::time::Duration;

use tokio::time::Instant;
use wire::agent::AgentConfig;

use crate::agent::{Agent, Outside};
use crate::kite_link::{Told, shortened};

/// The shortest pause.
const SHORTEST: Duration = Duration::from_millis(10);
/// The limit of the first pause, and the one after a connection that had held for a while.
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
    let mut registration = Told::default();
    while !agent.is_stopping() {
        let stopping = agent.parts.stop.cancelled();
        let dialled = tokio::select! {
            dialled = link::dial(config) => dialled,
            () = stopping => return,
        };
        match dialled {
            Ok(dialled) => {
                tracing::info!("connected to the server");
                told.clear();
                let since = Instant::now();
                agent.serve_planes(dialled, &mut registration).await;
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

/// Pauses below limits that double from [`FIRST`] to the longest. Each is a random part of its limit, so that all
/// agents of a server that was away come back spread over that time, and not in step.
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
        shortened(pause, outside).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests;
