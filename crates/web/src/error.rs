//! The one conversion from everything that goes wrong to what the client is told.

mod page;

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use link::LinkError;
use wire::api::{PROBLEM_MEDIA_TYPE, Problem};

pub(crate) use page::PageError;

/// Why a request is refused. Becomes a [`Problem`] at the outer edge, which knows the request's id.
///
/// Boxed, because every handler's answer has room for it.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    mend: Cow<'static, str>,
    field: Option<String>,
    retry_after: Option<Duration>,
    /// The account at a forge that would help.
    forge: Option<Needed>,
    /// For the log only.
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The account at a forge that a request needs, or what must be granted there.
#[derive(Debug)]
struct Needed {
    forge: domain::ForgeId,
    name: Option<String>,
    scopes: Vec<String>,
}

/// An error on its way out, as an extension of the response that stands for it.
#[derive(Clone)]
struct OnItsWay(Arc<Refusal>);

/// Put on an error response that explains itself in another form, so that it is left as it is.
#[derive(Clone, Copy)]
pub(crate) struct SaysWhy;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status,
            code: code.into(),
            detail: detail.into(),
            mend: "".into(),
            field: None,
            retry_after: None,
            forge: None,
            source: None,
        }))
    }

    /// Says what the reader can do about it.
    pub(crate) fn mend(mut self, mend: impl Into<Cow<'static, str>>) -> Self {
        self.0.mend = mend.into();
        self
    }

    /// Names the field to blame.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// There is no such thing.
    pub(crate) fn missing(what: &str, mend: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}")).mend(mend)
    }

    /// The request makes no sense.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
            .mend("compare the request with /api/v1/openapi.json")
    }

    /// A value of the request is not acceptable.
    pub(crate) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
            .field(field)
            .mend("compare the request with /api/v1/openapi.json")
    }

    /// The body is longer than `most` bytes.
    pub(crate) fn too_large(most: u64) -> Self {
        let detail = format!("the body is longer than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).mend("send less")
    }

    /// Nobody is signed in.
    pub(crate) fn nobody(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .mend("sign in, or send a valid API token as `Authorization: Bearer hearth_…`")
    }

    /// For statuses that a library answered without words.
    fn of_status(status: StatusCode) -> Self {
        let (code, mend) = match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "use one of the methods in the header `Allow`")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "send less"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("wrong_type", "send `content-type: application/json`"),
            StatusCode::NOT_FOUND => ("not_found", "compare with /api/v1/openapi.json"),
            status if status.is_server_error() => {
                ("internal", "try again; if it stays, look for this request in the server's log")
            }
            _ => ("malformed", "compare the request with /api/v1/openapi.json"),
        };
        let reason = status.canonical_reason().unwrap_or("refused").to_lowercase();
        Self::new(status, code, format!("the request was answered with: {reason}")).mend(mend)
    }
}

impl Refusal {
    /// What is sent.
    fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("urn:hearth:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.clone().into_owned(),
            mend: self.mend.clone().into_owned(),
            request_id: request_id.to_owned(),
            field: self.field.clone(),
            forge: self.forge.as_ref().map(|needed| needed.forge),
            forge_name: self.forge.as_ref().and_then(|needed| needed.name.clone()),
            scopes: self.forge.as_ref().map(|needed| needed.scopes.clone()).unwrap_or_default(),
        }
    }
}

impl IntoResponse for ApiError {
    /// A response without a body: [`finish`] writes it, because it knows the request's id.
    fn into_response(self) -> Response {
        let refusal = self.0;
        let mut response = refusal.status.into_response();
        if let Some(after) = refusal.retry_after {
            let seconds =
                HeaderValue::from(after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if refusal.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(OnItsWay(refusal.into()));
        response
    }
}

/// Leaves an error response as it is, unless it is one of ours: for those who speak another protocol.
pub(crate) async fn leave(mut response: Response) -> Response {
    if response.extensions().get::<OnItsWay>().is_none() {
        response.extensions_mut().insert(SaysWhy);
    }
    response
}

/// Makes every error response a problem document, wherever it came from. Logs the server's faults.
pub(crate) fn finish(response: Response, request_id: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<SaysWhy>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let error = match parts.extensions.remove::<OnItsWay>() {
        Some(OnItsWay(error)) => error,
        None => ApiError::of_status(status).0.into(),
    };
    if status.is_server_error() {
        let source = error.source.as_deref().map(chain).unwrap_or_default();
        tracing::error!(request.id = request_id, code = %error.code, source, "{}", error.detail);
    }
    let body = serde_json::to_vec(&error.problem(request_id)).unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    Response::from_parts(parts, Body::from(body))
}

/// An error and all that is behind it, on one line.
fn chain(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

impl From<control::Error> for ApiError {
    fn from(error: control::Error) -> Self {
        use control::Error as E;
        let status = match &error {
            E::NotFound { .. } => StatusCode::NOT_FOUND,
            E::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            E::Forbidden { .. } | E::NotMember { .. } => StatusCode::FORBIDDEN,
            E::Conflict { .. } | E::LinkNeeded { .. } | E::ScopeMissing { .. } => StatusCode::CONFLICT,
            E::Forge { .. } => StatusCode::BAD_GATEWAY,
            E::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            E::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            E::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            E::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut answer = Self::new(status, error.code(), error.to_string()).mend(error.mend());
        match error {
            E::Invalid { field, .. } => answer.0.field = Some(field.to_owned()),
            E::TooMany { retry_after, .. } => answer.0.retry_after = Some(retry_after),
            E::Internal { source, .. } => answer.0.source = Some(source),
            E::LinkNeeded { forge, name, .. } => {
                answer.0.forge = Some(Needed { forge, name: Some(name), scopes: vec![] });
            }
            E::ScopeMissing { forge, scopes, .. } => {
                answer.0.forge = Some(Needed { forge, name: None, scopes });
            }
            E::Forge { .. } | E::NotMember { .. } => {}
            E::NotFound { .. }
            | E::Unauthenticated { .. }
            | E::Forbidden { .. }
            | E::Conflict { .. }
            | E::Unavailable { .. } => {}
        }
        answer
    }
}

impl From<LinkError> for ApiError {
    /// What the agent refused keeps the agent's words; a lost agent is a server that is not ready.
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Agent { status, problem } => {
                let status = match status {
                    400 | 422 => StatusCode::UNPROCESSABLE_ENTITY,
                    403 => StatusCode::FORBIDDEN,
                    404 => StatusCode::NOT_FOUND,
                    409 => StatusCode::CONFLICT,
                    507 => StatusCode::INSUFFICIENT_STORAGE,
                    _ => StatusCode::BAD_GATEWAY,
                };
                let mut answer = Self::new(status, "agent", problem.detail).mend(problem.mend);
                answer.0.code = problem.code.into();
                answer
            }
            LinkError::Gone => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "agent_gone",
                "the connection to the workspace's agent is gone",
            )
            .mend("try again in a moment; it comes back by itself"),
            error @ LinkError::Protocol(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "agent_protocol", error.to_string())
                    .mend("stop and start the workspace, so that it runs this release's agent")
            }
        }
    }
}
