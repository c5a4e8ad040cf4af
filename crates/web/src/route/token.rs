//! The caller's API tokens.
use std::time::Duration;

use axum::extract::State;
use domain::{Caller, TokenId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{CreateToken, NewToken, Page, TokenView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};
use crate::view;

const DAY: Duration = Duration::from_hours(24);

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_tokens, create_token)).routes(routes!(revoke_token))
}

/// Lists the caller's API tokens.
#[utoipa::path(
    get,
    path = "/me/tokens",
    tag = "me",
    responses(
        (status = 200, body = Page<TokenView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_tokens(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<TokenView>>, ApiError> {
    let tokens = app.control.tokens(&caller).await?;
    Ok(Json(Page::whole(tokens.into_iter().map(view::token).collect())))
}

/// Makes an API token. The answer is the only one that holds the secret.
#[utoipa::path(
    post,
    path = "/me/tokens",
    tag = "me",
    request_body = CreateToken,
    responses(
        (status = 201, body = NewToken),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Json(CreateToken { name, scopes, expires_in_days }): Json<CreateToken>,
) -> Result<(StatusCode, Json<NewToken>), ApiError> {
    let scopes = scopes.into_iter().map(Into::into).collect();
    let expires_in = expires_in_days.map(|days| DAY.saturating_mul(days));
    let (record, token) = app.control.create_token(&caller, &name, scopes, expires_in).await?;
    let answer = NewToken { record: view::token(record), token: token.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Ends an API token, its open streams and terminals included.
#[utoipa::path(
    delete,
    path = "/me/tokens/{id}",
    tag = "me",
    params(("id" = String, Path, description = "The token.")),
    responses(
        (status = 204, description = "Ended."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, ApiError> {
    app.control.revoke_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
