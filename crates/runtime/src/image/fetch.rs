//! Streams a blob out of a registry into the thread that unpacks it, going on where a connection broke.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use outbound::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::layer::Blob;
use super::registry::Repository;
use super::trouble::{bad, carry};
use crate::DriverError;

/// Pieces between network and unpacker. Full means that the disk is slower: the connection then waits,
/// and so does the registry.
const PIECES: usize = 32;
/// Connections in a row that may break without a single byte.
const MOST_FRUITLESS: u32 = 5;
/// Connections in all: a registry that gives little by little is not worth more.
const MOST_CONNECTIONS: u32 = 50;

/// What the registry gives, to be read on another thread.
pub(super) struct Arriving {
    receiver: mpsc::Receiver<Result<Bytes, DriverError>>,
    piece: Bytes,
}

/// Makes both ends: [`download`] feeds the first, the second is read.
pub(super) fn pipe() -> (mpsc::Sender<Result<Bytes, DriverError>>, Arriving) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Arriving { receiver, piece: Bytes::new() })
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Err(carry(error)),
                None => return Ok(0),
            }
        }
        let read = buffer.len().min(self.piece.len());
        self.piece.split_to(read).copy_to_slice(buffer.get_mut(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Sends the whole blob through `sender`, or why there is no more of it.
pub(super) async fn download(
    repository: &Repository,
    client: &Client,
    blob: &Blob,
    sender: mpsc::Sender<Result<Bytes, DriverError>>,
    stop: &CancellationToken,
) {
    let result = tokio::select! {
        () = stop.cancelled() => Err(DriverError::Cancelled),
        result = send_all(repository, client, blob, &sender) => result,
    };
    if let Err(error) = result {
        // A closed channel means that the unpacker knows better already.
        let _heard = sender.send(Err(error)).await;
    }
}

async fn send_all(
    repository: &Repository,
    client: &Client,
    blob: &Blob,
    sender: &mpsc::Sender<Result<Bytes, DriverError>>,
) -> Result<(), DriverError> {
    let mut sent = 0;
    let mut fruitless = 0;
    for _ in 0..MOST_CONNECTIONS {
        let before = sent;
        let broke = match send_some(repository, blob, &mut sent, sender).await {
            Ok(()) if sent >= blob.size => return Ok(()),
            Ok(()) if sender.is_closed() => return Ok(()),
            Ok(()) => bad(format!("`{}` ends after {sent} of {} bytes", blob.digest, blob.size)),
            Err(Broken::ForGood(error)) => return Err(error),
            Err(Broken::OnTheWay(error)) => error,
        };
        fruitless = if sent > before { 1 } else { fruitless + 1 };
        if fruitless >= MOST_FRUITLESS {
            return Err(broke);
        }
        debug!(blob = %blob.digest, sent, "a download broke off; going on from there");
        tokio::time::sleep(client.pause(fruitless)).await;
    }
    Err(bad(format!("`{}` breaks off again and again", blob.digest)))
}

enum Broken {
    ForGood(DriverError),
    OnTheWay(DriverError),
}

/// Sends what one connection gives, from `sent` on.
async fn send_some(
    repository: &Repository,
    blob: &Blob,
    sent: &mut u64,
    sender: &mpsc::Sender<Result<Bytes, DriverError>>,
) -> Result<(), Broken> {
    let (mut response, start) = repository.blob(blob, *sent).await.map_err(Broken::ForGood)?;
    // A registry that knows no ranges begins at the beginning.
    let mut skip = sent.saturating_sub(start);
    loop {
        let mut chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(()),
            Err(error @ outbound::Error::TooLarge { .. }) => {
                return Err(Broken::ForGood(repository.unfetchable(&error)));
            }
            Err(error) => return Err(Broken::OnTheWay(repository.unfetchable(&error))),
        };
        let known = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
        chunk.advance(known);
        skip -= u64::try_from(known).unwrap_or(skip);
        if chunk.is_empty() {
            continue;
        }
        *sent += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if sender.send(Ok(chunk)).await.is_err() {
            return Ok(());
        }
    }
}
