//! Dialling: every transport, falling back, TLS, Unix sockets, servers that do not behave.

pub(crate) mod keeper;
mod polling;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use http::StatusCode;
use http::header::UPGRADE;
use http::request::Parts;
use kite::Context;
use kite::client::{DialError, Dialer, Transports};
use kite::server::{Endpoint, Handler, Refusal, Settings};
use kite::transport::BoxTransport;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use testkit::wait_until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use crate::server::stand::{Echo, LIMIT, Stand, assert_echoes};

const MIB: usize = 1 << 20;
const ALL: [Transports; 4] =
    [Transports::Auto, Transports::WebSocket, Transports::SockJsWebSocket, Transports::XhrPolling];

#[tokio::test]
async fn every_transport_carries_messages_both_ways() {
    let stand = Stand::start(Settings::default()).await;

    for transports in ALL {
        let dialer = Dialer::new(&stand.url("/kite")).unwrap().by(transports);
        assert_echoes(dialer.connect(MIB).await.unwrap()).await;
    }
}

#[tokio::test]
async fn every_transport_sees_the_server_go() {
    for transports in ALL {
        let stand = Stand::start(Settings::default()).await;
        let dialer = Dialer::new(&stand.url("/kite")).unwrap().by(transports);
        let mut transport = dialer.connect(MIB).await.unwrap();

        stand.stop().await;

        assert!(transport.next().await.is_none_or(|message| message.is_err()), "{transports:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_by_the_server() {
    let settings = Settings { disconnect_delay: Duration::from_millis(100), ..Settings::default() };
    let stand = Stand::start(settings).await;
    for transports in ALL {
        let transport = Dialer::new(&stand.url("/kite")).unwrap().by(transports).connect(MIB).await.unwrap();
        assert_eq!(stand.endpoint.connections(), 1);

        drop(transport);

        wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
    }
}

/// Lets WebSockets through only at some addresses, as proxies do.
struct Gate {
    echo: Echo,
    lets_sockjs: bool,
}

#[async_trait]
impl Handler for Gate {
    async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
        let context = self.echo.accept(head).await?;
        let is_sockjs = head.uri.path().ends_with("/websocket");
        if head.headers.contains_key(UPGRADE) && !(is_sockjs && self.lets_sockjs) {
            return Err((StatusCode::BAD_GATEWAY, String::from("no WebSockets")));
        }
        Ok(context)
    }

    async fn serve(&self, transport: BoxTransport, context: Context) {
        self.echo.serve(transport, context).await;
    }
}

#[tokio::test]
async fn a_refused_web_socket_is_tried_as_sockjs_and_then_as_polling() {
    for (lets_sockjs, endings) in
        [(true, &["/", "/websocket"][..]), (false, &["/", "/websocket", "/xhr"][..])]
    {
        let gate = Arc::new(Gate { echo: Echo::default(), lets_sockjs });
        let endpoint = Endpoint::new(gate.clone());
        let address = crate::server::stand::serve_router(endpoint.router()).await;

        let transport = Dialer::new(&format!("ws://{address}")).unwrap().connect(MIB).await.unwrap();

        assert_echoes(transport).await;
        let paths = gate.echo.paths();
        assert_eq!(paths.len(), endings.len(), "{paths:?}");
        assert!(paths.iter().zip(endings).all(|(path, ending)| path.ends_with(ending)), "{paths:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_no_other_transport_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let dialled = Dialer::new(&format!("http://{address}")).unwrap().connect(MIB).await;

    assert!(matches!(dialled, Err(DialError::Connect { .. })), "{:?}", dialled.err());
}

/// A server that answers each connection with the same bytes, whatever it is asked.
async fn a_server_that_says(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Vec<u8> = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut asked = [0; 1024];
            drop(tcp.read(&mut asked).await);
            drop(tcp.write_all(&answer).await);
            held.push(tcp);
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let address = a_server_that_says("").await;

    for transports in ALL {
        let dialer = Dialer::new(&format!("http://{address}")).unwrap().by(transports);
        let dialled = dialer.timeout(Duration::from_millis(150)).connect(MIB).await;

        assert!(
            matches!(&dialled, Err(DialError::TimedOut(at)) if *at == format!("http://{address}/")),
            "{transports:?} {:?}",
            dialled.err()
        );
    }
}

#[tokio::test]
async fn answers_that_make_no_sense_are_errors() {
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for answer in [
        ok("hello"),
        ok("c[3000,\"Go away!\"]\n"),
        ok("a[\"early\"]\n"),
        ok("\u{ff}"),
        String::from("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
        String::from("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"),
        String::from("SSH-2.0-OpenSSH_9.2\r\n"),
        "x".repeat(1 << 20),
    ] {
        let address = a_server_that_says(answer.clone()).await;
        let dialer = Dialer::new(&format!("http://{address}")).unwrap().timeout(Duration::from_secs(3));

        assert!(dialer.connect(MIB).await.is_err(), "{answer:.40}");
    }
}

#[tokio::test]
async fn a_frame_that_is_too_long_for_us_ends_the_session() {
    let stand = Stand::start(Settings::default()).await;
    for transports in [Transports::WebSocket, Transports::SockJsWebSocket, Transports::XhrPolling] {
        let dialer = Dialer::new(&stand.url("/kite")).unwrap().by(transports);
        let mut transport = dialer.connect(1000).await.unwrap();

        futures_util::SinkExt::send(&mut transport, "x".repeat(100_000)).await.unwrap();

        assert!(matches!(transport.next().await, Some(Err(_))), "{transports:?}");
    }
}

#[tokio::test]
async fn headers_and_a_bearer_token_go_with_every_request() {
    struct Doorman;

    #[async_trait]
    impl Handler for Doorman {
        async fn accept(&self, head: &Parts) -> Result<Context, Refusal> {
            let has = |name: &str, value: &str| head.headers.get(name).is_some_and(|found| found == value);
            let knows = has("authorization", "Bearer secret") && has("x-kite", "1");
            if knows { Ok(Context::default()) } else { Err((StatusCode::UNAUTHORIZED, String::from("who?"))) }
        }

        async fn serve(&self, transport: BoxTransport, context: Context) {
            Echo::default().serve(transport, context).await;
        }
    }

    let endpoint = Endpoint::new(Arc::new(Doorman));
    let address = crate::server::stand::serve_router(endpoint.router()).await;
    for transports in ALL {
        let dialer = Dialer::new(&format!("http://{address}")).unwrap().by(transports);
        let refused = dialer.connect(MIB).await.err().unwrap();
        assert!(matches!(refused, DialError::Refused { status: StatusCode::UNAUTHORIZED, .. }));
        assert_eq!(
            refused.to_string(),
            format!("`http://{address}/` refused the connection with status 401 Unauthorized: who?")
        );

        let dialer = dialer.bearer("secret").unwrap();
        let dialer = dialer.header("x-kite".parse().unwrap(), "1".parse().unwrap());
        assert_echoes(dialer.connect(MIB).await.unwrap()).await;
    }
    assert!(matches!(Dialer::new("http://host").unwrap().bearer("a\nb"), Err(DialError::Config(_))));
}

#[tokio::test]
async fn tls_is_spoken_and_only_trusted_servers_are() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([String::from("localhost")]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = Endpoint::new(Arc::new(Echo::default()));
    let router = endpoint.router();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                serve_io(tls, router).await;
            });
        }
    });
    let address = format!("wss://localhost:{port}/");

    let stranger = Dialer::new(&address).unwrap().connect(MIB).await;
    assert!(matches!(stranger, Err(DialError::Connect { .. })), "{:?}", stranger.err());
    assert!(matches!(
        Dialer::new(&address).unwrap().trusting("-----BEGIN CERTIFICATE-----\nx"),
        Err(DialError::Config(_))
    ));
    let another = generate_simple_self_signed([String::from("localhost")]).unwrap();
    for unusable in ["", "garbage", &another.signing_key.serialize_pem()] {
        for url in [address.as_str(), "http://localhost"] {
            let dialer = Dialer::new(url).unwrap().trusting(unusable);
            assert!(matches!(dialer, Err(DialError::Config(_))), "{unusable}");
        }
    }
    let bundle = format!("of localhost\n{}{}", cert.pem(), another.signing_key.serialize_pem());
    for transports in ALL {
        // The first ones are trusted on after others were added.
        let dialer = Dialer::new(&address).unwrap().trusting(&bundle).unwrap();
        let dialer = dialer.trusting(&another.cert.pem()).unwrap().by(transports);
        assert_echoes(dialer.connect(MIB).await.unwrap()).await;
    }
}

async fn serve_io<I>(io: I, router: axum::Router)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper_util::service::TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(hyper_util::rt::TokioIo::new(io), service)
        .with_upgrades();
    drop(connection.await);
}

#[tokio::test]
async fn a_unix_socket_is_dialled_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kite.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let endpoint = Endpoint::new(Arc::new(Echo::default()));
    let router = axum::Router::new().nest_service("/kite", endpoint.router());
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(serve_io(io, router.clone()));
        }
    });

    for transports in ALL {
        let dialer = Dialer::unix(&socket, "/kite").unwrap().by(transports);
        assert_echoes(dialer.connect(MIB).await.unwrap()).await;
    }
    let missing = Dialer::unix(folder.path().join("none"), "/kite").unwrap().connect(MIB).await;
    assert!(matches!(missing, Err(DialError::Connect { .. })));
}
