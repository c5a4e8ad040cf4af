//! Contexts: what a pasted address means.
//!
//! Two halves. [`parse`] is pure: it takes prefixes off, finds the forge an address belongs to by its
//! *parsed* origin, and reads the page of a repository out of the path. [`resolve`] asks that forge what the
//! page stands for now: where the namespace ends, which ref, which commit, whose merge request.
//!
//! Prefixes, in any order and nested: `NAME=value,…/`, `referrer:client[:editor]/`, `imagebuild/`,
//! `prebuild/`, `open-prebuild/<id>/`, and `snapshot/<id>`, which no address follows.

mod address;
mod branch_name;
mod error;
mod page;
mod plain;
mod prefix;
mod resolve;
mod site;
mod variables;

use domain::{ContextOptions, RepositoryUrl, SnapshotId};

use address::Address;
pub use branch_name::branch_for_issue;
pub use error::ContextError;
pub use page::{Look, Page, Reading, View};
pub use plain::plain_context;
use prefix::Behind;
pub use resolve::{Asking, resolve};
pub use site::{Site, SshHost};

/// The longest text that is looked at, in bytes: more than any browser sends, and room for variables.
const LONGEST: usize = 8192;

/// A pasted text, understood as far as that goes without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What the prefixes asked for.
    pub options: ContextOptions,
    /// The address without prefixes, in one way of writing it: parsing it again gives the same target.
    pub url: String,
    /// What it leads to.
    pub target: Target,
    /// Guesses that were made, for people.
    pub warnings: Vec<String>,
}

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A page of a known forge.
    Site {
        /// Which of the given sites.
        site: usize,
        /// What the page shows.
        page: Page,
    },
    /// Nothing known runs there, but Git may be able to clone it.
    Plain(RepositoryUrl),
}

/// Understands a pasted text. `sites` in the order of their worth: where several fit equally, the first
/// counts; public ones are appended by the caller ([`Site::public`]).
///
/// Takes neither time nor memory beyond the text's length; asks nobody.
///
/// # Errors
///
/// What cannot be understood, and what to paste instead.
pub fn parse(text: &str, sites: &[Site]) -> Result<Parsed, ContextError> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(error::too_long(LONGEST));
    }
    let (options, behind) = prefix::take(text)?;
    let address = match behind {
        Behind::Snapshot(id) => {
            let (url, target) = (format!("snapshot/{id}"), Target::Snapshot(id));
            return Ok(Parsed { options, url, target, warnings: Vec::new() });
        }
        Behind::Address(text) => Address::parse(text)?,
    };
    let Some(found) = site::find(sites, &address) else {
        let (repository, warnings) = plain::read(&address)?;
        let (url, target) = (repository.to_string(), Target::Plain(repository));
        return Ok(Parsed { options, url, target, warnings });
    };
    let page = page::read(found.site.kind, &found.segments, &address.query)?;
    let url = site::page_url(found.site, &found.segments, &address.query);
    Ok(Parsed { options, url, target: Target::Site { site: found.index, page }, warnings: Vec::new() })
}
