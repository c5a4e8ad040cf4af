//! What stands in a WebSocket's text messages: a message itself, or SockJS frames and batches.

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::sockjs::{BatchError, Close, Frame, quote, read_batch, write_batch, write_messages};

/// Most messages taken from one SockJS frame or batch. sockjs-client sends what it has queued as one.
pub(crate) const BATCH_MAX: usize = 10_000;

/// How messages stand in a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A message is a message. At the endpoint's own address, and between Kites of ours.
    Raw,
    /// SockJS, the server's end: writes frames, reads batches.
    SockJsServer,
    /// SockJS, the client's end: writes batches, reads frames.
    SockJsClient,
}

/// What was read.
pub(super) enum Inbound {
    Message(String),
    Messages(Vec<String>),
    Nothing,
    /// The peer says that this is the end.
    End,
    /// Against the protocol, and how.
    Bad(&'static str),
}

impl Framing {
    /// What a server says before anything else.
    pub(super) fn greeting(self) -> Option<&'static str> {
        (self == Self::SockJsServer).then_some("o")
    }

    /// What keeps proxies from thinking that nobody is there, besides the ping.
    pub(super) fn heartbeat(self) -> Option<&'static str> {
        (self == Self::SockJsServer).then_some("h")
    }

    /// What is said before the WebSocket is closed.
    pub(super) fn farewell(self) -> Option<String> {
        (self == Self::SockJsServer).then(|| Close::GO_AWAY.to_text())
    }

    /// The code of an end that nobody is to blame for.
    pub(super) fn close_code(self) -> CloseCode {
        match self {
            Self::Raw | Self::SockJsClient => CloseCode::Normal,
            Self::SockJsServer => CloseCode::Away,
        }
    }

    pub(super) fn write(self, message: String) -> String {
        match self {
            Self::Raw => message,
            Self::SockJsServer => {
                let quoted = quote(&message);
                let mut text = String::with_capacity(quoted.len() + 3);
                write_messages([quoted.as_str()], &mut text);
                text
            }
            Self::SockJsClient => write_batch([message.as_str()]),
        }
    }

    pub(super) fn read(self, text: &str) -> Inbound {
        match self {
            Self::Raw => Inbound::Message(text.to_owned()),
            Self::SockJsServer if text.is_empty() => Inbound::Nothing,
            // The protocol lets a client send a single string without the array.
            Self::SockJsServer if !text.starts_with('[') => match serde_json::from_str(text) {
                Ok(message) => Inbound::Message(message),
                Err(_) => Inbound::Bad("broken JSON encoding"),
            },
            Self::SockJsServer => match read_batch(text, BATCH_MAX) {
                Ok(messages) => Inbound::Messages(messages),
                Err(BatchError::Missing | BatchError::Broken) => Inbound::Bad("broken JSON encoding"),
                Err(BatchError::TooMany) => Inbound::Bad("too many messages at once"),
            },
            Self::SockJsClient => match Frame::parse(text, BATCH_MAX) {
                Some(Frame::Messages(messages)) => Inbound::Messages(messages),
                Some(Frame::Open | Frame::Heartbeat) => Inbound::Nothing,
                Some(Frame::Close(_)) => Inbound::End,
                None => Inbound::Bad("not a SockJS frame"),
            },
        }
    }
}
