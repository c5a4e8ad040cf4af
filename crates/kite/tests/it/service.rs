//! Methods: who may call them, what surrounds them, and what they end with.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kite::{
    Authentication, Authenticator, Claim, Context, Counts, Error, Kite, MethodOptions, RateLimit, Service,
    Verified, error::kind,
};
use serde_json::{Value, json};

use crate::ends::{Hand, a_kite, a_service, client_of, connect, soon};

/// Takes the key as the user's name, and counts how often it was asked.
#[derive(Default)]
struct Names(AtomicU32);

#[async_trait]
impl Authenticator for Names {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if let Some(ambient) = claim.context.get::<&str>() {
            return Ok(Verified::user(*ambient));
        }
        let known = claim.authentication.ok_or_else(|| Error::authentication("nobody"))?;
        Ok(Verified::user(known.expose()).with(claim.method.len()))
    }
}

#[tokio::test]
async fn a_caller_is_verified_once_a_call() {
    let names = Arc::new(Names::default());
    let server = a_service()
        .authenticator(names.clone())
        .method("who", |request| async move {
            let caller = request.caller();
            Ok(json!([caller.username, caller.kite.username, caller.kite.name, caller.authority::<usize>()]))
        })
        .build();
    let client = client_of(&server);

    let nobody = client.call::<Value>("who", ()).await.unwrap_err();
    client.set_authentication(Some(Authentication::token("bob")));
    let bob = client.call::<Value>("who", ()).await.unwrap();
    let carol =
        client.request("who").authentication(Authentication::token("carol")).send::<Value>().await.unwrap();
    client.call::<String>("kite.ping", ()).await.unwrap();

    assert!(nobody.is(kind::AUTHENTICATION));
    assert_eq!(bob, json!(["bob", "bob", "cli", 3]));
    assert_eq!(carol, json!(["carol", "carol", "cli", 3]));
    assert_eq!(names.0.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_call_on_a_connection_that_one_made_is_verified_like_all_others() {
    let client = Service::builder(a_kite("cli"))
        .authenticator(Arc::new(Names::default()))
        .method("secret", |_| async { Ok(1) })
        .build();
    let (_, client_of_server) = connect(&client, &a_service().build());

    let refused = client_of_server.call::<u8>("secret", ()).await.unwrap_err();

    assert!(refused.is(kind::AUTHENTICATION));
}

#[tokio::test]
async fn without_an_authenticator_only_open_methods_can_be_called() {
    let server = a_service().method("secret", |_| async { Ok(1) }).build();
    let client = client_of(&server);
    client.set_authentication(Some(Authentication::token("bob")));

    for method in ["secret", "kite.systemInfo", "kite.log", "kite.print"] {
        assert!(client.call::<u8>(method, ("x",)).await.unwrap_err().is(kind::AUTHENTICATION), "{method}");
    }
    for method in ["kite.tunnel", "kite.notify", "kite.prompt", "kite.getPass"] {
        assert!(client.call::<u8>(method, ("x",)).await.unwrap_err().is(kind::METHOD_NOT_FOUND), "{method}");
    }
}

#[tokio::test]
async fn what_came_with_the_transport_can_be_authority_enough() {
    let server = a_service()
        .authenticator(Arc::new(Names::default()))
        .method("who", |request| async move { Ok(request.caller().username.clone()) })
        .build();
    let (near, far) = kite::transport::pair(8);
    let (client, connection) = Service::client(a_kite("cli")).serve(near, Context::default());
    tokio::spawn(connection);
    let (_, connection) = server.serve(far, Context::with("agent"));
    tokio::spawn(connection);

    assert_eq!(client.call::<String>("who", ()).await.unwrap(), "agent");
}

#[tokio::test]
async fn only_the_authenticator_says_that_the_token_is_expired() {
    struct Expired;

    #[async_trait]
    impl Authenticator for Expired {
        async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
            match claim.authentication {
                Some(_) => Ok(Verified::user("bob")),
                None => Err(Error::authentication("token is expired")),
            }
        }
    }

    let third = || Error { id: String::from("7"), ..Error::authentication("token is expired") };
    let server = a_service()
        .authenticator(Arc::new(Expired))
        .method("relay", move |_| async move { Err::<(), _>(third()) })
        .method("login", |_| async { Err::<(), _>(Error::authentication("log in first")) })
        .before(
            move |request| async move { if request.method() == "checked" { Err(third()) } else { Ok(()) } },
        )
        .method("checked", |_| async { Ok(()) })
        .build();
    let client = client_of(&server);
    let call = async |method| client.call::<Value>(method, ()).await.unwrap_err();

    let expired = call("relay").await;
    client.set_authentication(Some(Authentication::token("t")));

    assert!(expired.is(kind::AUTHENTICATION) && expired.message == "token is expired");
    for method in ["relay", "checked"] {
        let error = call(method).await;
        assert!(error.is(kind::GENERIC) && !error.message.contains("token is expired"), "{error:?}");
        assert_eq!(error.id, "7");
    }
    assert!(call("login").await.is(kind::AUTHENTICATION));
}

#[tokio::test]
async fn hooks_surround_each_handler() {
    let log = Arc::new(Mutex::new(vec![]));
    let note = |what: &'static str| {
        let log = log.clone();
        move |method: &str| log.lock().unwrap().push(format!("{what} {method}"))
    };
    let (before, handled, after) = (note("before"), note("handled"), note("after"));
    let open = || MethodOptions::new().open();
    let handled = Arc::new(handled);
    let also_handled = handled.clone();
    let server = a_service()
        .method_with("good", open(), move |request| {
            handled(request.method());
            async { Ok(1) }
        })
        .method_with("bad", open(), move |request| {
            also_handled(request.method());
            async { Err::<(), _>(Error::generic("no")) }
        })
        .method_with("panics", open(), |_| async { panic!("on purpose") as Result<(), Error> })
        .before(move |request| {
            before(request.method());
            let refused = request.method() == "kite.ping";
            async move { if refused { Err(Error::generic("not now")) } else { Ok(()) } }
        })
        .after(move |request, outcome| {
            after(&format!("{} {}", request.method(), outcome.is_ok()));
            async {}
        })
        .build();
    let client = client_of(&server);

    client.call::<u8>("good", ()).await.unwrap();
    client.call::<u8>("bad", ()).await.unwrap_err();
    client.call::<u8>("panics", ()).await.unwrap_err();
    let refused = client.call::<Value>("kite.ping", ()).await.unwrap_err();

    assert_eq!(refused.message, "not now");
    assert_eq!(
        *log.lock().unwrap(),
        [
            "before good",
            "handled good",
            "after good true",
            "before bad",
            "handled bad",
            "after bad false",
            "before panics",
            "after panics false",
            "before kite.ping",
        ]
    );
    assert_eq!(server.counts(), Counts { calls: 4, errors: 3 });
}

