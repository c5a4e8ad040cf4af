//! What Hearth is about, with nothing of how it is done: ids, entities, lifecycles, policies.
//!
//! Everything here is pure. No async, HTTP, SQL, files, environment, clock or random generator:
//! time and entropy come in as arguments, so every rule is tested as a table.

pub mod access;
pub mod context;
pub mod forge;
pub mod id;
pub mod image;
pub mod key_owner;
pub mod kite;
pub mod lifecycle;
pub mod limits;
pub mod link;
pub mod name;
pub mod outside;
pub mod repository;
pub mod ssh;
pub mod step;
pub mod team;
pub mod user;
pub mod workspace;

pub use access::{Action, Caller, Denied, Grant, Scope, Scopes, Via};
pub use context::{Context, ContextOptions, RefKind, Repository, Variable};
pub use forge::{Forge, ForgeAuth, ForgeKind, ForgeState, RedirectPath, SignUp, SshEndpoint};
pub use id::{
    AttemptId, DataKeyId, EffectId, ForgeId, InvitationId, KiteKeyId, LinkId, LogId, SessionId, SnapshotId,
    TeamId, TokenId, UserId, WorkspaceId,
};
pub use image::{ImageDigest, ImageReference, Rootfs};
pub use key_owner::KeyOwner;
pub use kite::{InvalidShareSubject, KiteAction, KiteHome, KiteVia, KiteViewer, ShareSubject};
pub use lifecycle::{Effect, Event, Failure, IllegalTransition, Phase};
pub use limits::Limits;
pub use link::{Account, Link, LinkMethod, LinkState};
pub use name::{UserName, WorkspaceName};
pub use outside::{Clock, Entropy};
pub use repository::{Checkout, RefName, RepositoryUrl, Source};
pub use ssh::{SshAlgorithm, UploadState};
pub use step::{Step, StepRecord, StepState};
pub use team::{Invitation, Membership, Team, TeamDefaults, TeamRole, TeamSlug};
pub use user::{GitPreferences, Role, User};
pub use workspace::Workspace;

pub use jiff::{SignedDuration, Timestamp};
