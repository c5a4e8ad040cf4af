//! Identity tokens of every kind of signature, true and false, from a provider made of three answers.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{ForgeKind, SignedDuration};
use forge::{Begin, Fault, ForgeError, Grant, Provider, Purpose};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::forge_row::{REDIRECT, callback, open, outside, row};

const CLIENT: &str = "hearth-client";
const SECRET: &str = "a-shared-secret-of-some-length";

/// What the provider shows as its keys, and gives as the token.
#[derive(Default)]
struct Answers {
    issuer: String,
    keys: Value,
    token: String,
}

type Shared = Arc<Mutex<Answers>>;

struct Server {
    answers: Shared,
    issuer: String,
    provider: Arc<dyn Provider>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let answers: Shared = Arc::new(Mutex::new(Answers { issuer: issuer.clone(), ..Answers::default() }));
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(async |State(it): State<Shared>| Json(it.lock().unwrap().keys.clone())))
        .route("/token", post(token))
        .with_state(answers.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let provider = open(&row(ForgeKind::OpenId, &issuer, CLIENT, &["openid"]), SECRET);
    Server { answers, issuer, provider }
}

async fn discovery(State(it): State<Shared>) -> Json<Value> {
    let issuer = it.lock().unwrap().issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
    }))
}

async fn token(State(it): State<Shared>) -> Json<Value> {
    let token = it.lock().unwrap().token.clone();
    Json(json!({"access_token": "a", "token_type": "Bearer", "id_token": token}))
}

impl Server {
    /// Signs in; `token` makes the identity token for the nonce it is given.
    async fn sign_in(&self, token: impl FnOnce(&str) -> String) -> Result<Grant, ForgeError> {
        let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::SignIn };
        let begun = self.provider.begin(begin).await?;
        let pairs = begun.authorize_url.query_pairs().collect::<Vec<_>>();
        let nonce = pairs.iter().find(|(name, _)| name == "nonce").unwrap().1.to_string();
        self.answers.lock().unwrap().token = token(&nonce);
        let back = Url::parse(&format!("{REDIRECT}?code=c&state=s")).unwrap();
        self.provider.complete(&callback(&back), REDIRECT, &begun.private).await
    }

    fn claims(&self, nonce: &str) -> Value {
        let now = outside().clock.now().as_second();
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "7", "nonce": nonce, "iat": now, "exp": now + 120,
            "preferred_username": "ada", "name": "Ada", "email": "ada@example.com", "email_verified": true,
        })
    }

    fn show(&self, keys: &[Value]) {
        self.answers.lock().unwrap().keys = json!({ "keys": keys });
    }
}

/// A key, and how it is shown.
fn key(algorithm: Algorithm, id: &str) -> (EncodingKey, Value) {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (key, mut shown) = if algorithm == Algorithm::ES256 {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        // An uncompressed point: a byte that says so, and its coordinates.
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        let shown = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
        (EncodingKey::from_ec_der(&pair.serialize_der()), shown)
    } else {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let shown = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key_raw())});
        (EncodingKey::from_ed_der(&pair.serialize_der()), shown)
    };
    shown["kid"] = id.into();
    (key, shown)
}

