use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt;
use kite::transport::{PairEnd, pair};
use kite::{Authenticator, Claim, Context, Kite, Peer, Request, Service, Verified};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// Takes `token of NAME`, lets everybody but `mallory` in, and keeps what reaches the agent.
#[derive(Clone, Default)]
struct House {
    arrived: Arc<Mutex<Vec<String>>>,
    entered: Arc<AtomicU32>,
    cut: CancellationToken,
    agent_gone: CancellationToken,
}

#[async_trait]
impl Gate for House {
    async fn bearer(&self, token: &str) -> Result<String, Error> {
        let username = token.strip_prefix("token of ").map(str::to_owned);
        username.ok_or_else(|| Error::authentication("token is expired"))
    }

    async fn enter(&self, username: &str) -> Result<Entered, Error> {
        if username == "mallory" {
            return Err(Error::authentication("not you"));
        }
        self.entered.fetch_add(1, Ordering::Relaxed);
        let (near, far) = pair(4);
        let (near, far) = (Overheard { end: near, house: self.clone() }, far);
        let (_, connection) = agent().serve(far, Context::default());
        tokio::spawn(self.agent_gone.clone().run_until_cancelled_owned(connection));
        let ended = self.cut.clone().cancelled_owned().map(|()| "cut");
        Ok(Entered { agent: Box::new(near), ended: ended.boxed(), place: Box::new(()) })
    }
}

/// Writes down what goes to the agent.
struct Overheard {
    end: PairEnd,
    house: House,
}

impl Stream for Overheard {
    type Item = Result<String, TransportError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.end.poll_next_unpin(cx)
    }
}

impl Sink<String> for Overheard {
    type Error = TransportError;

    fn poll_ready(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), TransportError>> {
        self.end.poll_ready_unpin(cx)
    }

    fn start_send(mut self: std::pin::Pin<&mut Self>, message: String) -> Result<(), TransportError> {
        self.house.arrived.lock().unwrap().push(message.clone());
        self.end.start_send_unpin(message)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), TransportError>> {
        self.end.poll_flush_unpin(cx)
    }

    fn poll_close(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), TransportError>> {
        self.end.poll_close_unpin(cx)
    }
}

struct Anybody;

#[async_trait]
impl Authenticator for Anybody {
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error> {
        assert!(claim.authentication.is_none(), "a credential reached the agent");
        Ok(Verified::user(claim.kite.username.clone()))
    }
}

fn agent() -> Service {
    Service::builder(descriptor("klient"))
        .authenticator(Arc::new(Anybody))
        .method("who", |request: Request| async move { Ok(request.caller().username.clone()) })
        .method("echo", |request: Request| async move { request.arg::<Value>() })
        .method("length", |request: Request| async move { Ok(request.arg::<String>()?.len()) })
        .method("never", |_| std::future::pending::<Result<(), Error>>())
        .method("count", |request: Request| async move {
            let (most, tell): (u32, kite::Callback) = request.args()?;
            for number in 0..most {
                tell.call((number,)).await?;
            }
            Ok(most)
        })
        .build()
}

fn descriptor(name: &str) -> Kite {
    let text = || name.to_owned();
    Kite {
        id: text(),
        username: "self-declared".into(),
        environment: text(),
        name: text(),
        version: "1.0.0".into(),
        region: text(),
        hostname: text(),
    }
}

/// A client of the relay, and how its session ends.
fn connect(house: &House, token: Option<&str>) -> (Peer, tokio::task::JoinHandle<Ended>) {
    let (near, far) = pair(4);
    let session = served(house, far);
    let (peer, connection) = Service::client(descriptor("client")).serve(near, Context::default());
    peer.set_authentication(token.map(Authentication::token));
    tokio::spawn(connection);
    (peer, session)
}

fn served(house: &House, transport: PairEnd) -> tokio::task::JoinHandle<Ended> {
    let house = house.clone();
    tokio::spawn(async move { serve(Box::new(transport), &house, std::future::pending()).await })
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.unwrap()
}

