//! Invitations to a team: links that let one person in.
use axum::extract::State;
use control::InvitationWish;
use domain::{Caller, Invitation, InvitationId};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{
    AcceptInvitation, CreateInvitation, InvitationPreview, InvitationView, NewInvitation, Page, TeamView,
    UserRef,
};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::errors::{Always, Guarded, Named, Open, Timely, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_invitations, create_invitation))
        .routes(routes!(revoke_invitation))
        .routes(routes!(preview_invitation))
        .routes(routes!(accept_invitation))
}

async fn shown(app: &App, invitation: Invitation) -> Result<InvitationView, ApiError> {
    let name = app.control.user_name(invitation.by).await?.to_string();
    Ok(InvitationView {
        id: invitation.id,
        role: invitation.role.into(),
        note: invitation.note,
        by: UserRef { id: invitation.by, name },
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
    })
}

/// Lists a team's invitations that nobody has taken up yet.
#[utoipa::path(
    get,
    path = "/teams/{team}/invitations",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    responses(
        (status = 200, body = Page<InvitationView>),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn list_invitations(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
) -> Result<Json<Page<InvitationView>>, ApiError> {
    let mut views = vec![];
    for invitation in app.control.invitations(&caller, &team).await? {
        views.push(shown(&app, invitation).await?);
    }
    Ok(Json(Page::whole(views)))
}

/// Invites somebody: makes a link that works once. It is shown only here.
#[utoipa::path(
    post,
    path = "/teams/{team}/invitations",
    tag = "teams",
    params(("team" = String, Path, description = "The team, by id or by its name in addresses.")),
    request_body = CreateInvitation,
    responses(
        (status = 201, body = NewInvitation),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn create_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(team): Path<String>,
    Json(CreateInvitation { role, note, expires_in_days }): Json<CreateInvitation>,
) -> Result<(StatusCode, Json<NewInvitation>), ApiError> {
    let wish = InvitationWish { role: role.map(Into::into), note, expires_in_days };
    let (invitation, token) = app.control.invite(&caller, &team, wish).await?;
    // Behind the `#`: browsers send it to nobody, and no log has it.
    let base = app.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/invite#{}", token.expose());
    Ok((StatusCode::CREATED, Json(NewInvitation { record: shown(&app, invitation).await?, url })))
}

/// Takes an invitation back.
#[utoipa::path(
    delete,
    path = "/teams/{team}/invitations/{id}",
    tag = "teams",
    params(
        ("team" = String, Path, description = "The team, by id or by its name in addresses."),
        ("id" = String, Path, description = "The invitation."),
    ),
    responses(
        (status = 204, description = "Taken back."),
        Always,
        Guarded,
        Named,
    ),
)]
pub(crate) async fn revoke_invitation(
    State(app): State<App>,
    caller: Caller,
    Path((team, id)): Path<(String, InvitationId)>,
) -> Result<StatusCode, ApiError> {
    app.control.revoke_invitation(&caller, &team, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what an invitation's link leads to, before it is taken up.
#[utoipa::path(
    post,
    path = "/invitations/preview",
    tag = "teams",
    security(()),
    request_body = AcceptInvitation,
    responses(
        (status = 200, body = InvitationPreview),
        Always,
        Open,
        Named,
        WithBody,
    ),
)]
pub(crate) async fn preview_invitation(
    State(app): State<App>,
    Json(AcceptInvitation { token }): Json<AcceptInvitation>,
) -> Result<Json<InvitationPreview>, ApiError> {
    let facts = app.control.preview_invitation(&token).await?;
    Ok(Json(InvitationPreview {
        team: facts.team.name,
        role: facts.role.into(),
        by: facts.by.to_string(),
        expires_at: facts.expires_at,
    }))
}

/// Takes an invitation up: the caller belongs to the team from now on.
#[utoipa::path(
    post,
    path = "/invitations/accept",
    tag = "teams",
    request_body = AcceptInvitation,
    responses(
        (status = 200, body = TeamView),
        Always,
        Guarded,
        Named,
        WithBody,
        Timely,
    ),
)]
pub(crate) async fn accept_invitation(
    State(app): State<App>,
    caller: Caller,
    Json(AcceptInvitation { token }): Json<AcceptInvitation>,
) -> Result<Json<TeamView>, ApiError> {
    let facts = app.control.accept_invitation(&caller, &token).await?;
    Ok(Json(view::team(&app, facts)))
}
