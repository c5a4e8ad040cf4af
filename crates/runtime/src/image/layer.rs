//! One layer from a stream of bytes to a finished folder, on two threads: one hashes and decompresses,
//! the other hashes again and unpacks, while the stream goes on arriving.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::{Buf, Bytes};
use domain::ImageDigest;
use sha2::{Digest, Sha256};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::attributes::Ownership;
use super::caps::Caps;
use super::inflate::inflate;
use super::record::LayerNote;
use super::shelf::Shelf;
use super::staging::Staging;
use super::tape::Tape;
use super::tree::Tree;
use super::trouble::{bad, carry, failed};
use super::unpack::unpack;
use crate::DriverError;

/// What a layer has to be.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The digest of its tar stream, which names it on this machine.
    pub(super) diff_id: ImageDigest,
    /// The digest and size of the bytes as they come, where known.
    pub(super) blob: Option<Blob>,
}

/// A piece of content as manifests name it.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) digest: ImageDigest,
    pub(super) size: u64,
}

/// Bytes that came so far; shown to people while a layer is on its way.
pub(super) type Counter = Arc<AtomicU64>;

/// Unpacks what `source` gives and puts it on the shelf, if it is what was wanted.
pub(super) async fn take_in(
    shelf: &Shelf,
    wanted: Wanted,
    source: impl Read + Send + 'static,
    counter: Counter,
    stop: CancellationToken,
) -> Result<(), DriverError> {
    let (staging, caps) = (shelf.stage()?, shelf.caps());
    let (sender, receiver) = sync_channel(PIECES);
    let Wanted { diff_id, blob } = wanted;
    let inflater_stop = stop.clone();
    let inflating = spawn_blocking(move || {
        let most = blob.as_ref().map_or(caps.blob_bytes, |blob| blob.size.min(caps.blob_bytes));
        let input = Input { source, counter, stop: inflater_stop, hash: Sha256::new(), read: 0, most };
        let end = pump(input, blob.as_ref(), &sender).map_or_else(Piece::Broken, |()| Piece::End);
        // Said through the channel, so that the unpacker cannot take an early end for a good one. A closed
        // channel means that the unpacker has given up before us; its reason is the one to tell.
        let _heard = sender.send(end);
    });
    let unpacking = spawn_blocking(move || settle(diff_id, staging, receiver, caps, &stop));
    let (inflated, unpacked) = tokio::join!(inflating, unpacking);
    inflated.map_err(panicked)?;
    let (staging, note) = unpacked.map_err(panicked)??;
    shelf.keep_layer(&staging, &note)
}

pub(super) fn panicked(error: JoinError) -> DriverError {
    failed("unpacking an image ended unexpectedly", io::Error::other(error))
}

/// Pieces on the way between the two threads: 2 MiB, so that each works on while the other waits.
const PIECES: usize = 8;
const PIECE: usize = 256 << 10;

enum Piece {
    Data(Bytes),
    End,
    Broken(DriverError),
}

/// First thread: hashes what comes, undoes its compression, and checks at the end that it was the right
/// thing.
fn pump<R: Read + Send>(
    mut input: Input<R>,
    blob: Option<&Blob>,
    sender: &SyncSender<Piece>,
) -> Result<(), DriverError> {
    let unreadable = |error| failed("cannot read a layer", error);
    let mut output = inflate(&mut input).map_err(unreadable)?;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
        output.by_ref().take(limit).read_to_end(&mut piece).map_err(unreadable)?;
        if piece.is_empty() {
            break;
        }
        if sender.send(Piece::Data(piece.into())).is_err() {
            return Err(DriverError::Cancelled);
        }
    }
    drop(output);
    io::copy(&mut input, &mut io::sink()).map_err(unreadable)?;
    let Some(blob) = blob else { return Ok(()) };
    let found = digest(input.hash);
    if input.read != blob.size || found != blob.digest {
        return Err(bad(format!(
            "a layer should be `{}` of {} bytes but is `{found}` of {} bytes",
            blob.digest, blob.size, input.read
        )));
    }
    Ok(())
}

/// Second thread: hashes and unpacks the tar stream, and checks at the end that it was the right one.
fn settle(
    diff_id: ImageDigest,
    staging: Staging,
    receiver: Receiver<Piece>,
    caps: Caps,
    stop: &CancellationToken,
) -> Result<(Staging, LayerNote), DriverError> {
    let go_on = || if stop.is_cancelled() { Err(DriverError::Cancelled) } else { Ok(()) };
    let tree = Tree::open(&staging.files(), &staging.trash())?;
    let mut output = Output {
        receiver,
        piece: Bytes::new(),
        ended: false,
        hash: Sha256::new(),
        read: 0,
        most: caps.layer_bytes,
    };
    let mut tape = Tape::new(&mut output, &caps);
    let unpacked = unpack(&mut tape, tree, Ownership::of_this_process(), &caps, &go_on)?;
    tape.finish()?;
    let found = digest(output.hash);
    if found != diff_id {
        return Err(bad(format!("a layer should unpack to `{diff_id}` but unpacks to `{found}`")));
    }
    let note = LayerNote { diff_id, size_bytes: unpacked.size_bytes, devices_left_out: unpacked.devices };
    Ok((staging, note))
}

/// The bytes as they come.
struct Input<R> {
    source: R,
    counter: Counter,
    stop: CancellationToken,
    hash: Sha256,
    read: u64,
    most: u64,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(carry(DriverError::Cancelled));
        }
        let read = self.source.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        self.counter.store(self.read, Ordering::Relaxed);
        if self.read > self.most {
            return Err(carry(bad(format!("a layer is larger than {} bytes", self.most))));
        }
        Ok(read)
    }
}

/// The tar stream, from the first thread.
struct Output {
    receiver: Receiver<Piece>,
    piece: Bytes,
    ended: bool,
    hash: Sha256,
    read: u64,
    most: u64,
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.receiver.recv() {
                Ok(Piece::Data(piece)) => {
                    self.read = self.read.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                    if self.read > self.most {
                        return Err(carry(bad(format!("a layer unpacks to more than {} bytes", self.most))));
                    }
                    self.hash.update(&piece);
                    self.piece = piece;
                }
                Ok(Piece::End) => self.ended = true,
                Ok(Piece::Broken(error)) => return Err(carry(error)),
                Err(_) => return Err(carry(DriverError::Cancelled)),
            }
        }
        let read = buffer.len().min(self.piece.len());
        self.piece.split_to(read).copy_to_slice(buffer.get_mut(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A finished hash in the form images use.
pub(super) fn digest(hash: Sha256) -> ImageDigest {
    #[expect(clippy::expect_used, reason = "32 bytes in lower-case hexadecimal digits are always a digest")]
    format!("sha256:{}", hex::encode(hash.finalize())).parse().expect("a SHA-256 sum is a digest")
}