fn signed(algorithm: Algorithm, id: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

#[tokio::test]
async fn elliptic_signatures_are_taken_with_and_without_a_key_id() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let server = start().await;
        let (key, shown) = key(algorithm, "one");
        // What nobody here knows is beside it, as at real providers.
        server.show(&[json!({"kty": "AKP", "kid": "new", "alg": "ML-DSA-65", "pub": "AA"}), json!(7), shown]);
        for id in [Some("one"), None] {
            let grant = server.sign_in(|nonce| signed(algorithm, id, &key, &server.claims(nonce))).await;

            let account =
                grant.map_err(|error| format!("{algorithm:?} {id:?}: {error}")).ok().unwrap().account;
            assert_eq!((account.subject.as_str(), account.login.as_str()), ("7", "ada"));
            assert!(account.email_verified);
        }
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_under_its_old_name_is_asked_for_again() {
    let server = start().await;
    let (old, shown) = key(Algorithm::EdDSA, "one");
    server.show(&[shown]);
    server
        .sign_in(|nonce| signed(Algorithm::EdDSA, Some("one"), &old, &server.claims(nonce)))
        .await
        .ok()
        .unwrap();

    let (new, shown) = key(Algorithm::EdDSA, "one");
    server.show(&[shown]);

    assert!(server.sign_in(|n| signed(Algorithm::EdDSA, Some("one"), &new, &server.claims(n))).await.is_ok());
    assert!(
        server.sign_in(|n| signed(Algorithm::EdDSA, Some("one"), &old, &server.claims(n))).await.is_err()
    );
}

#[tokio::test]
async fn claims_are_held_against_what_was_asked() {
    let server = start().await;
    let (key, shown) = key(Algorithm::EdDSA, "one");
    server.show(&[shown]);
    let later = SignedDuration::from_hours(1).as_secs();
    let now = outside().clock.now().as_second();
    for (changes, is_good) in [
        (json!({}), true),
        (json!({"aud": [CLIENT]}), true),
        (json!({"aud": [CLIENT, "other"], "azp": CLIENT}), true),
        (json!({"exp": 9_999_999_999.5}), true),
        (json!({"iat": now + 60, "exp": now - 60}), true),
        (json!({"aud": [CLIENT, "other"]}), false),
        (json!({"aud": [CLIENT, "other"], "azp": "other"}), false),
        (json!({"aud": CLIENT, "azp": "other"}), false),
        (json!({"aud": "other"}), false),
        (json!({"aud": []}), false),
        (json!({"aud": null}), false),
        (json!({"iss": format!("{}/", server.issuer)}), false),
        (json!({"iss": "https://evil.example.com"}), false),
        (json!({"nonce": "other"}), false),
        (json!({"nonce": null}), false),
        (json!({"exp": now - later}), false),
        (json!({"exp": null}), false),
        (json!({"exp": "never"}), false),
        (json!({"iat": now + later}), false),
        (json!({"nbf": now + later}), false),
        (json!({"sub": ""}), false),
        (json!({"sub": 7}), false),
    ] {
        let taken = server
            .sign_in(|nonce| {
                let mut claims = server.claims(nonce);
                claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
                signed(Algorithm::EdDSA, Some("one"), &key, &claims)
            })
            .await;

        assert_eq!(taken.is_ok(), is_good, "{changes}");
        if let Err(error) = taken {
            assert_eq!(*error.fault(), Fault::Protocol, "{changes}: {error}");
        }
    }
}

#[tokio::test]
async fn shared_secrets_and_no_signature_never_do() {
    let server = start().await;
    let (_, mut shown) = key(Algorithm::EdDSA, "one");
    let public = shown["x"].as_str().unwrap().to_owned();
    // Even where the provider shows a symmetric key.
    shown["use"] = "sig".into();
    server
        .show(&[shown, json!({"kty": "oct", "kid": "secret", "k": "YS1zaGFyZWQtc2VjcmV0", "alg": "HS256"})]);
    for (id, secret) in [("one", public.as_str()), ("secret", "a-shared-secret"), ("one", SECRET)] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let taken =
            server.sign_in(|nonce| signed(Algorithm::HS256, Some(id), &key, &server.claims(nonce))).await;
        assert_eq!(*taken.err().unwrap().fault(), Fault::Protocol, "{id}");
    }
    for text in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "...", "e30.e30.e30"] {
        let taken = server.sign_in(|_| text.to_owned()).await;
        assert_eq!(*taken.err().unwrap().fault(), Fault::Protocol, "{text}");
    }
}

#[tokio::test]
async fn an_encryption_key_signs_nothing() {
    let server = start().await;
    let (key, mut shown) = key(Algorithm::EdDSA, "one");
    shown["use"] = "enc".into();
    server.show(&[shown]);

    let taken =
        server.sign_in(|nonce| signed(Algorithm::EdDSA, Some("one"), &key, &server.claims(nonce))).await;

    assert_eq!(*taken.err().unwrap().fault(), Fault::Protocol);
}
