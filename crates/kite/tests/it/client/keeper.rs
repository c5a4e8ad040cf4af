//! The client that stays connected, against a service that comes and goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use kite::client::{Backoff, Client, Dialer, State};
use kite::error::kind;
use kite::server::{Endpoint, Settings, serve};
use kite::{Authentication, Authenticator, Claim, Error, Kite, MethodOptions, Request, Service, Verified};
use testkit::wait_until;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::server::stand::{Echo, LIMIT, Stand};

pub(crate) fn a_kite(name: &str) -> Kite {
    let field = String::from;
    Kite {
        id: format!("{name}-1"),
        username: field("alice"),
        environment: field("test"),
        name: field(name),
        version: field("1.0.0"),
        region: field("here"),
        hostname: field("localhost"),
    }
}

/// Takes every token as its caller's name.
struct ByName;

#[async_trait]
impl Authenticator for ByName {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        let token = claim.authentication.ok_or_else(|| Error::authentication("no token"))?;
        Ok(Verified::user(token.expose()))
    }
}

fn a_service() -> Service {
    Service::builder(a_kite("math"))
        .authenticator(Arc::new(ByName))
        .method_with("square", MethodOptions::default().open(), async |request: Request| {
            let number: u64 = request.arg()?;
            Ok(number * number)
        })
        .method("who", async |request: Request| Ok(request.caller().username.clone()))
        .build()
}

pub(crate) struct Running {
    stop: CancellationToken,
    served: JoinHandle<()>,
    endpoint: Endpoint,
}

impl Running {
    pub(crate) async fn start(address: SocketAddr) -> (Self, SocketAddr) {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Endpoint::new(Arc::new(a_service()));
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, endpoint.clone(), stop.clone()));
        (Self { stop, served, endpoint }, address)
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap();
    }
}

pub(crate) fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn a_client(address: SocketAddr) -> kite::client::ClientBuilder {
    let dialer = Dialer::new(&format!("http://{address}/kite")).unwrap();
    let backoff = Backoff { longest: Duration::from_millis(500), ..Backoff::default() };
    Client::builder(dialer, Service::client(a_kite("caller"))).backoff(backoff)
}

async fn square(client: &Client, number: u64) -> Result<u64, Error> {
    client.call_within(LIMIT, "square", number).await
}

#[tokio::test]
async fn a_call_waits_for_a_server_that_comes_later() {
    let (running, address) = Running::start(anywhere()).await;
    running.end().await;
    let client = a_client(address).start();

    let early = tokio::spawn({
        let client = client.clone();
        async move { square(&client, 7).await }
    });
    wait_until(LIMIT, async || matches!(&*client.state().borrow(), State::Waiting { error: Some(_), .. }))
        .await;
    let (running, _) = Running::start(address).await;

    assert_eq!(early.await.unwrap().unwrap(), 49);
    running.end().await;
}

#[tokio::test]
async fn a_call_gives_up_when_no_server_comes() {
    let (running, address) = Running::start(anywhere()).await;
    running.end().await;

    let client = a_client(address).start();
    wait_until(LIMIT, async || matches!(&*client.state().borrow(), State::Waiting { error: Some(_), .. }))
        .await;
    let error = client.call_within::<u64>(Duration::from_millis(100), "square", 1).await.unwrap_err();

    assert_eq!(error.kind, kind::TIMEOUT);
    let begin = format!("no connection to `http://{address}/kite`: cannot connect to `{address}`: ");
    assert!(error.message.starts_with(&begin), "{error}");
}

#[tokio::test]
async fn a_call_that_gives_up_says_why_the_server_takes_nobody() {
    let stand = Stand::with(Echo::refusing(StatusCode::UNAUTHORIZED), Settings::default()).await;
    let client = a_client(stand.address).start();
    wait_until(LIMIT, async || matches!(&*client.state().borrow(), State::Waiting { error: Some(_), .. }))
        .await;

    let error = client.call_within::<u64>(Duration::from_millis(100), "square", 1).await.unwrap_err();

    assert_eq!(error.kind, kind::TIMEOUT);
    assert!(error.message.contains("401 Unauthorized: not you"), "{error}");
}

