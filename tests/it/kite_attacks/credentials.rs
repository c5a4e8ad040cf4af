//! Forged, altered, borrowed and ended credentials, at the registry and at the relay of a workspace.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use blackbox::person::Person;
use blackbox::server::Options;
use kite::error::kind;
use kite::{Authentication, Error, Peer};
use serde_json::{Value, json};

use super::{Place, dial};
use crate::kites::klient::workspace;

/// The parts of a signed text.
struct Parts {
    header: Value,
    claims: Value,
    signature: String,
}

impl Parts {
    fn of(text: &str) -> Self {
        let parts: Vec<&str> = text.split('.').collect();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        Self { header: json(parts[0]), claims: json(parts[1]), signature: parts[2].to_owned() }
    }

    fn header_with(&self, more: &[(&str, Value)]) -> Value {
        changed(&self.header, more)
    }

    fn claims_with(&self, more: &[(&str, Value)]) -> Value {
        changed(&self.claims, more)
    }
}

fn changed(object: &Value, more: &[(&str, Value)]) -> Value {
    let mut object = object.clone();
    for (name, value) in more {
        object[*name] = value.clone();
    }
    object
}

/// What is signed.
fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn with_signature(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{signature}", unsigned(header, claims))
}

fn with_hmac(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), unsigned(header, claims).as_bytes());
    with_signature(header, claims, &URL_SAFE_NO_PAD.encode(tag))
}

fn with_rsa(header: &Value, claims: &Value, key: &KeyPair) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    let message = unsigned(header, claims);
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    with_signature(header, claims, &URL_SAFE_NO_PAD.encode(signature))
}

/// The attacker's own key as PEM.
fn pem(key: &KeyPair) -> String {
    let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
}

