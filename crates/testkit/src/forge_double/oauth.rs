//! OAuth 2 as all the products have it, and where they differ.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::ForgeKind;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::call::{Answer, Call};
use super::world::{Application, Code, Token, World};

/// Path of the authorisation endpoint and of the token endpoint.
pub(super) fn endpoints(kind: ForgeKind) -> (&'static str, &'static str) {
    match kind {
        ForgeKind::BitbucketServer => ("/rest/oauth2/latest/authorize", "/rest/oauth2/latest/token"),
        ForgeKind::BitbucketCloud => ("/site/oauth2/authorize", "/site/oauth2/access_token"),
        ForgeKind::AzureDevops => {
            ("/organizations/oauth2/v2.0/authorize", "/organizations/oauth2/v2.0/token")
        }
        _ => ("/login/oauth/authorize", "/login/oauth/access_token"),
    }
}

/// Where a product differs from the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// How access tokens begin.
    pub(crate) access_prefix: &'static str,
    /// How refresh tokens begin.
    pub(crate) refresh_prefix: &'static str,
    /// How long access tokens live, in seconds; for ever where none, and then there is no refresh token.
    pub(crate) expires_in: Option<u32>,
    /// What happens to a refresh token that was used.
    pub(crate) refresh: Refresh,
    /// What the granted scopes are called in the answer, if they are in it.
    pub(crate) scope_field: Option<&'static str>,
    /// Whether the exchange of a code has to name the redirect URI again.
    pub(crate) redirect_uri: RedirectUri,
    /// What the product answers when it refuses.
    pub(crate) refuse: fn(Failure) -> Answer,
}

/// What happens to a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// It is worth nothing any more.
    Once,
    /// It stays good and comes back.
    Again,
}

/// Whether the exchange of a code has to name the redirect URI again (RFC 6749, section 4.1.3, says so).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectUri {
    /// It has to, where the browser's request named it.
    Repeated,
    /// It may be left out.
    Optional,
}

/// Why the token endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client is unknown or its secret is wrong.
    Client,
    /// The same, when a token is refreshed.
    ClientAtRefresh,
    /// The code is unknown, used, another client's, or its verifier is wrong.
    Code,
    /// The address to send people back to is another one than before.
    RedirectUri,
    /// The refresh token is unknown, used or another client's.
    RefreshToken,
    /// The kind of grant is not offered.
    GrantType,
}

impl Failure {
    /// As RFC 6749, section 5.2, calls it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Client | Self::ClientAtRefresh => "invalid_client",
            Self::Code | Self::RedirectUri | Self::RefreshToken => "invalid_grant",
            Self::GrantType => "unsupported_grant_type",
        }
    }
}

/// The shared endpoints of a product.
pub(crate) struct Oauth<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) style: Style,
}

