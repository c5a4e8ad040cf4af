//! Frames inside a two-way byte stream: one kind byte, a big-endian `u32` length, the payload.
//!
//! Used by the streaming form of exec and by terminals, between server and agent. The browser's
//! WebSocket has message borders of its own and carries the same kinds: binary messages are
//! `Data`/`Input`, text messages are the JSON of [`TerminalControl`].

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest payload accepted: 1 MiB. Writers stay at 64 KiB, so that streams share the line fairly.
pub const PAYLOAD_MAX: usize = 1 << 20;
const HEADER: usize = 5;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Towards the agent: the [`crate::agent::ExecRequest`] as JSON, first and once.
    Start = 1,
    /// Towards the agent: bytes for standard input or typed keys. Empty means end of file (exec only).
    Input = 2,
    /// Towards the agent: JSON of [`TerminalControl`]; from the agent likewise.
    Control = 3,
    /// From the agent: bytes of standard output, or of a terminal.
    Output = 4,
    /// From the agent: bytes of standard error.
    ErrorOutput = 5,
    /// From the agent: JSON of [`Exit`], last and once.
    Exit = 6,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Start, Self::Input, Self::Control, Self::Output, Self::ErrorOutput, Self::Exit]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub payload: Bytes,
}

/// How a streamed command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exit {
    /// As in [`crate::agent::ExecResult`].
    pub exit_code: i32,
    /// Whether the time-out ended it.
    #[serde(default)]
    pub timed_out: bool,
    /// Why it could not be started at all, where that is so.
    #[serde(default)]
    pub problem: Option<String>,
}

/// Control messages of terminals and streamed commands, both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TerminalControl {
    /// From the agent, first: output that follows begins at `sequence`. `reset` means what was asked
    /// for is no longer kept, so the viewer clears its screen.
    Hello {
        /// Number of the first byte that follows.
        sequence: u64,
        /// Whether the viewer must start afresh.
        reset: bool,
    },
    /// Towards the agent: everything below `sequence` has been shown.
    Ack {
        /// First byte not shown.
        sequence: u64,
    },
    /// Towards the agent: the viewer's size changed.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Towards the agent: send this signal to the command, by name (`INT`, `TERM`, …).
    Signal {
        /// Name without `SIG`.
        name: String,
    },
    /// From the agent, last: the process has ended.
    Exit {
        /// As in [`crate::agent::ExecResult`].
        exit_code: i32,
    },
}

/// The bytes are not frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Unknown kind byte.
    #[error("unknown frame kind {0}")]
    Kind(u8),
    /// Too long.
    #[error("frame of {0} bytes exceeds the limit of 1 MiB")]
    TooLong(usize),
}

impl Frame {
    /// A frame with raw bytes.
    pub fn new(kind: Kind, payload: impl Into<Bytes>) -> Self {
        Self { kind, payload: payload.into() }
    }

    /// A frame with JSON inside.
    pub fn json<T: Serialize>(kind: Kind, value: &T) -> Self {
        Self::new(kind, serde_json::to_vec(value).unwrap_or_default())
    }

    /// Appends the frame's bytes to `buffer`.
    pub fn encode(&self, buffer: &mut BytesMut) {
        buffer.reserve(HEADER + self.payload.len());
        buffer.put_u8(self.kind as u8);
        buffer.put_u32(u32::try_from(self.payload.len()).unwrap_or(u32::MAX));
        buffer.extend_from_slice(&self.payload);
    }

    /// The frame as bytes of its own.
    pub fn to_bytes(&self) -> Bytes {
        let mut buffer = BytesMut::new();
        self.encode(&mut buffer);
        buffer.freeze()
    }

    /// Takes the first whole frame off `buffer`; `None` if more bytes are needed.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        let Some((&kind, rest)) = buffer.split_first() else { return Ok(None) };
        let kind = Kind::from_byte(kind).ok_or(FrameError::Kind(kind))?;
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > PAYLOAD_MAX {
            return Err(FrameError::TooLong(length));
        }
        if buffer.len() < HEADER + length {
            return Ok(None);
        }
        buffer.advance(HEADER);
        Ok(Some(Self { kind, payload: buffer.split_to(length).freeze() }))
    }
}
