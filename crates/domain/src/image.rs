//! What a workspace's file system starts from: the machine itself or an OCI image.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {why}")]
pub struct InvalidImage {
    text: String,
    why: &'static str,
}

/// What the workspace's root file system is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rootfs {
    /// An allow-listed, read-only view of the machine's own system directories.
    Host,
    /// An unpacked OCI image, named as the user named it.
    Image(ImageReference),
}

impl fmt::Display for Rootfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Image(reference) => reference.fmt(f),
        }
    }
}

impl FromStr for Rootfs {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        if text == "host" { Ok(Self::Host) } else { text.parse().map(Self::Image) }
    }
}

/// `registry/repository[:tag][@sha256:…]`, always complete: defaults are filled in at parsing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ImageReference {
    /// Host, with a port if one was given.
    pub registry: String,
    /// Path below the registry, lower case.
    pub repository: String,
    /// The tag, unless only a digest was given.
    pub tag: Option<String>,
    /// The digest, which wins over the tag.
    pub digest: Option<ImageDigest>,
}

impl FromStr for ImageReference {
    type Err = InvalidImage;

    /// Docker's grammar (distribution/reference): no registry means `docker.io`, no slash below
    /// it `library/`, no tag and no digest `latest`.
    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let refuse = |why| InvalidImage { text: text.chars().take(128).collect(), why };
        if text.len() > 512 {
            return Err(refuse("it is longer than 512 bytes"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|_| refuse("bad digest"))?)),
            None => (text, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.to_owned())),
            _ => (rest, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            Some(_) => ("docker.io", path.to_owned()),
            None => ("docker.io", format!("library/{path}")),
        };
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if path.is_empty() || !repository.split('/').all(part) {
            return Err(refuse("the repository may hold lower-case letters, digits, `.`, `_`, `-` and `/`"));
        }
        let host_like = registry.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        if !host_like || !registry.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)) {
            return Err(refuse("the registry is not a host name"));
        }
        let tag_ok = |tag: &String| {
            !tag.is_empty()
                && tag.len() <= 128
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if tag.as_ref().is_some_and(|tag| !tag_ok(tag)) {
            return Err(refuse("the tag may hold 128 letters, digits, `.`, `_` and `-`"));
        }
        let tag = if digest.is_none() { Some(tag.unwrap_or_else(|| "latest".into())) } else { tag };
        Ok(Self { registry: registry.to_ascii_lowercase(), repository, tag, digest })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A SHA-256 content digest, `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ImageDigest(String);

impl ImageDigest {
    /// The 64 hexadecimal digits, safe as a file name.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl FromStr for ImageDigest {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let digits = text.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            let text = text.chars().take(128).collect();
            Err(InvalidImage { text, why: "a digest is `sha256:` and 64 lower-case hexadecimal digits" })
        }
    }
}

impl fmt::Display for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives both types their conversions from and to text.
macro_rules! text_conversions {
    ($($name:ident)+) => {$(
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidImage;

            fn try_from(text: String) -> Result<Self, InvalidImage> {
                text.parse()
            }
        }
    )+};
}

text_conversions!(ImageReference ImageDigest);
