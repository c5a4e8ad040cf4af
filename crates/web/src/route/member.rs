//! Who belongs to a team.
use axum::extract::State;
use domain::{Caller, Membership};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{MemberView, Page, SetMember, UserRef};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Timely, WithBody};

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_members)).routes(routes!(set_member, remove_member))
}

async fn view(app: &App, member: Membership) -> Result<MemberView, ApiError> {
    let name = app.control.user_name(member.user).await?.to_string();
    let user = UserRef { id: member.user, name };
    Ok(MemberView { user, role: member.role.into(), since: member.since })
}

/// Lists who belongs to a team.
#[utoipa::path(
    get,
    path = "/teams/{team}/members",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    responses(
        (status = 200, body = Page<MemberView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_members(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
) -> Result<Json<Page<MemberView>>, ApiError> {
    let mut views = vec![];
    for member in app.control.members(&caller, &team).await? {
        views.push(view(&app, member).await?);
    }
    Ok(Json(Page::whole(views)))
}

/// Gives somebody a place in a team, or another role.
///
/// Only owners make and unmake admins and owners; the last owner stays one.
#[utoipa::path(
    put,
    path = "/teams/{team}/members/{user}",
    tag = "teams",
    params(
        ("team" = String, Path, description = "The team, by id or by its name in addresses."),
        ("user" = String, Path, description = "The person, by id or name."),
    ),
    request_body = SetMember,
    responses(
        (status = 200, body = MemberView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn set_member(
    State(app): State<App>,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
    Json(SetMember { role }): Json<SetMember>,
) -> Result<Json<MemberView>, ApiError> {
    let user = app.control.person(&caller, &user).await?;
    let member = app.control.set_member(&caller, &team, user, role.into()).await?;
    Ok(Json(view(&app, member).await?))
}

/// Takes somebody out of a team. Their workspaces in it are stopped and kept.
#[utoipa::path(
    delete,
    path = "/teams/{team}/members/{user}",
    tag = "teams",
    params(
        ("team" = String, Path, description = "The team, by id or by its name in addresses."),
        ("user" = String, Path, description = "The person, by id or name."),
    ),
    responses(
        (status = 204, description = "Out."),
        Always,
        Guarded,
        Named,
        Timely,
    ),
)]
pub(crate) async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let user = app.control.person(&caller, &user).await?;
    app.control.remove_member(&caller, &team, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
