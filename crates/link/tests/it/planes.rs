//! Two planes on one socket, without anybody who speaks Kite over the second.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use link::{ByteStream, TextPlane};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::stand::LIMIT;

type Bytes = ByteStream<DuplexStream>;

/// Both ends of a socket that holds `room` bytes each way.
async fn sockets(room: usize) -> (WebSocketStream<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(room);
    (
        WebSocketStream::from_raw_socket(near, Role::Client, None).await,
        WebSocketStream::from_raw_socket(far, Role::Server, None).await,
    )
}

async fn ends(room: usize) -> ((Bytes, TextPlane), (Bytes, TextPlane)) {
    let (near, far) = sockets(room).await;
    (ByteStream::with_text(near), ByteStream::with_text(far))
}

/// Moves a socket whose bytes nobody wants, until it ends.
async fn drive(mut bytes: Bytes) -> std::io::Error {
    let mut chunk = vec![0; 64 << 10];
    loop {
        match bytes.read(&mut chunk).await {
            Ok(0) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.unwrap()
}

#[tokio::test]
async fn text_passes_both_ways_beside_bytes_that_rest() {
    let ((near, mut near_text), (far, mut far_text)) = ends(64 << 10).await;
    tokio::spawn(drive(near));
    tokio::spawn(drive(far));

    for round in 0..1000 {
        within(near_text.send(format!("there {round}"))).await.unwrap();
        assert_eq!(within(far_text.next()).await.unwrap().unwrap(), format!("there {round}"));
        within(far_text.send(format!("back {round}"))).await.unwrap();
        assert_eq!(within(near_text.next()).await.unwrap().unwrap(), format!("back {round}"));
    }
}

/// Writes `count` bytes and reads as many, both in one task as HTTP/2 does. That goes on moving text; what is
/// answered resolves when the bytes are through.
fn flood(bytes: Bytes, count: usize) -> tokio::sync::oneshot::Receiver<()> {
    let (done, finished) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(bytes);
        let writing = async {
            let chunk = vec![7; 64 << 10];
            for _ in 0..count / chunk.len() {
                writer.write_all(&chunk).await.unwrap();
                writer.flush().await.unwrap();
            }
        };
        let reading = async {
            let (mut chunk, mut seen) = (vec![0; 64 << 10], 0);
            while seen < count {
                let read = reader.read(&mut chunk).await.unwrap();
                assert!(read > 0 && chunk.iter().take(read).all(|byte| *byte == 7));
                seen += read;
            }
        };
        tokio::join!(writing, reading);
        done.send(()).unwrap();
        drive(reader.unsplit(writer)).await;
    });
    finished
}

#[tokio::test]
async fn text_passes_while_bytes_fill_the_line_and_bytes_while_text_does() {
    const TEXTS: usize = 2000;
    let ((near, mut near_text), (far, mut far_text)) = ends(32 << 10).await;
    let (near, far) = (flood(near, 32 << 20), flood(far, 32 << 20));

    tokio::spawn(async move {
        while let Some(text) = far_text.next().await {
            far_text.send(text.unwrap()).await.unwrap();
        }
    });
    // Many under way at once, not quite as many as a queue holds.
    let (mut sent, mut heard) = (0, 0);
    while heard < TEXTS {
        while sent < TEXTS && sent < heard + 48 {
            within(near_text.send(format!("{sent}"))).await.unwrap();
            sent += 1;
        }
        assert_eq!(within(near_text.next()).await.unwrap().unwrap(), format!("{heard}"));
        heard += 1;
    }

    for finished in [near, far] {
        tokio::time::timeout(4 * LIMIT, finished).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_lets_text_lie_loses_the_connection() {
    let long = "x".repeat(100 << 10);
    for (count, text) in [(65, "short"), (11, &*long)] {
        let ((near, mut near_text), (far, mut far_text)) = ends(4 << 20).await;
        let near = tokio::spawn(drive(near));
        let far = tokio::spawn(drive(far));

        for _ in 0..count - 1 {
            within(near_text.send(text.into())).await.unwrap();
        }
        within(near_text.flush()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!far.is_finished(), "what fits is no reason");
        within(near_text.send(text.into())).await.unwrap();

        let error = within(far).await.unwrap();
        assert!(error.to_string().contains("not read as fast"), "{error}");
        // What fitted is still there to be read, then comes the end, at both ends.
        for _ in 0..count - 1 {
            assert_eq!(within(far_text.next()).await.unwrap().unwrap(), text);
        }
        assert!(within(far_text.next()).await.is_none());
        within(near).await.unwrap();
        assert!(within(near_text.next()).await.is_none());
        assert!(within(near_text.send("late".into())).await.is_err());
    }
}

#[tokio::test]
async fn a_line_that_takes_no_text_makes_its_sender_wait() {
    let ((near, mut near_text), (_unread, _far_text)) = ends(1 << 10).await;
    let driving = tokio::spawn(drive(near));
    let mut sent = 0;

    let text = "x".repeat(32 << 10);
    while tokio::time::timeout(Duration::from_millis(200), near_text.feed(text.clone())).await.is_ok() {
        sent += text.len();
    }

    assert!((1 << 20..2 << 20).contains(&sent), "{sent} bytes were taken");
    assert!(!driving.is_finished());
}

#[tokio::test]
async fn a_text_that_fits_into_no_connection_is_refused_alone() {
    let ((near, mut near_text), (far, mut far_text)) = ends(64 << 10).await;
    tokio::spawn(drive(near));
    tokio::spawn(drive(far));

    assert!(near_text.send("x".repeat((1 << 20) + 1)).await.is_err());
    let longest = "x".repeat(1 << 20);
    within(near_text.send(longest.clone())).await.unwrap();

    assert_eq!(within(far_text.next()).await.unwrap().unwrap(), longest);
}

#[tokio::test]
async fn whoever_drops_the_text_plane_keeps_the_bytes() {
    let ((near, mut near_text), (far, far_text)) = ends(64 << 10).await;
    drop(far_text);
    let (near, far) = (flood(near, 8 << 20), flood(far, 8 << 20));

    for _ in 0..500 {
        within(near_text.send("to nobody".into())).await.unwrap();
    }

    assert!(within(near_text.flush()).await.is_ok());
    drop(near_text);
    for finished in [near, far] {
        within(finished).await.unwrap();
    }
}

#[tokio::test]
async fn text_on_a_connection_of_bytes_ends_it() {
    let (mut near, far) = sockets(64 << 10).await;
    let far = tokio::spawn(drive(ByteStream::new(far)));

    near.send(Message::text("hello")).await.unwrap();

    let error = within(far).await.unwrap();
    assert!(error.to_string().contains("only bytes"), "{error}");
}
