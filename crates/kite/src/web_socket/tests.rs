//! Both ends over memory, and one end against a socket that says what it should not. The clock is paused.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;

const PACE: Pace = Pace {
    heartbeat: Duration::from_secs(25),
    write_timeout: Duration::from_secs(30),
    message_bytes: 10_000,
};

type Plain = WebSocketStream<DuplexStream>;

async fn a_server(framing: Framing, space: usize) -> (WebSocketTransport<DuplexStream>, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(space);
    (WebSocketTransport::server(ours, framing, PACE).await, theirs)
}

async fn a_plain_client(io: DuplexStream) -> Plain {
    WebSocketStream::from_raw_socket(io, Role::Client, None).await
}

async fn a_client(io: DuplexStream, framing: Framing) -> WebSocketTransport<DuplexStream> {
    let io = Watched::new(io, PACE.write_timeout);
    let socket = WebSocketStream::from_raw_socket(io, Role::Client, Some(config(framing, 10_000))).await;
    WebSocketTransport::new(socket, framing, PACE)
}

/// What the other end sees of an end: the messages before it, and the close frame.
async fn until_closed(socket: &mut Plain) -> (Vec<String>, Option<CloseFrame>) {
    let mut texts = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Close(close) => return (texts, close),
            _ => {}
        }
    }
    (texts, None)
}

