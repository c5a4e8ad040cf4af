//! OAuth 1.0a, verified by the reference implementation; the requests are signed by it as well.

use std::process::Command;

use serde_json::Value;
use testkit::browser::Browser;
use testkit::oauthlib::BitbucketOauth1;
use testkit::peers;

use super::client::{REDIRECT, parameter};

/// Makes a key pair, or signs a request: prints the `Authorization` header.
const CLIENT: &str = r#"
import json, sys
asked = json.load(sys.stdin)
if "bits" in asked:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(public_exponent=65537, key_size=asked["bits"])
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
    public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()
    print(json.dumps({"private": private, "public": public}))
else:
    from oauthlib.oauth1 import Client
    client = Client(signature_method="RSA-SHA1", **asked["client"])
    print(json.dumps(client.sign(asked["url"], asked["method"])[1]["Authorization"]))
"#;

fn python(asked: &Value) -> Value {
    use std::io::Write;
    let mut command = Command::new(peers::python().unwrap());
    let mut child = command
        .args(["-I", "-c", CLIENT])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn send(method: &str, url: &str, client: Value) -> (u16, String) {
    let header = python(&serde_json::json!({"client": client, "url": url, "method": method}));
    replay(method, url, header.as_str().unwrap()).await
}

async fn replay(method: &str, url: &str, header: &str) -> (u16, String) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let browser = Browser::new(None);
    let answer = browser.http().request(method, url).header("authorization", header).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn field(form: &str, name: &str) -> String {
    let found = url::form_urlencoded::parse(form.as_bytes()).find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {form}")).1.into_owned()
}

#[tokio::test]
async fn only_what_is_signed_well_gets_through() {
    let keys = peers::python().map(|_| python(&serde_json::json!({"bits": 2048})));
    let public = keys.as_ref().map_or("", |keys| keys["public"].as_str().unwrap());
    let Some(peer) = peers::or_skip(BitbucketOauth1::start("hearth", public).await) else { return };
    let private = keys.unwrap()["private"].clone();
    let other = python(&serde_json::json!({"bits": 2048}))["private"].clone();
    let at = |path: &str| format!("{}{path}", peer.url());
    let request_token = at("/plugins/servlet/oauth/request-token");
    let client = |key: &Value, more: Value| {
        let mut client = serde_json::json!({"client_key": "hearth", "rsa_key": key});
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    let callback = serde_json::json!({"callback_uri": REDIRECT});

    let (status, answer) = send("POST", &request_token, client(&private, callback.clone())).await;
    assert_eq!(status, 200, "{answer} {}", peer.log());
    assert_eq!(field(&answer, "oauth_callback_confirmed"), "true");
    let token = field(&answer, "oauth_token");
    let authorize = format!("{}?oauth_token={token}", at("/plugins/servlet/oauth/authorize"));
    let back = peer.consent(&authorize, REDIRECT, "developer").await.unwrap();
    assert_eq!(parameter(&back, "oauth_token"), token);
    let more =
        serde_json::json!({"resource_owner_key": token, "verifier": parameter(&back, "oauth_verifier")});
    let access_token = at("/plugins/servlet/oauth/access-token");
    let (status, answer) = send("POST", &access_token, client(&private, more.clone())).await;
    assert_eq!(status, 200, "{answer}");
    let owner = serde_json::json!({"resource_owner_key": field(&answer, "oauth_token")});

    let who = at("/plugins/servlet/applinks/whoami");
    assert_eq!(send("GET", &who, client(&private, owner.clone())).await, (200, "developer".to_owned()));
    let repository = at("/rest/api/1.0/projects/ACME/repos/secret?a=%C3%BC&b=1");
    let (status, shown) = send("GET", &repository, client(&private, owner.clone())).await;
    assert_eq!(status, 200, "{shown}");
    assert!(shown.contains(peer.url()) && !shown.contains(peer.double().url()), "{shown}");

    let header =
        python(&serde_json::json!({"client": client(&private, owner.clone()), "url": who, "method": "GET"}));
    let header = header.as_str().unwrap();
    assert_eq!(replay("GET", &who, header).await.0, 200);
    assert_eq!(replay("GET", &who, header).await.0, 401);
    assert_eq!(replay("GET", &repository, &header.replace("oauth_nonce=\"", "oauth_nonce=\"1")).await.0, 401);
    assert_eq!(send("GET", &who, client(&other, owner.clone())).await.0, 401);
    let mut late = client(&private, owner.clone());
    late["timestamp"] = Value::from("1000000000");
    assert_eq!(send("GET", &who, late).await.0, 401);
    let mut unknown = client(&private, callback);
    unknown["client_key"] = Value::from("somebody");
    assert_eq!(send("POST", &request_token, unknown).await.0, 401);
    // A request token is good for once.
    assert_eq!(send("POST", &access_token, client(&private, more)).await.0, 401);
    assert!(peer.consent(&authorize, REDIRECT, "developer").await.is_err());
    peer.revoke_tokens().await;
    assert_eq!(send("GET", &who, client(&private, owner)).await.0, 401);
    assert_eq!(
        peer.refusals().await,
        [
            "nonce_used",
            "signature_invalid",
            "signature_invalid",
            "timestamp_refused",
            "consumer_key_unknown",
            "token_rejected",
            "token_rejected"
        ]
    );
}