#[tokio::test]
async fn a_panic_says_nothing_to_the_caller() {
    let server = a_service()
        .method_with("later", MethodOptions::new().open(), |request| async move {
            tokio::task::yield_now().await;
            assert!(!request.raw().is_empty(), "secret detail");
            Ok(())
        })
        .method_with("at_once", MethodOptions::new().open(), |request| {
            assert!(!request.raw().is_empty(), "secret detail");
            async { Ok(()) }
        })
        .build();
    let client = client_of(&server);

    for method in ["later", "at_once"] {
        let error = client.call::<()>(method, ()).await.unwrap_err();
        assert!(error.is(kind::INTERNAL));
        assert_eq!(error.id.len(), 16);
        assert!(!error.to_string().contains("secret"));
        client.call::<()>(method, (1,)).await.unwrap();
    }
}

#[tokio::test]
async fn a_fault_goes_to_the_log_and_its_id_to_the_caller() {
    let server = a_service()
        .method_with("read", MethodOptions::new().open(), |request| async move {
            let fault = std::io::Error::other("/secret/path is broken");
            Err::<(), _>(request.internal(&fault))
        })
        .build();

    let error = client_of(&server).call::<()>("read", ()).await.unwrap_err();

    assert!(error.is(kind::INTERNAL) && error.id.len() == 16);
    assert!(!error.message.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn a_method_that_takes_too_long_is_dropped_and_answered() {
    let dropped = Arc::new(());
    let held = dropped.clone();
    let server = a_service()
        .method_with("slow", MethodOptions::new().open().timeout(Duration::from_secs(3)), move |_| {
            let held = held.clone();
            async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok(())
            }
        })
        .build();

    let error = client_of(&server).call::<()>("slow", ()).await.unwrap_err();

    assert!(error.is(kind::TIMEOUT));
    assert_eq!(error.message, "`slow` took longer than 3s");
    assert_eq!(Arc::strong_count(&dropped), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_fifteen_seconds_for_its_answer() {
    let server = a_service()
        .method_with("never", MethodOptions::new().open(), |_| async {
            std::future::pending::<()>().await;
            Ok(())
        })
        .build();
    let client = client_of(&server);
    let began = tokio::time::Instant::now();

    let first = client.call::<()>("never", ()).await.unwrap_err();
    let second = client.request("never").timeout(Duration::from_millis(20)).send::<()>().await.unwrap_err();

    assert!(first.is(kind::TIMEOUT) && second.is(kind::TIMEOUT));
    assert_eq!(began.elapsed().as_millis(), 15_020);
    assert_eq!(client.counts().open_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn users_have_their_own_rates_and_strangers_one_a_connection() {
    let limit = || MethodOptions::new().rate(RateLimit { burst: 2, per_second: 1.0 });
    let server = a_service()
        .authenticator(Arc::new(Names::default()))
        .method_with("known", limit(), |_| async { Ok(1) })
        .method_with("open", limit().open(), |_| async { Ok(1) })
        .build();
    let (first, second) = (client_of(&server), client_of(&server));
    let known = async |client: &kite::Peer, name: &str| {
        client.request("known").authentication(Authentication::token(name)).send::<u8>().await.is_ok()
    };

    assert_eq!((known(&first, "bob").await, known(&second, "bob").await), (true, true));
    assert_eq!((known(&first, "bob").await, known(&second, "carol").await), (false, true));
    for client in [&first, &second] {
        let mut allowed = vec![];
        for _ in 0..3 {
            allowed.push(client.call::<u8>("open", ()).await.is_ok());
        }
        assert_eq!(allowed, [true, true, false]);
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(known(&second, "bob").await);
}

#[tokio::test]
async fn the_built_in_methods_answer() {
    let server = a_service().authenticator(Arc::new(Names::default())).build();
    let client = client_of(&server);
    client.set_authentication(Some(Authentication::token("bob")));

    let system = client.call::<Value>("kite.systemInfo", ()).await.unwrap();
    assert_eq!(client.call::<String>("kite.ping", (1, "two")).await.unwrap(), "pong");
    client.call::<()>("kite.log", ("a line\nand another",)).await.unwrap();
    assert_eq!(client.call::<usize>("kite.print", ("é".repeat(5000),)).await.unwrap(), 10_000);

    assert_eq!(system["state"], "RUNNING");
    for number in ["diskUsage", "diskTotal", "memoryUsage", "totalMemoryLimit"] {
        assert!(system[number].is_u64(), "{system}");
    }
    assert!(system["homeDir"].is_string() && system["uname"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_new_heartbeat_replaces_the_old_one() {
    let mut registry = Hand::to(&a_service().build());
    let beat = |seconds: &str, id: u32| {
        format!(
            r#"{{"method":"kite.heartbeat","arguments":[{{"responseCallback":"[Function]","withArgs":[{seconds},"[Function]"]}}],"callbacks":{{"0":[0,"responseCallback"],"{id}":[0,"withArgs",1]}}}}"#
        )
    };

    for seconds in ["0", "3601", "-1", "1.5", r#""x""#] {
        registry.send(&beat(seconds, 9)).await;
        assert_eq!(
            registry.next_value().await["arguments"][0]["error"]["type"],
            "argumentError",
            "{seconds}"
        );
    }
    registry.send(&beat("10", 1)).await;
    registry.expect(r#"{"method":1,"arguments":[],"callbacks":{}}"#).await;
    registry.next().await;
    registry.send(&beat("3", 2)).await;
    registry.expect(r#"{"method":2,"arguments":[],"callbacks":{}}"#).await;
    registry.next().await;
    let began = tokio::time::Instant::now();
    for _ in 0..20 {
        registry.expect(r#"{"method":2,"arguments":[],"callbacks":{}}"#).await;
    }

    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn arguments_are_read_as_types() {
    let open = || MethodOptions::new().open();
    let server = a_service()
        .method_with("borrowed", open(), |request| async move { request.arg::<&str>().map(str::len) })
        .method_with("pair", open(), |request| async move {
            request.args::<(u8, String)>().map(|(number, text)| format!("{number}{text}"))
        })
        .method_with("list", open(), |request| async move {
            request.args::<Vec<u32>>().map(|list| list.iter().sum::<u32>())
        })
        .method_with("maybe", open(), |request| async move { request.optional::<u8>() })
        .build();
    let client = client_of(&server);

    assert_eq!(client.call::<usize>("borrowed", "text").await.unwrap(), 4);
    assert_eq!(client.call::<String>("pair", (1, "x")).await.unwrap(), "1x");
    assert_eq!(client.call::<u32>("list", [1, 2, 3]).await.unwrap(), 6);
    assert_eq!(client.call::<Option<u8>>("maybe", ()).await.unwrap(), None);
    assert_eq!(client.call::<Option<u8>>("maybe", 5).await.unwrap(), Some(5));
    for arguments in [json!([]), json!([1]), json!([1, "x", 2]), json!(["x", 1]), json!([256, "x"])] {
        assert!(
            client.call::<String>("pair", &arguments).await.unwrap_err().is(kind::ARGUMENT),
            "{arguments}"
        );
    }
    assert!(client.call::<u8>("borrowed", "text").await.is_ok());
    assert!(client.call::<String>("borrowed", "text").await.unwrap_err().is(kind::INVALID_RESPONSE));
}

#[tokio::test]
async fn a_caller_that_says_nothing_of_itself_is_nobody() {
    let server = a_service()
        .method_with("who", MethodOptions::new().open(), |request| async move {
            Ok(request.caller().kite.clone())
        })
        .build();

    let mut hand = Hand::to(&server);

    assert_eq!(hand.call("who", "[]").await["result"], json!(Kite::default()));
    assert_eq!(soon(client_of(&server).call::<Kite>("who", ())).await.unwrap(), a_kite("cli"));
}
