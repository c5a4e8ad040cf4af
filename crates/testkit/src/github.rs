//! GitHub, .com and Enterprise: REST as documented at <https://docs.github.com/en/rest>, OAuth as at
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>.

mod repository;
mod shapes;

use serde_json::{Value, json};

use crate::forge_double::{Answer, Call, Caller, Failure, Oauth, RedirectUri, Refresh, Side, Style, World};

const DOCUMENTATION: &str = "https://docs.github.com/rest";

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.parts();
    match (call.side, call.method.as_str(), path.as_slice()) {
        (Side::Web, "GET" | "POST", ["login", "oauth", "authorize"]) => oauth(world).authorize(call),
        (Side::Web, "POST", ["login", "oauth", "access_token"]) => token(world, call),
        // Enterprise has the API below the address of its pages.
        (Side::Web, _, ["api", "v3", rest @ ..]) => rest_api(world, call, rest),
        (Side::Api, _, rest) => rest_api(world, call, rest),
        (Side::Web, ..) => Answer::html(404, "<p>Page not found</p>"),
    }
}

/// Tokens of OAuth Apps live for ever; those of GitHub Apps for eight hours:
/// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>.
fn oauth(world: &mut World) -> Oauth<'_> {
    let is_app = world.has_expiring_tokens();
    let style = Style {
        access_prefix: if is_app { "ghu_" } else { "gho_" },
        refresh_prefix: "ghr_",
        expires_in: is_app.then_some(28_800),
        refresh: Refresh::Once,
        scope_field: Some("scope"),
        redirect_uri: RedirectUri::Optional,
        refuse,
    };
    Oauth { world, style }
}

