//! Giving grants back.

use domain::Account;
use outbound::Request;
use serde_json::json;
use tracing::debug;
use vault::Secret;

use super::Github;
use crate::api::{ANSWER_MAX, Answer, from_outbound, refusal};
use crate::hub::{self, Hub};
use crate::oauth2::OAuth2;
use crate::{Fault, ForgeError, Provider, Revoked, Tokens};

/// `DELETE /applications/{client_id}/token`, proved by the application. Refresh tokens go with it.
pub(super) async fn revoke(hub: &Hub, oauth: &OAuth2, token: &Secret<String>) -> Result<Revoked, ForgeError> {
    let Some(secret) = &oauth.application.secret else { return Ok(Revoked::NotPossible) };
    let id = oauth.application.id.as_str();
    let url = hub.api.url(&["applications", id, "token"])?;
    let request: Request = hub.site.client.delete(url.clone()).basic(id, secret).limit(ANSWER_MAX);
    let body = json!({"access_token": token.expose()});
    let response = request.json(&body).send().await.map_err(from_outbound)?;
    let answer = Answer::receive(&url, response).await?;
    match answer.status().as_u16() {
        // 404 and 422: it is not one of this application's, or not any more.
        200..=299 | 404 | 422 => Ok(Revoked::Done),
        401 => Err(ForgeError::new(
            Fault::Application,
            format!("`{}` does not accept Hearth as an application: wrong id or secret", answer.host()),
            "an administrator has to compare the application's id and secret there with those in Hearth's settings",
        )),
        _ => Err(refusal(&answer)),
    }
}

/// Tries of a token that was made a moment ago.
const MOST_TRIES: u32 = 3;

/// Whose the tokens are. Not every server of GitHub's knows a fresh one for some hundred milliseconds.
pub(super) async fn fresh_account(hub: &Hub, tokens: &Tokens) -> Result<Account, ForgeError> {
    let credential = tokens.credential();
    let mut tried = 1;
    loop {
        match hub::account::who(hub, &credential).await {
            Err(error) if tried < MOST_TRIES && matches!(error.fault(), Fault::Link(_)) => {
                tokio::time::sleep(hub.site.client.pause(tried)).await;
                tried += 1;
            }
            result => return result,
        }
    }
}

/// Gives tokens back that turned out to be of no use; best effort.
pub(super) async fn give_back(github: &Github, tokens: &Tokens) {
    if let Err(error) = github.revoke(&tokens.credential(), None).await {
        debug!(code = error.code(), "tokens of a failed sign-in were not revoked");
    }
}
