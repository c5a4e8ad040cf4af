//! What Hearth is about, with nothing of how it is done: ids, entities, lifecycles, policies.
//!
//! Everything here is pure. No async, HTTP, SQL, files, environment, clock or random generator:
//! time and entropy come in as arguments, so every rule is tested as a table.

pub mod access;
pub mod id;
pub mod image;
pub mod lifecycle;
pub mod limits;
pub mod name;
pub mod outside;
pub mod repository;
pub mod step;
pub mod user;
pub mod workspace;

pub use access::{Action, Caller, Denied, Grant, Scope, Scopes, Via};
pub use id::{EffectId, LogId, SessionId, SnapshotId, TokenId, UserId, WorkspaceId};
pub use image::{ImageDigest, ImageReference, Rootfs};
pub use lifecycle::{Effect, Event, Failure, IllegalTransition, Phase};
pub use limits::Limits;
pub use name::{UserName, WorkspaceName};
pub use outside::{Clock, Entropy};
pub use repository::{RefName, RepositoryUrl, Source};
pub use step::{Step, StepRecord, StepState};
pub use user::{Role, User};
pub use workspace::Workspace;

pub use jiff::{SignedDuration, Timestamp};
