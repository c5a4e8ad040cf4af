//! What a connection runs on: something that carries text messages both ways.

use std::io;

use futures_util::{Sink, Stream};

mod pair;

pub use pair::{PairEnd, pair};

/// Text messages both ways, in order. Ends with the stream's end or with an error, which is final.
///
/// A transport bounds what it holds: a sink that is not ready makes the sender wait, and a stream that is
/// not polled makes the other end wait.
pub trait Transport:
    Stream<Item = Result<String, TransportError>> + Sink<String, Error = TransportError> + Send + Unpin
{
}

impl<T> Transport for T where
    T: Stream<Item = Result<String, TransportError>> + Sink<String, Error = TransportError> + Send + Unpin
{
}

/// Any transport.
pub type BoxTransport = Box<dyn Transport>;

/// Why a transport ended.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// It was closed, by either end.
    #[error("the connection is closed")]
    Closed,
    /// The other end sent something that the transport's protocol does not allow.
    #[error("the other end broke the protocol: {0}")]
    Protocol(String),
    /// The other end sent a message above the limit.
    #[error("the other end sent a message of more than {0} bytes")]
    TooLarge(usize),
    /// The other end was silent or took nothing for too long.
    #[error("the other end did not react in time")]
    TimedOut,
    /// The connection below failed.
    #[error("the connection below failed")]
    Io(#[from] io::Error),
}