#[tokio::test(start_paused = true)]
async fn messages_go_both_ways_in_either_framing() {
    for (server, client) in [(Framing::Raw, Framing::Raw), (Framing::SockJsServer, Framing::SockJsClient)] {
        let (mut server, io) = a_server(server, 1024).await;
        let mut client = a_client(io, client).await;
        let echo = tokio::spawn(async move {
            while let Some(Ok(message)) = server.next().await {
                server.send(message).await.unwrap();
            }
        });

        for message in ["{}", "é\u{2028}\"\\", "", &"x".repeat(5000)] {
            client.send(message.to_owned()).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), message);
        }
        client.close().await.unwrap();
        assert!(client.next().await.is_none());

        echo.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_text_is_refused_with_the_code_that_says_so() {
    let long = || Message::text("x".repeat(10_001));
    for (message, code) in [(Message::binary(vec![1, 2]), CloseCode::Unsupported), (long(), CloseCode::Size)]
    {
        let (mut server, io) = a_server(Framing::Raw, 64 << 10).await;
        let mut client = a_plain_client(io).await;

        client.send(message).await.unwrap();
        let (error, (_, close)) = tokio::join!(server.next(), until_closed(&mut client));

        assert!(matches!(error, Some(Err(_))), "{code}");
        assert_eq!(close.map(|close| close.code), Some(code));
        assert!(server.next().await.is_none());
        assert!(server.send(String::from("late")).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_text_or_no_frames_are_refused() {
    // A masked text frame of one byte that is no UTF-8; an opcode that does not exist.
    for (bytes, code) in [([0x81, 0x81, 0, 0, 0, 0, 0xff], 1007_u16), ([0x83, 0x81, 0, 0, 0, 0, 0], 1002)] {
        let (mut server, mut io) = a_server(Framing::Raw, 1024).await;

        io.write_all(&bytes).await.unwrap();
        let read = async {
            let mut head = [0; 4];
            io.read_exact(&mut head).await.unwrap();
            drop(io);
            u16::from_be_bytes([head[2], head[3]])
        };
        let (error, told) = tokio::join!(server.next(), read);

        assert!(matches!(error, Some(Err(_))));
        assert_eq!(told, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_pings_is_cut_off_after_two_heartbeats() {
    let (mut server, io) = a_server(Framing::Raw, 1024).await;
    let begun = tokio::time::Instant::now();

    let ended = server.next().await;

    assert!(matches!(ended, Some(Err(TransportError::TimedOut))));
    assert_eq!(begun.elapsed().as_secs(), 50);
    drop(io);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_peer_that_answers_pings_stays() {
    let (mut server, io) = a_server(Framing::SockJsServer, 1024).await;
    let mut client = a_plain_client(io).await;
    let (mut texts, mut pings) = (Vec::new(), 0);

    let watch = async {
        while let Some(Ok(message)) = client.next().await {
            match message {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Ping(_) => pings += 1,
                _ => {}
            }
        }
    };
    let watched =
        tokio::time::timeout(Duration::from_secs(110), async { tokio::join!(server.next(), watch) }).await;

    assert!(watched.is_err(), "still connected");
    assert_eq!(texts, ["o", "h", "h", "h", "h"]);
    assert_eq!(pings, 4);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut_off_and_makes_the_sender_wait_until_then() {
    let (mut server, io) = a_server(Framing::Raw, 1024).await;
    let begun = tokio::time::Instant::now();
    let mut sent = 0;

    let error = loop {
        match server.send("x".repeat(1000)).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };

    assert!(matches!(error, TransportError::TimedOut), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert!(sent <= 2, "{sent} messages were taken for a peer that took none");
    drop(io);
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_takes_something_stays() {
    let (mut server, mut io) = a_server(Framing::Raw, 64).await;
    let slow = async {
        let mut byte = [0; 16];
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            io.read_exact(&mut byte).await.unwrap();
        }
        io
    };

    let (sent, _io) = tokio::join!(server.send("x".repeat(200)), slow);

    sent.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_is_said_in_the_words_of_the_framing() {
    for (framing, words, code) in [
        (Framing::Raw, vec![], CloseCode::Normal),
        (Framing::SockJsServer, vec!["o", "c[3000,\"Go away!\"]"], CloseCode::Away),
    ] {
        let (mut server, io) = a_server(framing, 1024).await;
        let mut client = a_plain_client(io).await;

        let (closed, (texts, close)) = tokio::join!(server.close(), until_closed(&mut client));

        closed.unwrap();
        assert_eq!(texts, words);
        assert_eq!(close.map(|close| close.code), Some(code));
        assert!(server.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_the_goodbye_is_not_waited_for() {
    let (mut server, io) = a_server(Framing::Raw, 1024).await;
    let begun = tokio::time::Instant::now();

    server.close().await.unwrap();

    assert_eq!(begun.elapsed(), ending::LIMIT);
    drop(io);
}

#[tokio::test(start_paused = true)]
async fn broken_batches_end_a_sockjs_web_socket() {
    for text in ["[\"x", "[1]", "{", "[[[["] {
        let (mut server, io) = a_server(Framing::SockJsServer, 1024).await;
        let mut client = a_plain_client(io).await;

        client.send(Message::text(text)).await.unwrap();
        let (error, (_, close)) = tokio::join!(server.next(), until_closed(&mut client));

        assert!(matches!(error, Some(Err(TransportError::Protocol(_)))), "{text}");
        assert_eq!(close.map(|close| close.code), Some(CloseCode::Protocol));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_send_one_string_without_the_array_or_nothing() {
    let (mut server, io) = a_server(Framing::SockJsServer, 1024).await;
    let mut client = a_plain_client(io).await;

    client.send(Message::text("")).await.unwrap();
    client.send(Message::text("\"one\"")).await.unwrap();
    client.send(Message::text("[\"two\",\"three\"]")).await.unwrap();

    for expected in ["one", "two", "three"] {
        assert_eq!(server.next().await.unwrap().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_takes_both_forms_of_messages() {
    let (io, theirs) = tokio::io::duplex(1024);
    let mut client = a_client(theirs, Framing::SockJsClient).await;
    let mut server = WebSocketStream::from_raw_socket(io, Role::Server, None).await;

    for frame in ["o", "h", "m\"one\"", "a[\"two\",\"three\"]", "c[3000,\"Go away!\"]"] {
        server.send(Message::text(frame)).await.unwrap();
    }

    for expected in ["one", "two", "three"] {
        assert_eq!(client.next().await.unwrap().unwrap(), expected);
    }
    let (end, ()) = tokio::join!(client.next(), async { while let Some(Ok(_)) = server.next().await {} });
    assert!(end.is_none());
}

#[tokio::test]
async fn an_idle_connection_is_small() {
    assert!(size_of::<WebSocketTransport<DuplexStream>>() < 1024);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_messages_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        framing in prop_oneof![Just(Framing::Raw), Just(Framing::SockJsServer)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let (mut server, mut io) = a_server(framing, 4096).await;
            io.write_all(&bytes).await.unwrap();
            io.shutdown().await.unwrap();
            while let Some(Ok(_)) = server.next().await {}
            assert!(server.next().await.is_none());
        });
    }
}
