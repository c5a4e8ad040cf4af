//! Filling the instance from a test: what an administrator or its users would do by hand.

pub(crate) mod merge_requests;

mod applications;
mod ci;
mod demo;
pub(crate) mod issues;
mod people;
mod projects;
mod sign_in;

pub use applications::{Application, NewApplication};
pub use demo::Demo;
pub use issues::Issue;
pub use merge_requests::MergeRequest;
pub use people::{NewUser, User};
pub use projects::Project;
