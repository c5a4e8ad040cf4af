//! SSH keys of people: which algorithms there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a person's SSH key pair is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SshAlgorithm {
    /// Small and fast; what every forge of the last ten years takes.
    #[default]
    #[serde(rename = "ed25519")]
    Ed25519,
    /// For rules that ask for a NIST curve.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// For forges that take nothing else, such as Azure DevOps.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

/// The text names no algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an SSH key algorithm; there are `ed25519`, `ecdsa-p256` and `rsa-4096`")]
pub struct InvalidSshAlgorithm(String);

impl SshAlgorithm {
    /// Every algorithm, the default first.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::EcdsaP256, Self::Rsa4096];

    /// As it is written in settings and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::Rsa4096 => "rsa-4096",
        }
    }
}

impl fmt::Display for SshAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SshAlgorithm {
    type Err = InvalidSshAlgorithm;

    fn from_str(text: &str) -> Result<Self, InvalidSshAlgorithm> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text);
        found.ok_or_else(|| InvalidSshAlgorithm(text.chars().take(40).collect()))
    }
}

/// Whether a person's SSH key is at a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// It is there.
    Uploaded,
    /// It is to be uploaded, or removed.
    Pending,
    /// The forge did not take it.
    Failed,
    /// The forge takes no keys by its API.
    Unsupported,
    /// The link was not granted what it takes.
    NotWanted,
}
