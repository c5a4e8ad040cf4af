//! The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::SignedDuration;
use http::HeaderMap;
use serde_json::Value;

use super::client::{Credentials, OauthError};
use super::token::{Wanted, create, reuse};
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::world::Challenge;

/// Doorkeeper's default.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Gives tokens for a code, once. Errors come in the order Doorkeeper looks for them.
pub(super) fn exchange(
    instance: &Instance,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Value, OauthError> {
    let mut world = instance.world();
    let code = params.filled("code").ok_or(OauthError::Missing("code"))?;
    let verifier = params.filled("code_verifier");
    let redirect_uri = params.filled("redirect_uri");
    if world.codes.get(&code).is_some_and(|known| known.challenge.is_some()) && verifier.is_none() {
        return Err(OauthError::Missing("code_verifier"));
    }
    let redirect_uri = redirect_uri.ok_or(OauthError::Missing("redirect_uri"))?;
    let credentials = Credentials::of(headers, params).ok_or(OauthError::InvalidClient)?;
    let client_id = credentials.application(&world).ok_or(OauthError::InvalidClient)?.client_id.clone();
    let known = world.codes.get(&code).ok_or(OauthError::InvalidGrant)?;
    let lapsed = instance.now() > known.created_at + CODE_LIFE;
    let proven = match (&known.challenge, &verifier) {
        (None, _) => true,
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (Some(Challenge::S256(challenge)), Some(verifier)) => *challenge == hashed(verifier),
        (Some(_), None) => false,
    };
    if known.client_id != client_id || lapsed || known.redirect_uri != redirect_uri || !proven {
        return Err(OauthError::InvalidGrant);
    }
    let known = world.codes.remove(&code).ok_or(OauthError::InvalidGrant)?;
    let wanted = Wanted { client_id, account: Some(known.account), scopes: known.scopes, nonce: known.nonce };
    Ok(match reuse(instance, &world, &wanted) {
        Some(answer) => answer,
        None => create(instance, &mut world, wanted),
    })
}

/// `S256` of RFC 7636.
fn hashed(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_challenge_is_that_of_the_standards_appendix() {
        // RFC 7636, appendix B.
        let challenge = super::hashed("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
