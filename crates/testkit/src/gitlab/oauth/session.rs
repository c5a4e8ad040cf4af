//! Browser sessions: a cookie, a sign-in form, a way back.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::pages;
use crate::gitlab::hooks::system;
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::world::Session;

const COOKIE: &str = "_gitlab_session";

/// The name of the browser's session, if the instance knows it.
pub(crate) fn of(instance: &Instance, headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, name) = pairs.find(|(name, _)| *name == COOKIE)?;
    instance.world().sessions.contains_key(name).then(|| name.to_owned())
}

/// Who is signed in with this session; nobody once the account is blocked or gone.
pub(crate) fn account(instance: &Instance, session: Option<&str>) -> Option<u64> {
    let world = instance.world();
    let account = world.sessions.get(session?)?.account?;
    world.accounts.get(&account).filter(|account| !account.blocked).map(|account| account.id)
}

/// Starts a session and gives its name and the header that tells the browser.
pub(crate) fn begin(instance: &Instance, session: Session) -> (String, HeaderValue) {
    let name = instance.random_hex(16);
    let path = instance.options.path_prefix.as_deref().unwrap_or("/");
    let secure = if instance.options.tls.is_some() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={name}; path={path}; HttpOnly; SameSite=Lax{secure}");
    let csrf = instance.random_hex(16);
    instance.world().sessions.insert(name.clone(), Session { csrf, ..session });
    (name, HeaderValue::from_str(&cookie).expect("an ASCII cookie"))
}

/// The secret a form of this session carries.
pub(crate) fn csrf(instance: &Instance, session: &str) -> String {
    instance.world().sessions.get(session).map(|session| session.csrf.clone()).unwrap_or_default()
}

/// Sends the browser to the sign-in page, to come back afterwards.
pub(crate) fn demand(instance: &Instance, uri: &Uri) -> Response {
    let prefix = instance.options.path_prefix.as_deref().unwrap_or_default();
    let return_to = format!("{prefix}{uri}");
    let (_, cookie) = begin(instance, Session { return_to: Some(return_to), ..Session::default() });
    ([(header::SET_COOKIE, cookie)], pages::found(&instance.at("users/sign_in"))).into_response()
}

pub(crate) async fn form(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    show(&instance, of(&instance, &headers), None)
}

fn show(instance: &Instance, session: Option<String>, alert: Option<&str>) -> Response {
    let action = instance.at("users/sign_in");
    match session {
        Some(session) => pages::sign_in(&action, &csrf(instance, &session), alert).into_response(),
        None => {
            let (session, cookie) = begin(instance, Session::default());
            let page = pages::sign_in(&action, &csrf(instance, &session), alert);
            ([(header::SET_COOKIE, cookie)], page).into_response()
        }
    }
}

pub(crate) async fn sign_in(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::read(None, &headers, &body);
    let session = of(&instance, &headers);
    let expected = session.as_deref().map(|session| csrf(&instance, session));
    if expected.is_none() || params.text("authenticity_token") != expected {
        return (StatusCode::UNPROCESSABLE_ENTITY, pages::error("The change you requested was rejected."))
            .into_response();
    }
    let login = params.text("user[login]").unwrap_or_default();
    let password = params.text("user[password]").unwrap_or_default();
    let found = {
        let world = instance.world();
        let mut accounts = world.accounts.values();
        let account = accounts.find(|account| account.username == login || account.email == login);
        account.filter(|account| account.password == password).map(|account| (account.id, account.blocked))
    };
    let Some((account, blocked)) = found else {
        return show(&instance, session, Some("Invalid login or password."));
    };
    if blocked {
        system::account(&instance, account, "user_failed_login", None);
        let alert = "Your account has been blocked. Please contact your GitLab administrator if you think \
                     this is an error.";
        return show(&instance, session, Some(alert));
    }
    // A new name for the session, so that nobody who knew the old one comes in along.
    let former = session.and_then(|name| instance.world().sessions.remove(&name));
    let return_to = former.and_then(|session| session.return_to);
    let (_, cookie) = begin(&instance, Session { account: Some(account), ..Session::default() });
    let target = return_to.unwrap_or_else(|| format!("{}/", instance.url));
    ([(header::SET_COOKIE, cookie)], pages::found(&target)).into_response()
}

pub(crate) async fn sign_out(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    if let Some(session) = of(&instance, &headers) {
        instance.world().sessions.remove(&session);
    }
    pages::found(&instance.at("users/sign_in")).into_response()
}
