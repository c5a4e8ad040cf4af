//! A Kite client's connection, as the server carries it to an agent: one stream of frames for each client.
//!
//! The first frame is [`Kind::Start`] with a [`KiteCaller`]; after it, [`Kind::Input`] carries messages to the
//! agent and [`Kind::Output`] messages from it. A message may be longer than a frame should be, so it is
//! cut: a payload of exactly [`PIECE`] bytes goes on in the next frame, a shorter one (an empty one, too) is
//! the message's end.
//!
//! Each end sends only what the other has room for: [`WINDOW`] bytes at first, and as many more as the other says
//! with [`Kind::Control`] once it has read them ([`read_frame`]); what a frame takes of it is its [`cost`]. All
//! streams of a connection share HTTP/2's window of 8 MiB, so that without this a few clients that do not read
//! would hold up everything else of their workspace; a hundred of them may be there.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::frame::{Frame, Kind};

/// Longest payload of one frame: 16 KiB, so that streams share the connection fairly.
pub const PIECE: usize = 16 << 10;
/// What may be under way unread, each way of one stream: 64 KiB.
pub const WINDOW: usize = 64 << 10;
/// Longest message either way: 4 MiB.
pub const KITE_MESSAGE_MAX: usize = 4 << 20;

/// Who speaks over the stream. The server has verified it and stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KiteCaller {
    /// The person's id.
    pub user: String,
    /// The person's name at the server.
    pub username: String,
    /// Whether the workspace is theirs; otherwise its owner shared it with them.
    pub is_owner: bool,
}

/// Cuts a message into frames of one kind.
pub fn pieces(kind: Kind, message: impl Into<Bytes>) -> impl Iterator<Item = Frame> + Send {
    let mut rest = Some(message.into());
    std::iter::from_fn(move || {
        let mut message = rest.take()?;
        if message.len() < PIECE {
            return Some(Frame::new(kind, message));
        }
        let piece = message.split_to(PIECE);
        rest = Some(message);
        Some(Frame::new(kind, piece))
    })
}

/// What a frame takes of the window: its payload and its head.
pub fn cost(frame: &Frame) -> usize {
    frame.payload.len() + 5
}

/// Says that `bytes` of the window have been read.
pub fn read_frame(bytes: u32) -> Frame {
    Frame::new(Kind::Control, bytes.to_be_bytes().to_vec())
}

/// What a [`read_frame`] says; `None` for any other frame.
pub fn bytes_read(frame: &Frame) -> Option<u32> {
    let payload = (frame.kind == Kind::Control).then_some(&*frame.payload)?;
    payload.try_into().ok().map(u32::from_be_bytes)
}

/// The frames make no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// A message above [`KITE_MESSAGE_MAX`], or a frame above [`PIECE`].
    #[error("message of more than 4 MiB, or piece of more than 16 KiB")]
    TooLong,
    /// Not UTF-8.
    #[error("message that is not UTF-8")]
    NotText,
    /// A frame that does not belong into this direction.
    #[error("frame of kind {0:?} in a stream of messages")]
    Kind(Kind),
}

/// Puts messages together again.
#[derive(Debug)]
pub struct Joiner {
    kind: Kind,
    pending: BytesMut,
}

impl Joiner {
    /// For messages that come in frames of `kind`.
    pub fn new(kind: Kind) -> Self {
        Self { kind, pending: BytesMut::new() }
    }

    /// Takes the next frame; answers a message once it is whole.
    ///
    /// # Errors
    ///
    /// [`PieceError`]; nothing sensible can follow on the stream.
    pub fn push(&mut self, frame: Frame) -> Result<Option<String>, PieceError> {
        if frame.kind != self.kind {
            return Err(PieceError::Kind(frame.kind));
        }
        if frame.payload.len() > PIECE || self.pending.len() + frame.payload.len() > KITE_MESSAGE_MAX {
            return Err(PieceError::TooLong);
        }
        let is_last = frame.payload.len() < PIECE;
        let whole = if is_last && self.pending.is_empty() {
            Vec::from(frame.payload)
        } else {
            self.pending.extend_from_slice(&frame.payload);
            if !is_last {
                return Ok(None);
            }
            std::mem::take(&mut self.pending).into()
        };
        String::from_utf8(whole).map(Some).map_err(|_| PieceError::NotText)
    }
}

#[cfg(test)]
mod tests;
