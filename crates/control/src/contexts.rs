//! Contexts: what a pasted address means, asked with the caller's own account.
//!
//! The address is compared with the forges that the caller may use and with the public ones. One of a known
//! forge is looked up there; of any other nothing is asked, and Git finds out when it clones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::{Caller, Context, ContextOptions, ForgeKind, Scope, SnapshotId};
use forge::Provider;
use forge::context::{ContextError, Target, parse, plain_context};

use crate::control::Control;
use crate::error::Error;

mod ask;
mod sites;

/// What is kept in memory about contexts.
#[derive(Default)]
pub(crate) struct ContextMemory {
    /// What asks the public forges that nobody registered.
    public: Mutex<HashMap<ForgeKind, Arc<dyn Provider>>>,
}

/// What an address means.
pub(crate) enum Meaning {
    /// A snapshot, which may be somebody else's.
    Snapshot(SnapshotId, ContextOptions),
    /// A repository and what to do with it.
    Context(Box<Context>),
}

impl Control {
    /// What a pasted address means.
    ///
    /// # Errors
    ///
    /// `invalid` for what cannot be understood, 409 `link_needed` or `scope_missing` when the forge may show
    /// more to the caller's own account, 409 `repository_missing` and the like for what is not there,
    /// `unavailable` and `forge` when the forge could not be asked.
    pub async fn resolve_context(&self, caller: &Caller, url: &str) -> Result<Context, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        match self.meaning(caller, url).await? {
            Meaning::Context(context) => Ok(*context),
            Meaning::Snapshot(id, options) => self.context_of_snapshot(caller, id, options).await,
        }
    }

    /// What an address means, where a snapshot is not a repository.
    pub(crate) async fn meaning(&self, caller: &Caller, url: &str) -> Result<Meaning, Error> {
        let known = self.known_sites(caller).await?;
        let parsed = parse(url, &known.sites).map_err(|error| not_understood(&error))?;
        let context = match &parsed.target {
            Target::Snapshot(id) => return Ok(Meaning::Snapshot(*id, parsed.options)),
            Target::Plain(url) => plain_context(url, parsed.options, parsed.warnings),
            Target::Site { site, page } => match (known.forges.get(*site), known.sites.get(*site)) {
                (Some(known), Some(site)) => self.ask_forge(caller, known, site, &parsed, page).await?,
                (None, Some(site)) => self.ask_public(caller, site, &parsed, page).await?,
                (_, None) => return Err(Error::missing("forge", &parsed.url)),
            },
        };
        Ok(Meaning::Context(Box::new(context)))
    }

    async fn context_of_snapshot(
        &self,
        caller: &Caller,
        id: SnapshotId,
        options: ContextOptions,
    ) -> Result<Context, Error> {
        let snapshot = self.own_snapshot(caller, id).await?;
        let Some(source) = snapshot.source else {
            let mend = "start a workspace from it; there is nothing else to say about it";
            return Err(Error::invalid("url", format!("the snapshot `{id}` has no repository"), mend));
        };
        let mut context = plain_context(&source.repository, options, Vec::new());
        context.url = format!("snapshot/{id}");
        context.title = format!("Snapshot of {}", snapshot.workspace_name);
        context.ref_kind = source.checkout.ref_kind;
        context.reference = source.reference;
        context.revision = source.checkout.revision;
        Ok(context)
    }
}

/// What is wrong with an address, for the person who pasted it.
fn not_understood(error: &ContextError) -> Error {
    Error::invalid("url", error, error.mend())
}
