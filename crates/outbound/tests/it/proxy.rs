//! A proxy that the operator has set.

use std::sync::{Arc, Mutex};

use outbound::{Client, Error, Policy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::secure::{Authority, Secure, url};
use crate::server::{Names, Server, ok};

/// A proxy that knows one name, `secure.test`, and hands every tunnel to a port of this machine.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(target: u16, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = asked.clone();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                tokio::spawn(async move {
                    let _lost = client.write_all(answer.as_bytes()).await;
                    if answer.contains(" 200 ") {
                        let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                        let _lost = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { port, asked }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }

    fn first_lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|head| head.lines().next().unwrap().to_owned()).collect()
    }
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[tokio::test]
async fn requests_connections_and_certificates_go_through_the_proxy() {
    let authority = Authority::new("CA");
    let port = Secure::new(&authority, ok("through")).start().await;
    let proxy = Proxy::start(port, OPEN).await;
    // The client itself cannot look the name up.
    let client = Client::builder(Policy::with_loopback())
        .resolver(Arc::new(Names::default()))
        .authorities(authority.pem())
        .proxy(proxy.url())
        .build()
        .unwrap();

    let response = client.get(url("secure.test", port)).send().await.unwrap();
    let certificate = client.certificate("secure.test", port).await.unwrap();
    client.connect("secure.test", port).await.unwrap();

    assert_eq!(response.bytes().await.unwrap(), "through");
    assert_eq!(certificate.names, ["secure.test"]);
    let line = format!("CONNECT secure.test:{port} HTTP/1.1");
    assert_eq!(proxy.first_lines(), [line.clone(), line.clone(), line]);
}

#[tokio::test]
async fn an_open_request_is_handed_to_the_proxy() {
    let proxy = Server::start([ok("from the proxy")]).await;
    let client = Client::builder(Policy::with_loopback()).proxy(proxy.url("/")).build().unwrap();

    let response = client.get(Url::parse("http://somewhere.test/a").unwrap()).send().await.unwrap();

    assert_eq!(response.bytes().await.unwrap(), "from the proxy");
    assert!(proxy.requests()[0].starts_with("GET http://somewhere.test/a HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_proxy_that_says_no_is_named() {
    let proxy = Proxy::start(0, "HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let client = Client::builder(Policy::with_loopback()).proxy(proxy.url()).build().unwrap();

    let error = client.connect("git.test", 22).await.unwrap_err();

    assert!(matches!(&error, Error::Protocol { why, .. } if why.contains("403")), "{error:?}");
    assert!(client.get(Url::parse("https://git.test/").unwrap()).send().await.is_err());
}

#[tokio::test]
async fn a_proxy_that_never_ends_its_head_is_given_up() {
    let proxy = Server::start([format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(100_000))]).await;
    let client = Client::builder(Policy::with_loopback()).proxy(proxy.url("/")).build().unwrap();

    let error = client.connect("git.test", 22).await.unwrap_err();

    assert!(matches!(error, Error::TooLarge { limit: 8192, .. }), "{error:?}");
}

#[tokio::test]
async fn the_proxy_itself_must_be_permitted() {
    for proxy in [
        "http://127.0.0.1:3128",
        "http://169.254.169.254",
        "http://me:word@example.com",
        "socks5://example.com",
    ] {
        let result = Client::builder(Policy::public_only()).proxy(Url::parse(proxy).unwrap()).build();

        assert!(matches!(result, Err(Error::Refused { .. })), "{proxy}: {result:?}");
    }
    let names = Names::default().name("proxy.test", &[&["10.0.0.7"]]);
    let client = Client::builder(Policy::public_only())
        .resolver(Arc::new(names))
        .proxy(Url::parse("http://proxy.test:3128").unwrap())
        .build()
        .unwrap();
    let asked = client.get(Url::parse("https://example.com/").unwrap()).send().await;
    let dialled = client.connect("example.com", 443).await;
    assert!(matches!(asked, Err(Error::Refused { .. })), "{asked:?}");
    assert!(matches!(dialled, Err(Error::Refused { .. })), "{dialled:?}");
}

#[tokio::test]
async fn an_address_is_checked_although_a_proxy_would_dial_it() {
    let proxy = Proxy::start(0, OPEN).await;
    let client = Client::builder(Policy::with_loopback()).proxy(proxy.url()).build().unwrap();

    for host in ["10.0.0.7", "169.254.169.254", "[::ffff:169.254.169.254]"] {
        let asked = client.get(Url::parse(&format!("https://{host}/")).unwrap()).send().await;
        let dialled = client.connect(host, 443).await;

        assert!(matches!(asked, Err(Error::Refused { .. })), "{host}: {asked:?}");
        assert!(matches!(dialled, Err(Error::Refused { .. })), "{host}: {dialled:?}");
    }
    assert!(proxy.first_lines().is_empty());
}
