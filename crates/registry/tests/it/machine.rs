use std::time::Duration;

use kite::{Error, Kite, Service};
use registry::{KeyOrder, Principal, Reach};
use serde_json::{Value, json};

use crate::hall::{Client, Hall, a_kite, origin};

fn a_machine() -> Kite {
    Kite { hostname: "laptop\n1".into(), username: "alice".into(), ..a_kite("machine") }
}

fn code(hall: &Hall, text: &str) {
    let principal = Principal {
        user: hall.alice,
        username: "alice".into(),
        team: None,
        credential: String::new(),
        reach: Reach::Full,
    };
    hall.world.facts().codes.insert(text.to_owned(), principal);
}

/// Somebody who answers with this when a password is asked for.
fn types(hall: &Hall, password: Result<&'static str, Error>) -> Client {
    let service = Service::builder(a_machine())
        .method_with("kite.getPass", kite::MethodOptions::default().open(), move |_| {
            let password = password.clone();
            async move { password }
        })
        .build();
    hall.client_of(&service, None, origin(Some("192.0.2.1")))
}

#[tokio::test(start_paused = true)]
async fn a_one_time_code_is_good_for_one_key() {
    let hall = Hall::new().await;
    code(&hall, "once");
    let machine = hall.client(a_machine(), None, origin(None));

    let key = machine.call("registerMachine", json!({"authType": "token", "token": "once"})).await.unwrap();
    let again = machine.refused("registerMachine", json!({"authType": "token", "token": "once"})).await;

    let authentication = kite::Authentication::kite_key(key.as_str().unwrap());
    let kite = hall.client(a_kite("a"), Some(authentication), origin(None));
    kite.register().await;
    assert_eq!(hall.registry.get("a").unwrap().owner, hall.alice);
    assert!(again.contains("not good"), "{again}");
    assert_eq!(hall.world.facts().issued, [KeyOrder::Machine { name: "laptop1".into() }]);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_asked_for_at_the_other_end() {
    let hall = Hall::new().await;
    hall.world.facts().passwords.insert("alice".into(), "correct".into());

    let right = types(&hall, Ok("correct")).call("registerMachine", json!({"authType": "password"})).await;
    let wrong = types(&hall, Ok("guess")).call("registerMachine", json!({"authType": "password"})).await;
    let nobody = types(&hall, Err(Error::generic("no terminal")));
    let silent = nobody.call("registerMachine", json!({"authType": "password"})).await;

    assert!(right.unwrap().is_string());
    assert_eq!(wrong.unwrap_err().kind, "authenticationError");
    assert_eq!(silent.unwrap_err().message, "no terminal");
}

#[tokio::test(start_paused = true)]
async fn a_connection_lasts_while_a_password_is_typed_and_not_after_a_wrong_one() {
    let hall = Hall::new().await;
    hall.world.facts().passwords.insert("alice".into(), "correct".into());
    let slowly = |password: &'static str| {
        let service = Service::builder(a_machine())
            .method_with("kite.getPass", kite::MethodOptions::default().open(), move |_| async move {
                tokio::time::sleep(Duration::from_mins(5)).await;
                Ok(password)
            })
            .build();
        hall.client_of(&service, None, origin(Some("192.0.2.1")))
    };

    for (password, is_right) in [("correct", true), ("guess", false)] {
        let machine = slowly(password);
        let peer = machine.peer.clone();
        let argument = json!({"authType": "password"});
        let asked = peer.request("registerMachine").args((argument,)).timeout(Duration::from_mins(10));
        let answer = tokio::spawn(asked.send::<Value>());
        hall.pass(290).await;
        assert!(!machine.peer.is_closed(), "somebody types");

        assert_eq!(answer.await.unwrap().is_ok(), is_right);
        hall.pass(2).await;

        assert_eq!(machine.peer.is_closed(), !is_right);
    }
}

#[tokio::test(start_paused = true)]
async fn anything_else_is_refused_with_what_is_taken() {
    let hall = Hall::new().await;
    let machine = hall.client(Kite { username: String::new(), ..a_machine() }, None, origin(None));

    let kind = machine.refused("registerMachine", json!({"authType": "magic"})).await;
    let empty = machine.refused("registerMachine", json!({"authType": "token"})).await;
    let nameless = machine.refused("registerMachine", json!({"authType": "password"})).await;

    assert!(kind.starts_with("authType must be"), "{kind}");
    assert!(empty.contains("one-time code"), "{empty}");
    assert!(nameless.contains("user name"), "{nameless}");
}

#[tokio::test(start_paused = true)]
async fn one_address_cannot_guess_for_long_however_many_connections_it_makes() {
    let hall = Hall::new().await;
    let mut refusals = Vec::new();

    for number in 0..15 {
        let guess = hall.client(a_machine(), None, origin(Some("192.0.2.1")));
        let argument = json!({"authType": "token", "token": format!("guess{number}")});
        refusals.push(guess.call("registerMachine", argument).await.unwrap_err().kind);
    }
    let elsewhere = hall.client(a_machine(), None, origin(Some("192.0.2.2")));
    let argument: Value = json!({"authType": "token", "token": "guess"});
    let other = elsewhere.call("registerMachine", argument).await.unwrap_err();

    assert!(refusals[..10].iter().all(|kind| kind == "authenticationError"), "{refusals:?}");
    assert!(refusals[10..].iter().all(|kind| kind == "requestLimitError"), "{refusals:?}");
    assert_eq!(other.kind, "authenticationError");
}
