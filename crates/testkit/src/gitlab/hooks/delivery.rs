//! One delivery: its headers by release, its signature, and what the receiver made of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use url::{Host, Url};

use super::record::{Delivery, Hook, Outcome, Scope};
use crate::gitlab::instance::Instance;
use crate::gitlab::options::HookPolicy;
use crate::gitlab::version::Feature;

/// What GitLab keeps of an answer.
const KEPT_BODY: usize = 8 << 10;
const KEPT_HEADERS: usize = 50;
/// Scheme of signing tokens: Standard Webhooks' prefix before base64 of the key.
const KEY_PREFIX: &str = "whsec_";

/// A delivery that is to be sent.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) hook: u64,
    pub(crate) scope: Scope,
    url: String,
    header: String,
    body: String,
    /// One per event and hook; the same when sent again.
    key: String,
    token: Option<String>,
    signing_token: Option<String>,
    verify_tls: bool,
    headers: Vec<(String, String)>,
}

/// Whether receivers' certificates are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Certificate,
    Nothing,
}

impl Job {
    pub(crate) fn new(instance: &Instance, hook: &Hook, header: &str, body: &Value) -> Self {
        let template = hook.template.as_deref().filter(|_| instance.has(Feature::HookTemplates));
        let body = template.map_or_else(|| body.to_string(), |template| fill(template, body));
        Self::with_key(hook, header, body, instance.random_uuid())
    }

    /// What the log has, once more.
    pub(crate) fn again(hook: &Hook, delivery: &Delivery) -> Self {
        Self::with_key(hook, &delivery.trigger_header(), delivery.body.clone(), delivery.key.clone())
    }

    fn with_key(hook: &Hook, header: &str, body: String, key: String) -> Self {
        Self {
            hook: hook.id,
            scope: hook.scope,
            url: hook.url.clone(),
            header: header.to_owned(),
            body,
            key,
            token: hook.token.clone(),
            signing_token: hook.signing_token.clone(),
            verify_tls: hook.verify_tls,
            headers: hook.headers.clone(),
        }
    }
}

impl Delivery {
    /// The `X-Gitlab-Event` it went with.
    fn trigger_header(&self) -> String {
        let found = self.headers.iter().find(|(name, _)| name == "X-Gitlab-Event");
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// Puts fields of the body into a custom template: `{{object_kind}}`, `{{project.name}}`, `{{commits.0.id}}`.
fn fill(template: &str, body: &Value) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        filled.push_str(before);
        let pointer = format!("/{}", name.trim().replace('.', "/"));
        match body.pointer(&pointer) {
            Some(Value::String(text)) => filled.push_str(text),
            Some(value) => filled.push_str(&value.to_string()),
            None => {}
        }
        rest = after;
    }
    filled + rest
}

/// The headers GitLab of this release sends, in its order.
fn headers(instance: &Instance, job: &Job) -> Vec<(String, String)> {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), format!("GitLab/{}", instance.version().as_str())),
    ];
    if instance.has(Feature::Resend) {
        headers.push(("Idempotency-Key".to_owned(), job.key.clone()));
    }
    headers.push(("X-Gitlab-Event".to_owned(), job.header.clone()));
    if instance.has(Feature::WebhookUuid) {
        headers.push(("X-Gitlab-Webhook-UUID".to_owned(), instance.random_uuid()));
    }
    if instance.has(Feature::InstanceHeader) {
        headers.push(("X-Gitlab-Instance".to_owned(), instance.url.clone()));
    }
    if instance.has(Feature::EventUuid) {
        headers.push(("X-Gitlab-Event-UUID".to_owned(), instance.random_uuid()));
    }
    if let Some(token) = &job.token {
        headers.push(("X-Gitlab-Token".to_owned(), token.replace(['\r', '\n'], "")));
    }
    if let Some(signing_token) = job.signing_token.as_ref().filter(|_| instance.has(Feature::Signature)) {
        let timestamp = instance.now().as_second().to_string();
        if let Some(signature) = sign(signing_token, &job.key, &timestamp, &job.body) {
            headers.push(("webhook-id".to_owned(), job.key.clone()));
            headers.push(("webhook-timestamp".to_owned(), timestamp));
            headers.push(("webhook-signature".to_owned(), signature));
        }
    }
    if instance.has(Feature::HookHeaders) {
        let ours: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let custom = job.headers.iter().filter(|(name, _)| !ours.contains(&name.to_ascii_lowercase()));
        headers.extend(custom.cloned());
    }
    headers
}

/// Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over id, time and body.
fn sign(token: &str, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = STANDARD.decode(token.strip_prefix(KEY_PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(signature)))
}

