//! `/oauth/authorize`: checks the request, asks the user, gives a code.
//!
//! Whatever is wrong with a request is shown on a page of GitLab's own, with status 200; the browser is
//! sent back only with a code or with the user's "no".

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use url::Url;

use super::client::OauthError;
use super::{SCOPES, pages, session};
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::version::Feature;
use crate::gitlab::world::{ApplicationRecord, Challenge, Code};

/// A request that may be asked about.
struct Request {
    client_id: String,
    application: String,
    confidential: bool,
    trusted: bool,
    redirect_uri: Url,
    scopes: Vec<String>,
    challenge: Option<Challenge>,
}

pub(crate) async fn show(State(instance): State<Arc<Instance>>, uri: Uri, headers: HeaderMap) -> Response {
    let params = Params::read(uri.query(), &headers, &Bytes::new());
    let session = session::of(&instance, &headers);
    let Some(account) = session::account(&instance, session.as_deref()) else {
        return session::demand(&instance, &uri);
    };
    let request = match check(&instance, &params) {
        Ok(request) => request,
        Err(error) => return pages::error(&error.description()).into_response(),
    };
    if let Some(refusal) = refused(&instance, account, &request) {
        return refusal;
    }
    let known = has_matching_token(&instance, account, &request);
    // Since 15 only confidential applications go through without a click.
    if request.trusted || known && (request.confidential || !instance.version().at_least(15, 0)) {
        let target = grant(&instance, account, request, &params);
        return pages::redirecting(target.as_str()).into_response();
    }
    let csrf = session.map(|session| session::csrf(&instance, &session)).unwrap_or_default();
    let username = instance.world().accounts.get(&account).map(|account| account.username.clone());
    let consent = pages::Consent {
        action: &instance.at("oauth/authorize"),
        csrf: &csrf,
        application: &request.application,
        username: &username.unwrap_or_default(),
        scopes: &request.scopes,
    };
    pages::consent(&consent, &params).into_response()
}

/// The answer of the consent page: POST authorises, DELETE (also as `_method`) denies.
pub(crate) async fn decide(
    State(instance): State<Arc<Instance>>,
    method: http::Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::read(uri.query(), &headers, &body);
    let session = session::of(&instance, &headers);
    let Some(account) = session::account(&instance, session.as_deref()) else {
        return session::demand(&instance, &uri);
    };
    let csrf = session.map(|session| session::csrf(&instance, &session));
    if csrf.is_none() || params.text("authenticity_token") != csrf {
        return (StatusCode::UNPROCESSABLE_ENTITY, pages::error("The change you requested was rejected."))
            .into_response();
    }
    let request = match check(&instance, &params) {
        Ok(request) => request,
        Err(error) => return pages::error(&error.description()).into_response(),
    };
    if let Some(refusal) = refused(&instance, account, &request) {
        return refusal;
    }
    if method == http::Method::DELETE || params.text("_method").as_deref() == Some("delete") {
        let mut target = request.redirect_uri;
        let description = "The resource owner or authorization server denied the request.";
        let answer = [("error", "access_denied"), ("error_description", description)];
        target.query_pairs_mut().extend_pairs(answer);
        return pages::found(with_state(target, &params).as_str());
    }
    pages::found(grant(&instance, account, request, &params).as_str())
}