fn call(method: &str, token: Option<&str>, arguments: &Value) -> String {
    let authentication = token.map(|token| json!({"type": "token", "key": token}));
    json!({
        "method": method,
        "arguments": [{"authentication": authentication, "withArgs": arguments, "responseCallback": "[Function]"}],
        "callbacks": {"1": ["0", "responseCallback"]},
    })
    .to_string()
}

#[tokio::test]
async fn a_call_reaches_the_agent_under_the_verified_name_and_without_its_credential() {
    let house = House::default();
    let (peer, _) = connect(&house, Some("token of ada"));

    let who: String = within(peer.call("who", ())).await.unwrap();
    let echoed: Value =
        within(peer.call("echo", (json!({"deep": [1, "token of somebody"]}),))).await.unwrap();

    assert_eq!((&*who, &echoed), ("ada", &json!({"deep": [1, "token of somebody"]})));
    let arrived = house.arrived.lock().unwrap();
    assert!(arrived.len() >= 2);
    assert!(arrived.iter().all(|message| !message.contains("authentication")), "{arrived:?}");
    assert!(arrived.iter().all(|message| !message.contains("token of ada")), "{arrived:?}");
    assert!(arrived.iter().all(|message| !message.contains("self-declared")), "{arrived:?}");
}

#[tokio::test]
async fn functions_of_the_client_are_called_in_order() {
    let house = House::default();
    let (peer, _) = connect(&house, Some("token of ada"));
    let seen = Arc::new(Mutex::new(vec![]));
    let functions = kite::Functions::new();
    let tell = functions.add({
        let seen = seen.clone();
        move |arguments: kite::Arguments| {
            let seen = seen.clone();
            async move { seen.lock().unwrap().push(arguments.arg::<u32>().unwrap()) }
        }
    });

    let told: u32 = within(peer.call("count", (1000, tell))).await.unwrap();

    let waiting = async {
        while seen.lock().unwrap().len() < told as usize {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(waiting).await;
    assert!(seen.lock().unwrap().iter().copied().eq(0..1000));
}

#[tokio::test]
async fn only_ping_is_answered_to_a_stranger_and_nothing_reaches_the_agent() {
    let house = House::default();
    let (peer, session) = connect(&house, None);

    assert_eq!(within(peer.call::<String>("kite.ping", ())).await.unwrap(), "pong");
    for token in [None, Some("forged"), Some("token of mallory")] {
        peer.set_authentication(token.map(Authentication::token));
        let error = within(peer.call::<String>("who", ())).await.unwrap_err();
        assert!(error.is(kite::error::kind::AUTHENTICATION), "{error:?}");
    }
    peer.set_authentication(Some(Authentication::kite_key("token of ada")));
    assert!(within(peer.call::<String>("who", ())).await.is_err(), "a kite key is good at the registry only");

    assert_eq!(house.entered.load(Ordering::Relaxed), 0);
    assert!(!session.is_finished());
    // The connection is nobody's yet.
    peer.set_authentication(Some(Authentication::token("token of ada")));
    assert_eq!(within(peer.call::<String>("who", ())).await.unwrap(), "ada");
    assert_eq!(within(peer.call::<String>("kite.ping", ())).await.unwrap(), "pong");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_stays_one_is_sent_away() {
    let house = House::default();
    let (peer, session) = connect(&house, None);
    assert_eq!(peer.call::<String>("kite.ping", ()).await.unwrap(), "pong");

    let begin = tokio::time::Instant::now();
    assert_eq!(session.await.unwrap(), Ended::Stranger);

    assert!(begin.elapsed() <= STRANGER);
    within(peer.closed()).await;
}

#[tokio::test]
async fn a_second_caller_on_the_same_connection_is_refused() {
    let house = House::default();
    let (peer, session) = connect(&house, Some("token of ada"));
    assert_eq!(within(peer.call::<String>("who", ())).await.unwrap(), "ada");

    for token in ["token of bob", "forged"] {
        peer.set_authentication(Some(Authentication::token(token)));
        let error = within(peer.call::<String>("who", ())).await.unwrap_err();
        assert!(error.is(kite::error::kind::AUTHENTICATION), "{error:?}");
    }

    peer.set_authentication(None);
    assert!(within(peer.call::<String>("who", ())).await.is_err(), "each call is verified by itself");
    assert_eq!(house.entered.load(Ordering::Relaxed), 1);
    assert!(house.arrived.lock().unwrap().iter().all(|message| !message.contains("bob")));
    assert!(!session.is_finished());
}

#[tokio::test]
async fn whoever_may_not_call_any_more_is_cut_in_the_middle_of_a_call() {
    let house = House::default();
    let (peer, session) = connect(&house, Some("token of ada"));
    assert_eq!(within(peer.call::<String>("who", ())).await.unwrap(), "ada");
    let calling = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call::<()>("never", ()).await }
    });
    while house.arrived.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    house.cut.cancel();

    assert_eq!(within(session).await.unwrap(), Ended::Right("cut"));
    let error = within(calling).await.unwrap().unwrap_err();
    assert!(error.is(kite::error::kind::DISCONNECTED), "{error:?}");
}

