use kite::Authentication;
use serde_json::json;

use crate::hall::{Hall, a_kite, origin};

#[tokio::test(start_paused = true)]
async fn whose_key_is_void_still_learns_what_to_verify_others_with() {
    let hall = Hall::new().await;
    let void = hall.kite_key("alice-key");
    let current = hall.rotate(false);
    let service = hall.client(a_kite("a"), Some(Authentication::kite_key(void.expose())), origin(None));

    let refused = service.call("register", json!({"url": "http://127.0.0.1:1/"})).await.unwrap_err();
    let key = service.call("getKey", json!(null)).await.unwrap();

    assert_eq!(refused.kind, "authenticationError");
    assert_eq!(key, current.public().to_pem());
}

#[tokio::test(start_paused = true)]
async fn a_connection_asks_for_the_key_so_often_and_others_do_not_suffer() {
    let hall = Hall::new().await;
    let stranger = hall.client(a_kite("a"), None, origin(Some("192.0.2.1")));
    let mut answers = Vec::new();
    for _ in 0..21 {
        answers.push(stranger.call("getKey", json!(null)).await.map_err(|error| error.kind));
    }

    let other = hall.client(a_kite("b"), None, origin(Some("192.0.2.1"))).call("getKey", json!(null)).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    assert_eq!(answers.last().unwrap().as_ref().unwrap_err(), "requestLimitError");
    assert!(other.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_only_asks_for_the_key_is_not_known_by_it() {
    let hall = Hall::new().await;
    let stranger = hall.client(a_kite("a"), None, origin(None));
    stranger.call("getKey", json!(null)).await.unwrap();

    hall.pass(31).await;

    assert!(stranger.peer.is_closed());
}