#[tokio::test]
async fn a_call_to_a_server_that_is_silent_says_which() {
    let listener = TcpListener::bind(anywhere()).await.unwrap();
    let address = listener.local_addr().unwrap();

    let called = a_client(address).start().call_within::<u64>(Duration::from_millis(100), "square", 1).await;

    let message = format!("no connection to `http://{address}/kite`: nobody answered in time");
    assert_eq!(called, Err(Error::custom(kind::TIMEOUT, message, "")));
}

#[tokio::test]
async fn a_lost_server_is_found_again_and_the_hook_runs_each_time() {
    let (mut running, address) = Running::start(anywhere()).await;
    let connected = Arc::new(AtomicUsize::new(0));
    let hooked = connected.clone();
    let client = a_client(address)
        .authentication(Authentication::token("alice"))
        .on_connect(move |peer| {
            let hooked = hooked.clone();
            async move {
                assert_eq!(peer.call::<u64>("square", 2_u64).await?, 4);
                hooked.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        })
        .start();

    for round in 1..=3 {
        assert_eq!(square(&client, 5).await.unwrap(), 25);
        assert_eq!(client.call_within::<String>(LIMIT, "who", ()).await.unwrap(), "alice");
        assert_eq!(connected.load(Ordering::SeqCst), round);

        running.end().await;
        wait_until(LIMIT, async || !matches!(&*client.state().borrow(), State::Connected(_))).await;
        running = Running::start(address).await.0;
    }
    running.end().await;
}

#[tokio::test]
async fn a_new_credential_is_used_at_once_and_later() {
    let (running, address) = Running::start(anywhere()).await;
    let client = a_client(address).start();
    let who = async || client.call_within::<String>(LIMIT, "who", ()).await;

    assert_eq!(who().await.unwrap_err().kind, kind::AUTHENTICATION);
    client.set_authentication(Some(Authentication::token("bob")));
    assert_eq!(who().await.unwrap(), "bob");

    running.end().await;
    let (running, _) = Running::start(address).await;
    wait_until(LIMIT, async || who().await.is_ok_and(|name| name == "bob")).await;
    running.end().await;
}

#[tokio::test]
async fn a_connection_whose_hook_fails_is_closed_and_tried_again() {
    let (running, address) = Running::start(anywhere()).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let client = a_client(address)
        .on_connect(move |_| {
            let attempt = counted.fetch_add(1, Ordering::SeqCst);
            async move { if attempt < 2 { Err(Error::generic("not yet")) } else { Ok(()) } }
        })
        .start();

    assert_eq!(square(&client, 3).await.unwrap(), 9);

    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    wait_until(LIMIT, async || running.endpoint.connections() == 1).await;
    running.end().await;
}

#[tokio::test]
async fn a_stopped_client_is_gone_and_so_is_one_that_nobody_has() {
    let (running, address) = Running::start(anywhere()).await;
    let client = a_client(address).start();
    let other = a_client(address).start();
    assert_eq!(square(&client, 3).await.unwrap(), 9);
    assert_eq!(square(&other, 3).await.unwrap(), 9);

    client.stop();
    wait_until(LIMIT, async || matches!(&*client.state().borrow(), State::Stopped)).await;
    assert_eq!(square(&client, 3).await.unwrap_err().kind, kind::DISCONNECTED);
    drop(other);

    wait_until(LIMIT, async || running.endpoint.connections() == 0).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_find_a_server_again() {
    const CLIENTS: usize = 300;
    let (running, address) = Running::start(anywhere()).await;
    let clients: Vec<Client> = (0..CLIENTS).map(|_| a_client(address).start()).collect();
    wait_until(LIMIT, async || running.endpoint.connections() == CLIENTS).await;

    running.end().await;
    let (running, _) = Running::start(address).await;

    for client in &clients {
        assert_eq!(square(client, 4).await.unwrap(), 16);
    }
    assert_eq!(running.endpoint.connections(), CLIENTS);
    running.end().await;
}
