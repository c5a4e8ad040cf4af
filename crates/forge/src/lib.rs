//! Forges, spoken to: how people link their accounts, and what is asked of repositories there.
//!
//! One [`Provider`] per registered forge, whatever product runs there. [`open`] makes it from the forge's
//! row; it keeps connections and keys, so callers keep it as long as the row does not change.
//!
//! - Addresses are always derived from the row, never from what the forge says: no redirects but a moved
//!   project's, pagination stays at its origin, an issuer is compared exactly.
//! - A [`ForgeError`] tells what happened by its [`Fault`]: whether the person, the application or the
//!   network is to blame, and whether the request may have been received. It never carries a token or what
//!   the forge sent.
//!
//! **Invariant:** knows neither the store nor our routes; keeps no state but caches.

pub mod address;
pub mod capability;
pub mod context;
pub mod scope;

mod api;
mod authorization;
mod azure_devops;
mod bitbucket_cloud;
mod bitbucket_server;
mod credential;
mod error;
mod facts;
mod gitea;
mod github;
mod gitlab;
mod hook;
mod host_keys;
mod hub;
mod key;
mod oauth1;
mod oauth2;
mod open;
mod open_id;
mod provider;
mod rest;
mod site;
mod status;

pub use authorization::{Begin, Begun, Callback, Grant, Purpose, Revoked, Tokens};
pub use capability::{Capabilities, capabilities};
pub use credential::{Credential, GitLogin};
pub use error::{Fault, ForgeError, LinkFault, Sent};
pub use facts::{Branch, MergeRequestFacts, PathKind, Ref, RepositoryFacts, RepositoryPage};
pub use hook::{Hook, HookEvent, HookProof, NewHook};
pub use host_keys::host_keys;
pub use key::{AddKey, UploadedKey};
pub use open::{ForgeSecrets, Outside, open, open_public};
pub use provider::Provider;
pub use scope::{ScopeInfo, scopes};
pub use status::{CommitState, CommitStatus, Subject};
