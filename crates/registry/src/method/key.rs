//! `getKey`: the registry's public key.

use kite::{Error, Request};

use crate::authority::authority;
use crate::registry::Registry;

impl Registry {
    /// The key that tokens are signed with now, as PEM. Whatever arguments there are do not matter.
    pub(crate) fn get_key(&self, request: &Request) -> Result<String, Error> {
        authority(request)?;
        Ok(self.signing_key()?.public().to_pem().to_owned())
    }
}
