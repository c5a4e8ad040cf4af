//! One client's view of a terminal: its output as text, until something ends it.

use std::sync::Arc;

use kite::{Callback, Error, Functions, Peer};
use tokio_util::sync::CancellationToken;

use super::text::{Decoder, pieces};
use crate::agent::Parts;
use crate::terminal::{Place, Seen, Terminal, Watching};

/// What a client shows when the output it wanted is gone: a reset of the screen and everything about it (RIS in
/// ECMA-48), and of the lines above it (xterm's ED 3).
const START_AFRESH: &str = "\u{1b}c\u{1b}[3J";

/// Whose the terminal is.
pub(super) enum Whose {
    /// It stays when the client goes.
    Workspace,
    /// It ends with the client.
    Connection,
}

/// A client's view.
pub(super) struct Viewing {
    pub(super) parts: Arc<Parts>,
    pub(super) whose: Whose,
    pub(super) terminal: Arc<Terminal>,
    pub(super) watching: Watching,
    pub(super) place: Place,
    pub(super) output: Callback,
    pub(super) ended: Option<Callback>,
    /// Cancelled when the client leaves.
    pub(super) left: CancellationToken,
    pub(super) peer: Peer,
    /// What the client types with, kept as long as the view.
    pub(super) functions: Functions,
}

/// Why a view ends.
enum End {
    /// The terminal has, or it is somebody else's now: the client is told.
    Session,
    /// The client is gone or does not want it any more.
    Client,
}

impl Viewing {
    /// Shows output until the end.
    pub(super) async fn run(self) {
        let Self { parts, whose, terminal, mut watching, mut place, output, ended, left, peer, functions } =
            self;
        let end = tokio::select! {
            end = show(&terminal, &mut watching, &output) => end,
            () = place.lost() => End::Session,
            () = left.cancelled() => End::Client,
            () = peer.closed() => End::Client,
        };
        // No longer somebody the program waits for.
        drop(watching);
        if matches!(whose, Whose::Connection) {
            // One that has ended by itself is forgotten like this.
            drop(parts.terminals.close(terminal.id()));
        }
        if let (End::Session, Some(ended)) = (end, ended)
            && let Err(error) = ended.call(()).await
        {
            tracing::debug!(%error, "nobody hears that a session has ended");
        }
        drop(functions);
    }
}

/// Passes output on as fast as the client takes it. One that is too slow is left behind by the others after a
/// while, and starts afresh with what is still kept.
async fn show(terminal: &Terminal, watching: &mut Watching, output: &Callback) -> End {
    let mut decoder = Decoder::default();
    loop {
        let (text, is_last) = match watching.next().await {
            Some(Seen::Begin { reset: false, .. }) => continue,
            Some(Seen::Begin { reset: true, .. }) => {
                decoder.reset();
                terminal.repaint();
                (START_AFRESH.to_owned(), false)
            }
            Some(Seen::Bytes(bytes)) => (decoder.push(&bytes), false),
            Some(Seen::Ended(_)) | None => (decoder.finish(), true),
        };
        for piece in pieces(&text) {
            if let Err(error) = tell(output, piece).await {
                tracing::debug!(%error, "the output of a terminal goes nowhere");
                return End::Client;
            }
        }
        watching.acknowledge();
        if is_last {
            return End::Session;
        }
    }
}

async fn tell(output: &Callback, piece: &str) -> Result<(), Error> {
    output.call((piece,)).await
}
