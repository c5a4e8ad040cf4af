//! Who calls: what callers claim, who checks it, and what is known afterwards.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::descriptor::Kite;
use crate::error::Error;

/// The credential in a call: `{"type", "key"}`. Serialises with its key; is never printed.
#[derive(Clone)]
pub struct Authentication {
    kind: String,
    key: Zeroizing<String>,
}

impl Authentication {
    /// A credential of a kind, for example `token`.
    pub fn new(kind: impl Into<String>, key: impl Into<String>) -> Self {
        Self { kind: kind.into(), key: Zeroizing::new(key.into()) }
    }

    /// A token of the registry: kind `token`.
    pub fn token(key: impl Into<String>) -> Self {
        Self::new("token", key)
    }

    /// A kite key, which is good at the registry only: kind `kiteKey`.
    pub fn kite_key(key: impl Into<String>) -> Self {
        Self::new("kiteKey", key)
    }

    /// The wire's `type`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The secret itself, at the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Authentication {
    /// The kind only.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Authentication({:?})", self.kind)
    }
}

impl Serialize for Authentication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Authentication", 2)?;
        fields.serialize_field("type", &self.kind)?;
        fields.serialize_field("key", self.expose())?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Authentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(rename = "type")]
            kind: String,
            key: String,
        }

        let Fields { kind, key } = Fields::deserialize(deserializer)?;
        Ok(Self::new(kind, key))
    }
}

/// What a call claims, to be judged by an [`Authenticator`].
#[derive(Debug)]
pub struct Claim<'a> {
    /// The method that is called.
    pub method: &'a str,
    /// What the caller says of itself; nothing of it is proved.
    pub kite: &'a Kite,
    /// The credential, if the call has one.
    pub authentication: Option<&'a Authentication>,
    /// What is known about the connection.
    pub context: &'a Context,
}

/// Who a caller proved to be.
#[derive(Clone, Default)]
pub struct Verified {
    /// The user's name.
    pub username: String,
    /// What handlers may want to know of them, by [`Caller::authority`].
    pub authority: Option<Arc<dyn Any + Send + Sync>>,
}

impl Verified {
    /// A user about whom nothing else is known.
    pub fn user(username: impl Into<String>) -> Self {
        Self { username: username.into(), authority: None }
    }

    /// The same with an authority.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, authority: T) -> Self {
        self.authority = Some(Arc::new(authority));
        self
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verified").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Decides who calls. Asked once for every call of a method that is not open, so it caches by itself.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Judges one call.
    ///
    /// # Errors
    ///
    /// The caller gets the error as it is; [`Error::authentication`] is the usual one.
    async fn authenticate(&self, claim: &Claim<'_>) -> Result<Verified, Error>;
}

/// Who calls, as a handler sees it.
#[derive(Clone, Default)]
pub struct Caller {
    /// What the caller says of itself. Its `username` is the verified one where there is one.
    pub kite: Kite,
    /// The verified user's name; none for a call of an open method.
    pub username: Option<String>,
    /// What the authenticator said besides.
    pub authority: Option<Arc<dyn Any + Send + Sync>>,
}

impl Caller {
    /// The authority, if it is of that type.
    pub fn authority<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.authority.as_ref().and_then(|authority| authority.downcast_ref())
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("kite", &self.kite)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_sent_and_never_printed() {
        let authentication = Authentication::token("eyJ.secret");

        assert_eq!(serde_json::to_string(&authentication).unwrap(), r#"{"type":"token","key":"eyJ.secret"}"#);
        assert_eq!(format!("{authentication:?}"), r#"Authentication("token")"#);
    }

    #[test]
    fn an_authority_is_found_by_its_type() {
        let verified = Verified::user("alice").with(7_u8);
        let caller = Caller { authority: verified.authority.clone(), ..Caller::default() };

        assert_eq!(caller.authority::<u8>(), Some(&7));
        assert_eq!(caller.authority::<u16>(), None);
        assert_eq!(format!("{verified:?}"), r#"Verified { username: "alice", .. }"#);
    }
}
