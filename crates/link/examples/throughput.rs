//! What the text plane costs the byte plane: `cargo run -p link --example throughput`.
//!
//! Half a gibibyte from one end of a socket pair to the other, both in this process, as HTTP/2 moves it (one task an
//! end): without a text plane, with one that rests, and with one over which messages go round all the while.

use std::error::Error;
use std::io::Write;

use futures_util::{SinkExt, StreamExt};
use link::{ByteStream, TextPlane};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

type Outcome<T> = Result<T, Box<dyn Error>>;
type Bytes = ByteStream<UnixStream>;

const AMOUNT: usize = 512 << 20;
/// As HTTP/2 writes: a few frames at once.
const CHUNK: usize = 32 << 10;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Outcome<()> {
    for (name, text) in [("bytes only", Text::None), ("text rests", Text::Rests), ("text flows", Text::Flows)]
    {
        let mut seconds = Vec::new();
        for _ in 0..ROUNDS {
            seconds.push(measure(text).await?);
        }
        seconds.sort_by(f64::total_cmp);
        let median = seconds.get(ROUNDS / 2).copied().unwrap_or_default();
        let rate = f64::from(u32::try_from(AMOUNT >> 20)?) / median;
        writeln!(std::io::stdout(), "{name}: {rate:.0} MiB/s")?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Text {
    None,
    Rests,
    Flows,
}

async fn measure(text: Text) -> Outcome<f64> {
    let (near, far) = UnixStream::pair()?;
    let near = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    let far = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    let (near, far, planes) = match text {
        Text::None => (ByteStream::new(near), ByteStream::new(far), None),
        Text::Rests | Text::Flows => {
            let ((near, near_text), (far, far_text)) =
                (ByteStream::with_text(near), ByteStream::with_text(far));
            (near, far, Some((near_text, far_text)))
        }
    };
    let flowing = match (text, planes) {
        (Text::Flows, Some((near, far))) => tokio::spawn(go_round(near, far)),
        (_, planes) => tokio::spawn(async move {
            let _held = planes;
            std::future::pending::<()>().await;
        }),
    };
    let begin = Instant::now();
    let sending = tokio::spawn(send(near));
    let mut far = far;
    let (mut chunk, mut seen) = (vec![0; CHUNK], 0);
    while seen < AMOUNT {
        let read = far.read(&mut chunk).await?;
        if read == 0 {
            return Err("the line broke off".into());
        }
        seen += read;
    }
    let took = begin.elapsed().as_secs_f64();
    flowing.abort();
    sending.abort();
    Ok(took)
}

/// Writes, and reads what comes back meanwhile, which is text only.
async fn send(bytes: Bytes) {
    let (mut reader, mut writer) = tokio::io::split(bytes);
    let chunk = vec![7; CHUNK];
    let writing = async {
        for _ in 0..AMOUNT / CHUNK {
            if writer.write_all(&chunk).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    };
    let mut nothing = [0];
    tokio::join!(writing, async { drop(reader.read(&mut nothing).await) });
}

async fn go_round(mut near: TextPlane, mut far: TextPlane) {
    tokio::spawn(async move {
        while let Some(Ok(message)) = far.next().await {
            if far.send(message).await.is_err() {
                return;
            }
        }
    });
    while near.send("x".repeat(200)).await.is_ok() && near.next().await.is_some() {}
}
