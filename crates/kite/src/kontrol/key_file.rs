//! The kite key on disk: `kite.key` in `$KITE_HOME`, else in `~/.kite`.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::kite_key::{KiteKey, KiteKeyError};
use crate::token::MAX_BYTES;

/// The file's name, as the original has it.
const NAME: &str = "kite.key";
/// Readable for its owner, and for nobody to change: new keys take the file's place.
const MODE: u32 = 0o400;

/// Where a kite key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    folder: PathBuf,
}

/// Why a kite key could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is none.
    #[error("there is no kite key at `{}`; make one at the registry and put it there", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the kite key at `{}`", path.display())]
    Read {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in it is no kite key.
    #[error("the file `{}` is no kite key; make a new one at the registry", path.display())]
    NotAKey {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: KiteKeyError,
    },
    /// The file cannot be written.
    #[error("cannot keep the kite key at `{}`", path.display())]
    Write {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl KeyFile {
    /// The file in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The usual place: the folder `KITE_HOME` names, else `.kite` in the one `HOME` names; `None` without both.
    ///
    /// `variable` looks a variable of the environment up; a program passes `std::env::var_os`.
    pub fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("KITE_HOME").or_else(|| set("HOME").map(|home| home.join(".kite")))?;
        Some(Self { folder })
    }

    /// The file's path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Reads the key. Blocks. A file that others can read is read too, with a warning: mounted secrets often are.
    ///
    /// # Errors
    ///
    /// If there is none, it cannot be read, or it is not a kite key.
    pub fn read(&self) -> Result<KiteKey, KeyFileError> {
        let path = self.path();
        let text = match read(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(KeyFileError::Missing { path });
            }
            Err(source) => return Err(KeyFileError::Read { path, source }),
        };
        KiteKey::parse(text.trim()).map_err(|source| KeyFileError::NotAKey { path, source })
    }

    /// Puts the key into the file's place: whole or not at all, and for its owner only. Blocks.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or written to. The file of before is then still there.
    pub fn write(&self, key: &KiteKey) -> Result<(), KeyFileError> {
        let path = self.path();
        self.replace(&path, key.expose().as_bytes()).map_err(|source| KeyFileError::Write { path, source })
    }

    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let fresh = self.folder.join(format!(".{NAME}.{:016x}", getrandom::u64().map_err(io::Error::other)?));
        let written = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&fresh)?;
            // The mode above is what the umask leaves of it.
            file.set_permissions(Permissions::from_mode(MODE))?;
            file.write_all(text)?;
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            File::open(&self.folder)?.sync_all()
        }();
        if written.is_err() {
            // Only whether it is there matters, and it may never have been.
            fs::remove_file(&fresh).ok();
        }
        written
    }
}

fn read(path: &Path) -> io::Result<zeroize::Zeroizing<String>> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others can read this kite key; `chmod 0400` keeps it private");
    }
    let mut text = zeroize::Zeroizing::new(String::with_capacity(MAX_BYTES));
    let longest = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(longest.saturating_add(1)).read_to_string(&mut text)?;
    Ok(text)
}
