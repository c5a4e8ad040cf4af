//! The first account, sign-in, and who may not come in.

use blackbox::server::Server;
use serde_json::{Value, json};

fn client() -> reqwest::Client {
    // Only plain HTTP to loopback is spoken here, but a client wants a provider to be there.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn the_one_time_link_makes_the_admin_once() {
    let server = Server::start();
    let link = server.setup_url.clone().expect("a fresh server prints the link");
    let token = link.split_once("token=").unwrap().1.to_owned();
    let client = client();
    let set_up = json!({"token": token, "name": "ada", "password": "a long enough password"});

    let first = client.post(format!("{}/api/v1/setup", server.url)).json(&set_up).send().await.unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let status = first.status();
    let again = client.post(format!("{}/api/v1/setup", server.url)).json(&set_up).send().await.unwrap();
    let me: Value = client
        .get(format!("{}/api/v1/me", server.url))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();

    assert!(status.is_success(), "{status}");
    assert!(again.status().is_client_error(), "{}", again.status());
    assert_eq!(me["name"], "ada");
    assert_eq!(me["role"], "admin");
}

#[tokio::test]
async fn nobody_comes_in_without_a_credential() {
    let server = Server::start();
    let client = client();

    for path in ["/me", "/workspaces", "/users", "/images", "/doctor", "/audit", "/events"] {
        let answer = client.get(format!("{}/api/v1{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["mend"].is_string(), "{path}: {problem}");
    }
}
