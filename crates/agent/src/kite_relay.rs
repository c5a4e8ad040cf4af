//! `POST /v1/kite`: one Kite client's connection, which the server carries here and stands for.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use kite::Context;
use link::KiteStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::agent::KiteCaller;
use wire::frame::{Frame, Kind};

use crate::agent::Agent;
use crate::klient::Bulks;
use crate::problem::Problem;

/// How long the first frame may take.
const FIRST_FRAME: Duration = Duration::from_secs(10);

/// Serves the caller of the first frame with the agent's methods, whose context has the [`KiteCaller`]. Ends
/// with the stream, either way of it.
pub(crate) async fn serve(
    agent: &Agent,
    mut body: Body,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Problem> {
    let mut buffer = BytesMut::new();
    let caller = first(&mut body, &mut buffer).await?;
    let (transport, queue) = KiteStream::from_server(body, buffer);
    let context = Context::with(caller).and(Bulks::new());
    let (_, connection) = agent.klient().serve(transport, context);
    // A connection that is busy does not look at its stream: that nobody takes what it says must reach it all
    // the same.
    let gone = CancellationToken::new();
    let taken = gone.clone().drop_guard();
    tokio::spawn(async move {
        tokio::select! {
            () = connection => {}
            () = gone.cancelled() => {}
        }
    });
    let parts = agent.parts.clone();
    Ok(ReceiverStream::new(queue).map(move |frame| {
        // Dropped with the stream.
        let _ = &taken;
        parts.kite_calls.notify_one();
        Ok(frame)
    }))
}

async fn first(body: &mut Body, buffer: &mut BytesMut) -> Result<KiteCaller, Problem> {
    let invalid = |detail: String| Problem::invalid(detail, "Begin with a start frame that says who calls.");
    let reading = async {
        loop {
            let frame = Frame::decode(buffer).map_err(|error| invalid(error.to_string()))?;
            if let Some(frame) = frame {
                return Ok(Some(frame));
            }
            match body.frame().await {
                Some(Ok(frame)) => buffer.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(_)) | None => return Ok(None),
            }
        }
    };
    let frame = tokio::time::timeout(FIRST_FRAME, reading)
        .await
        .map_err(|_| invalid("the start frame did not come".into()))??
        .filter(|frame| frame.kind == Kind::Start)
        .ok_or_else(|| invalid("the stream does not begin with a start frame".into()))?;
    serde_json::from_slice(&frame.payload)
        .map_err(|error| invalid(format!("cannot read the start frame: {error}")))
}
