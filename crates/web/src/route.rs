//! The REST API: one module per area, each with its `routes()` beside their documentation.

mod agent;
mod event;
mod exec;
mod file;
mod image;
mod log;
mod me;
mod operations;
mod session;
mod snapshot;
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
        .merge(workspace::routes())
        .merge(log::routes())
        .merge(exec::routes())
        .merge(terminal::routes())
        .merge(file::routes())
        .merge(snapshot::routes())
        .merge(image::routes())
        .merge(event::routes())
        .merge(operations::routes())
        .merge(agent::routes())
}
