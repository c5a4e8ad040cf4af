//! The methods that every kite has.
//!
//! `kite.tunnel`, `kite.notify`, `kite.prompt` and `kite.getPass` of older kites are not among them: they let a caller
//! make this end dial, run scripts, or ask whoever sits at its terminal.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::method::{Method, MethodOptions};
use super::system::{System, SystemInfo};
use crate::callback::Callback;
use crate::connection::Heartbeat;
use crate::error::Error;
use crate::request::Request;

/// The longest text logged for a caller, in bytes.
const LOG_BYTES: usize = 4096;

/// The longest time between two heartbeats, in seconds.
const LONGEST_BEAT_S: u64 = 3600;

pub(super) fn methods(system: Arc<dyn System>) -> [Method; 5] {
    let open = || MethodOptions::new().open();
    [
        // Arguments are ignored: other implementations break on them.
        Method::new("kite.ping", open(), |_| async { Ok("pong") }),
        // Open, because a registry asks for it and proves nothing. All it costs is a timer.
        Method::new("kite.heartbeat", open(), |request| async move { begin_heartbeat(&request) }),
        Method::new("kite.systemInfo", MethodOptions::new(), move |request| {
            let system = system.clone();
            async move { system_info(&request, system).await }
        }),
        Method::new("kite.log", MethodOptions::new(), |request| async move { log(&request).map(|_| ()) }),
        Method::new("kite.print", MethodOptions::new(), |request| async move { log(&request) }),
    ]
}

/// `kite.heartbeat [seconds, function]`: calls the function at once and then every so many seconds, in
/// place of what was asked for before.
fn begin_heartbeat(request: &Request) -> Result<(), Error> {
    let (seconds, callback): (u64, Callback) = request.args()?;
    if !(1..=LONGEST_BEAT_S).contains(&seconds) {
        return Err(Error::argument(format!("a heartbeat is every 1 to {LONGEST_BEAT_S} seconds")));
    }
    callback.try_call(())?;
    let heartbeat = Heartbeat::new(Duration::from_secs(seconds), callback);
    request.peer().shared().set_heartbeat(heartbeat);
    Ok(())
}

async fn system_info(request: &Request, system: Arc<dyn System>) -> Result<SystemInfo, Error> {
    let read = tokio::task::spawn_blocking(move || system.read()).await;
    read.unwrap_or_else(|lost| Err(io::Error::other(lost))).map_err(|fault| request.internal(&fault))
}

/// `kite.log [text]` and `kite.print [text]`: a line in our log. Says how many bytes the text has.
fn log(request: &Request) -> Result<usize, Error> {
    let text: &str = request.arg()?;
    let mut end = text.len().min(LOG_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let shown = text.get(..end).unwrap_or_default();
    // With quotes and escapes: what callers write must not look like lines of ours.
    info!(
        caller.username = request.caller().username,
        request.method = request.method(),
        "a caller says {shown:?}"
    );
    Ok(text.len())
}
