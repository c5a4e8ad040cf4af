//! The platform key in a key service, against a double of its HTTP API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use control::{TransitKey, TransitSettings};
use serde_json::{Value, json};
use vault::{PlatformKey, PlatformKeyError, Secret};

const TOKEN: &str = "s.the-token";
const MATERIAL: [u8; 32] = [7; 32];

/// What a ciphertext stands for: plaintext and associated data.
type Wrapped = (String, String);

#[derive(Default)]
struct Double {
    version: u64,
    /// Versions below are refused.
    oldest: u64,
    sealed: bool,
    wrapped: HashMap<String, Wrapped>,
}

type Shared = Arc<Mutex<Double>>;
type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

fn refuse(status: u16, why: &str) -> (StatusCode, Json<Value>) {
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "errors": [why] })))
}

fn admit(double: &Shared, headers: &HeaderMap, key: &str) -> Result<(), (StatusCode, Json<Value>)> {
    if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) {
        return Err(refuse(403, "permission denied"));
    }
    if double.lock().unwrap().sealed {
        return Err(refuse(503, "Vault is sealed"));
    }
    if key == "hearth" { Ok(()) } else { Err(refuse(404, "encryption key not found")) }
}

fn said<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

async fn encrypt(
    State(double): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    admit(&double, &headers, &key)?;
    let mut double = double.lock().unwrap();
    let text = |name: &str| said(&body, name).to_owned();
    let ciphertext =
        format!("vault:v{}:{}", double.version, STANDARD.encode(double.wrapped.len().to_be_bytes()));
    double.wrapped.insert(ciphertext.clone(), (text("plaintext"), text("associated_data")));
    Ok(Json(json!({ "data": { "ciphertext": ciphertext, "key_version": double.version } })))
}

async fn decrypt(
    State(double): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    admit(&double, &headers, &key)?;
    let double = double.lock().unwrap();
    let ciphertext = said(&body, "ciphertext");
    let version: u64 = ciphertext.split(':').nth(1).unwrap()[1..].parse().unwrap();
    if version < double.oldest {
        return Err(refuse(400, "ciphertext or signature version is disallowed by policy (too old)"));
    }
    match double.wrapped.get(ciphertext) {
        Some((plaintext, data)) if said(&body, "associated_data") == data => {
            Ok(Json(json!({ "data": { "plaintext": plaintext } })))
        }
        _ => Err(refuse(400, "cipher: message authentication failed")),
    }
}

async fn show(State(double): State<Shared>, Path(key): Path<String>, headers: HeaderMap) -> Answer {
    admit(&double, &headers, &key)?;
    Ok(Json(json!({ "data": { "latest_version": double.lock().unwrap().version, "type": "aes256-gcm96" } })))
}

async fn rotate(State(double): State<Shared>, Path(key): Path<String>, headers: HeaderMap) -> Answer {
    admit(&double, &headers, &key)?;
    double.lock().unwrap().version += 1;
    Ok(Json(json!({ "data": {} })))
}

struct Stand {
    double: Shared,
    key: Arc<TransitKey>,
    folder: tempfile::TempDir,
}

async fn stand(name: &str) -> Stand {
    let double = Arc::new(Mutex::new(Double { version: 1, ..Double::default() }));
    let routes = Router::new()
        .route("/v1/team/transit/encrypt/{key}", post(encrypt))
        .route("/v1/team/transit/decrypt/{key}", post(decrypt))
        .route("/v1/team/transit/keys/{key}", get(show))
        .route("/v1/team/transit/keys/{key}/rotate", post(rotate))
        .with_state(double.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let settings = TransitSettings {
        url,
        mount: "team/transit".into(),
        key: name.into(),
        token_file: folder.path().join("token"),
        namespace: None,
    };
    let key = TransitKey::new(outbound::Client::new(outbound::Policy::with_loopback()), settings);
    Stand { double, key, folder }
}

#[tokio::test]
async fn what_was_wrapped_unwraps_for_the_same_data_only() {
    let stand = stand("hearth").await;

    let wrapped = stand.key.wrap(&Secret::new(MATERIAL), b"team one").await.unwrap();

    assert_eq!(stand.key.wrapped_by(&wrapped), "v1");
    assert_eq!(*stand.key.unwrap(&wrapped, b"team one").await.unwrap().expose(), MATERIAL);
    let moved = stand.key.unwrap(&wrapped, b"team two").await;
    assert!(matches!(moved, Err(PlatformKeyError::Refused { .. })));
}

#[tokio::test]
async fn a_new_version_wraps_again_and_the_old_one_can_go() {
    let stand = stand("hearth").await;
    let old = stand.key.wrap(&Secret::new(MATERIAL), b"team").await.unwrap();

    assert_eq!(stand.key.rotate().await.unwrap(), "v2");
    let new = stand.key.rewrap(&old, b"team").await.unwrap();
    stand.double.lock().unwrap().oldest = 2;

    assert_eq!(stand.key.wrapped_by(&new), stand.key.version().await.unwrap());
    assert_eq!(*stand.key.unwrap(&new, b"team").await.unwrap().expose(), MATERIAL);
    assert!(matches!(stand.key.unwrap(&old, b"team").await, Err(PlatformKeyError::Refused { .. })));
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_stays() {
    let service = stand("hearth").await;
    service.double.lock().unwrap().sealed = true;
    assert!(service.key.health().await.unwrap_err().is_transient());
    service.double.lock().unwrap().sealed = false;

    std::fs::write(service.folder.path().join("token"), "wrong").unwrap();
    assert!(service.key.health().await.unwrap_err().is_transient(), "a token is renewed");
    std::fs::remove_file(service.folder.path().join("token")).unwrap();
    assert!(service.key.health().await.unwrap_err().is_transient());

    let nameless = stand("nothing").await;
    assert!(!nameless.key.health().await.unwrap_err().is_transient());
}
