//! What runs a workspace: the [`Driver`] trait, its implementations, images, layers and snapshots.
//!
//! **Invariant:** nothing here knows the control plane, the store or HTTP routes. A driver's truth is
//! the machine itself: whatever it needs to find its sandboxes again lies beside them on disk.

pub mod driver;
pub mod image;
pub mod memory;
pub mod native;

pub use driver::{
    BindMount, Boot, Driver, DriverError, Lack, Sandbox, SandboxSpec, SandboxState, SandboxUsage, Support,
};
pub use image::{Image, ImageStore};
