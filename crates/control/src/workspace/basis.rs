//! What a new workspace stands on: nothing, a snapshot, or what a pasted address means.

use domain::context::MergeRequest;
use domain::{
    Caller, Checkout, Context, ContextOptions, ForgeKind, RefName, Rootfs, SnapshotId, Source, Variable,
};
use store::Snapshot;

use super::create::NewWorkspace;
use crate::contexts::Meaning;
use crate::control::Control;
use crate::error::Error;

/// What a new workspace stands on.
#[derive(Default)]
pub(super) struct Basis {
    pub(super) source: Option<Source>,
    /// The snapshot's, which cannot be chosen.
    pub(super) rootfs: Option<Rootfs>,
    pub(super) base: Option<SnapshotId>,
    pub(super) initialised: bool,
    /// What it is named after, unless somebody chose a name.
    pub(super) like: String,
    /// The address's variables that were confirmed.
    pub(super) variables: Vec<Variable>,
    /// What its owner should know about the address.
    pub(super) notices: Vec<String>,
}

impl Control {
    /// Finds out what a wish is about. Asks a forge only where the address is one of its pages.
    pub(super) async fn basis(&self, caller: &Caller, wish: &NewWorkspace) -> Result<Basis, Error> {
        let reference = parse_ref(wish.reference.as_deref())?;
        let url = wish.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        if let Some(id) = wish.snapshot {
            if url.is_some() || reference.is_some() || wish.rootfs.is_some() {
                return Err(snapshot_and_more("snapshot"));
            }
            return Ok(of_snapshot(id, self.own_snapshot(caller, id).await?));
        }
        let Some(url) = url else {
            let mend = "give the repository's `url`";
            return match reference {
                Some(_) => Err(Error::invalid("url", "a `ref` needs a repository", mend)),
                None => Ok(Basis { like: "workspace".into(), ..Basis::default() }),
            };
        };
        match self.meaning(caller, url).await? {
            Meaning::Snapshot(id, options) => {
                if reference.is_some() || wish.rootfs.is_some() {
                    return Err(snapshot_and_more("url"));
                }
                let basis = of_snapshot(id, self.own_snapshot(caller, id).await?);
                with_options(basis, options, &wish.confirmed_variables)
            }
            Meaning::Context(context) => {
                let Context { options, warnings, .. } = (*context).clone();
                let like = name_of(&context);
                let source = Some(source_of(*context, reference));
                let basis = Basis { source, like, notices: warnings, ..Basis::default() };
                with_options(basis, options, &wish.confirmed_variables)
            }
        }
    }

    /// A snapshot of the caller's own.
    pub(crate) async fn own_snapshot(&self, caller: &Caller, id: SnapshotId) -> Result<Snapshot, Error> {
        let snapshot = self.inner.store.read().await?.snapshot(id).await?;
        let own = snapshot.filter(|snapshot| snapshot.owner == caller.user);
        own.ok_or_else(|| Error::missing("snapshot", id))
    }
}

fn parse_ref(text: Option<&str>) -> Result<Option<RefName>, Error> {
    let mend = "give the name of a branch, a tag or a commit";
    let given = text.map(str::trim).filter(|text| !text.is_empty());
    given.map(|text| text.parse().map_err(|bad| Error::invalid("ref", bad, mend))).transpose()
}

fn snapshot_and_more(field: &'static str) -> Error {
    let mend = "leave `url`, `ref` and `rootfs` out; they are the snapshot's";
    Error::invalid(field, "a snapshot brings its own repository", mend)
}

fn of_snapshot(id: SnapshotId, snapshot: Snapshot) -> Basis {
    Basis {
        source: snapshot.source,
        rootfs: Some(snapshot.rootfs),
        base: Some(id),
        initialised: snapshot.initialised,
        like: snapshot.workspace_name,
        ..Basis::default()
    }
}

/// What to clone and how to leave it. A ref that was wished for wins over the page's.
fn source_of(context: Context, wished: Option<RefName>) -> Source {
    let request = context.merge_request.map(|request| request.title);
    let checkout = Checkout {
        local_branch: context.local_branch,
        upstream: context.upstream,
        title: request.or(context.issue.map(|issue| issue.title)),
        ..Checkout::default()
    };
    let repository = context.repository.clone_url;
    match wished {
        Some(wished) => Source { repository, reference: Some(wished), checkout },
        None => Source {
            repository,
            reference: context.reference,
            checkout: Checkout {
                ref_kind: context.ref_kind,
                revision: context.revision,
                upstream_branch: context.base.map(|base| base.reference),
                path: context.path,
                ..checkout
            },
        },
    }
}

/// What a workspace for this is called: the repository, and the number of what it is for.
fn name_of(context: &Context) -> String {
    let own = context.repository.clone_url.short_name();
    if let Some(MergeRequest { number, .. }) = context.merge_request {
        let target = context.base.as_ref().map(|base| base.repository.clone_url.short_name());
        let word = if context.kind == Some(ForgeKind::Gitlab) { "mr" } else { "pr" };
        return format!("{}-{word}-{number}", target.unwrap_or(own));
    }
    match &context.issue {
        Some(issue) => format!("{own}-issue-{}", issue.number),
        None => own,
    }
}

/// Does what the prefixes ask for, and says what is not done.
fn with_options(mut basis: Basis, options: ContextOptions, confirmed: &[String]) -> Result<Basis, Error> {
    if options.prebuild {
        let what = "the address asks for a prebuild and not for a workspace";
        return Err(Error::invalid("url", what, "take `prebuild/` out of the address"));
    }
    let (taken, left): (Vec<Variable>, Vec<Variable>) =
        options.variables.into_iter().partition(|variable| confirmed.contains(&variable.name));
    basis.variables = taken;
    if !left.is_empty() {
        let names: Vec<String> = left.iter().map(|variable| format!("`{}`", variable.name)).collect();
        basis
            .notices
            .push(format!("nobody confirmed the address's variables {}: they are not set", names.join(", ")));
    }
    for refused in options.refused_variables {
        basis.notices.push(format!("the address's variable `{}` is not set: {}", refused.name, refused.why));
    }
    if options.rebuild_image {
        basis.notices.push("`imagebuild/` has no effect: no image is built from the repository".into());
    }
    if let Some(id) = options.open_prebuild {
        basis.notices.push(format!("there is no prebuild `{id}`: the workspace starts from the repository"));
    }
    Ok(basis)
}
