//! Passes messages between a browser's socket and a stream of the agent, both ways at once.

use std::time::Duration;

use axum::extract::ws::Message;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use link::{Duplex, FrameReceiver, FrameSender};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use wire::api::CommandControl;
use wire::frame::{Frame, Kind, TerminalControl};

use super::socket::{Close, Ends};

/// Pause between the pings that find out whether a browser is still there.
const PING: Duration = Duration::from_secs(20);
/// A browser that answers three of them with nothing is gone.
const SILENCE: Duration = Duration::from_mins(1);

/// First byte of a binary message with a command's standard output.
const OUTPUT: u8 = 1;
/// First byte of a binary message with a command's standard error.
const ERROR_OUTPUT: u8 = 2;

/// How frames look as messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Binary messages are bytes, text messages [`TerminalControl`].
    Terminal,
    /// Binary messages that come out begin with a byte for the stream; text messages are
    /// [`CommandControl`] in, and the exit out.
    Command,
}

/// Runs until one side ends it.
pub(super) async fn run(ends: &mut Ends, duplex: Duplex, dialect: Dialect) -> Close {
    let (sender, receiver) = duplex.split();
    let Ends { to_browser, from_browser } = ends;
    tokio::select! {
        close = outwards(receiver, to_browser, dialect) => close,
        close = inwards(from_browser, sender, dialect) => close,
    }
}

async fn outwards(
    mut receiver: FrameReceiver,
    to_browser: &mut (impl SinkExt<Message> + Unpin),
    dialect: Dialect,
) -> Close {
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            frame = receiver.next() => match frame {
                Some(Ok(frame)) => dialect.to_browser(frame),
                Some(Err(error)) => return Close::from(&error),
                None => return Close::Finished,
            },
            _ = pings.tick() => Some(Message::Ping(Bytes::new())),
        };
        if let Some(message) = message
            && to_browser.send(message).await.is_err()
        {
            return Close::Silent;
        }
    }
}

async fn inwards<S>(from_browser: &mut S, sender: FrameSender, dialect: Dialect) -> Close
where
    S: StreamExt<Item = Result<Message, axum::Error>> + Unpin,
{
    let mut is_taken = true;
    loop {
        let message = match timeout(SILENCE, from_browser.next()).await {
            Err(_) | Ok(Some(Err(_))) => return Close::Silent,
            Ok(None | Some(Ok(Message::Close(_)))) => return Close::Finished,
            Ok(Some(Ok(message))) => message,
        };
        match dialect.to_agent(message) {
            Err(Nonsense) => return Close::Nonsense,
            // The process has ended, but not all it wrote has been passed on: that direction says when.
            Ok(Some(frame)) if is_taken => is_taken = sender.send(frame).await.is_ok(),
            Ok(_) => {}
        }
    }
}

/// A message that the dialect does not have.
struct Nonsense;

impl Dialect {
    fn to_agent(self, message: Message) -> Result<Option<Frame>, Nonsense> {
        match message {
            // No bytes at all would mean end of file.
            Message::Binary(bytes) if bytes.is_empty() => Ok(None),
            Message::Binary(bytes) => Ok(Some(Frame::new(Kind::Input, bytes))),
            Message::Text(text) => self.control(text.as_str()).map(Some).ok_or(Nonsense),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        }
    }

    fn control(self, text: &str) -> Option<Frame> {
        match self {
            Self::Terminal => match serde_json::from_str(text).ok()? {
                control @ (TerminalControl::Ack { .. }
                | TerminalControl::Resize { .. }
                | TerminalControl::Signal { .. }) => Some(Frame::json(Kind::Control, &control)),
                TerminalControl::Hello { .. } | TerminalControl::Exit { .. } => None,
            },
            Self::Command => match serde_json::from_str(text).ok()? {
                CommandControl::Eof => Some(Frame::new(Kind::Input, Bytes::new())),
                CommandControl::Signal { name } => {
                    Some(Frame::json(Kind::Control, &TerminalControl::Signal { name }))
                }
            },
        }
    }

    fn to_browser(self, frame: Frame) -> Option<Message> {
        match (self, frame.kind) {
            (Self::Terminal, Kind::Output) => Some(Message::Binary(frame.payload)),
            (Self::Terminal, Kind::Control) | (Self::Command, Kind::Exit) => {
                Some(Message::text(String::from_utf8_lossy(&frame.payload).into_owned()))
            }
            (Self::Command, Kind::Output) => Some(marked(OUTPUT, &frame.payload)),
            (Self::Command, Kind::ErrorOutput) => Some(marked(ERROR_OUTPUT, &frame.payload)),
            // Frames of a newer agent, or of the other direction.
            (_, Kind::Start | Kind::Input)
            | (Self::Terminal, Kind::ErrorOutput | Kind::Exit)
            | (Self::Command, Kind::Control) => None,
        }
    }
}

fn marked(stream: u8, payload: &[u8]) -> Message {
    let mut bytes = BytesMut::with_capacity(payload.len() + 1);
    bytes.put_u8(stream);
    bytes.extend_from_slice(payload);
    Message::Binary(bytes.freeze())
}
