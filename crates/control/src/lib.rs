//! What can be done with Hearth, and the loops that make what is match what should be.
//!
//! [`Control`] is the one door: a use case per method, each *load, decide purely, save state and
//! effect together, commit, publish*. The reconcilers behind [`Control::run`] perform the effects.
//!
//! **Invariant:** nothing here knows HTTP routes, SQL text or how a sandbox is built. Whoever acts on
//! a workspace holds a [`domain::Grant`].

mod broker;
mod contexts;
mod control;
mod error;
mod forges;
mod git_preferences;
mod idempotency;
mod images;
mod kites;
mod links;
mod people;
mod platform;
mod probe;
mod reconcile;
mod seal;
mod ssh_keys;
mod tasks;
mod teams;
mod trouble;
mod workspace;

pub use broker::AskCounts;
pub use control::{Control, Outside, Settings};
pub use error::Error;
pub use forges::{
    FileForge, ForgeChange, ForgeCheck, ForgeCheckStep, ForgeFacts, ForgeSettings, LockOut, NewForge,
    SignInOption, StepOutcome,
};
pub use git_preferences::GitPreferencesChange;
pub use images::{Images, StoredImage};
pub use kites::{
    KiteChange, KiteCode, KiteFacts, KiteFilter, KiteKeyFacts, KiteKeyWish, KiteShareFacts, KiteToken,
    OlderKeys, RegistryKeyFacts, RegistrySettings, RelayFull, RelayVisit,
};
pub use links::{
    Begun, CallbackInput, CallbackOutcome, Disconnected, Integration, InvalidReturnPath, LinkFacts, LinkWish,
    REVOKE_TOKENS, ReturnPath, TokenCounts,
};
pub use people::{HandedOver, NewUser, SetUp, SignedIn, UserChange};
pub use platform::{InvalidMakeTeams, MakeTeams, PlatformSettings, PlatformWish};
pub use seal::transit::{TransitKey, TransitSettings};
pub use seal::{KeyStatus, Rotation, RotationLevel};
pub use ssh_keys::{SshKeyFacts, SshUploadFacts};
pub use teams::{InvitationFacts, InvitationWish, NewTeam, TeamChange, TeamFacts, team_of_host};
pub use workspace::{Change, Entered, LimitsWanted, NewWorkspace, Usage};

pub use forge::ScopeInfo;
pub use forge::address::PlainHttp;
pub use runtime::{Lack, Support};
pub use store::{ApiToken, AuditEntry, LogLine, SecretName, Session, Snapshot, SshUpload};