/// What Doorkeeper calls pre-authorisation, in its order.
fn check(instance: &Instance, params: &Params) -> Result<Request, OauthError> {
    let client_id = params.filled("client_id").ok_or(OauthError::Missing("client_id"))?;
    let world = instance.world();
    let application = world.applications.get(&client_id).ok_or(OauthError::InvalidClient)?;
    let redirect_uri = params.filled("redirect_uri").unwrap_or_default();
    let allowed = application.redirect_uris.iter().any(|known| same_target(&redirect_uri, known));
    let redirect_uri = Url::parse(&redirect_uri).ok().filter(|_| allowed);
    let redirect_uri = redirect_uri.ok_or(OauthError::InvalidRedirectUri)?;
    match params.filled("response_type").as_deref() {
        None => return Err(OauthError::Missing("response_type")),
        Some("code") => {}
        Some(_) => return Err(OauthError::UnsupportedResponseType),
    }
    let mut scopes = scopes(instance, application, params)?;
    // GitLab's own "sign in with GitLab" asks for no more than who one is.
    if params.text("gl_auth_type").as_deref() == Some("login") {
        scopes = vec!["read_user".to_owned()];
    }
    let challenge = match (params.filled("code_challenge"), params.filled("code_challenge_method").as_deref())
    {
        (None, _) => None,
        (Some(challenge), Some("S256")) => Some(Challenge::S256(challenge)),
        (Some(challenge), None | Some("plain")) => Some(Challenge::Plain(challenge)),
        (Some(_), Some(_)) => return Err(OauthError::InvalidChallengeMethod),
    };
    Ok(Request {
        client_id: application.client_id.clone(),
        application: application.name.clone(),
        confidential: application.confidential,
        trusted: application.trusted,
        redirect_uri,
        scopes,
        challenge,
    })
}

/// The scopes asked for, `api` where none are; each must exist and be enabled on the application.
fn scopes(
    instance: &Instance,
    application: &ApplicationRecord,
    params: &Params,
) -> Result<Vec<String>, OauthError> {
    let asked = params.filled("scope").unwrap_or_else(|| "api".to_owned());
    let mut scopes: Vec<String> = vec![];
    for scope in asked.split_whitespace() {
        let exists = SCOPES.contains(&scope) && (scope != "read_api" || instance.has(Feature::ReadApi));
        if !exists || !application.scopes.iter().any(|known| known == scope) {
            return Err(OauthError::InvalidScope);
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

/// Equal addresses; a registered query must be met exactly, and on loopback addresses the port is free
/// (RFC 8252, section 7.3).
fn same_target(asked: &str, known: &str) -> bool {
    let (Ok(mut asked), Ok(mut known)) = (Url::parse(asked), Url::parse(known)) else { return false };
    let loopback = |url: &Url| {
        url.host_str().is_some_and(|host| {
            host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    };
    if loopback(&asked) && loopback(&known) {
        asked.set_port(None).ok();
        known.set_port(None).ok();
    }
    asked == known
}

/// Pages that end the matter whatever the request says.
fn refused(instance: &Instance, account: u64, request: &Request) -> Option<Response> {
    let world = instance.world();
    let account = world.accounts.get(&account)?;
    if !account.confirmed {
        let text = "Verify the email address in your account profile before you sign in.";
        return Some(pages::error(text).into_response());
    }
    let wide = ["api", "read_api", "read_repository", "write_repository", "sudo", "admin_mode"];
    let wide = request.scopes.iter().any(|scope| wide.contains(&scope.as_str()));
    if account.admin && instance.options.admin_oauth_disabled && !request.trusted && wide {
        let text = "This application cannot be authorized by an administrator.";
        return Some((StatusCode::FORBIDDEN, pages::error(text)).into_response());
    }
    None
}

/// Whether the user has a living token of this application with exactly these scopes.
fn has_matching_token(instance: &Instance, account: u64, request: &Request) -> bool {
    instance.world().tokens.iter().any(|token| {
        token.account == Some(account)
            && token.client_id == request.client_id
            && !token.revoked
            && same_scopes(&token.scopes, &request.scopes)
    })
}

/// Equal sets.
pub(super) fn same_scopes(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|scope| other.contains(scope))
}

/// Makes a code and the address to go back to with it.
fn grant(instance: &Instance, account: u64, request: Request, params: &Params) -> Url {
    let code = instance.random_hex(32);
    let mut target = request.redirect_uri.clone();
    target.query_pairs_mut().append_pair("code", &code);
    let record = Code {
        client_id: request.client_id,
        account,
        redirect_uri: params.text("redirect_uri").unwrap_or_default(),
        scopes: request.scopes,
        challenge: request.challenge,
        nonce: params.filled("nonce"),
        created_at: instance.now(),
    };
    instance.world().codes.insert(code, record);
    with_state(target, params)
}

fn with_state(mut target: Url, params: &Params) -> Url {
    if let Some(state) = params.filled("state") {
        target.query_pairs_mut().append_pair("state", &state);
    }
    target
}
