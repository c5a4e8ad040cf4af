//! The addresses below an endpoint.

/// Longest segment of a path that may name a server or session. sockjs-client writes 8 letters, Go 20.
const SEGMENT_MAX: usize = 128;

/// What a path below an endpoint names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// The endpoint itself: its greeting, and raw WebSockets.
    Root,
    /// `/info`.
    Info,
    /// `/{server}/{session}/{route}`. The server's part is for load balancers and means nothing.
    Session { session: &'a str, route: Route },
}

/// The ways to talk to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    WebSocket,
    Xhr,
    XhrSend,
    XhrStreaming,
    EventSource,
}

/// Reads a path, as it stands in the request after the endpoint's prefix. Segments are compared as they
/// came, without decoding; they have neither `/` nor `.` (SockJS protocol 0.3).
///
/// The transports of old browsers (`htmlfile`, `jsonp`, `iframe…`) do not exist, and neither does the raw
/// WebSocket address `/websocket`, which Go's kites do not have either: the root takes those.
pub(crate) fn locate(path: &str) -> Option<Place<'_>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path {
        "" => return Some(Place::Root),
        "info" => return Some(Place::Info),
        _ => {}
    }
    let mut segments = path.split('/');
    let (server, session, route) = (segments.next()?, segments.next()?, segments.next()?);
    let is_segment = |text: &str| !text.is_empty() && text.len() <= SEGMENT_MAX && !text.contains('.');
    if segments.next().is_some() || !is_segment(server) || !is_segment(session) {
        return None;
    }
    let route = match route {
        "websocket" => Route::WebSocket,
        "xhr" => Route::Xhr,
        "xhr_send" => Route::XhrSend,
        "xhr_streaming" => Route::XhrStreaming,
        "eventsource" => Route::EventSource,
        _ => return None,
    };
    Some(Place::Session { session, route })
}
