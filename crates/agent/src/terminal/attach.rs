//! A viewer of a terminal: output as frames one way, keys and control messages the other.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};
use rustix::process::Signal;
use wire::frame::{Frame, Kind, TerminalControl};

use super::Terminal;
use super::watching::{Seen, Watching};
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
    let watching = Watching::join(terminal.clone(), since);
    // Ends with the request's body, at the latest when the connection ends.
    tokio::spawn(listen(terminal, watching.id(), Frames::of(body), activity, watching.must_repaint()));
    stream::unfold(watching, |mut watching| async move {
        let frame = match watching.next().await? {
            Seen::Begin { sequence, reset } => {
                Frame::json(Kind::Control, &TerminalControl::Hello { sequence, reset })
            }
            Seen::Bytes(bytes) => Frame::new(Kind::Output, bytes),
            Seen::Ended(exit_code) => Frame::json(Kind::Control, &TerminalControl::Exit { exit_code }),
        };
        Some((Ok(frame.to_bytes()), watching))
    })
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