#[tokio::test]
async fn an_agent_that_goes_away_ends_the_call_and_the_connection() {
    let house = House::default();
    let (peer, session) = connect(&house, Some("token of ada"));
    let calling = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call::<()>("never", ()).await }
    });
    while house.arrived.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    house.agent_gone.cancel();

    assert_eq!(within(session).await.unwrap(), Ended::Agent);
    let error = within(calling).await.unwrap().unwrap_err();
    assert!(error.is(kite::error::kind::DISCONNECTED), "{error:?}");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_to_whoever_sent_it() {
    let house = House::default();
    let (mut client, far) = pair(4);
    let session = served(&house, far);
    let token = Some("token of ada");
    let fitting = "x".repeat(KITE_MESSAGE_MAX - 1000);
    client.send(call("length", token, &json!([fitting]))).await.unwrap();
    let answer: Value = serde_json::from_str(&within(client.next()).await.unwrap().unwrap()).unwrap();
    assert_eq!(answer["arguments"][0]["result"], json!(KITE_MESSAGE_MAX - 1000));

    client.send(call("length", token, &json!(["x".repeat(KITE_MESSAGE_MAX)]))).await.unwrap();

    let answer: Value = serde_json::from_str(&within(client.next()).await.unwrap().unwrap()).unwrap();
    assert_eq!(answer["arguments"][0]["error"]["type"], json!(kite::error::kind::TOO_LARGE));
    assert_eq!(house.arrived.lock().unwrap().len(), 1);
    assert!(!session.is_finished());
}

#[tokio::test]
async fn nonsense_is_ignored_up_to_a_limit() {
    let house = House::default();
    let (mut client, far) = pair(4);
    let session = served(&house, far);

    for _ in 0..NONSENSE - 1 {
        client.send(r#"{"method":1,"arguments":[]}"#.into()).await.unwrap();
    }
    client.send(call("who", Some("token of ada"), &json!([]))).await.unwrap();
    assert!(within(client.next()).await.unwrap().unwrap().contains("ada"));
    for _ in 0..NONSENSE {
        // Until it is closed.
        if client.send("nonsense".into()).await.is_err() {
            break;
        }
    }

    assert_eq!(within(session).await.unwrap(), Ended::Nonsense);
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_up_only_itself() {
    let house = House::default();
    let (mut slow, far) = pair(1);
    let held_up = served(&house, far);
    let (peer, _) = connect(&house, Some("token of ada"));
    let text = "x".repeat(100 << 10);
    let feeding = async {
        loop {
            slow.send(call("echo", Some("token of ada"), &json!([text]))).await.unwrap();
        }
    };

    // It stops being read long before all this is in memory.
    assert!(tokio::time::timeout(Duration::from_millis(500), feeding).await.is_err());
    let held = house.arrived.lock().unwrap().len();
    for _ in 0..100 {
        assert_eq!(within(peer.call::<String>("who", ())).await.unwrap(), "ada");
    }

    assert!(held < 2000, "{held} messages of 100 KiB were taken from a client that reads nothing");
    assert!(!held_up.is_finished());
}
