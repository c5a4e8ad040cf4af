//! Too much, too long, too slow: many hostile connections at once, beside one that must notice nothing.

use std::time::{Duration, Instant};

use blackbox::server::PATIENCE;
use futures_util::{SinkExt, StreamExt, future};
use kite::kontrol::{Kontrol, Query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::Place;

/// How much memory all of the attacks together may cost, in KiB. Kept in full, the messages of 64 MB alone would take
/// more than twice as much.
const ALLOWED: u64 = 512 << 10;
/// Connections at once of each kind of attack that sends a lot.
const MANY: usize = 20;
/// Connections at once of each kind that holds on and sends next to nothing.
const HELD: usize = 300;
/// What each of the large messages has, in bytes.
const LARGE: usize = 64 << 20;

/// The most memory that a process has ever had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A connection after its handshake, of which the bytes are written by hand.
async fn upgraded(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hello = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(hello.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Writes a piece again and again, until so much is written or the server takes no more.
async fn pour(stream: &mut TcpStream, piece: &[u8], bytes: usize) {
    let mut written = 0;
    while written < bytes {
        match tokio::time::timeout(Duration::from_secs(3), stream.write_all(piece)).await {
            Ok(Ok(())) => written += piece.len(),
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// One message of 64 MB in one frame.
async fn one_large_message(address: &str, path: &str) {
    let mut stream = upgraded(address, path).await;
    // A final text frame, masked with nothing, with a length of eight bytes.
    let mut head = vec![0x81, 0xff];
    head.extend((LARGE as u64).to_be_bytes());
    head.extend([0; 4]);
    drop(stream.write_all(&head).await);
    pour(&mut stream, &b" ".repeat(64 << 10), LARGE).await;
}

/// One message in pieces that never ends.
async fn one_endless_message(address: &str, path: &str) {
    let mut stream = upgraded(address, path).await;
    drop(stream.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'[']).await);
    // A continuation of 65 535 bytes that is not the last.
    let mut piece = vec![0x00, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
    piece.extend(b"[".repeat(0xffff));
    pour(&mut stream, &piece, LARGE).await;
}

/// Sends texts until the server takes no more, and reads nothing. Answers the connection, which is still there.
async fn send_without_reading(url: &str, count: u32, text: impl Fn(u32) -> String) -> impl Sized {
    let (mut socket, _) = tokio_tungstenite::connect_async(url.replace("http", "ws")).await.unwrap();
    for number in 0..count {
        let sent = socket.send(Message::text(text(number)));
        if !matches!(tokio::time::timeout(Duration::from_secs(3), sent).await, Ok(Ok(()))) {
            break;
        }
    }
    socket
}

fn ping(id: u32) -> String {
    format!(
        r#"{{"method":"kite.ping","arguments":[{{"withArgs":[],"responseCallback":"[Function]"}}],"callbacks":{{"{id}":["0","responseCallback"]}}}}"#
    )
}

/// A call with as many functions as a message can name.
fn many_functions() -> String {
    let functions: Vec<String> = (0..20_000).map(|id| format!(r#""{id}":["0","withArgs","{id}"]"#)).collect();
    format!(
        r#"{{"method":"getKites","arguments":[{{"withArgs":[]}}],"callbacks":{{{}}}}}"#,
        functions.join(",")
    )
}

/// Asks the registry again and again. Answers how often, and the longest time an answer took.
async fn ask_all_the_while(kontrol: Kontrol, stop: CancellationToken) -> (u64, Duration) {
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while !stop.is_cancelled() {
        let begun = Instant::now();
        assert_eq!(kontrol.get_kites(&Query::named("ada", "math")).await.unwrap().len(), 1);
        slowest = slowest.max(begun.elapsed());
        count += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (count, slowest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_by_strangers_cost_little_memory_and_nobody_else_notices() {
    let place = Place::new().await;
    let (address, pid) = (place.address(), place.server.pid());
    let kontrol = place.registered("bystander").await;
    let registered = kontrol.registered().borrow().clone();
    let stop = CancellationToken::new();
    let asking = tokio::spawn(ask_all_the_while(kontrol.clone(), stop.clone()));
    let before = peak(pid);
    let none = "/kite/relay/ws_01jd2k3v4w5x6y7z8a9b0c1d2e";
    let doors = [place.registry(), format!("{}{none}", place.server.url)];
    let tell = |what: &str| eprintln!("after {what}: {} KiB more than before", peak(pid) - before);

    // Some hold on to what they have for the whole time: half a handshake, and a connection that says nothing.
    let mut half_open = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..HELD {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /kite HTTP/1.1\r\nho").await.unwrap();
        half_open.push(stream);
        silent.push(upgraded(address, "/kite").await);
    }
    tell("half a handshake, and silence");

    for path in ["/kite", none] {
        future::join_all((0..MANY).map(|_| one_large_message(address, path))).await;
        tell("messages of 64 MB");
        future::join_all((0..MANY).map(|_| one_endless_message(address, path))).await;
        tell("messages without an end");
    }
    for url in &doors {
        let unknown = |number| format!(r#"{{"method":{number},"arguments":[]}}"#);
        future::join_all((0..MANY).map(|_| send_without_reading(url, 20_000, unknown))).await;
        tell("functions that never were");
        let slow = future::join_all((0..MANY).map(|_| send_without_reading(url, 20_000, ping))).await;
        tell("callers that read no answers");
        future::join_all((0..MANY).map(|_| send_without_reading(url, 20, |_| many_functions()))).await;
        tell("messages full of functions");
        drop(slow);
    }

    stop.cancel();
    let (count, slowest) = asking.await.expect("the other client was answered each time");
    eprintln!("meanwhile {count} questions were answered, the slowest after {slowest:?}");
    assert!(count > 0);
    assert_eq!(*kontrol.registered().borrow(), registered, "it has the same connection as before");
    assert!(peak(pid) - before < ALLOWED, "{} KiB more than before", peak(pid) - before);
    assert_eq!(place.stranger().await.call::<String>("kite.ping", ()).await.unwrap(), "pong");
    drop(half_open);

    // Who never said who they are is not kept.
    let is_closed = async |mut stream: TcpStream| {
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest).await);
    };
    let closed = future::join_all(silent.into_iter().map(is_closed));
    tokio::time::timeout(PATIENCE, closed).await.expect("silent connections are closed");
    assert!(!place.server.log().contains("panicked"), "{}", place.server.log());
}

#[tokio::test]
async fn a_poller_that_sends_too_much_is_refused_and_others_go_on() {
    let place = Place::new().await;
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let before = peak(place.server.pid());

    for number in 0..MANY {
        let session = format!("{}/000/flood{number}", place.registry());
        let opened = http.post(format!("{session}/xhr")).send().await.unwrap();
        assert_eq!(opened.text().await.unwrap(), "o\n");
        let sent = http.post(format!("{session}/xhr_send")).body(vec![b' '; LARGE]).send().await;
        // It may also be cut off while it is still being sent.
        assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status() == 413));
    }

    let grown = peak(place.server.pid()) - before;
    assert!(grown < ALLOWED, "{grown} KiB more than before");
    let pong = place.stranger().await.call::<String>("kite.ping", ()).await.unwrap();
    assert_eq!(pong, "pong");
    // A connection that was opened by nobody in particular, and the stream of what is said to it.
    let (mut socket, _) =
        tokio_tungstenite::connect_async(place.registry().replace("http", "ws")).await.unwrap();
    socket.send(Message::text(ping(1))).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().to_text().unwrap().contains("pong"));
}
