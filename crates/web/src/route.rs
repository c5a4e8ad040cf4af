//! The REST API: one module per area, each with its `routes()` beside their documentation.

mod admin;
pub(crate) mod agent;
mod context;
mod event;
mod exec;
mod file;
mod forge;
mod git;
mod image;
mod invitation;
mod kite;
mod kite_key;
mod link;
mod log;
mod me;
mod member;
mod operations;
mod secret;
mod session;
mod snapshot;
mod team;
mod terminal;
mod token;
mod user;
mod workspace;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Every route of the API with its documentation.
pub(crate) fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(me::routes())
        .merge(token::routes())
        .merge(user::routes())
        .merge(team::routes())
        .merge(member::routes())
        .merge(invitation::routes())
        .merge(secret::routes())
        .merge(admin::routes())
        .merge(context::routes())
        .merge(forge::routes())
        .merge(link::routes())
        .merge(git::routes())
        .merge(workspace::routes())
        .merge(log::routes())
        .merge(exec::routes())
        .merge(terminal::routes())
        .merge(file::routes())
        .merge(snapshot::routes())
        .merge(image::routes())
        .merge(kite::routes())
        .merge(kite_key::routes())
        .merge(event::routes())
        .merge(operations::routes())
        .merge(agent::routes())
}
