//! Files of the workspace: read, written whole, listed, deleted. As the workspace's user, so the file
//! system itself decides what may be touched.

mod listing;
mod write;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use tokio::io::{AsyncReadExt, Take};
use wire::agent::Listing;

use crate::background::in_background;
use crate::environment::Environment;
use crate::problem::Problem;

pub(crate) use write::{write, write_now};

/// What every call on a file has in front of the path.
const PREFIX: &str = "/v1/files/";

/// What is at a path.
pub(crate) enum Found {
    Folder(Listing),
    File {
        file: Take<tokio::fs::File>,
        /// Bytes; `None` for one of the kernel's files, which do not say.
        size: Option<u64>,
        modified_at: Option<Timestamp>,
    },
}

/// The path a call names: absolute, or relative to the workspace's folder.
pub(crate) fn path_of(environment: &Environment, uri_path: &str) -> Result<PathBuf, Problem> {
    let encoded = uri_path.strip_prefix(PREFIX).unwrap_or_default();
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(encoded).collect();
    if bytes.contains(&0) {
        return Err(Problem::invalid("a path cannot have a zero byte in it", "Take it out."));
    }
    Ok(environment.workspace_folder().join(OsString::from_vec(bytes)))
}

/// Opens a file or lists a folder; links are followed.
pub(crate) async fn read(path: PathBuf) -> Result<Found, Problem> {
    in_background(move || {
        let cannot = |error: io::Error| Problem::of_path("read", &path, &error);
        if std::fs::metadata(&path).map_err(cannot)?.is_dir() {
            return listing::list(&path).map(Found::Folder).map_err(cannot);
        }
        // Not blocking: opening a pipe nobody writes to would wait for ever.
        let file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(&path)
            .map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if !metadata.is_file() {
            return Err(Problem::invalid(
                format!("cannot read `{}`: it is neither a file nor a folder", path.display()),
                "Read it in a terminal.",
            ));
        }
        // The kernel's files say 0 and have content all the same.
        let size = Some(metadata.len()).filter(|size| *size > 0);
        let modified_at = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        let file = tokio::fs::File::from_std(file).take(size.unwrap_or(u64::MAX));
        Ok(Found::File { file, size, modified_at })
    })
    .await
}

/// Makes a folder and those above it.
pub(crate) async fn make_folder(path: PathBuf) -> Result<(), Problem> {
    in_background(move || {
        std::fs::create_dir_all(&path).map_err(|error| Problem::of_path("make the folder", &path, &error))
    })
    .await
}

/// Deletes a file, or a folder with all in it; of a link, the link.
pub(crate) async fn delete(path: PathBuf, workspace_folder: PathBuf) -> Result<(), Problem> {
    in_background(move || {
        let plain = path.components().collect::<PathBuf>();
        if plain.parent().is_none() || workspace_folder.starts_with(&plain) {
            return Err(Problem::invalid(
                format!("cannot delete `{}`: the workspace stands on it", path.display()),
                "Delete what is in it, or the whole workspace.",
            ));
        }
        delete_now(&path).map_err(|error| Problem::of_path("delete", &path, &error))
    })
    .await
}

fn delete_now(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    }
}
