//! Sealed secrets: how the control plane puts them away and gets them back.
//!
//! Every secret of the database is in one table, sealed with a data key of its owner, bound to the cell it
//! belongs to. Data keys are wrapped by the platform key. Getting hold of a data key may ask a key service
//! over the network, so it happens before a transaction that writes, never in it.

mod keyring;
mod rotation;
mod status;
pub(crate) mod transit;

use std::sync::Arc;

use domain::{KeyOwner, Timestamp};
use store::{SealedRow, Tx};
use vault::{DataKey, OpenError, Place, PlatformKeyError, Sealed, Secret};

use crate::control::Control;
use crate::error::Error;

pub(crate) use keyring::Keyring;
pub use rotation::RotationLevel;
pub use status::{KeyStatus, Rotation};

/// What kind of secret a cell holds: `table.column` in the words of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CellKind {
    /// An application's secret at a forge. The row is the forge's id.
    ForgeClientSecret,
    /// The private key of our certificate towards a forge. The row is the forge's id.
    ForgeClientKey,
    /// The private key of our OAuth 1.0a signatures for a forge. The row is the forge's id.
    ForgeConsumerKey,
    /// A link's access token, or personal access token. The row is the link's id.
    LinkAccessToken,
    /// A link's refresh token. The row is the link's id.
    LinkRefreshToken,
    /// What a round trip to a forge must remember: PKCE verifier, nonce. The row is the attempt's id.
    AttemptPrivate,
    /// A person's SSH key. The row is the person's id.
    SshKeyPrivate,
    /// A secret of a team. The row is the team's id, a slash and the secret's name.
    TeamSecret,
    /// The private half of the pair that the registry signs with. The row is the pair's id.
    RegistryKeyPrivate,
}

impl CellKind {
    /// As it stands in the table of sealed values.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ForgeClientSecret => "forge.client_secret",
            Self::ForgeClientKey => "forge.client_key",
            Self::ForgeConsumerKey => "forge.consumer_key",
            Self::LinkAccessToken => "link.access_token",
            Self::LinkRefreshToken => "link.refresh_token",
            Self::AttemptPrivate => "attempt.private",
            Self::SshKeyPrivate => "ssh_key.private",
            Self::TeamSecret => "team.secret",
            Self::RegistryKeyPrivate => "registry_key.private",
        }
    }
}

/// Seals secrets of one owner. Good for the moment: it is asked for anew before each transaction.
pub(crate) struct Sealer {
    owner: KeyOwner,
    key: Arc<DataKey>,
    now: Timestamp,
}

impl Sealer {
    /// Puts a secret away, in place of what the cell held.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the key was thrown away meanwhile; the same again will work.
    pub(crate) async fn put(
        &self,
        tx: &mut Tx,
        kind: CellKind,
        row: &str,
        secret: &Secret<String>,
    ) -> Result<(), Error> {
        if tx.data_key(self.key.id()).await?.is_none() {
            return Err(Error::Unavailable {
                what: "the key that seals secrets was replaced a moment ago".into(),
                mend: "try again".into(),
            });
        }
        let owner = self.owner.to_string();
        let value = self.key.seal(&place(kind.as_str(), row, &owner), secret.expose().as_bytes());
        tx.put_sealed(kind.as_str(), row, self.owner, &value, self.now).await?;
        Ok(())
    }
}

impl Control {
    /// A sealer for secrets of `owner`, whose first data key is made where there is none.
    ///
    /// To be called before the transaction that writes is begun: the platform key may be a service.
    pub(crate) async fn sealer(&self, owner: KeyOwner) -> Result<Sealer, Error> {
        let key = self.current_key(owner).await?;
        Ok(Sealer { owner, key, now: self.now() })
    }

    /// The secret in a cell, if there is one.
    pub(crate) async fn unseal(&self, kind: CellKind, row: &str) -> Result<Option<Secret<String>>, Error> {
        let found = self.inner.store.read().await?.sealed(kind.as_str(), row).await?;
        match found {
            Some(found) => Ok(Some(self.open_sealed(&found).await?)),
            None => Ok(None),
        }
    }

    /// Opens a row that was read in another transaction, which is over by now.
    pub(crate) async fn open_sealed(&self, found: &SealedRow) -> Result<Secret<String>, Error> {
        let bytes = self.open_bytes(found).await?;
        let text = String::from_utf8(bytes.expose().clone()).map_err(|_| corrupt(found, "it is no text"))?;
        Ok(Secret::new(text))
    }

    async fn open_bytes(&self, found: &SealedRow) -> Result<Secret<Vec<u8>>, Error> {
        let key = self.data_key(found.value.key_id(), found.owner).await?;
        open(&key, found).map_err(|error| corrupt(found, &error.to_string()))
    }
}

fn open(key: &DataKey, found: &SealedRow) -> Result<Secret<Vec<u8>>, OpenError> {
    let owner = found.owner.to_string();
    key.open(&place(&found.kind, &found.row, &owner), &found.value)
}

fn seal_again(key: &DataKey, found: &SealedRow, plain: &Secret<Vec<u8>>) -> Sealed {
    let owner = found.owner.to_string();
    key.seal(&place(&found.kind, &found.row, &owner), plain.expose())
}

/// Where a secret belongs, for the seal.
fn place<'a>(kind: &'a str, row: &'a str, owner: &'a str) -> Place<'a> {
    let (table, column) = kind.split_once('.').unwrap_or((kind, ""));
    Place { table, column, owner, row }
}

fn corrupt(found: &SealedRow, why: &str) -> Error {
    Error::Internal {
        what: format!("cannot open the sealed value {} of `{}`", found.kind, found.row),
        source: why.to_owned().into(),
    }
}

impl From<PlatformKeyError> for Error {
    fn from(error: PlatformKeyError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the platform key could not be used");
        Self::Unavailable {
            what: "secrets cannot be opened or sealed at the moment".into(),
            mend: format!("an administrator: {}", error.mend()),
        }
    }
}

#[cfg(test)]
mod tests;
