//! The versions of a file key, as text and as keys.

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Entropy;
use zeroize::Zeroizing;

use crate::Secret;

/// All versions, the newest last; never empty.
pub(super) struct Ring {
    older: Vec<Version>,
    newest: Version,
}

/// One version.
pub(super) struct Version {
    pub(super) number: u32,
    material: Zeroizing<[u8; 32]>,
    pub(super) key: RandomizedNonceKey,
}

/// Why a file's text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidRing {
    #[error("there is no version in it")]
    Empty,
    #[error("line {0} is not `version base64`")]
    Line(usize),
    #[error("line {0} is not 32 bytes in base 64")]
    Length(usize),
    #[error("the version in line {0} is not larger than the one before")]
    Order(usize),
}

impl Version {
    fn new(number: u32, material: Zeroizing<[u8; 32]>) -> Option<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, material.as_slice()).ok()?;
        Some(Self { number, material, key })
    }

    fn generate(number: u32, entropy: &dyn Entropy) -> Self {
        let mut material = Zeroizing::new([0; 32]);
        entropy.fill(material.as_mut_slice());
        #[expect(clippy::expect_used, reason = "fails for other lengths only, and the type gives the length")]
        Self::new(number, material).expect("a key of 32 bytes is usable")
    }
}

impl Ring {
    /// A ring of one new version.
    pub(super) fn first(entropy: &dyn Entropy) -> Self {
        Self { older: Vec::new(), newest: Version::generate(1, entropy) }
    }

    /// Reads the file's text. Empty lines and those that begin with `#` are left out.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidRing> {
        let mut versions: Vec<Version> = Vec::new();
        for (line, text) in text.lines().enumerate().map(|(index, text)| (index + 1, text.trim())) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (number, material) = text.split_once(char::is_whitespace).ok_or(InvalidRing::Line(line))?;
            let number = number.parse().map_err(|_| InvalidRing::Line(line))?;
            if versions.last().is_some_and(|before| before.number >= number) {
                return Err(InvalidRing::Order(line));
            }
            let decoded = STANDARD.decode(material.trim()).map_err(|_| InvalidRing::Length(line))?;
            let decoded = Zeroizing::new(decoded);
            let material: &[u8; 32] = decoded.as_slice().try_into().map_err(|_| InvalidRing::Length(line))?;
            versions.push(Version::new(number, Zeroizing::new(*material)).ok_or(InvalidRing::Length(line))?);
        }
        let newest = versions.pop().ok_or(InvalidRing::Empty)?;
        Ok(Self { older: versions, newest })
    }

    /// The file's text.
    pub(super) fn to_text(&self) -> Secret<String> {
        let mut text = Zeroizing::new(String::with_capacity(64 * (self.older.len() + 1)));
        for version in self.older.iter().chain([&self.newest]) {
            text.push_str(&version.number.to_string());
            text.push(' ');
            let encoded = Zeroizing::new(STANDARD.encode(version.material.as_slice()));
            text.push_str(&encoded);
            text.push('\n');
        }
        Secret::from(text)
    }

    /// Adds a version and gives its number.
    pub(super) fn add(&mut self, entropy: &dyn Entropy) -> u32 {
        let next = Version::generate(self.newest.number.saturating_add(1), entropy);
        self.older.push(std::mem::replace(&mut self.newest, next));
        self.newest.number
    }

    /// What new keys are wrapped with.
    pub(super) fn newest(&self) -> &Version {
        &self.newest
    }

    /// The version of a number.
    pub(super) fn version(&self, number: u32) -> Option<&Version> {
        std::iter::once(&self.newest).chain(self.older.iter().rev()).find(|version| version.number == number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    #[test]
    fn a_text_with_comments_and_several_versions_is_read() {
        let ring = Ring::parse(&format!("# made in spring\n\n3 {LINE}\n7  {LINE}\n")).unwrap();

        assert_eq!(ring.newest().number, 7);
        assert!(ring.version(3).is_some());
        assert!(ring.version(4).is_none());
        assert_eq!(ring.to_text().expose(), &format!("3 {LINE}\n7 {LINE}\n"));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_with_its_line() {
        for (text, why) in [
            (String::new(), InvalidRing::Empty),
            ("# nothing\n".into(), InvalidRing::Empty),
            ("1\n".into(), InvalidRing::Line(1)),
            (format!("one {LINE}\n"), InvalidRing::Line(1)),
            ("1 AAAA\n".into(), InvalidRing::Length(1)),
            (format!("\n1 {LINE}!\n"), InvalidRing::Length(2)),
            (format!("2 {LINE}\n2 {LINE}\n"), InvalidRing::Order(2)),
            (format!("2 {LINE}\n1 {LINE}\n"), InvalidRing::Order(2)),
        ] {
            assert_eq!(Ring::parse(&text).err(), Some(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([0-9]{0,3}[ \t]?[A-Za-z0-9+/=#]{0,50}\n?){0,5}|\\PC*") {
            let _read = Ring::parse(&text).is_ok();
        }
    }
}
