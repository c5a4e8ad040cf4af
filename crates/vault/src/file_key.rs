//! The platform key in a file: for installations without a key service, and without a network.

mod file;
mod ring;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use aws_lc_rs::aead::{Aad, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::Entropy;
use zeroize::Zeroizing;

use self::file::Stamp;
use self::ring::{Ring, Version};
use crate::sealed::{NONCE, TAG};
use crate::{PlatformKey, PlatformKeyError, Secret, Wrapped};

/// A platform key in a text file: one `version base64` a line, the newest last, 32 bytes a version.
///
/// The file belongs to the server alone (mode 0400 or 0600) and must be backed up apart from the database:
/// without it no stored secret can be read, and with it every one can. Several servers may share it. Each notices
/// when another one has rotated. It is read and written where it is called, which is a few microseconds on a
/// local disk.
pub struct FileKey {
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
    known: RwLock<Known>,
}

struct Known {
    ring: Ring,
    stamp: Stamp,
}

/// What wrapped keys begin with.
const KIND: &str = "file";
/// Nonce, a key of 32 bytes, tag.
const WRAPPED: usize = NONCE + 32 + TAG;

impl FileKey {
    /// Opens a key file.
    ///
    /// # Errors
    ///
    /// Refused when others than the file's owner may read it, or when it has not the form; unavailable when it
    /// cannot be read.
    pub fn open(path: impl Into<PathBuf>, entropy: Arc<dyn Entropy>) -> Result<Self, PlatformKeyError> {
        let path = path.into();
        let known = load(&path)?;
        Ok(Self { path, entropy, known: RwLock::new(known) })
    }

    /// Makes a key file with one version, mode 0600, and opens it. The file is there wholly or not at all.
    ///
    /// # Errors
    ///
    /// Refused when there is a file already; unavailable when it cannot be written.
    pub fn create(path: impl Into<PathBuf>, entropy: Arc<dyn Entropy>) -> Result<Self, PlatformKeyError> {
        let path = path.into();
        file::create(&path, &Ring::first(entropy.as_ref()).to_text())?;
        Self::open(path, entropy)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does something with the ring as it is on disk at this moment.
    fn with_ring<T>(
        &self,
        act: impl FnOnce(&Ring) -> Result<T, PlatformKeyError>,
    ) -> Result<T, PlatformKeyError> {
        let stamp = file::stamp(&self.path)?;
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.stamp == stamp {
                return act(&known.ring);
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = load(&self.path)?;
        act(&known.ring)
    }
}

fn load(path: &Path) -> Result<Known, PlatformKeyError> {
    let (text, stamp) = file::read(path)?;
    let ring = Ring::parse(text.expose()).map_err(|why| {
        PlatformKeyError::refused(
            format!("the key file {} cannot be used", path.display()),
            "restore the file from its backup; every line is `version base64`, the newest last",
        )
        .because(why)
    })?;
    Ok(Known { ring, stamp })
}

#[async_trait]
impl PlatformKey for FileKey {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn wrap(&self, material: &Secret<[u8; 32]>, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        self.with_ring(|ring| seal(ring.newest(), material, aad))
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret<[u8; 32]>, PlatformKeyError> {
        self.with_ring(|ring| open(ring, wrapped, aad))
    }

    async fn rewrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        self.with_ring(|ring| seal(ring.newest(), &open(ring, wrapped, aad)?, aad))
    }

    async fn version(&self) -> Result<String, PlatformKeyError> {
        self.with_ring(|ring| Ok(ring.newest().number.to_string()))
    }

    fn wrapped_by(&self, wrapped: &Wrapped) -> String {
        split(wrapped).map(|(version, _)| version.to_string()).unwrap_or_default()
    }

    async fn rotate(&self) -> Result<String, PlatformKeyError> {
        let _alone = file::lock(&self.path)?;
        let mut ring = load(&self.path)?.ring;
        let version = ring.add(self.entropy.as_ref()).to_string();
        file::replace(&self.path, &ring.to_text())?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = load(&self.path)?;
        Ok(version)
    }

    async fn health(&self) -> Result<(), PlatformKeyError> {
        self.with_ring(|_| Ok(()))
    }
}

/// `file:VERSION:` and nonce, ciphertext and tag in base 64.
fn seal(version: &Version, material: &Secret<[u8; 32]>, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
    let mut text = Zeroizing::new(material.expose().to_vec());
    let (nonce, tag) = version
        .key
        .seal_in_place_separate_tag(Aad::from(aad), &mut text)
        .map_err(|_| PlatformKeyError::unavailable("no random numbers to be had", "look at this machine"))?;
    let mut bytes = Vec::with_capacity(WRAPPED);
    bytes.extend_from_slice(nonce.as_ref());
    bytes.extend_from_slice(&text);
    bytes.extend_from_slice(tag.as_ref());
    let wrapped = format!("{KIND}:{}:{}", version.number, STANDARD_NO_PAD.encode(bytes));
    Ok(Wrapped::from_bytes(wrapped.into_bytes()))
}

fn open(ring: &Ring, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret<[u8; 32]>, PlatformKeyError> {
    let not_genuine = || {
        PlatformKeyError::refused(
            "the wrapped data key was changed, belongs elsewhere, or is of another platform key",
            "check that the database and the platform key of this server's settings belong together",
        )
    };
    let (number, body) = split(wrapped).ok_or_else(not_genuine)?;
    let version = ring.version(number).ok_or_else(|| {
        PlatformKeyError::refused(
            format!("version {number} of the platform key is not in the key file"),
            "restore the line from a backup of the key file",
        )
    })?;
    let (nonce, text) = body.split_first_chunk::<NONCE>().ok_or_else(not_genuine)?;
    let mut text = Zeroizing::new(text.to_vec());
    let material = version
        .key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut text)
        .map_err(|_| not_genuine())?;
    let material: &[u8; 32] = (&*material).try_into().map_err(|_| not_genuine())?;
    Ok(Secret::new(*material))
}

/// Version, and what is behind it.
fn split(wrapped: &Wrapped) -> Option<(u32, Vec<u8>)> {
    let text = std::str::from_utf8(wrapped.as_bytes()).ok()?;
    let (version, body) = text.strip_prefix(KIND)?.strip_prefix(':')?.split_once(':')?;
    Some((version.parse().ok()?, STANDARD_NO_PAD.decode(body).ok()?))
}
