//! A viewer's way through a terminal's output, whatever carries it there.

use std::sync::Arc;

use tokio::sync::watch;

use super::Terminal;
use super::output::Next;

/// What a viewer gets, in this order: a beginning, bytes and further beginnings, the end.
pub(crate) enum Seen {
    /// What follows begins at `sequence`; with `reset`, on a cleared screen.
    Begin {
        /// Number of the first byte that follows.
        sequence: u64,
        /// Whether what was shown before does not join on to it.
        reset: bool,
    },
    /// Output.
    Bytes(Vec<u8>),
    /// The process has ended, with this exit code. Always the last.
    Ended(i32),
}

/// One viewer. It has a place among those the terminal waits for, and gives it up when dropped.
pub(crate) struct Watching {
    terminal: Arc<Terminal>,
    id: u32,
    changed: watch::Receiver<()>,
    position: u64,
    /// A beginning that is still to be told, and whether the viewer must start afresh.
    beginning: Option<bool>,
    must_repaint: bool,
    has_ended: bool,
}

impl Watching {
    /// A viewer that has shown everything below `since`; from the oldest byte that is kept where absent.
    pub(crate) fn join(terminal: Arc<Terminal>, since: Option<u64>) -> Self {
        let (id, position, is_reset) = terminal.output.join(since);
        Self {
            changed: terminal.output.changes(),
            id,
            position,
            beginning: Some(is_reset),
            must_repaint: is_reset || (since.is_none() && position > 0),
            has_ended: false,
            terminal,
        }
    }

    /// Its id among the terminal's viewers.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Whether what it joined with lacks the beginning, so that a full-screen program must paint anew.
    pub(crate) fn must_repaint(&self) -> bool {
        self.must_repaint
    }

    /// What comes next; waits for it. `None` after the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        loop {
            if self.has_ended {
                return None;
            }
            if let Some(reset) = self.beginning.take() {
                return Some(Seen::Begin { sequence: self.position, reset });
            }
            self.changed.mark_unchanged();
            match self.terminal.output.next(self.position) {
                Next::Bytes(bytes, position) => {
                    self.position = position;
                    return Some(Seen::Bytes(bytes));
                }
                Next::Reset(position) => {
                    self.position = position;
                    self.beginning = Some(true);
                }
                Next::Ended(exit_code) => {
                    self.has_ended = true;
                    return Some(Seen::Ended(exit_code));
                }
                // The sender lives as long as the terminal, which we hold.
                Next::Wait => drop(self.changed.changed().await),
            }
        }
    }

    /// Everything that [`Watching::next`] gave was shown.
    pub(crate) fn acknowledge(&self) {
        self.terminal.output.acknowledge(self.id, self.position);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.terminal.output.leave(self.id);
    }
}
