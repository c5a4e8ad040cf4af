//! How forges look in the API.

use control::{ForgeFacts, ForgeSettings, ScopeInfo};
use domain::{ForgeAuth, ForgeState, RedirectPath, SignUp, SshEndpoint};
use wire::api::{ForgeCheck, ForgeCheckStep, ForgeView, ScopeView, SshEndpointView};

/// A forge, for who may manage it.
pub(crate) fn forge(facts: ForgeFacts) -> ForgeView {
    let forge = facts.forge;
    let (auth_method, client_id, public_key) = match forge.auth {
        ForgeAuth::Oauth2 { client_id } => ("oauth2", client_id, None),
        ForgeAuth::Oauth1 { consumer_key, public_key } => ("oauth1", consumer_key, Some(public_key)),
        ForgeAuth::PersonalToken => ("personal_token", String::new(), None),
    };
    let (state, state_at, fault) = match forge.state {
        ForgeState::Pending => ("pending", None, None),
        ForgeState::Verified { at, .. } => ("verified", Some(at), None),
        ForgeState::Faulty { at, why } => ("faulty", Some(at), Some(why)),
    };
    let (sign_up, sign_up_domains) = match forge.sign_up {
        SignUp::Closed => ("closed", vec![]),
        SignUp::Open => ("open", vec![]),
        SignUp::Domains(domains) => ("domains", domains),
    };
    ForgeView {
        id: forge.id,
        team: forge.team,
        kind: forge.kind,
        kind_title: forge.kind.title().to_owned(),
        name: forge.name,
        web_url: bare(&forge.web_url),
        api_url: forge.api_url.as_ref().map(bare),
        git_url: forge.git_url.as_ref().map(bare),
        ssh: forge.ssh.map(|SshEndpoint { host, port, user, host_keys }| SshEndpointView {
            host,
            port,
            user,
            host_keys,
        }),
        auth_method: auth_method.to_owned(),
        client_id,
        has_client_secret: facts.has_client_secret,
        public_key,
        redirect: redirect(forge.redirect).to_owned(),
        redirect_uri: facts.redirect_uri,
        scopes: forge.scopes,
        known_scopes: scopes(facts.known_scopes),
        ca_pem: forge.ca_pem,
        client_certificate: forge.client_certificate,
        proxy: forge.proxy.as_ref().map(bare),
        sign_in: forge.sign_in,
        sign_up: sign_up.to_owned(),
        sign_up_domains,
        state: state.to_owned(),
        state_at,
        fault,
        version: forge.version,
        lacks: facts.lacks,
        register_url: facts.register_url.map(Into::into),
        from_file: forge.from_file,
        links: facts.links,
        created_at: forge.created_at,
        updated_at: forge.updated_at,
    }
}

/// An address as people write it: without a slash at the end.
pub(super) fn bare(url: &url::Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn redirect(path: RedirectPath) -> &'static str {
    match path {
        RedirectPath::Own => "own",
        RedirectPath::Shared => "shared",
        RedirectPath::Dashed => "dashed",
        RedirectPath::Connector => "connector",
    }
}

/// Scopes of a kind of forge.
pub(super) fn scopes(known: &[ScopeInfo]) -> Vec<ScopeView> {
    let view = |scope: &ScopeInfo| ScopeView {
        name: scope.name.to_owned(),
        purpose: scope.purpose.to_owned(),
        required: scope.required,
    };
    known.iter().map(view).collect()
}

/// What somebody wants to be set.
pub(crate) fn forge_settings(wish: wire::api::ForgeSettings) -> ForgeSettings {
    ForgeSettings {
        api_url: wish.api_url,
        git_url: wish.git_url,
        ssh: wish.ssh.map(|SshEndpointView { host, port, user, host_keys }| SshEndpoint {
            host,
            port,
            user,
            host_keys,
        }),
        auth_method: wish.auth_method,
        client_id: wish.client_id,
        client_secret: wish.client_secret.map(Into::into),
        redirect: wish.redirect,
        scopes: wish.scopes,
        ca_pem: wish.ca_pem,
        client_certificate: wish.client_certificate,
        client_key: wish.client_key.map(Into::into),
        proxy: wish.proxy,
        sign_in: wish.sign_in,
        sign_up: wish.sign_up,
        sign_up_domains: wish.sign_up_domains,
    }
}

/// What a check found.
pub(crate) fn forge_check(check: control::ForgeCheck) -> ForgeCheck {
    let step = |step: control::ForgeCheckStep| ForgeCheckStep {
        name: step.name.to_owned(),
        outcome: step.outcome.as_str().to_owned(),
        detail: step.detail,
        mend: step.mend,
        took_ms: u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
    };
    ForgeCheck {
        ok: check.ok,
        steps: check.steps.into_iter().map(step).collect(),
        host_keys: check.host_keys,
    }
}
