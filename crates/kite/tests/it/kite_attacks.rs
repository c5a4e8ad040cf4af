//! What a hostile other end tries: a server against those who dialled it, and callers of a service whose judge fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kite::client::Dialer;
use kite::error::kind;
use kite::server::{Endpoint, serve};
use kite::{Authentication, Authenticator, Claim, Context, Error, MethodOptions, Request, Service, Verified};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::ends::{a_kite, a_service, client_of, soon};

/// How a judge of callers fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Failure {
    PanicsAtOnce,
    PanicsLater,
    Refuses,
    NeverDecides,
}

struct Failing(Failure);

#[async_trait]
impl Authenticator for Failing {
    async fn authenticate(&self, _: &Claim<'_>) -> Result<Verified, Error> {
        match self.0 {
            Failure::PanicsAtOnce => panic!("secret detail"),
            Failure::PanicsLater => {
                tokio::task::yield_now().await;
                panic!("secret detail")
            }
            Failure::Refuses => Err(Error::generic("the judge is not there")),
            Failure::NeverDecides => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_judge_that_fails_in_any_way_lets_nobody_in() {
    for failure in [Failure::PanicsAtOnce, Failure::PanicsLater, Failure::Refuses, Failure::NeverDecides] {
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = ran.clone();
        let server = a_service()
            .authenticator(Arc::new(Failing(failure)))
            .method("secret", move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                async { Ok(1) }
            })
            .method_with("open", MethodOptions::new().open(), |_| async { Ok(2) })
            .build();
        let client = client_of(&server);

        for authentication in [None, Some(Authentication::token("bob")), Some(Authentication::kite_key(""))] {
            client.set_authentication(authentication);
            let error = client.call::<u8>("secret", ()).await.unwrap_err();
            assert!(!error.to_string().contains("secret detail"), "{failure:?}: {error:?}");
        }

        assert_eq!(ran.load(Ordering::Relaxed), 0, "{failure:?} let somebody in");
        assert_eq!(client.call::<u8>("open", ()).await.unwrap(), 2, "{failure:?}: others are served on");
    }
}

/// A service that somebody dials, and that calls each who does.
async fn hostile_server(said: mpsc::UnboundedSender<(String, Result<Value, Error>)>) -> String {
    let service = Service::builder(a_kite("hostile"))
        .method_with("lure", MethodOptions::new().open(), move |request: Request| {
            let said = said.clone();
            async move {
                for method in
                    ["secret", "kite.tunnel", "kite.notify", "kite.systemInfo", "register", "kite.prompt"]
                {
                    for with in
                        [None, Some(Authentication::token("a.b.c")), Some(Authentication::kite_key("x"))]
                    {
                        let url = "http://127.0.0.1:1/attacker";
                        let mut call = request.peer().request(method).args([serde_json::json!({"url": url})]);
                        if let Some(with) = with {
                            call = call.authentication(with);
                        }
                        let answer = call.timeout(Duration::from_secs(30)).send::<Value>().await;
                        said.send((method.to_owned(), answer)).ok();
                    }
                }
                Ok(())
            }
        })
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kite", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Endpoint::new(Arc::new(service)), CancellationToken::new()));
    url
}

#[tokio::test]
async fn a_server_that_was_dialled_calls_nothing_without_being_somebody() {
    let (say, mut said) = mpsc::unbounded_channel();
    let url = hostile_server(say).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let own = Service::builder(a_kite("dialler"))
        .authenticator(Arc::new(Failing(Failure::Refuses)))
        .method("secret", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(1) }
        })
        .build();
    // Whatever the dialler presents to the server is no credential of the server.
    let peer = Dialer::new(&url).unwrap().dial(&own, Context::default()).await.unwrap();
    peer.set_authentication(Some(Authentication::token("the dialler's own token")));

    soon(peer.call::<()>("lure", ())).await.unwrap();

    let mut count = 0;
    while let Ok((method, answer)) = said.try_recv() {
        let error = answer.expect_err(&method);
        assert!(!error.is(kind::TIMEOUT), "{method} is not answered");
        if method.starts_with("kite.tunnel") || method.starts_with("kite.notify") {
            assert!(error.is(kind::METHOD_NOT_FOUND), "{method}: {error:?}");
        }
        count += 1;
    }
    assert_eq!((count, ran.load(Ordering::Relaxed)), (18, 0));
}
