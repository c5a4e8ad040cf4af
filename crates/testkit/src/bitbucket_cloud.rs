//! Bitbucket Cloud: REST 2.0 as documented at <https://developer.atlassian.com/cloud/bitbucket/rest>, OAuth as
//! at <https://developer.atlassian.com/cloud/bitbucket/oauth-2>.

mod repository;
mod shapes;

use serde_json::{Value, json};

use crate::forge_double::{Answer, Call, Caller, Failure, Oauth, RedirectUri, Refresh, Side, Style, World};

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.parts();
    match (call.side, call.method.as_str(), path.as_slice()) {
        (Side::Web, "GET" | "POST", ["site", "oauth2", "authorize"]) => oauth(world).authorize(call),
        (Side::Web, "POST", ["site", "oauth2", "access_token"]) => oauth(world).token(call),
        (Side::Web, ..) => Answer::html(404, "<p>Repository not found</p>"),
        (Side::Api, _, ["2.0", rest @ ..]) => rest_api(world, call, rest),
        (Side::Api, ..) => not_found("Resource not found"),
    }
}

/// Two hours; refresh tokens stay good. There is no revocation but by the person, in the settings.
fn oauth(world: &mut World) -> Oauth<'_> {
    let style = Style {
        access_prefix: "",
        refresh_prefix: "",
        expires_in: Some(7200),
        refresh: Refresh::Again,
        scope_field: Some("scopes"),
        redirect_uri: RedirectUri::Optional,
        refuse: |failure: Failure| {
            Answer::json(
                400,
                &json!({"error_description": "The request was refused.", "error": failure.code()}),
            )
        },
    };
    Oauth { world, style }
}

fn rest_api(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    let caller = world.caller(call);
    if caller == Caller::Refused {
        return refused(401, "Access token expired. Use your refresh token to obtain a new access token.");
    }
    match (call.method.as_str(), path) {
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/>
        ("GET", ["user", rest @ ..]) => {
            let Some(person) = world.person(&caller) else { return unauthenticated() };
            match rest {
                [] => Answer::json(200, &shapes::user(world, &person)),
                ["emails"] if !caller.has_scope(&["email"]) => out_of_scope("email"),
                ["emails"] => {
                    let email = json!({
                        "type": "email", "email": person.email, "is_primary": true,
                        "is_confirmed": person.is_verified,
                    });
                    Answer::json(200, &page(vec![email]))
                }
                _ => not_found("Resource not found"),
            }
        }
        (_, ["users", user, "ssh-keys", rest @ ..]) => keys(world, call, &caller, user, rest),
        ("GET", ["repositories", workspace]) => {
            let all = world.seed.repositories.iter().filter(|one| one.owner == *workspace);
            let all = all.filter(|one| !one.is_private || World::is_member(one, &caller));
            Answer::json(200, &page(all.map(|one| shapes::repository(world, one))))
        }
        (_, ["repositories", workspace, slug, rest @ ..]) => {
            match world.visible(&format!("{workspace}/{slug}"), &caller) {
                Some(repository) => repository::answer(world, call, &caller, &repository, rest),
                None => not_found(
                    "You may not have access to this repository or it no longer exists in this workspace. If you \
                     think this repository exists and you have access, make sure you are authenticated.",
                ),
            }
        }
        _ => not_found("Resource not found"),
    }
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-ssh/>
fn keys(world: &mut World, call: &Call, caller: &Caller, user: &str, path: &[&str]) -> Answer {
    let Some(person) = world.person(caller) else { return unauthenticated() };
    // By account id or UUID; user names went away.
    if ![shapes::uuid("user", person.id), shapes::account_id(&person)].iter().any(|known| known == user) {
        return refused(403, "You do not have access to this user's SSH keys.");
    }
    let wanted: &[&str] =
        if call.method == "GET" { &["account", "account:write"] } else { &["account:write"] };
    if !caller.has_scope(wanted) {
        return out_of_scope(wanted[0]);
    }
    let id_of = |uuid: &str| {
        world
            .keys_of(&person.name)
            .into_iter()
            .find(|key| shapes::uuid("key", key.id) == uuid)
            .map(|key| key.id)
    };
    match (call.method.as_str(), path) {
        ("GET", []) => {
            let all = world.keys_of(&person.name);
            Answer::json(200, &page(all.iter().map(|key| shapes::key(world, key, &person))))
        }
        ("POST", []) => {
            let sent = call.json();
            let text = sent["key"].as_str().unwrap_or_default();
            if !text.starts_with("ssh-") && !text.starts_with("ecdsa-") {
                return invalid("key", "Invalid SSH key.");
            }
            match world.add_key(&person.name, sent["label"].as_str().unwrap_or_default(), text) {
                Some(key) => Answer::json(201, &shapes::key(world, &key, &person)),
                None => invalid("key", "Someone has already registered that SSH key."),
            }
        }
        ("GET", [uuid]) => {
            let found =
                world.keys_of(&person.name).into_iter().find(|key| shapes::uuid("key", key.id) == *uuid);
            match found {
                Some(key) => Answer::json(200, &shapes::key(world, &key, &person)),
                None => not_found("SSH key not found"),
            }
        }
        ("DELETE", [uuid]) => match id_of(uuid) {
            Some(id) => {
                world.delete_key(&person.name, &id.to_string());
                Answer::empty(204)
            }
            None => not_found("SSH key not found"),
        },
        _ => not_found("Resource not found"),
    }
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>
fn refused(status: u16, why: &str) -> Answer {
    Answer::json(status, &json!({"type": "error", "error": {"message": why}}))
}

fn invalid(field: &str, why: &str) -> Answer {
    let mut error = json!({"message": "Bad request", "fields": {}});
    error["fields"][field] = json!([why]);
    Answer::json(400, &json!({"type": "error", "error": error}))
}

fn unauthenticated() -> Answer {
    refused(401, "Token is invalid, expired, or not supported for this endpoint.")
}

fn out_of_scope(wanted: &str) -> Answer {
    let detail = json!({"required": [wanted], "granted": []});
    let error =
        json!({"message": "Your credentials lack one or more required privilege scopes.", "detail": detail});
    Answer::json(403, &json!({"type": "error", "error": error}))
}

fn not_found(why: &str) -> Answer {
    refused(404, why)
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>
fn page(values: impl IntoIterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.into_iter().collect();
    json!({"size": values.len(), "page": 1, "pagelen": 100, "values": values})
}
