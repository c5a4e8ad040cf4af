//! Gitea, and Forgejo as far as they agree: REST as documented at <https://docs.gitea.com/api> (every
//! instance shows its own at `/api/swagger`), OAuth as at
//! <https://docs.gitea.com/development/oauth2-provider>.

mod repository;
mod shapes;

use serde_json::{Value, json};

use crate::forge_double::{Answer, Call, Caller, Failure, Oauth, RedirectUri, Refresh, Style, World};

const VERSION: &str = "1.24.6";

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.parts();
    match (call.method.as_str(), path.as_slice()) {
        ("GET" | "POST", ["login", "oauth", "authorize"]) => oauth(world).authorize(call),
        ("POST", ["login", "oauth", "access_token"]) => oauth(world).token(call),
        ("GET", ["login", "oauth", "userinfo"]) => user_info(world, call),
        ("GET", [".well-known", "openid-configuration"]) => discovery(world),
        (_, ["api", "v1", rest @ ..]) => rest_api(world, call, rest),
        _ => Answer::html(404, "<p>The page you are trying to reach either does not exist.</p>"),
    }
}

/// `[oauth2]` in <https://docs.gitea.com/administration/config-cheat-sheet>: an hour, and refresh tokens stay
/// good unless `INVALIDATE_REFRESH_TOKENS` is set.
fn oauth(world: &mut World) -> Oauth<'_> {
    let style = Style {
        access_prefix: "gta_",
        refresh_prefix: "gtr_",
        expires_in: Some(3600),
        refresh: Refresh::Again,
        scope_field: None,
        redirect_uri: RedirectUri::Repeated,
        refuse,
    };
    Oauth { world, style }
}

fn refuse(failure: Failure) -> Answer {
    let (error, why) = match failure {
        // The same fault has two names.
        Failure::Client => ("unauthorized_client", "invalid client secret"),
        Failure::ClientAtRefresh => ("invalid_client", "invalid client secret"),
        Failure::Code => ("unauthorized_client", "client is not authorized"),
        Failure::RedirectUri => {
            ("invalid_grant", "redirect_uri differs from the original authorization request")
        }
        Failure::RefreshToken => ("unauthorized_client", "unable to parse refresh token"),
        Failure::GrantType => {
            ("unsupported_grant_type", "Only refresh_token or authorization_code grant type is supported")
        }
    };
    Answer::json(400, &json!({"error": error, "error_description": why}))
}

/// <https://docs.gitea.com/development/oauth2-provider#endpoints>
fn user_info(world: &World, call: &Call) -> Answer {
    match world.person(&world.caller(call)) {
        Some(person) => Answer::json(
            200,
            &json!({
                "sub": person.id.to_string(), "name": person.full_name, "preferred_username": person.name,
                "email": person.email, "picture": format!("{}/avatars/{}", world.url, person.name), "groups": [],
            }),
        ),
        None => Answer::of(401, "text/plain", "no valid authorization")
            .header("www-authenticate", "Bearer realm=\"Gitea OAuth2\""),
    }
}

fn discovery(world: &World) -> Answer {
    let at = |path: &str| format!("{}{path}", world.url);
    let body = json!({
        "issuer": world.url,
        "authorization_endpoint": at("/login/oauth/authorize"),
        "token_endpoint": at("/login/oauth/access_token"),
        "userinfo_endpoint": at("/login/oauth/userinfo"),
        "response_types_supported": ["code", "id_token"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
    });
    Answer::json(200, &body)
}

fn rest_api(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    let caller = world.caller(call);
    if caller == Caller::Refused {
        return refused(world, 401, "user does not exist [uid: 0, name: ]");
    }
    match (call.method.as_str(), path) {
        ("GET", ["version"]) => Answer::json(200, &json!({"version": VERSION})),
        (_, ["user", rest @ ..]) => user(world, call, &caller, rest),
        ("GET", ["users", name]) => match world.seed.person(name) {
            Some(person) => Answer::json(200, &shapes::user(world, person)),
            None => refused(world, 404, "user redirect does not exist [name: ]"),
        },
        (_, ["repos", owner, name, rest @ ..]) => {
            repository::answer(world, call, &caller, &format!("{owner}/{name}"), rest)
        }
        _ => not_found(world),
    }
}

fn user(world: &mut World, call: &Call, caller: &Caller, path: &[&str]) -> Answer {
    let Some(person) = world.person(caller) else { return refused(world, 401, "token is required") };
    // <https://docs.gitea.com/development/oauth2-provider#scopes>; a token from before scopes is for everything.
    let wanted: &[&str] =
        if call.method == "GET" { &["read:user", "write:user", "all"] } else { &["write:user", "all"] };
    let is_scoped = matches!(caller, Caller::Known { scope, .. } if scope.contains(':'));
    if is_scoped && !caller.has_scope(wanted) {
        let why = format!("token does not have at least one of required scope(s), required=[{}]", wanted[0]);
        return refused(world, 403, &why);
    }
    match (call.method.as_str(), path) {
        ("GET", []) => Answer::json(200, &shapes::user(world, &person)),
        ("GET", ["emails"]) => {
            let email = json!({
                "email": person.email, "verified": person.is_verified, "primary": true, "user_id": person.id,
                "username": person.name,
            });
            Answer::json(200, &json!([email]))
        }
        ("GET", ["repos"]) => {
            let all = world.repositories_of(caller);
            let all: Vec<Value> = all.iter().map(|one| shapes::repository(world, one, caller)).collect();
            Answer::json(200, &json!(all))
        }
        ("GET", ["keys"]) => {
            let all = world.keys_of(&person.name);
            let all: Vec<Value> = all.iter().map(|key| shapes::key(world, key, &person)).collect();
            Answer::json(200, &json!(all))
        }
        ("GET", ["keys", id]) => {
            let found = world.keys_of(&person.name).into_iter().find(|key| key.id.to_string() == *id);
            match found {
                Some(key) => Answer::json(200, &shapes::key(world, &key, &person)),
                None => not_found(world),
            }
        }
        ("POST", ["keys"]) => {
            let sent = call.json();
            let text = |name: &str| sent[name].as_str().unwrap_or_default();
            if !text("key").starts_with("ssh-") && !text("key").starts_with("ecdsa-") {
                return refused(
                    world,
                    422,
                    "Invalid key content: extractTypeFromBase64Key: invalid key format",
                );
            }
            match world.add_key(&person.name, text("title"), text("key")) {
                Some(key) => Answer::json(201, &shapes::key(world, &key, &person)),
                None => refused(world, 422, "Key content has been used as non-deploy key"),
            }
        }
        ("DELETE", ["keys", id]) if world.delete_key(&person.name, id) => Answer::empty(204),
        _ => not_found(world),
    }
}

fn refused(world: &World, status: u16, why: &str) -> Answer {
    Answer::json(status, &json!({"message": why, "url": format!("{}/api/swagger", world.url)}))
}

fn not_found(world: &World) -> Answer {
    let url = format!("{}/api/swagger", world.url);
    Answer::json(404, &json!({"errors": null, "message": "The target couldn't be found.", "url": url}))
}
