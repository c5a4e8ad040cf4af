//! Streams that stay open: how they begin, keep alive, and end when the caller is shut out.

mod bridge;
pub(crate) mod socket;

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::Caller;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::error::ApiError;

/// Pause between signs of life of a stream of events. Proxies cut what is silent for a minute, some for thirty seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a browser that lost the stream tries again.
const RETRY: Duration = Duration::from_secs(1);
/// Tells nginx not to hold the stream back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Why a live stream must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The caller may no longer have it.
    Revoked,
    /// The server is about to go.
    Stopping,
}

/// Resolves when a live stream of the caller must end.
pub(crate) fn ended(app: &App, caller: &Caller) -> impl Future<Output = Ended> + Send + use<> {
    let revoked = Box::pin(app.control.revoked(caller));
    let stopping = Box::pin(app.stop.clone().cancelled_owned());
    async move {
        match select(revoked, stopping).await {
            Either::Left(_) => Ended::Revoked,
            Either::Right(_) => Ended::Stopping,
        }
    }
}

/// Answers with events for as long as the caller may see them.
pub(crate) fn events<S>(app: &App, caller: &Caller, events: S) -> Response
where
    S: Stream<Item = Event> + Send + 'static,
{
    let opening = Event::default().retry(RETRY).comment("hearth");
    let stream = stream::once(async { opening })
        .chain(events)
        .take_until(Box::pin(ended(app, caller)))
        .map(Ok::<_, Infallible>);
    let mut response =
        Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive")).into_response();
    response.headers_mut().insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// Passes bytes on for as long as the caller may see them; then the transfer breaks off, so that
/// nobody takes a part for the whole.
pub(crate) fn bytes<S>(
    app: &App,
    caller: &Caller,
    bytes: S,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<S>
where
    S: Stream<Item = std::io::Result<Bytes>> + Send + 'static,
{
    let ended = Box::pin(ended(app, caller));
    stream::unfold(Some((Box::pin(bytes), ended)), |state| async {
        let (mut bytes, mut ended) = state?;
        tokio::select! {
            chunk = bytes.next() => chunk.map(|chunk| (chunk, Some((bytes, ended)))),
            _ = &mut ended => Some((Err(std::io::ErrorKind::ConnectionAborted.into()), None)),
        }
    })
}

/// Does something that takes long, for as long as the caller may.
pub(crate) async fn unless_ended<T>(
    app: &App,
    caller: &Caller,
    work: impl Future<Output = T>,
) -> Result<T, ApiError> {
    tokio::select! {
        done = work => Ok(done),
        ended = ended(app, caller) => Err(match ended {
            Ended::Revoked => ApiError::nobody("the session or token has ended meanwhile"),
            Ended::Stopping => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is about to restart")
                    .mend("try again in a moment")
            }
        }),
    }
}

/// One event with a JSON document.
pub(crate) fn event<T: Serialize>(name: &str, data: &T) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}
