//! Sizes and times are bounded, whatever the other side does.

use std::time::Duration;

use outbound::{Client, Error, Policy};
use tokio::net::TcpListener;
use url::Url;

use crate::server::{HANG, Server, ok};

fn hurried() -> Client {
    let short = Duration::from_millis(200);
    let builder = Client::builder(Policy::with_loopback());
    builder.connect_timeout(short).total_timeout(short).idle_timeout(short).build().unwrap()
}

#[tokio::test]
async fn an_answer_that_says_it_is_too_large_is_not_read() {
    let server = Server::start([ok("123456")]).await;

    let result = Client::new(Policy::with_loopback()).get(server.url("/")).limit(5).send().await;

    assert!(matches!(result, Err(Error::TooLarge { limit: 5, .. })), "{result:?}");
}

#[tokio::test]
async fn an_answer_that_turns_out_too_large_is_cut_off() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let server = Server::start([chunked.into()]).await;
    let client = Client::new(Policy::with_loopback());

    let just_fits = client.get(server.url("/")).limit(6).send().await.unwrap().bytes().await;
    let too_large = client.get(server.url("/")).limit(5).send().await.unwrap().bytes().await;

    assert_eq!(just_fits.unwrap(), "abcdef");
    assert!(matches!(too_large, Err(Error::TooLarge { .. })), "{too_large:?}");
}

#[tokio::test]
async fn of_a_gigabyte_no_more_is_taken_than_the_limit() {
    const GIGABYTE: u64 = 1 << 30;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _length = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
        let mut body = tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), GIGABYTE);
        let sent = tokio::io::copy(&mut body, &mut stream).await;
        (sent.is_err(), GIGABYTE - body.limit())
    });

    let response = Client::new(Policy::with_loopback()).get(url).limit(1 << 20).send().await.unwrap();
    let result = response.text_limited().await;

    assert!(matches!(result, Err(Error::TooLarge { limit: 1_048_576, .. })), "{result:?}");
    let (cut, sent) = server.await.unwrap();
    // What was under way in the buffers of both ends.
    assert!(cut && sent < 64 << 20, "{sent}");
}

#[tokio::test]
async fn a_head_request_may_be_about_something_large() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n";
    let server = Server::start([head.into()]).await;

    let response = Client::new(Policy::with_loopback()).head(server.url("/")).send().await.unwrap();

    assert_eq!(response.headers()["content-length"], "99999999999");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = Server::start([HANG.into()]).await;

    let error = hurried().post(server.url("/")).send().await.unwrap_err();

    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn silence_in_the_middle_of_an_answer_is_given_up_even_when_unhurried() {
    let server = Server::start([format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc{HANG}")]).await;

    let response = hurried().get(server.url("/")).unhurried().send().await.unwrap();
    let error = response.bytes().await.unwrap_err();

    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unhurried_answer_may_take_longer_than_the_total_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _length = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap();
        let mut write = async |text: &str| {
            tokio::io::AsyncWriteExt::write_all(&mut stream, text.as_bytes()).await.unwrap();
        };
        write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        for piece in ["a", "b", "c", "d", "e"] {
            pace.tick().await;
            write(piece).await;
        }
    });

    let response = hurried().get(url).unhurried().send().await.unwrap();

    assert_eq!(response.bytes().await.unwrap(), "abcde");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let server = Server::start(["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".into()]).await;

    let response = Client::new(Policy::with_loopback()).get(server.url("/")).send().await.unwrap();

    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn what_is_not_http_is_named_as_that() {
    let server = Server::start(["220 mail.example.com ESMTP\r\n".into()]).await;

    let error = Client::new(Policy::with_loopback()).post(server.url("/")).send().await.unwrap_err();

    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let client = Client::new(Policy::with_loopback());

    let asked = client.post(Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()).send().await;
    let dialled = client.connect("127.0.0.1", port).await;

    assert!(matches!(asked, Err(Error::Unreachable { .. })), "{asked:?}");
    assert!(matches!(dialled, Err(Error::Unreachable { .. })), "{dialled:?}");
}
