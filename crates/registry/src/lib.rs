//! Kontrol, the registry: which kites there are, who may see and call them.
//!
//! A *kite* is a program that others call by name; it registers here and says where it is. Who looks for one asks
//! here, and is told of those they may see, with a token for each that they may call: good at that kite alone. The
//! registry decides who may what ([`Policy`], [`Viewer`]) before it says anything, notices within moments when a
//! kite is gone, and tells watchers. It never dials anybody.
//!
//! To read it: `entry.rs`; then `index.rs`, `query.rs`, `liveness.rs`, `book.rs` and `watchers.rs`, which are pure;
//! `registry.rs`, which ties them together; `authority.rs` for who calls; then one file for each thing that methods
//! are about, below `method`.

mod authority;
mod book;
mod connection;
mod entry;
mod errors;
mod field;
mod http;
mod index;
mod liveness;
mod method;
mod pace;
mod policy;
mod query;
mod registry;
mod renewal;
mod service;
mod settings;
mod storage;
mod tokens;
mod upkeep;
mod version;
mod watchers;
mod writes;

pub use connection::{AgentSeat, Origin};
pub use entry::{Change, Entry, Place};
pub use errors::kind;
pub use field::{AGENT_ENVIRONMENT, AGENT_NAME, field_of};
pub use http::{HttpAnswer, MAX_REGISTER_BYTES};
pub use policy::{
    Credential, IssuedKey, KeyOrder, Policy, Principal, Range, Reach, Refused, Seat, Share, Verdict, Viewer,
};
pub use query::{InvalidQuery, Query, VersionQuery};
pub use registry::{Registry, Whose};
pub use settings::{Keys, Outside, Settings};
pub use storage::{BATCH, Registration, Seen, Storage, StorageError};
pub use tokens::IssuedToken;
pub use version::{Constraint, InvalidConstraint, Version};
