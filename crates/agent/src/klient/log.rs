//! `log.tail`: the last lines of a file, and then every line that comes.
//!
//! `{path, watch: fn(line), lineOffset?}` → `{stop: fn}`. Without `lineOffset` the last 10 lines come first, as
//! with `tail`. A line comes once its newline is there, without it (and without a carriage return before it);
//! one of more than 64 KiB comes in pieces, and what is not UTF-8 is replaced. A file that was cut short, or
//! that another took the place of, is followed from its beginning. A caller who reads slowly holds the
//! reading of the file, not our memory. It ends with `stop`, or with the connection.

mod follow;
mod lines;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kite::{Callback, Error, Function, Functions, Request, ServiceBuilder};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::fs::fs_error;
use super::fs::path::Roots;
use crate::agent::Parts;
use crate::background::in_background;
use follow::{Follow, Progress};

/// Lines that come first where nobody says how many; those of `tail`.
const USUAL_BACKLOG: u64 = 10;
/// Files that are followed at the same time, over all connections.
const FOLLOWED: usize = 256;
/// How often a file that grows is looked at.
const SOON: Duration = Duration::from_millis(100);
/// How often one that does not.
const LATE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tail {
    path: Option<String>,
    path_bytes: Option<String>,
    watch: Callback,
    line_offset: Option<u64>,
}

#[derive(Serialize)]
struct Tailing {
    stop: Function,
}

/// Adds the call.
pub(crate) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>) -> ServiceBuilder {
    let roots = Arc::new(Roots::new(&parts.environment));
    let seats = Arc::new(Semaphore::new(FOLLOWED));
    builder.method("log.tail", move |request: Request| {
        let (roots, seats) = (Arc::clone(&roots), Arc::clone(&seats));
        let argument = request.arg::<Tail>();
        async move {
            let argument = argument?;
            let path = roots.path("path", argument.path.as_deref(), argument.path_bytes.as_deref())?;
            tail(path, argument.watch, argument.line_offset.unwrap_or(USUAL_BACKLOG), seats).await
        }
    })
}

async fn tail(path: PathBuf, watch: Callback, backlog: u64, seats: Arc<Semaphore>) -> Result<Tailing, Error> {
    let seat = seats.try_acquire_owned().map_err(|_| {
        let why = format!("cannot follow `{}`: {FOLLOWED} files are followed already. ", path.display());
        Error::custom("fsError", why + "Stop following others first.", "too_many")
    })?;
    let mut follow = in_background(move || Follow::open(&path, backlog)).await.map_err(fs_error)?;

    let stop = CancellationToken::new();
    let functions = Functions::new();
    let stopped = stop.clone();
    let stop_function = functions.add(move |_| {
        stopped.cancel();
        std::future::ready(())
    });
    tokio::spawn(async move {
        let ended = watch.clone();
        tokio::select! {
            () = send(&mut follow, &watch) => {}
            () = ended.closed() => {}
            () = stop.cancelled() => {}
        }
        drop((functions, seat));
    });
    Ok(Tailing { stop: stop_function })
}

/// Sends line by line, each when there is room for it on the connection.
async fn send(follow: &mut Follow, watch: &Callback) {
    let mut pause = SOON;
    loop {
        let reader = follow.reader();
        let Ok(Progress { lines, at_end }) = in_background(move || Ok(reader.advance())).await else {
            return;
        };
        if !lines.is_empty() {
            pause = SOON;
        }
        for line in lines {
            if watch.call((line,)).await.is_err() {
                return;
            }
        }
        if at_end {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATE);
        }
    }
}
