//! What must survive: users, workspaces, wanted effects, logs. SQLite or PostgreSQL behind one type.
//!
//! [`Store::begin`] gives a transaction, [`Tx`], and every query is a method on it. A use case loads,
//! decides in `domain`, saves the new state *and what must happen outside because of it* (the outbox),
//! and commits; whoever performs effects is woken by a nudge. Dropping a [`Tx`] undoes it.
//!
//! Suggested reading order: `store`, `tx`, `statement`, `writer` (group commit on SQLite), `outbox`, `log`.

mod store;
mod tx;

mod error;
mod migration;
mod nudge;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod value;
mod writer;

mod attempt;
mod audit;
mod credential;
mod data_key;
mod forge;
mod handoff;
mod idempotency;
mod identity;
mod invitation;
mod job;
mod kite;
mod kite_code;
mod kite_key;
mod kite_share;
mod link;
mod link_refresh;
mod log;
mod log_writer;
mod member;
mod outbox;
mod registry_key;
mod sealed;
mod secret_name;
mod session;
mod setting;
mod snapshot;
mod ssh_key;
mod ssh_upload;
mod team;
mod token;
mod user;
mod workspace;

pub use attempt::Attempt;
pub use audit::AuditEntry;
pub use data_key::{DataKeyCounts, DataKeyRow};
pub use error::StoreError;
pub use handoff::Handoff;
pub use idempotency::Remembered;
pub use identity::Identity;
pub use job::{Job, JobId};
pub use kite::{KitePut, KiteRow};
pub use kite_code::KiteCodeRow;
pub use kite_key::KiteKeyRow;
pub use kite_share::KiteShare;
pub use link_refresh::RefreshState;
pub use log::{LogLine, NewLine, log_topic};
pub use log_writer::LogWriter;
pub use nudge::{EVERYTHING, Topic};
pub use outbox::ClaimedEffect;
pub use registry_key::RegistryKeyRow;
pub use sealed::SealedRow;
pub use secret_name::SecretName;
pub use session::Session;
pub use snapshot::Snapshot;
pub use ssh_key::SshKeyRow;
pub use ssh_upload::SshUpload;
pub use store::Store;
pub use token::ApiToken;
pub use tx::Tx;
pub use writer::WriteCounts;
