//! REST, `/api/v4`: the part of GitLab's interface a connector uses, in GitLab's words.
//!
//! Every handler takes one [`call::Call`], which has already found out who is asking and whether the scopes
//! of the token allow it; what is not routed answers 404 as GitLab does.

pub(crate) mod shapes;

mod answer;
mod call;
mod commits;
mod deliveries;
mod discussion;
mod events;
mod files;
mod groups;
mod hooks;
mod issues;
mod keys;
mod limit;
mod merge_requests;
mod meta;
mod page;
mod pipelines;
mod projects;
mod refs;
mod statuses;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use self::answer::Refusal;
use super::instance::Instance;

pub(crate) fn routes(instance: &Arc<Instance>) -> Router<Arc<Instance>> {
    Router::new()
        .merge(instance_routes())
        .merge(project_routes())
        .merge(repository_routes())
        .merge(hook_routes())
        .fallback(async || Refusal::no_route())
        .method_not_allowed_fallback(async || Refusal::not_allowed())
        .layer(from_fn_with_state(Arc::clone(instance), limit::limit))
}

fn instance_routes() -> Router<Arc<Instance>> {
    Router::new()
        .route("/version", get(meta::version))
        .route("/metadata", get(meta::metadata))
        .route("/personal_access_tokens/self", get(meta::own_token).delete(meta::revoke_own_token))
        .route("/user", get(users::own))
        .route("/user/keys", get(keys::list).post(keys::add))
        .route("/user/keys/{key}", get(keys::show).delete(keys::remove))
        .route("/users", get(users::list))
        .route("/users/{user}", get(users::show))
        .route("/users/{user}/events", get(events::of_user))
        .route("/events", get(events::own))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", get(groups::show))
        .route("/groups/{group}/projects", get(groups::projects))
        .route("/groups/{group}/members", get(groups::members))
        .route("/groups/{group}/members/all", get(groups::all_members))
        .route("/groups/{group}/merge_requests", get(merge_requests::of_group))
        .route("/groups/{group}/issues", get(issues::of_group))
        .route("/merge_requests", get(merge_requests::everywhere))
        .route("/issues", get(issues::everywhere))
}

fn project_routes() -> Router<Arc<Instance>> {
    Router::new()
        .route("/projects", get(projects::list))
        .route("/projects/{id}", get(projects::show))
        .route("/projects/{id}/members", get(projects::members))
        .route("/projects/{id}/members/all", get(projects::all_members))
        .route("/projects/{id}/members/all/{user}", get(projects::member))
        .route("/projects/{id}/events", get(events::of_project))
        .route("/projects/{id}/merge_requests", get(merge_requests::of_project))
        .route("/projects/{id}/merge_requests/{iid}", get(merge_requests::show))
        .route(
            "/projects/{id}/merge_requests/{iid}/notes",
            get(discussion::on_merge_request).post(discussion::add_to_merge_request),
        )
        .route("/projects/{id}/merge_requests/{iid}/notes/{note}", get(discussion::merge_request_note))
        .route("/projects/{id}/issues", get(issues::of_project))
        .route("/projects/{id}/issues/{iid}", get(issues::show))
        .route("/projects/{id}/issues/{iid}/notes", get(discussion::on_issue).post(discussion::add_to_issue))
        .route("/projects/{id}/issues/{iid}/notes/{note}", get(discussion::issue_note))
        .route("/projects/{id}/pipelines", get(pipelines::list))
        .route("/projects/{id}/pipelines/{pipeline}", get(pipelines::show))
        .route("/projects/{id}/statuses/{sha}", post(statuses::set))
}

fn repository_routes() -> Router<Arc<Instance>> {
    let base = "/projects/{id}/repository";
    let at = |path: &str| format!("{base}/{path}");
    Router::new()
        .route(&at("branches"), get(refs::branches).post(refs::add_branch))
        .route(&at("branches/{name}"), get(refs::branch).delete(refs::remove_branch))
        .route(&at("tags"), get(refs::tags).post(refs::add_tag))
        .route(&at("tags/{name}"), get(refs::tag).delete(refs::remove_tag))
        .route(&at("commits"), get(commits::list))
        .route(&at("commits/{sha}"), get(commits::show))
        .route(&at("commits/{sha}/diff"), get(commits::diff))
        .route(&at("commits/{sha}/statuses"), get(statuses::list))
        .route(&at("commits/{sha}/comments"), get(discussion::on_commit).post(discussion::add_to_commit))
        .route(&at("compare"), get(commits::compare))
        .route(&at("tree"), get(files::tree))
        .route(&at("files/{path}"), get(files::file))
        .route(&at("files/{path}/raw"), get(files::raw))
        .route(&at("archive"), get(files::archive))
        .route(&at("archive.tar.gz"), get(files::archive))
}

fn hook_routes() -> Router<Arc<Instance>> {
    let mut routes = Router::new();
    for base in ["/projects/{id}/hooks", "/groups/{group}/hooks", "/hooks"] {
        routes = routes
            .route(base, get(hooks::list).post(hooks::add))
            .route(&format!("{base}/{{hook}}"), get(hooks::show).put(hooks::change).delete(hooks::remove))
            .route(&format!("{base}/{{hook}}/events"), get(deliveries::list))
            .route(&format!("{base}/{{hook}}/events/{{event}}/resend"), post(deliveries::resend))
            .route(&format!("{base}/{{hook}}/test/{{trigger}}"), post(deliveries::test));
    }
    routes
}
