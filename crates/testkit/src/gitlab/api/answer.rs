//! How the API says no: GitLab's statuses, bodies and headers.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::gitlab::identity::Refused;

/// What a handler gives.
pub(crate) type Answer = Result<Response, Refusal>;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Value,
    location: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, location: None }
    }

    /// `{"message":"404 Project Not Found"}`.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "message": format!("404 {what} Not Found") }))
    }

    /// What a record that is looked for by its number and not there says.
    pub(crate) fn no_record() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "message": "404 Not found" }))
    }

    /// A path GitLab does not have, or not yet in this release.
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "error": "404 Not Found" }))
    }

    pub(crate) fn not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, json!({ "error": "405 Not Allowed" }))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, json!({ "message": "401 Unauthorized" }))
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, json!({ "message": "403 Forbidden" }))
    }

    /// Grape's validation: `{"error":"title is missing, key is missing"}`.
    pub(crate) fn missing(names: &[&str]) -> Self {
        let text: Vec<String> = names.iter().map(|name| format!("{name} is missing")).collect();
        Self::bad(&text.join(", "))
    }

    /// Grape's other validations.
    pub(crate) fn bad(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "error": text }))
    }

    /// `{"message":"400 Bad request - …"}`.
    pub(crate) fn bad_request(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "message": format!("400 Bad request - {why}") }))
    }

    /// `{"message":{"field":["…"]}}`.
    pub(crate) fn invalid(field: &str, why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "message": { field: [why] } }))
    }

    pub(crate) fn unprocessable(body: Value) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, body)
    }

    /// Offset pages end at 50 000 records where keyset pages exist.
    pub(crate) fn offset_too_far(what: &str) -> Self {
        let text = format!(
            "Offset pagination has a maximum allowed offset of 50000 for requests that return objects of type \
             {what}. Remaining records can be retrieved using keyset pagination."
        );
        Self::new(StatusCode::METHOD_NOT_ALLOWED, json!({ "error": text }))
    }

    /// The project has another path now.
    pub(crate) fn moved(location: String) -> Self {
        let body =
            json!({ "message": "This resource has been moved permanently to " .to_owned() + &location });
        Self { status: StatusCode::MOVED_PERMANENTLY, body, location: Some(location) }
    }

    pub(crate) fn scope(needed: &[&str]) -> Self {
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": needed.join(" "),
        });
        Self::new(StatusCode::FORBIDDEN, body)
    }

    pub(crate) fn refused(refused: &Refused) -> Self {
        let token = |why: &str| {
            Self::new(StatusCode::UNAUTHORIZED, json!({ "error": "invalid_token", "error_description": why }))
        };
        match refused {
            Refused::Unknown => Self::unauthorized(),
            Refused::Expired => {
                token("Token is expired. You can either do re-authorization or token refresh.")
            }
            Refused::Revoked => token("Token was revoked. You have to re-authorize from the user."),
            Refused::Blocked => Self::new(
                StatusCode::FORBIDDEN,
                json!({ "message": "403 Forbidden - Your account has been blocked." }),
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        if let Some(Ok(location)) = self.location.map(|location| location.parse()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// 200 with this.
#[expect(clippy::unnecessary_wraps, reason = "what handlers end with")]
pub(crate) fn ok(body: Value) -> Answer {
    Ok(axum::Json(body).into_response())
}

/// 201 with this.
#[expect(clippy::unnecessary_wraps, reason = "what handlers end with")]
pub(crate) fn created(body: Value) -> Answer {
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "what handlers end with")]
pub(crate) fn gone() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}
