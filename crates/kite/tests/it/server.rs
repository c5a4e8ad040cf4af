//! The endpoint over real connections: addresses, upgrades, limits, stopping.

pub(crate) mod http;
mod polling;
pub(crate) mod stand;
mod streaming;

use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, StatusCode};
use futures_util::{SinkExt, StreamExt};
use kite::client::{DialError, Dialer, Transports};
use kite::server::{Endpoint, Settings, serve};
use kite::{Context, Error, MethodOptions, Request, Service};
use testkit::wait_until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::sync::CancellationToken;

use self::http::{Browser, get, post, request};
use self::stand::{Echo, LIMIT, Stand};
use crate::ends::a_kite;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn an_endpoint_greets_at_its_address_with_and_without_a_slash() {
    let stand = Stand::start(Settings::default()).await;

    for path in ["/", "/kite", "/kite/"] {
        let answer = get(stand.address, path).await;

        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.body, "Welcome to SockJS!\n");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    }
}

#[tokio::test]
async fn info_says_what_clients_look_for_and_is_never_kept() {
    let stand = Stand::start(Settings::default()).await;

    let (first, second) = (get(stand.address, "/kite/info").await, get(stand.address, "/kite/info").await);

    let info = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
    let (one, other) = (info(&first.body), info(&second.body));
    assert_eq!(one["websocket"], true);
    assert_eq!(one["cookie_needed"], false);
    assert_eq!(one["origins"], serde_json::json!(["*:*"]));
    assert!(one["entropy"].is_u64());
    assert_ne!(one["entropy"], other["entropy"]);
    assert_eq!(first.header("content-type"), Some("application/json; charset=UTF-8"));
    assert!(first.header("cache-control").is_some_and(|value| value.contains("no-store")));
}

