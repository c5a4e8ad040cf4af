//! One call: building the request, judging the answer.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Frame as BodyFrame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::agent::AgentProblem;

use super::{ANSWER_MAX, QUICK};
use crate::error::LinkError;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What cannot stand in a path by itself; `/` can, it separates folders.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%');

/// The agent's path for a file of the workspace.
pub(super) fn file_path(path: &str, query: &str) -> String {
    format!("/v1/files/{}{query}", utf8_percent_encode(path, IN_PATH))
}

/// A call being put together.
pub(super) struct Call {
    sender: SendRequest<Body>,
    method: Method,
    path: String,
    body: Body,
    is_json: bool,
    limit: Option<Duration>,
}

impl Call {
    pub(super) fn new(sender: SendRequest<Body>, method: Method, path: &str) -> Self {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        Self { sender, method, path: path.to_owned(), body, is_json: false, limit: None }
    }

    pub(super) fn with_json<T: Serialize>(mut self, value: &T) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.body = Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync();
        self.is_json = true;
        self
    }

    pub(super) fn with_stream<S, E>(mut self, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let frames = stream.map(|chunk| chunk.map(BodyFrame::data).map_err(Into::into));
        self.body = StreamBody::new(frames).boxed_unsync();
        self
    }

    /// Gives up after [`QUICK`]: for calls that do no work worth waiting for.
    pub(super) fn quick(mut self) -> Self {
        self.limit = Some(QUICK);
        self
    }

    /// Sends it and reads an answer as JSON of at most `most` bytes.
    pub(super) async fn json<T: DeserializeOwned>(self, most: usize) -> Result<T, LinkError> {
        let limit = self.limit;
        within(limit, async { read_json(self.send_unlimited().await?, most).await }).await
    }

    /// Sends it and waits for the answer's end, which carries nothing.
    pub(super) async fn done(self) -> Result<(), LinkError> {
        let limit = self.limit;
        within(limit, async {
            let mut body = self.send_unlimited().await?.into_body();
            while let Some(frame) = body.frame().await {
                drop(frame?);
            }
            Ok(())
        })
        .await
    }

    /// Sends it and answers once the agent has accepted.
    pub(super) async fn send(self) -> Result<Response<Incoming>, LinkError> {
        let limit = self.limit;
        within(limit, self.send_unlimited()).await
    }

    async fn send_unlimited(mut self) -> Result<Response<Incoming>, LinkError> {
        let uri = Uri::builder()
            .scheme("http")
            .authority("agent")
            .path_and_query(self.path)
            .build()
            .map_err(|error| LinkError::Protocol(format!("cannot put the call into a URI: {error}")))?;
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        if self.is_json {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let response = self.sender.send_request(request).await?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(LinkError::Protocol(format!("it did not answer within {}s", limit.as_secs())))
        }),
    }
}

async fn refusal(response: Response<Incoming>) -> LinkError {
    let status = response.status();
    let problem = read_json(response, ANSWER_MAX).await.unwrap_or_else(|_| unspoken(status));
    LinkError::Agent { status: status.as_u16(), problem }
}

/// For an agent that refuses without saying why, such as one too old to know the call.
fn unspoken(status: StatusCode) -> AgentProblem {
    AgentProblem {
        code: if status == StatusCode::NOT_FOUND { "not_found" } else { "internal" }.into(),
        detail: format!("the agent answered {status} without saying why"),
        mend: "Restart the workspace, so that it runs the agent of this release.".into(),
    }
}

pub(super) async fn read_json<T: DeserializeOwned>(
    response: Response<Incoming>,
    most: usize,
) -> Result<T, LinkError> {
    let bytes = match Limited::new(response.into_body(), most).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(LinkError::Protocol(format!("an answer of more than {most} bytes")));
        }
        Err(_) => return Err(LinkError::Gone),
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| LinkError::Protocol(format!("an answer that is not what was asked for: {error}")))
}