/// Errors come with status 200:
/// <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>.
fn refuse(failure: Failure) -> Answer {
    let (error, why) = match failure {
        Failure::Client | Failure::ClientAtRefresh => {
            ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
        }
        Failure::Code => ("bad_verification_code", "The code passed is incorrect or expired."),
        Failure::RedirectUri => (
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        Failure::RefreshToken => ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
        Failure::GrantType => ("unsupported_grant_type", "The grant_type is not supported."),
    };
    Answer::json(200, &json!({"error": error, "error_description": why, "error_uri": DOCUMENTATION}))
}

/// The answer is a form unless JSON is asked for.
fn token(world: &mut World, call: &Call) -> Answer {
    let answer = oauth(world).token(call);
    if call.header("accept").contains("json") {
        return answer;
    }
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten();
    let pairs = fields.map(|(name, value)| (name.as_str(), crate::forge_double::text(value)));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Answer::of(answer.status, "application/x-www-form-urlencoded; charset=utf-8", &body)
}

fn rest_api(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    if let ["applications", client, what @ ("token" | "grant")] = path {
        return end_token(world, call, client, what);
    }
    let caller = world.caller(call);
    if caller == Caller::Refused {
        return refused(401, "Bad credentials");
    }
    let answer = match (call.method.as_str(), path) {
        // <https://docs.github.com/en/enterprise-server/rest/meta/meta>
        ("GET", ["meta"]) => Answer::json(
            200,
            &json!({"verifiable_password_authentication": true, "installed_version": "3.17.1"}),
        ),
        (_, ["user", rest @ ..]) => user(world, call, &caller, rest),
        // <https://docs.github.com/en/rest/users/users#get-a-user>
        ("GET", ["users", name]) => match world.seed.person(name) {
            Some(person) => Answer::json(200, &shapes::user(world, person)),
            None => not_found(),
        },
        (_, ["repos", owner, name, rest @ ..]) => {
            repository::answer(world, call, &caller, &format!("{owner}/{name}"), rest)
        }
        _ => not_found(),
    };
    match &caller {
        Caller::Known { scope, .. } if scope == "*" => {
            answer.header("x-oauth-scopes", "admin:public_key, admin:repo_hook, repo, user, workflow")
        }
        Caller::Known { scope, .. } => answer.header("x-oauth-scopes", &scope.replace(' ', ", ")),
        _ => answer,
    }
}

/// `DELETE /applications/{client_id}/token` and `/grant`:
/// <https://docs.github.com/en/rest/apps/oauth-applications>.
fn end_token(world: &mut World, call: &Call, client: &str, what: &str) -> Answer {
    let mut oauth = oauth(world);
    let Some(application) = oauth.client(call).filter(|application| application.id == client) else {
        return refused(404, "Not Found");
    };
    let shown = call.json()["access_token"].as_str().unwrap_or_default().to_owned();
    if call.method == "POST" && what == "token" {
        return if oauth.world.is_known(&shown) {
            Answer::json(200, &json!({"token": shown}))
        } else {
            not_found()
        };
    }
    if call.method == "DELETE" && oauth.end(&application, &shown) {
        return Answer::empty(204);
    }
    refused(422, "Validation Failed")
}

fn user(world: &mut World, call: &Call, caller: &Caller, path: &[&str]) -> Answer {
    let Some(person) = world.person(caller) else { return refused(401, "Requires authentication") };
    let has_keys = |level: &[&str]| caller.has_scope(level);
    match (call.method.as_str(), path) {
        // <https://docs.github.com/en/rest/users/users#get-the-authenticated-user>
        ("GET", []) => Answer::json(200, &shapes::user(world, &person)),
        // <https://docs.github.com/en/rest/users/emails>
        ("GET", ["emails"]) if !caller.has_scope(&["user", "user:email"]) => not_found(),
        ("GET", ["emails"]) => {
            let email = json!({
                "email": person.email, "verified": person.is_verified, "primary": true, "visibility": "private",
            });
            Answer::json(200, &json!([email]))
        }
        // <https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user>
        ("GET", ["repos"]) => {
            let all = world.repositories_of(caller);
            let all: Vec<Value> = all.iter().map(|one| shapes::repository(world, one, caller)).collect();
            Answer::json(200, &json!(all))
        }
        // <https://docs.github.com/en/rest/users/keys>; a token without the scope does not see that it exists.
        (_, ["keys", ..])
            if !has_keys(&["admin:public_key", "write:public_key", "read:public_key"])
                || (call.method == "POST" && !has_keys(&["admin:public_key", "write:public_key"]))
                || (call.method == "DELETE" && !has_keys(&["admin:public_key"])) =>
        {
            not_found().header("x-accepted-oauth-scopes", "admin:public_key")
        }
        ("GET", ["keys"]) => {
            let keys: Vec<Value> =
                world.keys_of(&person.name).iter().map(|key| shapes::key(world, key)).collect();
            Answer::json(200, &json!(keys))
        }
        ("GET", ["keys", id]) => {
            let found = world.keys_of(&person.name).into_iter().find(|key| key.id.to_string() == *id);
            found.map_or_else(not_found, |key| Answer::json(200, &shapes::key(world, &key)))
        }
        ("POST", ["keys"]) => {
            let sent = call.json();
            let text = |name: &str| sent[name].as_str().unwrap_or_default();
            if !text("key").starts_with("ssh-") && !text("key").starts_with("ecdsa-") {
                return invalid_key("key is invalid. You must supply a key in OpenSSH public key format");
            }
            match world.add_key(&person.name, text("title"), text("key")) {
                Some(key) => Answer::json(201, &shapes::key(world, &key)),
                None => invalid_key("key is already in use"),
            }
        }
        ("DELETE", ["keys", id]) if world.delete_key(&person.name, id) => Answer::empty(204),
        _ => not_found(),
    }
}

fn invalid_key(why: &str) -> Answer {
    invalid("PublicKey", "key", why)
}

/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed>
fn invalid(resource: &str, field: &str, why: &str) -> Answer {
    let error = json!({"resource": resource, "code": "custom", "field": field, "message": why});
    let body = json!({
        "message": "Validation Failed", "errors": [error], "documentation_url": DOCUMENTATION, "status": "422",
    });
    Answer::json(422, &body)
}

fn refused(status: u16, why: &str) -> Answer {
    let body = json!({"message": why, "documentation_url": DOCUMENTATION, "status": status.to_string()});
    Answer::json(status, &body)
}

fn not_found() -> Answer {
    refused(404, "Not Found")
}
