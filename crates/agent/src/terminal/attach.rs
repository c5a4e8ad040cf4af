//! A viewer of a terminal: output as frames one way, keys and control messages the other.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};
use rustix::process::Signal;
use tokio::sync::watch;
use wire::frame::{Frame, Kind, TerminalControl};

use super::Terminal;
use super::output::Next;
use crate::activity::Activity;
use crate::frames::Frames;
use crate::process::signal_named;

/// Attaches a viewer that has shown everything below `since`. It leaves when the stream is dropped.
pub(crate) fn attach(
    terminal: Arc<Terminal>,
    since: Option<u64>,
    body: Body,
    activity: Activity,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let (id, position, is_reset) = terminal.output.join(since);
    let changed = terminal.output.changes();
    let must_repaint = is_reset || (since.is_none() && position > 0);
    // Ends with the request's body, at the latest when the connection ends.
    tokio::spawn(listen(terminal.clone(), id, Frames::of(body), activity, must_repaint));
    let viewer = Viewer { terminal, id };
    let watching = Watching { viewer, changed, position, hello: Some(is_reset), has_ended: false };
    stream::unfold(watching, |mut watching| async move {
        let frame = watching.next().await?;
        Some((Ok(frame.to_bytes()), watching))
    })
}

/// A place among the viewers, given up when dropped.
struct Viewer {
    terminal: Arc<Terminal>,
    id: u32,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.terminal.output.leave(self.id);
    }
}

struct Watching {
    viewer: Viewer,
    changed: watch::Receiver<()>,
    position: u64,
    /// A greeting that is still to be sent, and whether the viewer must start afresh.
    hello: Option<bool>,
    has_ended: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if self.has_ended {
                return None;
            }
            if let Some(reset) = self.hello.take() {
                let hello = TerminalControl::Hello { sequence: self.position, reset };
                return Some(Frame::json(Kind::Control, &hello));
            }
            self.changed.mark_unchanged();
            match self.viewer.terminal.output.next(self.position) {
                Next::Bytes(bytes, position) => {
                    self.position = position;
                    return Some(Frame::new(Kind::Output, bytes));
                }
                Next::Reset(position) => {
                    self.position = position;
                    self.hello = Some(true);
                }
                Next::Ended(exit_code) => {
                    self.has_ended = true;
                    return Some(Frame::json(Kind::Control, &TerminalControl::Exit { exit_code }));
                }
                // The sender lives as long as the terminal, which we hold.
                Next::Wait => drop(self.changed.changed().await),
            }
        }
    }
}

/// Keys and control messages of one viewer.
async fn listen(
    terminal: Arc<Terminal>,
    id: u32,
    mut frames: Frames,
    activity: Activity,
    mut must_repaint: bool,
) {
    while let Ok(Some(frame)) = frames.next().await {
        match frame.kind {
            Kind::Input if !frame.payload.is_empty() => {
                activity.touch();
                // Fails once the process has ended: there is nobody to type to.
                drop(terminal.input.send(frame.payload).await);
            }
            Kind::Control => match serde_json::from_slice(&frame.payload) {
                Ok(TerminalControl::Ack { sequence }) => terminal.output.acknowledge(id, sequence),
                Ok(TerminalControl::Resize { columns, rows }) => {
                    let is_new = terminal.size() != (columns, rows);
                    terminal.resize(columns, rows);
                    if std::mem::take(&mut must_repaint) && !is_new {
                        terminal.repaint();
                    }
                }
                Ok(TerminalControl::Signal { name }) => match signal_named(&name) {
                    // A hang-up is for all, not only for the foreground.
                    Some(Signal::HUP) => terminal.signal_all(Signal::HUP),
                    Some(signal) => terminal.signal(signal),
                    None => {}
                },
                // What the agent itself says, or what a newer server does.
                Ok(TerminalControl::Hello { .. } | TerminalControl::Exit { .. }) | Err(_) => {}
            },
            Kind::Input | Kind::Start | Kind::Output | Kind::ErrorOutput | Kind::Exit => {}
        }
    }
}
