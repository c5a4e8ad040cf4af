//! The public REST API's documents, as they travel.
//!
//! Requests refuse fields they do not know, so that a slip of the pen is an error and not a silent
//! default. Answers may grow fields in any release. Types with a secret inside have no `Debug`.

mod context;
mod forge;
mod kite;
mod link;
mod machine;
mod person;
mod problem;
mod team;
mod workspace;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use context::{
    BaseView, ContextOptionsView, ContextView, NumberedView, RefusedVariableView, ResolveContext,
    VariableView,
};
pub use forge::{
    CreateForge, ForgeCheck, ForgeCheckStep, ForgeSettings, ForgeView, ScopeView, SignInOption,
    SignInOptions, SshEndpointView, UpdateForge,
};
pub use kite::{
    CreateKiteCode, CreateKiteKey, KiteChange, KiteKeyView, KiteShareView, KiteTokenView, KiteVia, KiteView,
    NewKiteCode, NewKiteKey, RegistryKeyView, RotateRegistryKey,
};
pub use link::{
    CreateLink, GitPreferences, IntegrationView, LinkBegun, LinkView, Redirect, SignInWith, SshKeyView,
    SshUploadAt, SshUploadView, UpdateGitPreferences,
};
pub use machine::{Check, Doctor, ImageView, Lack, PullImage, Readiness, Version};
pub use person::{
    AuditView, ChangePassword, CreateToken, CreateUser, Me, NewToken, Role, Scope, SessionView, SetUp,
    SetupState, SignIn, TokenView, UpdateUser, UserRef, UserView, Via,
};
pub use problem::{PROBLEM_MEDIA_TYPE, Problem};
pub use team::{
    AcceptInvitation, CreateInvitation, CreateTeam, InvitationPreview, InvitationView, KeysView, MemberView,
    NewInvitation, PlatformSettings, RotateKeys, RotationView, SecretView, SetMember, SetSecret, TeamRole,
    TeamView, UpdateTeam,
};
pub use workspace::{
    CommandControl, CreateWorkspace, FailureView, LimitsRequest, LimitsView, LogLineView, PhaseName,
    RenameWorkspace, SnapshotView, SourceView, StepName, StepStateName, StepView, TeamRef, UsageView,
    WorkspaceChange, WorkspaceView,
};

/// Where all of it lives below the server's address.
pub const BASE: &str = "/api/v1";

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent (`null`) on the last one. Not to be read.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that always fits on one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