/// Forgeries of a good text, by whoever knows the registry's public key, which is no secret.
fn forgeries(good: &str, public: &str) -> Vec<(&'static str, String)> {
    let Parts { header, claims, signature } = &Parts::of(good);
    let parts = Parts::of(good);
    let own: rsa::KeyPair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der =
        STANDARD.decode(public.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let alg = |name: &str| parts.header_with(&[("alg", json!(name))]);
    let own_claims = parts.claims_with(&[("kontrolKey", json!(pem(&own)))]);
    let (hours, far) = (claims["exp"].as_i64().unwrap() + 3600, 32_503_680_000_i64);
    vec![
        ("no signature", with_signature(header, claims, "")),
        ("none", with_signature(&alg("none"), claims, "")),
        ("None", with_signature(&alg("None"), claims, signature)),
        ("nOnE", with_signature(&alg("nOnE"), claims, "AAAA")),
        ("no algorithm", with_signature(&json!({"kid": header["kid"]}), claims, signature)),
        ("HMAC with the public PEM", with_hmac(&alg("HS256"), claims, public.as_bytes())),
        ("HMAC with the trimmed PEM", with_hmac(&alg("HS256"), claims, public.trim().as_bytes())),
        ("HMAC with the public DER", with_hmac(&alg("HS256"), claims, &der)),
        ("HMAC that calls itself RSA", with_hmac(header, claims, public.as_bytes())),
        ("HMAC with nothing", with_hmac(&alg("HS256"), claims, b"")),
        ("another key", with_rsa(header, claims, &own)),
        ("another key that the claims vouch for", with_rsa(header, &own_claims, &own)),
        ("another key, unnamed", with_rsa(&json!({"alg": "RS256"}), &own_claims, &own)),
        (
            "another key in the header",
            with_rsa(
                &parts.header_with(&[("jwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}))]),
                claims,
                &own,
            ),
        ),
        (
            "another key at an address",
            with_rsa(&parts.header_with(&[("jku", json!("http://127.0.0.1:1/keys"))]), claims, &own),
        ),
        ("another name", with_signature(header, &parts.claims_with(&[("sub", json!("grace"))]), signature)),
        ("a longer life", with_signature(header, &parts.claims_with(&[("exp", json!(hours))]), signature)),
        ("no end", with_signature(header, &parts.claims_with(&[("exp", json!(far))]), signature)),
        ("everywhere", with_signature(header, &parts.claims_with(&[("aud", json!("/"))]), signature)),
        ("another signature", with_signature(header, claims, &URL_SAFE_NO_PAD.encode([7; 256]))),
        ("twice", format!("{good}.{signature}")),
        ("nothing", String::new()),
    ]
}

async fn ask(peer: &Peer, method: &str, argument: Value, with: Authentication) -> Result<Value, Error> {
    peer.request(method).args((argument,)).authentication(with).send().await
}

fn expect_refused(what: &str, answer: Result<Value, Error>) {
    let error = answer.expect_err(what);
    assert!(error.is(kind::AUTHENTICATION), "{what}: {error:?}");
    for inside in ["ring", "rsa:", "base64", "byte", "panicked", "serde", "line 1"] {
        assert!(!error.message.contains(inside), "{what} tells {inside:?}: {}", error.message);
    }
}

#[tokio::test]
async fn a_forged_key_opens_nothing_by_any_door_of_the_registry() {
    let place = Place::new().await;
    let _kontrol = place.registered("math").await;
    let query = || json!({"query": {"username": "ada"}});
    let good = Authentication::kite_key(place.key.clone());
    let found = ask(&place.stranger().await, "getKites", query(), good.clone()).await.unwrap();
    assert_eq!(found["kites"].as_array().unwrap().len(), 1, "the key itself is good");
    let public = ask(&place.stranger().await, "getKey", json!({}), good.clone()).await.unwrap();
    let token = found["kites"][0]["token"].as_str().unwrap();
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut cases = forgeries(&place.key, public.as_str().unwrap());
    cases.push(("a token for a kite", token.to_owned()));

    for (what, text) in cases {
        for with in [Authentication::kite_key(text.clone()), Authentication::token(text.clone())] {
            expect_refused(what, ask(&place.stranger().await, "getKites", query(), with.clone()).await);
            let wish = json!({"url": "http://127.0.0.1:1/kite"});
            expect_refused(what, ask(&place.stranger().await, "register", wish, with).await);
        }
        // With the handshake, and over plain HTTP.
        let dialer = kite::client::Dialer::new(&place.registry()).unwrap().bearer(&text).unwrap();
        let service = kite::Service::client(super::a_kite("forger"));
        let peer = dialer.dial(&service, kite::Context::default()).await.unwrap();
        expect_refused(what, peer.call::<Value>("getKites", (query(),)).await);
        let body = json!({
            "url": "http://127.0.0.1:1/kite", "kite": super::a_kite("forger"),
            "auth": {"type": "kiteKey", "key": text},
        });
        let answer = http.post(format!("{}/register", place.registry())).body(body.to_string()).send();
        let status = answer.await.unwrap().status().as_u16();
        assert!(status == 401 || status == 400, "{what}: {status}");
    }
    let kites = place.ada.get("/kites").await.ok();
    assert_eq!(kites["items"].as_array().unwrap().len(), 1, "{kites}");

    // What was good ends when its owner says so, on a connection that stands, too.
    let peer = place.stranger().await;
    ask(&peer, "getKites", query(), good.clone()).await.unwrap();
    let id = place.ada.get("/kite-keys").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    place.ada.delete(&format!("/kite-keys/{id}")).await.ok();
    expect_refused("a revoked key", ask(&peer, "getKites", query(), good).await);
}

#[tokio::test]
async fn a_relay_takes_nothing_but_a_token_for_its_own_kite() {
    let place = Place::with(Options::default()).await;
    let grace = Person::made_by(&place.ada, &place.server, "grace").await;
    let id = workspace(&place.ada, "shed").await;
    let token_for = async |id: &str| {
        let path = format!("/kites/{id}/token");
        testkit::wait_until(blackbox::server::PATIENCE, async || {
            place.ada.get(&format!("/kites/{id}")).await.status == 200
        })
        .await;
        place.ada.post(&path, Value::Null).await.ok()["token"].as_str().unwrap().to_owned()
    };
    let _kontrol = place.registered("math").await;
    let (token, for_another) = (token_for(&id).await, token_for("math").await);
    let good = Authentication::kite_key(place.key.clone());
    let public = ask(&place.stranger().await, "getKey", json!({}), good.clone()).await.unwrap();
    let api_token = place.ada.token(&["all"]).await;
    let url = format!("{}/relay/{id}", place.registry());
    let command = || json!({"command": "echo reached"});
    let reached =
        ask(&dial(&url).await, "exec", command(), Authentication::token(token.clone())).await.unwrap();
    assert_eq!(reached["stdout"], "reached\n", "{reached}");

    let mut cases = forgeries(&token, public.as_str().unwrap());
    cases.push(("its owner's kite key", place.key.clone()));
    cases.push(("its owner's API token", api_token.clone()));
    cases.push(("a token for another kite", for_another));
    for (what, text) in cases {
        for with in [Authentication::token(text.clone()), Authentication::kite_key(text.clone())] {
            expect_refused(what, ask(&dial(&url).await, "exec", command(), with).await);
        }
    }
    // With the good token, what is dangerous in the original is not there, and faults tell nothing.
    let peer = dial(&url).await;
    for method in ["kite.tunnel", "kite.notify", "klient.disable", "tunnel.start", "machine.share"] {
        let wish = json!({"url": place.registry()});
        let error = ask(&peer, method, wish, Authentication::token(token.clone())).await.unwrap_err();
        assert!(error.is(kind::METHOD_NOT_FOUND), "{method}: {error:?}");
    }
    // The first who proved to be somebody owns the connection: another one's token does not help on it.
    place.ada.put(&format!("/kites/{id}/shares/grace"), Value::Null).await.ok();
    let hers = grace.post(&format!("/kites/{id}/token"), Value::Null).await.ok()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let error = ask(&peer, "exec", command(), Authentication::token(hers)).await.unwrap_err();
    assert!(error.is(kind::AUTHENTICATION), "{error:?}");
    // No credential is in anything that the workspace can read.
    let look =
        json!({"command": "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; env"});
    let seen = ask(&dial(&url).await, "exec", look, Authentication::token(token.clone())).await.unwrap();
    let seen = seen["stdout"].as_str().unwrap();
    assert!(!seen.is_empty());
    for secret in [&token, &place.key, &api_token] {
        assert!(!seen.contains(secret.as_str()), "a credential reached the workspace");
    }
}
