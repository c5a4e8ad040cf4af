//! The HTTP edge: REST, streams, sockets and the web interface on top of `control`.
//!
//! A handler has three steps: extract, one call into `control` or the agent, shape the answer. What
//! may be done is decided below; here is decided who asks, from where, and how it is said.
//!
//! **Invariant:** no SQL, no driver, no business rule. Every error leaves as `application/problem+json`
//! with the request's id, and every route is in the OpenAPI document.

mod app;
mod attempt_cookie;
mod callback;
mod crossing;
mod kite;
mod router;
mod serve;

mod route;

mod caller;
mod edge;
mod error;
mod extract;
mod headers;
mod idempotency;
mod live;
mod navigation;
mod openapi;
mod origin;
mod page;
mod probe;
mod session_cookie;
mod telemetry;
mod ui;
mod view;

pub use app::App;
pub use openapi::{openapi, openapi_json};
pub use router::{local_router, router};
pub use serve::serve;
pub use ui::Asset;
