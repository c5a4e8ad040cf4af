//! Azure DevOps: REST 7.1 as documented at <https://learn.microsoft.com/en-us/rest/api/azure/devops>, OAuth by
//! Entra as at <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>.
//!
//! The owner of a repository is its organisation, and it lies in a project of its own name. There is no
//! documented way to list or add SSH keys: people do it on the page `_usersSettings/keys`.

mod repository;
mod shapes;

use serde_json::{Value, json};

use crate::forge_double::{Answer, Call, Caller, Failure, Oauth, RedirectUri, Refresh, Side, Style, World};

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.parts();
    match (call.side, call.method.as_str(), path.as_slice()) {
        // login.microsoftonline.com in the real world.
        (Side::Web, "GET" | "POST", [_tenant, "oauth2", "v2.0", "authorize"]) => oauth(world).authorize(call),
        (Side::Web, "POST", [_tenant, "oauth2", "v2.0", "token"]) => oauth(world).token(call),
        // app.vssps.visualstudio.com in the real world.
        (_, "GET", ["_apis", "profile", "profiles", "me"]) => profile(world, call),
        (_, _, [organisation, rest @ ..]) => organisation_api(world, call, organisation, rest),
        _ => Answer::html(404, "<p>The resource cannot be found.</p>"),
    }
}

fn oauth(world: &mut World) -> Oauth<'_> {
    let style = Style {
        access_prefix: "eyJ",
        refresh_prefix: "1.",
        expires_in: Some(3599),
        refresh: Refresh::Again,
        scope_field: Some("scope"),
        redirect_uri: RedirectUri::Repeated,
        refuse,
    };
    Oauth { world, style }
}

/// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>
fn refuse(failure: Failure) -> Answer {
    let (status, number, why) = match failure {
        Failure::Client | Failure::ClientAtRefresh => (401, 7_000_215, "Invalid client secret provided."),
        Failure::Code => (400, 54_005, "OAuth2 Authorization code was already redeemed."),
        Failure::RedirectUri => (400, 50_011, "The redirect URI does not match."),
        Failure::RefreshToken => (400, 70_008, "The refresh token has expired or was revoked."),
        Failure::GrantType => (400, 70_003, "The app requested an unsupported grant type."),
    };
    let body = json!({
        "error": failure.code(),
        "error_description": format!("AADSTS{number}: {why}"),
        "error_codes": [number],
        "timestamp": "2026-01-02 03:04:05Z",
        "trace_id": shapes::guid("trace", 1),
        "correlation_id": shapes::guid("correlation", 1),
    });
    Answer::json(status, &body)
}

/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/profile/profiles/get>
fn profile(world: &World, call: &Call) -> Answer {
    let Some(person) = world.person(&world.caller(call)) else { return unauthenticated(world) };
    let id = shapes::guid("profile", person.id);
    let body = json!({
        "displayName": person.full_name, "publicAlias": id, "emailAddress": person.email, "coreRevision": 1,
        "timeStamp": "2026-01-02T03:04:05.67+00:00", "id": id, "revision": 1,
    });
    Answer::json(200, &body)
}

