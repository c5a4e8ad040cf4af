//! Reading a command's output: to its end, or until the command itself has ended and a little longer.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{CHUNK, LAST_OUTPUT};

/// Bytes of one output that are still read after the command's end. A pipe holds 64 KiB as a rule, and 1 MiB at most,
/// so that what the command wrote itself is among them.
const LAST_BYTES: usize = 1 << 20;

/// How far one output is read.
///
/// What a command leaves running in the background may hold its output open, or go on writing, for ever. The time in
/// which nobody reads, because the reader's caller is slow, does not count: what was written is there all the same.
pub(crate) struct Tail {
    ended: CancellationToken,
    /// What may still come once the command has ended.
    rest: Option<Rest>,
}

struct Rest {
    time: Duration,
    bytes: usize,
}

impl Tail {
    /// Of the output of a command whose end `ended` tells.
    pub(crate) fn new(ended: CancellationToken) -> Self {
        Self { ended, rest: None }
    }

    /// Appends what comes next. False when nothing more does.
    pub(crate) async fn read(&mut self, pipe: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> bool {
        buffer.reserve(CHUNK);
        if self.rest.is_none() {
            tokio::select! {
                biased;
                () = self.ended.cancelled() => {}
                read = pipe.read_buf(buffer) => return read.is_ok_and(|count| count > 0),
            }
        }
        let rest = self.rest.get_or_insert(Rest { time: LAST_OUTPUT, bytes: LAST_BYTES });
        if rest.bytes == 0 {
            return false;
        }
        let begin = Instant::now();
        // What is there already is read even when the time is up.
        let Ok(Ok(count @ 1..)) = timeout(rest.time, pipe.read_buf(buffer)).await else { return false };
        rest.time = rest.time.saturating_sub(begin.elapsed());
        rest.bytes = rest.bytes.saturating_sub(count);
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_the_command_wrote_is_read_and_what_comes_for_ever_is_not() {
        const OWN: usize = 60 << 10;
        // Little that never ends, to a caller who is nearly quick enough; and a flood, to a slow one.
        for (pause, chunk, caller) in [
            (Duration::from_millis(50), 1, Duration::from_millis(10)),
            (Duration::ZERO, 4096, LAST_OUTPUT * 5),
        ] {
            let (mut near, mut far) = tokio::io::duplex(64 << 10);
            let ended = CancellationToken::new();
            near.write_all(&vec![b'w'; OWN]).await.unwrap();
            let chatter = tokio::spawn(async move {
                while near.write_all(&vec![b'x'; chunk]).await.is_ok() {
                    tokio::time::sleep(pause).await;
                    tokio::task::yield_now().await;
                }
            });
            let (mut tail, mut buffer, mut read) = (Tail::new(ended.clone()), BytesMut::new(), vec![]);
            ended.cancel();

            while tail.read(&mut far, &mut buffer).await {
                read.extend_from_slice(&buffer.split());
                tokio::time::sleep(caller).await;
            }

            assert_eq!(read.iter().position(|byte| *byte == b'x'), Some(OWN));
            assert!(read.len() < OWN + LAST_BYTES + CHUNK, "{}", read.len());
            chatter.abort();
        }
    }

    #[tokio::test]
    async fn without_an_end_of_the_command_all_is_read() {
        let (mut near, mut far) = tokio::io::duplex(64 << 10);
        let (mut tail, mut buffer) = (Tail::new(CancellationToken::new()), BytesMut::new());
        let writing = tokio::spawn(async move { near.write_all(&vec![b'x'; 3 << 20]).await.unwrap() });

        while tail.read(&mut far, &mut buffer).await {}

        writing.await.unwrap();
        assert_eq!(buffer.len(), 3 << 20);
    }
}
