//! Finds out how a stream is compressed, by its first bytes, and undoes it.
//!
//! Media types are not asked: tools get them wrong, and archives have none.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::trouble::{bad, carry};

/// How much compressed data is looked at in one go.
const BUFFER: usize = 128 << 10;
/// The largest zstd window taken, as a power of two: 128 MiB, what `zstd -d` takes without being told.
const WINDOW_LOG: u32 = 27;

/// Wraps a compressed stream so that it reads as what was put in; a plain one stays as it is.
///
/// Concatenated members and frames are read on end, as `gzip` and `zstd` do.
pub(super) fn inflate<'a>(source: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = Vec::new();
    let mut source = source;
    source.by_ref().take(6).read_to_end(&mut start)?;
    let source = BufReader::with_capacity(BUFFER, Cursor::new(start.clone()).chain(source));
    Ok(match start.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(Damaged(MultiGzDecoder::new(source))),
        // A frame, or one of the frames to skip that some tools put first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
            decoder.window_log_max(WINDOW_LOG)?;
            Box::new(Damaged(decoder))
        }
        [b'B', b'Z', b'h', ..] => return Err(other("bzip2")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => return Err(other("xz")),
        _ => Box::new(source),
    })
}

fn other(how: &str) -> io::Error {
    carry(bad(format!("the data is compressed with {how}; gzip, zstd or nothing is understood")))
}

/// Tells damaged data from a source that broke.
struct Damaged<R>(R);

impl<R: Read> Read for Damaged<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match super::trouble::carried(error) {
            Ok(ours) => carry(ours),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => error,
            Err(error) if error.raw_os_error().is_some() => error,
            Err(error) => carry(bad(format!("the compressed data is damaged: {error}"))),
        })
    }
}