#[tokio::test]
async fn pages_of_every_origin_may_read_and_nobody_gets_a_cookie() {
    let stand = Stand::start(Settings::default()).await;
    let origin = [("origin", "https://page.example"), ("cookie", "session=1")];

    let named = request(stand.address, Method::GET, "/kite/info", &origin, "").await;
    assert_eq!(named.header("access-control-allow-origin"), Some("https://page.example"));
    assert_eq!(named.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(named.header("vary"), Some("Origin"));
    assert_eq!(named.header("set-cookie"), None);

    let unnamed = get(stand.address, "/kite/info").await;
    assert_eq!(unnamed.header("access-control-allow-origin"), Some("*"));
    assert_eq!(unnamed.header("access-control-allow-credentials"), None);

    let preflight = request(stand.address, Method::OPTIONS, "/kite/0/a/xhr_send", &origin, "").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("OPTIONS, POST"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://page.example"));
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_is_asked_wrongly_is_405() {
    let stand = Stand::start(Settings::default()).await;
    for path in [
        "/kite/websocket",
        "/kite/0/a/htmlfile",
        "/kite/0/a/jsonp",
        "/kite/iframe.html",
        "/kite/a.b/c/xhr",
        "/kite/a//xhr",
        "/kite/a/b",
    ] {
        assert_eq!(post(stand.address, path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }

    assert_eq!(post(stand.address, "/kite", "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(stand.address, "/kite/0/a/xhr").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post(stand.address, "/kite/0/a/eventsource", "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(stand.address, "/kite/0/a/websocket").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_handshake_that_is_none_is_refused_before_the_handler_is_asked() {
    let stand = Stand::start(Settings::default()).await;
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let upgrade = [("upgrade", "websocket"), ("connection", "Upgrade")];

    let old = request(
        stand.address,
        Method::GET,
        "/kite",
        &[upgrade[0], upgrade[1], key, ("sec-websocket-version", "8")],
        "",
    )
    .await;
    let bare = request(stand.address, Method::GET, "/kite", &upgrade, "").await;

    assert_eq!(old.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(bare.status, StatusCode::BAD_REQUEST);
    assert_eq!(stand.echo.accepted(), 0);
}

#[tokio::test]
async fn the_handlers_refusal_is_what_the_client_gets() {
    let stand = Stand::with(Echo::refusing(StatusCode::UNAUTHORIZED), Settings::default()).await;

    for transports in
        [Transports::Auto, Transports::WebSocket, Transports::SockJsWebSocket, Transports::XhrPolling]
    {
        let dialled = Dialer::new(&stand.url("/kite")).unwrap().by(transports).connect(MIB).await;

        assert!(
            matches!(dialled, Err(DialError::Refused { status: StatusCode::UNAUTHORIZED, .. })),
            "{transports:?}"
        );
    }
    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
}

#[tokio::test]
async fn no_compression_is_agreed_to() {
    let stand = Stand::start(Settings::default()).await;
    let mut tcp = TcpStream::connect(stand.address).await.unwrap();
    let handshake = "GET /kite HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

    tcp.write_all(handshake.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }

    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    assert!(!head.contains("extensions"), "{head}");
}

#[tokio::test]
async fn the_same_session_id_below_another_address_is_another_session() {
    let stand = Stand::start(Settings::default()).await;
    let outer = axum::Router::new()
        .route("/{*page}", axum::routing::get(|| async { "a page" }))
        .nest_service("/relay/{kite}", stand.endpoint.router());
    let address = stand::serve_router(outer).await;

    assert_eq!(post(address, "/relay/one/0/same/xhr", "").await.body, "o\n");
    assert_eq!(post(address, "/relay/two/0/same/xhr_send", "[\"x\"]").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(address, "/relay/two/1/same/xhr", "").await.body, "o\n");
    assert_eq!(get(address, "/relay/one/").await.body, "Welcome to SockJS!\n");
    assert_eq!(get(address, "/elsewhere").await.body, "a page");
    assert_eq!(stand.echo.paths(), ["/relay/one/0/same/xhr", "/relay/two/1/same/xhr"]);
}

#[tokio::test]
async fn a_message_of_64_mb_is_refused_and_others_go_on() {
    let stand = Stand::start(Settings::default()).await;
    let calm = Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await.unwrap();
    let tcp = TcpStream::connect(stand.address).await.unwrap();
    let (mut hostile, _) =
        tokio_tungstenite::client_async(format!("ws://{}/kite", stand.address), tcp).await.unwrap();

    let sent = hostile.send(Message::text("x".repeat(64 << 20))).await;
    let told = async {
        loop {
            match hostile.next().await {
                Some(Ok(Message::Close(Some(close)))) => break Some(u16::from(close.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        }
    };

    // A client that is busy sending may find the connection gone before it reads why.
    match (sent, told.await) {
        (_, Some(code)) => assert_eq!(code, 1009),
        (Err(WsError::Io(_)), None) => {}
        other => panic!("{other:?}"),
    }
    stand::assert_echoes(calm).await;
    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
}

#[tokio::test]
async fn ten_thousand_sessions_from_one_address_leave_room_for_others() {
    const PER_ADDRESS: usize = 20;
    let settings = Settings { connections_per_address: PER_ADDRESS, ..Settings::default() };
    let stand = Stand::start(settings).await;
    let mut greedy = Browser::open(stand.address, None).await;
    let mut refused = 0;

    for number in 0..10_000 {
        let answer = greedy.request(Method::POST, &format!("/kite/0/{number}/xhr"), &[], "").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.header("retry-after").is_some());
            refused += 1;
        }
    }

    assert_eq!(refused, 10_000 - PER_ADDRESS);
    assert_eq!(stand.endpoint.connections(), PER_ADDRESS);
    let mut other = Browser::open(stand.address, "127.0.0.2".parse().ok()).await;
    assert_eq!(other.request(Method::POST, "/kite/0/x/xhr", &[], "").await.body, "o\n");
}

#[tokio::test]
async fn above_the_limit_of_all_connections_everybody_is_told_to_come_later() {
    let stand = Stand::start(Settings { connections: 1, ..Settings::default() }).await;
    let only = Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await.unwrap();

    let next = Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await;

    // The limit of connections below sessions is twice as high, so that there is somebody to say it.
    assert!(
        matches!(next, Err(DialError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. })),
        "{:?}",
        next.err()
    );
    drop(only);
    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
    stand::assert_echoes(Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await.unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_not_waited_for() {
    let stand = Stand::start(Settings::default()).await;
    let mut tcp = TcpStream::connect(stand.address).await.unwrap();

    tcp.write_all(b"POST /kite/0/a/xhr HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let mut answer = Vec::new();
    let read = tcp.read_to_end(&mut answer).await;

    assert!(read.is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_stops_lets_connections_finish_and_takes_none() {
    let stand = Stand::start(Settings::default()).await;
    let mut held = Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await.unwrap();
    let dialer = Dialer::new(&stand.url("/kite")).unwrap();
    assert_eq!(post(stand.address, "/kite/0/a/xhr", "").await.body, "o\n");

    let endpoint = stand.endpoint.clone();
    stand.stop().await;

    assert!(held.next().await.is_none());
    assert_eq!(endpoint.connections(), 0);
    assert!(matches!(dialer.connect(MIB).await, Err(DialError::Connect { .. })));
}

#[tokio::test]
async fn a_server_that_stops_lets_a_polling_client_have_its_answers() {
    let (release, released) = watch::channel(0_u32);
    let wait = move |request: Request| {
        let mut released = released.clone();
        async move {
            let number: u32 = request.arg()?;
            released.wait_for(|released| *released >= number).await.map_err(|_| Error::generic("gone"))?;
            Ok(number)
        }
    };
    let service =
        Service::builder(a_kite("slow")).method_with("wait", MethodOptions::default().open(), wait).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialer = Dialer::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, Endpoint::new(Arc::new(service.clone())), stop.clone()));
    let dialer = dialer.by(Transports::XhrPolling);
    let peer = dialer.dial(&Service::client(a_kite("cli")), Context::default()).await.unwrap();
    let call = |number: u32| tokio::spawn(peer.request("wait").args(number).timeout(LIMIT).send::<u32>());
    let calls: Vec<_> = (1..=3).map(call).collect();
    wait_until(LIMIT, async || service.counts().calls == 3).await;

    stop.cancel();

    // Each comes with a poll of its own.
    for (number, answer) in (1..=3).zip(calls) {
        release.send_replace(number);
        assert_eq!(answer.await.unwrap(), Ok(number));
    }
    peer.closed().await;
    served.await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_closes_refuses_newcomers_politely() {
    let stand = Stand::start(Settings::default()).await;

    assert!(stand.endpoint.drain(LIMIT).await);

    assert_eq!(post(stand.address, "/kite/0/a/xhr", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let dialled = Dialer::new(&stand.url("/kite")).unwrap().connect(MIB).await;
    assert!(matches!(dialled, Err(DialError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. })));
}

#[tokio::test]
async fn a_handler_that_never_ends_holds_the_stop_only_until_the_limit() {
    let endpoint = Endpoint::new(Arc::new(stand::Deaf));
    let address = stand::serve_router(endpoint.router()).await;
    let _held = Dialer::new(&format!("http://{address}/")).unwrap().connect(MIB).await.unwrap();

    assert!(!endpoint.drain(Duration::from_millis(50)).await);
}
