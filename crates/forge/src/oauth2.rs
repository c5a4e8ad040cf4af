//! OAuth 2 as every forge speaks it: RFC 6749 with PKCE (RFC 7636), issuer check (RFC 9207) and revocation
//! (RFC 7009). What differs from product to product is in [`Dialect`].

mod answer;
mod proof;
mod refusal;

use std::sync::Arc;

use domain::{Entropy, ForgeKind};
use outbound::{Client, Request};
use tracing::debug;
use url::Url;
use vault::Secret;

use crate::api::{ANSWER_MAX, Answer, from_outbound};
use crate::{Begin, Begun, Callback, Fault, ForgeError, Revoked};

pub(crate) use answer::Granted;
pub(crate) use proof::Proof;

/// How the application proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// In the form: what every forge takes.
    Form,
    /// `Authorization: Basic`: what OpenID Connect has as its default.
    Basic,
}

/// Where the round trip goes.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    /// The consent page, as browsers reach it.
    pub(crate) authorize: Url,
    /// Where codes and refresh tokens are exchanged, as this server reaches it.
    pub(crate) token: Url,
    /// Where tokens are revoked, if anywhere.
    pub(crate) revoke: Option<Url>,
    /// How the application proves itself at the latter two.
    pub(crate) auth: ClientAuth,
}

/// What differs between products beyond addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Whose words for errors are used.
    pub(crate) kind: ForgeKind,
    /// Whether a nonce is sent: where an identity token comes back.
    pub(crate) nonce: bool,
}

/// Our application at a forge.
#[derive(Clone)]
pub(crate) struct Application {
    /// Its id there.
    pub(crate) id: String,
    /// Its secret; none for a public one.
    pub(crate) secret: Option<Arc<Secret<String>>>,
}

/// The OAuth 2 side of a forge.
#[derive(Clone)]
pub(crate) struct OAuth2 {
    pub(crate) client: Client,
    pub(crate) application: Application,
    pub(crate) dialect: Dialect,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl OAuth2 {
    /// The address of the consent page, and what the exchange will need.
    pub(crate) fn begin(
        &self,
        at: &Endpoints,
        begin: &Begin<'_>,
        scopes: &[&str],
    ) -> Result<Begun, ForgeError> {
        if self.application.id.is_empty() {
            let title = self.dialect.kind.title();
            return Err(ForgeError::new(
                Fault::Application,
                format!("there is no client id for {title} yet"),
                "an administrator has to register Hearth as an application there and enter its id and secret",
            ));
        }
        let proof = Proof::generate(self.entropy.as_ref());
        let mut url = at.authorize.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", &self.application.id)
                .append_pair("redirect_uri", begin.redirect_uri)
                .append_pair("response_type", "code")
                .append_pair("state", begin.state)
                .append_pair("code_challenge", &proof.challenge())
                .append_pair("code_challenge_method", "S256");
            if !scopes.is_empty() {
                query.append_pair("scope", &scopes.join(" "));
            }
            if self.dialect.nonce {
                query.append_pair("nonce", proof.nonce());
            }
        }
        Ok(Begun { authorize_url: url, private: proof.seal() })
    }

    /// Exchanges the code that came back. Where the forge names itself, it must be one of `issuers`.
    pub(crate) async fn exchange(
        &self,
        at: &Endpoints,
        issuers: &[&str],
        callback: &Callback,
        redirect_uri: &str,
        proof: &Proof,
    ) -> Result<Granted, ForgeError> {
        if let Some(told) = &callback.iss
            && !issuers.contains(&told.as_str())
        {
            return Err(ForgeError::new(
                Fault::Protocol,
                "another server than the one that was asked has answered the sign-in",
                "begin again; if it happens again, the forge's address is not the one it calls itself by",
            ));
        }
        if let Some(error) = &callback.error {
            return Err(refusal::of_callback(self.dialect.kind, error));
        }
        let Some(code) = &callback.code else {
            return Err(ForgeError::new(
                Fault::Protocol,
                "the browser came back without a code",
                "begin again",
            ));
        };
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose().as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", proof.verifier()),
        ];
        Granted::read(&self.ask(at, &at.token, &fields).await?, self.dialect.kind)
    }

    /// Exchanges a refresh token. Sent once. An empty `redirect_uri` is left out.
    pub(crate) async fn refresh(
        &self,
        at: &Endpoints,
        refresh: &Secret<String>,
        redirect_uri: &str,
    ) -> Result<Granted, ForgeError> {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose().as_str())];
        if !redirect_uri.is_empty() {
            fields.push(("redirect_uri", redirect_uri));
        }
        Granted::read(&self.ask(at, &at.token, &fields).await?, self.dialect.kind)
    }

    /// Revokes a token and, if there is one, the refresh token: servers that forget only living access tokens
    /// would leave it behind. Unknown tokens are fine.
    pub(crate) async fn revoke(
        &self,
        at: &Endpoints,
        access: &Secret<String>,
        refresh: Option<&Secret<String>>,
    ) -> Result<Revoked, ForgeError> {
        let Some(url) = &at.revoke else { return Ok(Revoked::NotPossible) };
        for (token, hint) in [(Some(access), "access_token"), (refresh, "refresh_token")] {
            let Some(token) = token else { continue };
            let fields = [("token", token.expose().as_str()), ("token_type_hint", hint)];
            let answer = self.ask(at, url, &fields).await?;
            if !answer.status().is_success() {
                return Err(refusal::of_answer(&answer, self.dialect.kind));
            }
        }
        Ok(Revoked::Done)
    }

    /// Gives tokens back that turned out to be of no use; best effort.
    pub(crate) async fn or_revoke<T>(
        &self,
        at: &Endpoints,
        granted: &Granted,
        result: Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        if result.is_err() {
            let tokens = &granted.tokens;
            if let Err(error) = self.revoke(at, &tokens.access, tokens.refresh.as_deref()).await {
                debug!(code = error.code(), "tokens of a failed sign-in were not revoked");
            }
        }
        result
    }

    async fn ask(&self, at: &Endpoints, url: &Url, fields: &[(&str, &str)]) -> Result<Answer, ForgeError> {
        let request = self.prove(at.auth, self.client.post(url.clone()), fields);
        let request =
            request.header(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        let response = request.limit(ANSWER_MAX).send().await.map_err(from_outbound)?;
        Answer::receive(url, response).await
    }

    fn prove(&self, auth: ClientAuth, request: Request, fields: &[(&str, &str)]) -> Request {
        let id = self.application.id.as_str();
        match (&self.application.secret, auth) {
            (Some(secret), ClientAuth::Basic) => {
                // RFC 6749, 2.3.1: both halves are form-encoded first.
                let encode =
                    |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let secret = Secret::new(encode(secret.expose()));
                request.basic(&encode(id), &secret).form(fields)
            }
            (Some(secret), ClientAuth::Form) => {
                let own = [("client_id", id), ("client_secret", secret.expose().as_str())];
                request.form(&[fields, own.as_slice()].concat())
            }
            (None, _) => request.form(&[fields, [("client_id", id)].as_slice()].concat()),
        }
    }
}