/// Whether this is a signing token GitLab takes: 32 bytes.
pub(crate) fn is_signing_token(token: &str) -> bool {
    let key = token.strip_prefix(KEY_PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
    key.is_some_and(|key| key.len() == 32)
}

/// Whether the address is one GitLab sends project hooks to only where an administrator allows it.
pub(crate) fn is_private(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        Some(Host::Domain(name)) => return name == "localhost" || name.ends_with(".localhost"),
        None => return false,
    };
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether the branch meets a regular expression; a broken one meets none.
pub(super) fn matches_regex(pattern: &str, branch: &str) -> bool {
    regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(branch))
}

pub(super) fn client(policy: &HookPolicy, check: Check) -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let trusted = policy.trusted_ca.as_deref().unwrap_or_default();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()).filter_map(Result::ok) {
        roots.add(certificate).expect("a certificate authority");
    }
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(policy.timeout)
        .pool_max_idle_per_host(0)
        .no_proxy();
    if check == Check::Nothing {
        builder = reqwest::Client::builder()
            .tls_backend_preconfigured(unchecked())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(policy.timeout)
            .pool_max_idle_per_host(0)
            .no_proxy();
    }
    builder.build().expect("an HTTP client")
}

/// TLS for hooks with `enable_ssl_verification` off.
fn unchecked() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions of the provider")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(super::trusting::Trusting(provider)))
        .with_no_client_auth()
}

/// Sends and writes down what came back; 2xx and 3xx are success, everything else is not.
pub(super) async fn send(instance: &Instance, job: Job) -> (Outcome, Delivery) {
    let started = Instant::now();
    let headers = headers(instance, &job);
    let answer = attempt(instance, &job, &headers).await;
    let mut delivery = Delivery {
        id: 0,
        trigger: trigger(&job.header),
        url: job.url,
        headers,
        body: job.body,
        key: job.key,
        status: "internal error".to_owned(),
        response_headers: vec![],
        response_body: String::new(),
        seconds: 0.0,
        created_at: instance.now(),
    };
    let outcome = match answer {
        None => Outcome::Failed,
        Some((status, headers, body)) => {
            delivery.status = status.to_string();
            delivery.response_headers = headers;
            delivery.response_body = body;
            match status {
                200..=399 => Outcome::Delivered,
                400..=499 => Outcome::Refused,
                _ => Outcome::Failed,
            }
        }
    };
    delivery.seconds = started.elapsed().as_secs_f64();
    (outcome, delivery)
}

type Answer = (u16, Vec<(String, String)>, String);

async fn attempt(instance: &Instance, job: &Job, headers: &[(String, String)]) -> Option<Answer> {
    let policy = &instance.options.hooks;
    let blocked = !policy.private_addresses && job.scope != Scope::System && is_private(&job.url);
    if blocked || job.body.len() > policy.body_limit {
        return None;
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    let client = if job.verify_tls { &instance.sender.checked } else { &instance.sender.unchecked };
    let mut response = client.post(&job.url).headers(map).body(job.body.clone()).send().await.ok()?;
    let status = response.status().as_u16();
    let kept = response.headers().iter().take(KEPT_HEADERS);
    let kept = kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let kept = kept.collect();
    let mut body = vec![];
    while body.len() < KEPT_BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // The time-out covers the body: a receiver that dribbles has failed.
            Err(_) => return None,
        }
    }
    body.truncate(KEPT_BODY);
    Some((status, kept, String::from_utf8_lossy(&body).into_owned()))
}

/// The log's name of the trigger: `Push Hook` is `push_hooks`.
fn trigger(header: &str) -> String {
    format!("{}s", header.to_ascii_lowercase().replace(' ', "_"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn templates_take_fields_and_leave_the_rest() {
        let body = json!({ "object_kind": "push", "project": { "id": 3 }, "commits": [{ "id": "ab" }] });

        let filled = super::fill("{{object_kind}} {{project.id}} {{commits.0.id}} {{none}} {{", &body);

        assert_eq!(filled, "push 3 ab  {{");
    }

    #[test]
    fn signatures_are_those_of_the_standards_example() {
        // The example of the Standard Webhooks libraries.
        let signature = super::sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );

        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn loopback_and_private_addresses_are_private_however_they_are_written() {
        for (url, private) in [
            ("http://127.0.0.1/", true),
            ("http://[::ffff:10.0.0.1]/", true),
            ("http://localhost:1/", true),
            ("http://192.168.1.1/", true),
            ("http://[fd00::1]/", true),
            ("http://93.184.216.34/", false),
            ("https://example.com/", false),
        ] {
            assert_eq!(super::is_private(url), private, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_template_key_or_address_panics(text in ".{0,60}") {
            super::fill(&text, &json!({ "a": [1] }));
            super::is_signing_token(&text);
            super::is_private(&text);
            super::matches_regex(&text, "main");
        }
    }
}
