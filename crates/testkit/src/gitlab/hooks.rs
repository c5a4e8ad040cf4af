//! Webhooks as GitLab sends them: which hooks an event reaches, headers, signature, log, switching off.

pub(crate) mod payload;
pub(crate) mod record;
pub(crate) mod sender;
pub(crate) mod system;

mod ci;
mod delivery;
mod example;
mod kinds;
mod push;
mod trusting;

pub(crate) use ci::{Run, ci};
pub(crate) use delivery::{Job, is_private, is_signing_token};
pub(crate) use example::example;
pub(crate) use kinds::{issue, merge_request, note, release};
pub(crate) use push::{NOTHING, pushed};
