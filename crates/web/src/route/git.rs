//! How Git is for the caller: the SSH key pair, and preferences for commits and dotfiles.
use axum::extract::State;
use control::{GitPreferencesChange, SshKeyFacts, SshUploadFacts};
use domain::Caller;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::api::{GitPreferences, SshKeyView, SshUploadAt, SshUploadView, UpdateGitPreferences};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;
use crate::openapi::errors::{Always, Guarded, WithBody};
use crate::view;

/// The routes of this area.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_ssh_key, regenerate_ssh_key))
        .routes(routes!(upload_ssh_key))
        .routes(routes!(show_git_preferences, change_git_preferences))
}

fn key(facts: SshKeyFacts) -> SshKeyView {
    let upload = |facts: SshUploadFacts| SshUploadAt {
        forge: facts.forge,
        name: facts.name,
        upload: SshUploadView {
            state: view::upload_state(facts.state).to_owned(),
            why: facts.why,
            mend: facts.mend,
            at: facts.at,
        },
    };
    SshKeyView {
        algorithm: facts.algorithm,
        public_key: facts.public_key,
        fingerprint: facts.fingerprint,
        created_at: facts.created_at,
        policy: facts.policy,
        uploads: facts.uploads.into_iter().map(upload).collect(),
    }
}

/// Shows the caller's public key; it is made at the first time. The private key never leaves the server.
#[utoipa::path(
    get,
    path = "/me/ssh-key",
    tag = "me",
    responses(
        (status = 200, body = SshKeyView),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_ssh_key(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<SshKeyView>, ApiError> {
    Ok(Json(key(app.control.ssh_key(&caller).await?)))
}

/// Replaces the caller's key pair. The old key is removed from linked forges, the new one is uploaded.
#[utoipa::path(
    post,
    path = "/me/ssh-key",
    tag = "me",
    responses(
        (status = 201, body = SshKeyView),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn regenerate_ssh_key(
    State(app): State<App>,
    caller: Caller,
) -> Result<(StatusCode, Json<SshKeyView>), ApiError> {
    Ok((StatusCode::CREATED, Json(key(app.control.regenerate_ssh_key(&caller).await?))))
}

/// Tries again to upload the key to linked forges that do not have it yet.
#[utoipa::path(
    post,
    path = "/me/ssh-key/uploads",
    tag = "me",
    responses(
        (status = 202, body = SshKeyView),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn upload_ssh_key(
    State(app): State<App>,
    caller: Caller,
) -> Result<(StatusCode, Json<SshKeyView>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(key(app.control.upload_ssh_key(&caller).await?))))
}

fn preferences(preferences: domain::GitPreferences) -> GitPreferences {
    GitPreferences {
        author_name: preferences.author_name,
        author_email: preferences.author_email,
        sign_commits: preferences.sign_commits,
        dotfiles: preferences.dotfiles,
    }
}

/// Shows how Git behaves in the caller's workspaces.
#[utoipa::path(
    get,
    path = "/me/git",
    tag = "me",
    responses(
        (status = 200, body = GitPreferences),
        Always,
        Guarded,
    ),
)]
pub(crate) async fn show_git_preferences(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<GitPreferences>, ApiError> {
    Ok(Json(preferences(app.control.git_preferences(&caller).await?)))
}

/// Changes how Git behaves in the caller's workspaces; what is absent stays, an empty text takes away.
#[utoipa::path(
    patch,
    path = "/me/git",
    tag = "me",
    request_body = UpdateGitPreferences,
    responses(
        (status = 200, body = GitPreferences),
        Always,
        Guarded,
        WithBody,
    ),
)]
pub(crate) async fn change_git_preferences(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<UpdateGitPreferences>,
) -> Result<Json<GitPreferences>, ApiError> {
    let change = GitPreferencesChange {
        author_name: wish.author_name,
        author_email: wish.author_email,
        sign_commits: wish.sign_commits,
        dotfiles: wish.dotfiles,
    };
    Ok(Json(preferences(app.control.set_git_preferences(&caller, change).await?)))
}
