//! Who sees the agent of a workspace and who may call it, as kite.js learns it.

use serde_json::{Value, json};
use testkit::kite_js::Driver;

use super::klient::{connect, workspace};
use super::{Place, TRANSPORTS, driver, fetch, fetch_until, key_of, kites_of, thrown};

/// Calls the kite at a URL with this credential, on a connection of its own.
async fn call_at(
    driver: &mut Driver,
    url: &str,
    auth: Value,
    transport: &str,
) -> Result<Value, testkit::kite_js::Thrown> {
    driver
        .ask(json!({"do": "kite", "as": "caller", "url": url, "auth": auth, "transport": transport}))
        .await?;
    let answer = driver.tell("caller", "exec", json!([{"command": "id -u"}])).await;
    driver.ask(json!({"do": "disconnect", "kite": "caller"})).await?;
    answer
}

#[tokio::test]
async fn nobody_but_the_owner_sees_or_calls_a_workspace() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let (grace, mallory) = (place.person("grace").await, place.person("mallory").await);
    workspace(&grace, "one").await;
    let two = workspace(&grace, "two").await;
    place.kontrol(&mut driver, "grace", &key_of(&grace, None).await, "").await;
    let one = connect(&mut driver, "grace", "one", "one", "").await;
    let (url, token) = (one["url"].as_str().unwrap(), one["token"].as_str().unwrap().to_owned());
    let other_url = format!("{}/relay/{two}", place.registry());
    let none_url = format!("{}/relay/ws_01jd2k3v4w5x6y7z8a9b0c1d2e", place.registry());
    let stranger_key = key_of(&mallory, None).await;
    place.kontrol(&mut driver, "mallory", &stranger_key, "").await;
    place.kontrol(&mut driver, "admin", &key_of(&place.ada, None).await, "").await;

    // A stranger finds nothing, by whatever name.
    for query in [
        json!({"username": "grace"}),
        json!({"name": "klient"}),
        json!({"id": two}),
        json!({"hostname": "one"}),
    ] {
        assert_eq!(fetch(&mut driver, "mallory", query.clone(), "m").await, Vec::<Value>::new());
        let none = driver.tell("mallory", "getToken", json!([query])).await;
        assert_eq!(none, Err(thrown("genericError", "no kites found")));
    }
    assert_eq!(kites_of(&mallory).await, Vec::<Value>::new());
    mallory.get(&format!("/kites/{two}")).await.refused(404, "not_found");

    for transport in TRANSPORTS {
        let auth = |kind: &str, key: &str| json!({"type": kind, "key": key});
        let owner = call_at(&mut driver, url, auth("token", &token), transport).await.unwrap();
        assert_eq!(owner["exitStatus"], 0, "{owner}");
        for (url, auth) in [
            (url, Value::Null),
            (url, auth("kiteKey", &stranger_key)),
            (url, auth("token", &stranger_key)),
            (url, auth("token", "a.b.c")),
            // The owner's token for another workspace of theirs.
            (other_url.as_str(), auth("token", &token)),
            (none_url.as_str(), auth("token", &token)),
        ] {
            let refused = call_at(&mut driver, url, auth.clone(), transport).await.unwrap_err();
            assert_eq!(refused.kind, "authenticationError", "{url} {auth} {refused:?}");
        }
        // What is there and what is not are answered alike.
        let there = call_at(&mut driver, url, auth("token", &stranger_key), transport).await;
        assert_eq!(there, call_at(&mut driver, &none_url, auth("token", &stranger_key), transport).await);
    }
    // It is no credential at the registry either.
    place.kontrol_as(&mut driver, "replay", "token", &token, "").await;
    let refused =
        driver.tell("replay", "getKites", json!([{"query": {"username": "grace"}}])).await.unwrap_err();
    assert_eq!(refused.kind, "authenticationError", "{refused:?}");

    // An administrator sees both, and calls neither.
    let seen = fetch(&mut driver, "admin", json!({"name": "klient"}), "a").await;
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().all(|kite| kite["token"] == ""), "{seen:?}");
    let none = driver.tell("admin", "getToken", json!([{"hostname": "one"}])).await;
    assert_eq!(none, Err(thrown("genericError", "no kites found")));
}

#[tokio::test]
async fn a_share_lets_somebody_in_until_it_is_taken_back() {
    let Some(mut driver) = driver() else { return };
    let place = Place::new().await;
    let grace = place.person("grace").await;
    let id = workspace(&place.ada, "shed").await;
    let share = format!("/kites/{id}/shares/grace");
    let key = key_of(&grace, None).await;

    for transport in TRANSPORTS {
        let kontrol = format!("grace-{transport}");
        let name = format!("shed-{transport}");
        let klient = format!("{name}.0");
        place.kontrol(&mut driver, &kontrol, &key, transport).await;
        let query = json!({"hostname": "shed"});
        assert_eq!(fetch(&mut driver, &kontrol, query.clone(), &name).await, Vec::<Value>::new());
        driver
            .ask(json!({"do": "watchKites", "kontrol": kontrol, "query": query, "as": kontrol}))
            .await
            .unwrap();

        place.ada.put(&share, Value::Null).await.ok();

        assert_eq!(driver.event(&format!("{kontrol}.register")).await[0]["hostname"], "shed");
        let found = connect(&mut driver, &kontrol, "shed", &name, transport).await;
        let done = driver.tell(&klient, "exec", json!([{"command": "echo in"}])).await.unwrap();
        assert_eq!(done["stdout"], "in\n", "{done}");
        let wish =
            json!([{"cmd": "sh", "args": ["-c", "echo begun; sleep 600"], "stdout": {"$event": "out"}}]);
        driver.tell(&klient, "os.exec", wish).await.unwrap();
        assert_eq!(driver.event("out").await, json!(["begun"]));

        place.ada.delete(&share).await.ok();

        driver.event(&format!("{klient}.close")).await;
        assert_eq!(driver.event(&format!("{kontrol}.deregister")).await[0]["hostname"], "shed");
        fetch_until(&mut driver, &kontrol, query, &name, 0).await;
        let auth = json!({"type": "token", "key": found["token"]});
        let refused =
            call_at(&mut driver, found["url"].as_str().unwrap(), auth, transport).await.unwrap_err();
        assert_eq!(refused.kind, "authenticationError", "the token is good, the right is not: {refused:?}");
        driver.ask(json!({"do": "disconnect", "kite": klient})).await.unwrap();
    }
}
