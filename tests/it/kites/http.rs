//! Registration over plain HTTP, for programs that keep no connection.

use serde_json::{Value, json};

use super::{Place, key_of, kites_of};

struct Http {
    client: reqwest::Client,
    url: String,
}

impl Http {
    fn new(place: &Place) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, url: place.server.url.clone() }
    }

    async fn register_at(&self, path: &str, body: String) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.url)).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn register(&self, body: &Value) -> (u16, Value) {
        self.register_at("/kite/register", body.to_string()).await
    }

    async fn beat(&self, path_and_query: &str, bearer: Option<&str>) -> (u16, String) {
        let mut request = self.client.get(format!("{}{path_and_query}", self.url));
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn wish(key: &str) -> Value {
    json!({
        "url": "http://127.0.0.1:7000/kite",
        "kite": {
            "id": "over-http-1", "username": "spoof", "environment": "dev", "name": "math", "version": "1.2.3",
            "region": "here", "hostname": "box",
        },
        "auth": {"type": "kiteKey", "key": key},
    })
}

#[tokio::test]
async fn a_kite_registers_and_beats_over_http() {
    let place = Place::new().await;
    let http = Http::new(&place);
    let key = key_of(&place.ada, None).await;

    let (status, answer) = http.register(&wish(&key)).await;
    assert_eq!(
        (status, &answer),
        (200, &json!({"url": "http://127.0.0.1:7000/kite", "heartbeatInterval": 10}))
    );

    let kites = kites_of(&place.ada).await;
    assert_eq!(kites.len(), 1, "{kites:?}");
    assert_eq!((&kites[0]["username"], &kites[0]["via"]), (&json!("ada"), &json!("http")), "{kites:?}");
    for path in ["/kite/heartbeat", "/heartbeat"] {
        let pong = (200, "pong".to_owned());
        assert_eq!(http.beat(&format!("{path}?id=over-http-1"), Some(&key)).await, pong);
        let again = (200, "registeragain".to_owned());
        // Behind a proxy everybody comes from this machine, so its address proves nothing.
        assert_eq!(http.beat(&format!("{path}?id=over-http-1"), None).await, again);
        assert_eq!(http.beat(&format!("{path}?id=nobody"), Some(&key)).await, again);
        assert_eq!(http.beat(&format!("{path}?id=nobody"), None).await, again);
        assert_eq!(http.beat(path, None).await, (400, "query id is empty".to_owned()));
    }

    // Where Go's kites look for it; the same id of the same owner takes the place of the old one.
    let (status, _) = http.register_at("/register", wish(&key).to_string()).await;
    assert_eq!(status, 200);
    assert_eq!(kites_of(&place.ada).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_registered_over_http_is_refused_in_the_words_of_old() {
    let place = Place::new().await;
    let http = Http::new(&place);
    let key = key_of(&place.ada, None).await;
    let changed = |pointer: &str, value: Value| {
        let mut wish = wish(&key);
        *wish.pointer_mut(pointer).unwrap() = value;
        wish
    };

    for (wish, status, reason) in [
        (changed("/url", json!("")), 400, "empty URL"),
        (changed("/auth/type", json!("token")), 400, "unexpected authentication type: token"),
        (changed("/auth/key", json!("a.b.c")), 401, ""),
        (changed("/kite/hostname", json!("")), 400, "the kite's field `hostname` is empty"),
        (changed("/kite/name", json!("a/b")), 400, "the kite's field `name` contains a slash"),
        (
            changed("/kite/environment", json!("hearth")),
            400,
            "the kite's field `environment` is one that only",
        ),
        (changed("/url", json!("javascript:alert(1)")), 400, "the url cannot be used"),
    ] {
        let (answered, body) = http.register(&wish).await;
        assert_eq!(answered, status, "{body}");
        assert!(body["err"].as_str().unwrap().starts_with(reason), "{body} does not begin with {reason}");
    }
    let (status, body) = http.register_at("/kite/register", "no json".into()).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(kites_of(&place.ada).await, Vec::<Value>::new());
}

#[tokio::test]
async fn nobody_else_keeps_a_kite_alive_or_takes_its_id() {
    let place = Place::new().await;
    let http = Http::new(&place);
    let grace = place.person("grace").await;
    let (ours, theirs) = (key_of(&place.ada, None).await, key_of(&grace, None).await);
    assert_eq!(http.register(&wish(&ours)).await.0, 200);

    let beat = http.beat("/kite/heartbeat?id=over-http-1", Some(&theirs)).await;
    assert_eq!(beat, (200, "registeragain".to_owned()), "the same as for what is not there");
    let (status, body) = http.register(&wish(&theirs)).await;
    assert_eq!(status, 400, "{body}");
    assert!(!body["err"].as_str().unwrap().contains("ada"), "{body}");

    // A key that was ended is good for nothing any more, and takes what it registered with it.
    let id = place.ada.get("/kite-keys").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    place.ada.delete(&format!("/kite-keys/{id}")).await.ok();
    super::kites_until(&place.ada, 0).await;
    assert_eq!(http.register(&wish(&ours)).await.0, 401);
    assert_eq!(http.beat("/kite/heartbeat?id=over-http-1", Some(&ours)).await.1, "registeragain");
}