fn organisation_api(world: &mut World, call: &Call, organisation: &str, path: &[&str]) -> Answer {
    let caller = world.caller(call);
    if caller == Caller::Refused {
        return unauthenticated(world);
    }
    match (call.method.as_str(), path) {
        // Undocumented, and what Microsoft's own clients ask first.
        ("GET", ["_apis", "connectionData"]) => match world.person(&caller) {
            Some(person) => Answer::json(200, &shapes::connection(&person)),
            None => unauthenticated(world),
        },
        (_, ["_apis", "hooks", "subscriptions", rest @ ..]) => {
            hooks(world, call, &caller, organisation, rest)
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-requests/get-pull-request-by-id>
        ("GET", ["_apis", "git", "pullrequests", number] | [_, "_apis", "git", "pullrequests", number]) => {
            repository::pull_by_number(world, &caller, organisation, number)
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/repositories/list>
        ("GET", ["_apis", "git", "repositories"]) => {
            let all = world.seed.repositories.iter().filter(|one| one.owner == organisation);
            let all = all.filter(|one| !one.is_private || World::is_member(one, &caller));
            Answer::json(200, &list(all.map(|one| shapes::repository(world, one))))
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-items/get-work-item>
        ("GET", [project, "_apis", "wit", kind, number]) if kind.eq_ignore_ascii_case("workitems") => {
            let repository = world.visible(&format!("{organisation}/{project}"), &caller);
            let issues = repository.iter().flat_map(|repository| &repository.issues);
            let found = issues.into_iter().find(|issue| issue.number.to_string() == *number);
            match (&repository, found) {
                (Some(repository), Some(issue)) => {
                    Answer::json(200, &shapes::work_item(world, repository, issue))
                }
                _ => refused(
                    404,
                    &format!(
                        "TF401232: Work item {number} does not exist, or you do not have permissions to read it."
                    ),
                    "WorkItemUnauthorizedAccessException",
                ),
            }
        }
        (_, [project, "_apis", "git", "repositories", name, rest @ ..]) => {
            let found = repository_of(world, &caller, organisation, project, name);
            match found {
                Some(repository) => repository::answer(world, call, &caller, &repository, rest),
                None if caller.user().is_none() => unauthenticated(world),
                None => refused(
                    404,
                    &format!(
                        "TF401019: The Git repository with name or identifier {name} does not exist or you do not \
                         have permissions for the operation you are attempting."
                    ),
                    "GitRepositoryNotFoundException",
                ),
            }
        }
        _ if caller.user().is_none() => unauthenticated(world),
        _ => refused(404, "The controller for path was not found.", "VssResourceNotFoundException"),
    }
}

/// By name or id; names are equal in any case.
fn repository_of(
    world: &World,
    caller: &Caller,
    organisation: &str,
    project: &str,
    name: &str,
) -> Option<crate::forge_double::Repository> {
    let mut all = world.seed.repositories.iter();
    let is_it = |one: &&crate::forge_double::Repository| {
        let names = [one.name.to_lowercase(), shapes::guid("repository", one.id)];
        let projects = [one.name.to_lowercase(), shapes::guid("project", one.id)];
        one.owner.eq_ignore_ascii_case(organisation)
            && names.contains(&name.to_lowercase())
            && projects.contains(&project.to_lowercase())
    };
    let path = all.find(is_it)?.path();
    world.visible(&path, caller)
}

/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/hooks/subscriptions>
fn hooks(world: &mut World, call: &Call, caller: &Caller, organisation: &str, path: &[&str]) -> Answer {
    if caller.user().is_none() {
        return unauthenticated(world);
    }
    let of = |world: &World, id: &str| {
        world.hooks_of(organisation).into_iter().find(|hook| shapes::guid("hook", hook.id) == id)
    };
    let none = |id: &str| {
        refused(404, &format!("The subscription {id} does not exist."), "SubscriptionNotFoundException")
    };
    match (call.method.as_str(), path) {
        ("GET", []) => {
            let all = world.hooks_of(organisation);
            Answer::json(200, &list(all.iter().map(|hook| shapes::hook(world, hook))))
        }
        ("POST", []) => {
            let sent = call.json();
            if sent["publisherId"].as_str().is_none() || sent["consumerInputs"]["url"].as_str().is_none() {
                return refused(
                    400,
                    "The subscription is missing its publisher or URL.",
                    "ArgumentException",
                );
            }
            let hook = world.add_hook(organisation, sent);
            Answer::json(200, &shapes::hook(world, &hook))
        }
        (method, [id]) => {
            let Some(hook) = of(world, id) else { return none(id) };
            match method {
                "DELETE" => {
                    world.delete_hook(organisation, hook.id);
                    return Answer::empty(204);
                }
                "PUT" => {
                    if let Some(hook) = world.hook_mut(organisation, hook.id) {
                        hook.sent = call.json();
                    }
                }
                _ => {}
            }
            of(world, id).map_or_else(|| none(id), |hook| Answer::json(200, &shapes::hook(world, &hook)))
        }
        _ => none(""),
    }
}

fn refused(status: u16, why: &str, key: &str) -> Answer {
    let body = json!({
        "$id": "1",
        "innerException": null,
        "message": why,
        "typeName": format!("Microsoft.TeamFoundation.{key}, Microsoft.TeamFoundation.Server"),
        "typeKey": key,
        "errorCode": 0,
        "eventId": 3000,
    });
    Answer::json(status, &body)
}

/// No JSON, and ways to sign in.
fn unauthenticated(world: &World) -> Answer {
    Answer::html(401, "<p>TF400813: The user is not authorized to access this resource.</p>")
        .header("www-authenticate", &format!("Bearer authorization_uri={}/organizations", world.url))
        .header("www-authenticate", &format!("Basic realm=\"{}/\"", world.url))
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.into_iter().collect();
    json!({"count": values.len(), "value": values})
}
