//! What can be done with Hearth, and the loops that make what is match what should be.
//!
//! [`Control`] is the one door: a use case per method, each *load, decide purely, save state and
//! effect together, commit, publish*. The reconcilers behind [`Control::run`] perform the effects.
//!
//! **Invariant:** nothing here knows HTTP routes, SQL text or how a sandbox is built. Whoever acts on
//! a workspace holds a [`domain::Grant`].

mod control;
mod egress;
mod error;
mod idempotency;
mod images;
mod people;
mod probe;
mod reconcile;
mod tasks;
mod trouble;
mod workspace;

pub use control::{Control, Outside, Settings};
pub use error::Error;
pub use images::{Images, StoredImage};
pub use people::{NewUser, SetUp, SignedIn, UserChange};
pub use workspace::{Change, Entered, LimitsWanted, NewWorkspace, Usage};

pub use runtime::{Lack, Support};
pub use store::{ApiToken, AuditEntry, LogLine, Session, Snapshot};
