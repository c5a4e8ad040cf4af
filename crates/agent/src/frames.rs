//! Frames out of a request's body.

use axum::body::{Body, BodyDataStream};
use bytes::BytesMut;
use futures_util::StreamExt;
use wire::frame::Frame;

use crate::problem::Problem;

/// Reads frames one by one. The sender is slowed down while nobody asks for the next.
pub(crate) struct Frames {
    body: BodyDataStream,
    buffer: BytesMut,
}

impl Frames {
    pub(crate) fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), buffer: BytesMut::new() }
    }

    /// The next frame; `None` once the other end sends no more, for whatever reason.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Problem> {
        loop {
            let decoded = Frame::decode(&mut self.buffer).map_err(|error| {
                Problem::invalid(
                    format!("cannot read the stream: {error}"),
                    "Send frames as `wire::frame` has them.",
                )
            })?;
            if decoded.is_some() {
                return Ok(decoded);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }
}
