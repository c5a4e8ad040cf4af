//! How large things are.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::statvfs;
use serde::Serialize;

use super::listing::all_names;
use super::trouble::{cannot, cannot_with};
use super::turns::Wanted;
use crate::problem::Problem;

/// Files with several names that are remembered, so as to be counted once. Further ones count each time.
const REMEMBERED: usize = 100_000;

/// The disk below a path.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiskInfo {
    /// Bytes of one of the blocks counted here.
    block_size: u64,
    blocks_total: u64,
    /// Including those the file system keeps for its administrator.
    blocks_free: u64,
    blocks_used: u64,
    /// Bytes that are best read or written at once.
    io_size: u64,
}

pub(super) fn disk(path: &Path) -> Result<DiskInfo, Problem> {
    let disk = statvfs(path).map_err(|error| cannot("measure the disk of", path, &error.into()))?;
    Ok(DiskInfo {
        block_size: disk.f_frsize,
        blocks_total: disk.f_blocks,
        blocks_free: disk.f_bfree,
        blocks_used: disk.f_blocks.saturating_sub(disk.f_bfree),
        io_size: disk.f_bsize,
    })
}

/// Bytes of a file, or of all files below a folder. Links count nothing, and a file with several names
/// counts once.
pub(super) fn size(path: &Path, wanted: &Wanted) -> Result<u64, Problem> {
    let mut seen = HashSet::new();
    let mut bytes = 0_u64;
    let mut open = vec![path.to_owned()];
    let mut is_first = true;
    while let Some(path) = open.pop() {
        wanted.check()?;
        // What has gone since it was listed has no size.
        let may_be_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound && !is_first;
        let found = match std::fs::symlink_metadata(&path) {
            Err(error) if may_be_gone(&error) => continue,
            found => found.map_err(cannot_with("measure", &path))?,
        };
        if found.is_dir() {
            let below = match all_names(&path) {
                Err(error) if may_be_gone(&error) => continue,
                below => below.map_err(cannot_with("measure", &path))?,
            };
            open.extend(below.names.iter().map(|below| path.join(&below.name)));
        } else if found.is_file() {
            let is_new =
                found.nlink() < 2 || seen.len() >= REMEMBERED || seen.insert((found.dev(), found.ino()));
            bytes = bytes.saturating_add(if is_new { found.len() } else { 0 });
        }
        is_first = false;
    }
    Ok(bytes)
}