impl Oauth<'_> {
    /// The consent page, and what happens when its form is sent.
    pub(crate) fn authorize(&mut self, call: &Call) -> Answer {
        let form = call.form();
        let asked = |name: &str| form.get(name).or_else(|| call.query.get(name)).cloned().unwrap_or_default();
        let application = self.world.applications.iter().find(|one| one.id == asked("client_id")).cloned();
        let Some(application) = application else {
            return Answer::html(404, "<p>There is no application of this client id.</p>");
        };
        let redirect_uri = Some(asked("redirect_uri")).filter(|text| !text.is_empty());
        let redirect_uri = redirect_uri.unwrap_or_else(|| application.redirect_uri.clone());
        if redirect_uri != application.redirect_uri {
            return Answer::html(400, "<p>The redirect URI is not the one of this application.</p>");
        }
        if call.method == "GET" {
            return self.consent_page(&call.query);
        }
        let back = |fields: &[(&str, &str)]| {
            let mut url = Url::parse(&redirect_uri).expect("a registered address");
            url.query_pairs_mut().extend_pairs(fields);
            let state = asked("state");
            if !state.is_empty() {
                url.query_pairs_mut().append_pair("state", &state);
            }
            Answer::redirect(url.as_str())
        };
        if asked("decision") != "allow" {
            return back(&[("error", "access_denied"), ("error_description", "The user refused.")]);
        }
        if self.world.seed.person(&asked("user")).is_none() {
            return Answer::html(401, "<p>Incorrect username or password.</p>");
        }
        let code = self.world.draw("");
        self.world.codes.push(Code {
            text: code.clone(),
            client: application.id,
            redirect_uri: redirect_uri.clone(),
            user: asked("user"),
            scope: asked("scope"),
            challenge: Some(asked("code_challenge")).filter(|text| !text.is_empty()),
        });
        back(&[("code", &code)])
    }

    fn consent_page(&self, asked: &std::collections::BTreeMap<String, String>) -> Answer {
        let escape = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let hidden = |(name, value): (&String, &String)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
        };
        let fields = asked.iter().map(hidden).collect::<Vec<_>>().concat();
        let people = self.world.seed.people.iter();
        let people = people.map(|person| format!("<option>{}</option>", escape(&person.name)));
        let people = people.collect::<Vec<_>>().concat();
        Answer::html(
            200,
            &format!(
                "<h1>Allow access?</h1><form method=\"post\" action=\"\">{fields}\
                 <select name=\"user\">{people}</select>\
                 <button name=\"decision\" value=\"allow\">Allow</button>\
                 <button name=\"decision\" value=\"deny\">Deny</button></form>"
            ),
        )
    }

    /// The token endpoint.
    pub(crate) fn token(&mut self, call: &Call) -> Answer {
        let form = call.form();
        let given = |name: &str| form.get(name).map_or("", String::as_str);
        let done = match (self.client(call), given("grant_type")) {
            (None, "refresh_token") => Err(Failure::ClientAtRefresh),
            (None, _) => Err(Failure::Client),
            (Some(client), "refresh_token") => self.refresh(&client, given("refresh_token")),
            // GitHub does not ask for the parameter.
            (Some(client), "authorization_code" | "") => {
                let verifier = given("code_verifier");
                self.exchange(&client, given("code"), given("redirect_uri"), verifier)
            }
            (Some(_), _) => Err(Failure::GrantType),
        };
        let is_refresh = given("grant_type") == "refresh_token";
        let counts = &mut self.world.counts;
        let count = match (&done, is_refresh) {
            (Ok(_), false) => &mut counts.exchanged,
            (Ok(_), true) => &mut counts.refreshed,
            (Err(_), _) => &mut counts.refused,
        };
        *count += 1;
        match done {
            Ok(token) => Answer::json(200, &self.shown(&token)).header("cache-control", "no-store"),
            Err(failure) => (self.style.refuse)(failure),
        }
    }

    /// Ends a token, given as the form's `token`. Answers whether the client proved itself.
    pub(crate) fn revoke(&mut self, call: &Call) -> bool {
        let Some(client) = self.client(call) else {
            self.world.counts.refused += 1;
            return false;
        };
        let form = call.form();
        let shown = form.get("token").or_else(|| form.get("access_token")).cloned().unwrap_or_default();
        self.end(&client, &shown);
        true
    }

    /// Ends a client's token; answers whether there was one.
    pub(crate) fn end(&mut self, client: &Application, shown: &str) -> bool {
        let before = self.world.tokens.len();
        self.world.tokens.retain(|token| {
            let is_it = token.access == shown || token.refresh.as_deref() == Some(shown);
            !(is_it && token.client.as_ref() == Some(&client.id))
        });
        let is_ended = self.world.tokens.len() < before;
        self.world.counts.revoked += u32::from(is_ended);
        is_ended
    }

    /// The client, if it proves itself by HTTP Basic or by fields of the form.
    pub(crate) fn client(&self, call: &Call) -> Option<Application> {
        let form = call.form();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let decode =
            |text: String| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
        let (id, secret) = match call.basic() {
            Some((id, secret)) => (decode(id)?, decode(secret)?),
            None => (field("client_id"), field("client_secret")),
        };
        self.world.applications.iter().find(|one| one.id == id && one.secret == secret).cloned()
    }

    fn exchange(
        &mut self,
        client: &Application,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Token, Failure> {
        let place = self.world.codes.iter().position(|one| one.text == code && one.client == client.id);
        // A code is good for one attempt.
        let code = self.world.codes.remove(place.ok_or(Failure::Code)?);
        let is_left_out = redirect_uri.is_empty() && self.style.redirect_uri == RedirectUri::Optional;
        if !is_left_out && redirect_uri != code.redirect_uri {
            return Err(Failure::RedirectUri);
        }
        let shown = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if code.challenge.is_some_and(|challenge| challenge != shown) {
            return Err(Failure::Code);
        }
        Ok(self.issue(client, &code.user, &code.scope, None))
    }

    fn refresh(&mut self, client: &Application, shown: &str) -> Result<Token, Failure> {
        let is_it = |token: &Token| {
            token.refresh.as_deref() == Some(shown) && token.client.as_ref() == Some(&client.id)
        };
        let place = self.world.tokens.iter().position(is_it).ok_or(Failure::RefreshToken)?;
        let old = self.world.tokens[place].clone();
        let kept = match self.style.refresh {
            Refresh::Once => {
                self.world.tokens.remove(place);
                None
            }
            Refresh::Again => {
                self.world.tokens[place].refresh = None;
                old.refresh.clone()
            }
        };
        Ok(self.issue(client, &old.user, &old.scope, kept))
    }

    fn issue(&mut self, client: &Application, user: &str, scope: &str, refresh: Option<String>) -> Token {
        let access = self.world.draw(self.style.access_prefix);
        let fresh = self.style.expires_in.map(|_| self.world.draw(self.style.refresh_prefix));
        let token = Token {
            access,
            refresh: refresh.or(fresh),
            client: Some(client.id.clone()),
            user: user.to_owned(),
            scope: scope.to_owned(),
            is_expired: false,
        };
        self.world.tokens.push(token.clone());
        token
    }

    fn shown(&self, token: &Token) -> Value {
        let mut shown = json!({"access_token": token.access, "token_type": "bearer"});
        if let Some(field) = self.style.scope_field {
            shown[field] = json!(token.scope);
        }
        if let (Some(seconds), Some(refresh)) = (self.style.expires_in, &token.refresh) {
            shown["expires_in"] = json!(seconds);
            shown["refresh_token"] = json!(refresh);
        }
        shown
    }
}
