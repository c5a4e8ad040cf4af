//! Paths as callers write them, and what they mean here.
//!
//! A path is absolute, or begins with `~` (the home folder of the workspace's user), or is relative to the
//! workspace's folder. `~name` is a file of that name, not somebody else's home. A path that is not UTF-8
//! is given as base64 in the argument of the same name with `Bytes` behind it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};

use crate::environment::Environment;

/// Longest path; the kernel's `PATH_MAX`.
const PATH_MAX: usize = 4096;

/// Base64 as anybody writes it: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What paths that are not absolute begin at.
pub(in crate::klient) struct Roots {
    home: PathBuf,
    folder: PathBuf,
}

impl Roots {
    pub(in crate::klient) fn new(environment: &Environment) -> Self {
        Self { home: environment.home().to_owned(), folder: environment.workspace_folder().to_owned() }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the argument `name`, of which the text or the bytes were given.
    pub(in crate::klient) fn path(
        &self,
        name: &str,
        text: Option<&str>,
        bytes: Option<&str>,
    ) -> Result<PathBuf, kite::Error> {
        let given = match (text, bytes) {
            (_, Some(encoded)) => {
                let bytes =
                    decode(encoded).map_err(|why| kite::Error::argument(format!("{name}Bytes: {why}")))?;
                OsString::from_vec(bytes)
            }
            (Some(text), None) => OsString::from(text),
            (None, None) => return Err(kite::Error::argument(format!("the argument `{name}` is missing"))),
        };
        self.place(&given).map_err(|why| kite::Error::argument(format!("{name}: {why}")))
    }

    /// What a path means, without asking the disk. `.` and doubled slashes are taken out; `..` stays,
    /// because behind a link it is not the folder above by name.
    pub(super) fn place(&self, given: &OsStr) -> Result<PathBuf, &'static str> {
        let bytes = given.as_bytes();
        if bytes.is_empty() {
            return Err("a path cannot be empty; `.` is the workspace's folder");
        }
        if bytes.contains(&0) {
            return Err("a path cannot have a zero byte in it");
        }
        if bytes.len() >= PATH_MAX {
            return Err("a path is at most 4095 bytes long");
        }
        let place = match given.as_bytes() {
            b"~" => self.home.clone(),
            [b'~', b'/', rest @ ..] => self.home.join(OsStr::from_bytes(trim_slashes(rest))),
            _ => self.folder.join(given),
        };
        Ok(place.components().collect())
    }
}

fn trim_slashes(mut bytes: &[u8]) -> &[u8] {
    while let [b'/', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Takes `..` out by name, as `fs.abs` answers.
pub(super) fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

/// Bytes out of base64, with or without its padding.
pub(in crate::klient) fn decode(text: &str) -> Result<Vec<u8>, String> {
    LENIENT.decode(text).map_err(|error| format!("not base64: {error}"))
}

/// Bytes as base64.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
