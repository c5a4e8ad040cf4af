//! People.
use axum::extract::State;
use control::{NewUser, UserChange};
use domain::{Caller, UserId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{CreateUser, Page, UpdateUser, UserView};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_users, create_user)).routes(routes!(update_user))
}

/// Lists everybody.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    responses(
        (status = 200, body = Page<UserView>),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn list_users(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<UserView>>, ApiError> {
    let users = app.control.users(&caller).await?;
    Ok(Json(Page::whole(users.into_iter().map(view::user).collect())))
}

/// Adds a person.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    request_body = CreateUser,
    responses(
        (status = 201, body = UserView),
        Always,
        Guarded,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_user(
    State(app): State<App>,
    caller: Caller,
    Json(CreateUser { name, password, role, email }): Json<CreateUser>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    let role = role.map_or(domain::Role::Member, Into::into);
    let wish = NewUser { name, password: password.into(), role, email };
    let user = app.control.create_user(&caller, wish).await?;
    Ok((StatusCode::CREATED, Json(view::user(user))))
}

/// Changes a person's rights, password or standing.
///
/// Suspending cuts every live stream, terminal and session of the person within a second.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "users",
    params(("id" = String, Path, description = "The person.")),
    request_body = UpdateUser,
    responses(
        (status = 200, body = UserView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn update_user(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    Json(UpdateUser { role, suspended, password }): Json<UpdateUser>,
) -> Result<Json<UserView>, ApiError> {
    let change = UserChange { role: role.map(Into::into), suspended, password: password.map(Into::into) };
    let user = app.control.update_user(&caller, id, change).await?;
    Ok(Json(view::user(user)))
}
