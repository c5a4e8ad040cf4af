//! `getKey`: the registry's public key.

use kite::{Error, Request};

use crate::registry::Registry;

impl Registry {
    /// The key that tokens are signed with now, as PEM, for anybody. Whatever arguments there are do not matter.
    pub(crate) fn get_key(&self, _: &Request) -> Result<String, Error> {
        Ok(self.signing_key()?.public().to_pem().to_owned())
    }
}
