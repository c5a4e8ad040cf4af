//! Bitbucket Server and Data Center: REST as documented at
//! <https://developer.atlassian.com/server/bitbucket/rest>, OAuth 2 as at
//! <https://confluence.atlassian.com/bitbucketserver/bitbucket-oauth-2-0-provider-api-1108483661.html>.
//!
//! Projects have keys in capitals: `acme` is `ACME`, and what belongs to a person is in the project `~name`.

mod repository;
mod shapes;

use serde_json::{Value, json};

use crate::forge_double::{
    Answer, Call, Caller, Failure, Oauth, RedirectUri, Refresh, Repository, Style, World,
};

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.parts();
    let caller = world.caller(call);
    let answer = match (call.method.as_str(), path.as_slice()) {
        (_, ["rest", "oauth2", _, what]) => return oauth_endpoint(world, call, what),
        ("GET", ["plugins", "servlet", "applinks", "whoami"]) => {
            Answer::of(200, "text/plain", caller.user().unwrap_or_default())
        }
        (_, ["rest", ..]) if caller == Caller::Refused => refused(
            401,
            "Authentication failed. Please check your credentials and try again.",
            AUTHENTICATION,
        ),
        (_, ["rest", "api", "1.0" | "latest", rest @ ..]) => rest_api(world, call, &caller, rest),
        (_, ["rest", "ssh", "1.0" | "latest", "keys", rest @ ..]) => keys(world, call, &caller, rest),
        (_, ["rest", "build-status", "1.0" | "latest", "commits", commit]) => {
            repository::build_status(world, call, &caller, commit)
        }
        _ => return Answer::html(404, "<p>The page you're looking for can't be found.</p>"),
    };
    // The only place where REST says who asks.
    match caller.user() {
        Some(user) => answer.header("x-ausername", user),
        None => answer,
    }
}

fn oauth_endpoint(world: &mut World, call: &Call, what: &str) -> Answer {
    let style = Style {
        access_prefix: "",
        refresh_prefix: "",
        expires_in: Some(7200),
        refresh: Refresh::Once,
        scope_field: Some("scope"),
        redirect_uri: RedirectUri::Repeated,
        refuse: |failure: Failure| {
            Answer::json(
                400,
                &json!({"error": failure.code(), "error_description": "The request was refused."}),
            )
        },
    };
    let mut oauth = Oauth { world, style };
    match (call.method.as_str(), what) {
        ("GET" | "POST", "authorize") => oauth.authorize(call),
        ("POST", "token") => oauth.token(call),
        ("POST", "revoke") if oauth.revoke(call) => Answer::empty(200),
        ("POST", "revoke") => Answer::json(400, &json!({"error": "invalid_client"})),
        _ => Answer::empty(404),
    }
}

fn rest_api(world: &mut World, call: &Call, caller: &Caller, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", ["application-properties"]) => Answer::json(
            200,
            &json!({
                "version": "8.19.14", "buildNumber": "8019014", "buildDate": "1735689600000",
                "displayName": "Bitbucket",
            }),
        ),
        ("GET", ["inbox", "pull-requests", "count"]) if caller.user().is_some() => {
            Answer::json(200, &json!({"count": 0}))
        }
        ("GET", ["users"]) => {
            let wanted = call.query("filter");
            let found = world.seed.people.iter().filter(|person| person.name.contains(wanted));
            Answer::json(200, &page(found.map(shapes::user)))
        }
        ("GET", ["users", slug]) if caller.user().is_some() => match world.seed.person(slug) {
            Some(person) => Answer::json(200, &shapes::user(person)),
            None => refused(
                404,
                &format!("User {slug} does not exist."),
                "com.atlassian.bitbucket.user.NoSuchUserException",
            ),
        },
        ("GET", ["repos"]) => {
            let all = world.seed.repositories.iter();
            let all = all.filter(|one| !one.is_private || World::is_member(one, caller));
            Answer::json(200, &page(all.map(|one| shapes::repository(world, one))))
        }
        (_, ["projects", key, "repos", slug, rest @ ..]) => {
            let path = format!("{}/{slug}", owner(key));
            let known = world.seed.repository(&path).cloned();
            match (known, world.visible(&path, caller)) {
                (_, Some(repository)) => repository::answer(world, call, caller, &repository, rest),
                (Some(_), None) => not_permitted(),
                (None, _) => {
                    let why = format!("Repository {key}/{slug} does not exist.");
                    refused(404, &why, "com.atlassian.bitbucket.repository.NoSuchRepositoryException")
                }
            }
        }
        (_, ["inbox" | "users", ..]) => not_permitted(),
        _ => Answer::json(404, &json!({"message": "null for uri", "status-code": 404})),
    }
}

/// <https://developer.atlassian.com/server/bitbucket/rest/v819/api-group-authentication/>, "ssh/latest/keys".
fn keys(world: &mut World, call: &Call, caller: &Caller, path: &[&str]) -> Answer {
    let Some(user) = caller.user().map(str::to_owned) else { return not_permitted() };
    if call.method != "GET" && !caller.has_scope(&["ACCOUNT_WRITE"]) {
        return not_permitted();
    }
    match (call.method.as_str(), path) {
        ("GET", []) => Answer::json(200, &page(world.keys_of(&user).iter().map(shapes::key))),
        ("POST", []) => {
            let sent = call.json();
            let text = sent["text"].as_str().unwrap_or_default();
            if !text.starts_with("ssh-") && !text.starts_with("ecdsa-") {
                return refused(
                    400,
                    "The SSH key is invalid.",
                    "com.atlassian.bitbucket.ssh.InvalidSshKeyException",
                );
            }
            let comment = text.split_whitespace().nth(2).unwrap_or_default();
            match world.add_key(&user, sent["label"].as_str().unwrap_or(comment), text) {
                Some(key) => Answer::json(201, &shapes::key(&key)),
                None => refused(
                    409,
                    "This SSH key is already in use.",
                    "com.atlassian.bitbucket.ssh.DuplicateSshKeyException",
                ),
            }
        }
        // Silent also where there is none.
        ("DELETE", [id]) => {
            world.delete_key(&user, id);
            Answer::empty(204)
        }
        _ => Answer::empty(405),
    }
}

const AUTHENTICATION: &str = "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException";

/// <https://developer.atlassian.com/server/bitbucket/reference/rest-api/>, "Errors & validation".
fn refused(status: u16, why: &str, exception: &str) -> Answer {
    let error = json!({"context": null, "message": why, "exceptionName": exception});
    Answer::json(status, &json!({"errors": [error]}))
}

/// Bitbucket says so of what exists and may not be seen, and it does so with 401 whoever asks.
fn not_permitted() -> Answer {
    refused(
        401,
        "You are not permitted to access this resource",
        "com.atlassian.bitbucket.AuthorisationException",
    )
}

/// <https://developer.atlassian.com/server/bitbucket/reference/rest-api/>, "Paged APIs".
fn page(values: impl IntoIterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.into_iter().collect();
    json!({"size": values.len(), "limit": 1000, "isLastPage": true, "start": 0, "values": values})
}

/// The owner that a project key stands for.
fn owner(key: &str) -> String {
    key.strip_prefix('~').map_or_else(|| key.to_lowercase(), str::to_owned)
}

/// The project key of a repository.
fn project_key(world: &World, repository: &Repository) -> String {
    if world.seed.person(&repository.owner).is_some() {
        format!("~{}", repository.owner)
    } else {
        repository.owner.to_uppercase()
    }
}
