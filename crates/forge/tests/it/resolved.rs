//! Pasted addresses, resolved by a real provider.

use domain::{Context, Forge};
use forge::context::{Asking, ContextError, Site, Target, parse, resolve};
use forge::{Credential, Provider};

/// What the page at `path` of a forge stands for.
pub(crate) async fn resolved(
    row: &Forge,
    provider: &dyn Provider,
    credential: &Credential,
    path: &str,
) -> Result<Context, ContextError> {
    let site = Site::of(row);
    let url = format!("{}/{path}", row.web_url.as_str().trim_end_matches('/'));
    let parsed = parse(&url, std::slice::from_ref(&site))?;
    let page = match &parsed.target {
        Target::Site { page, .. } => page,
        Target::Snapshot(_) | Target::Plain(_) => unreachable!("{path} lies below the site"),
    };
    resolve(&Asking { provider, credential, site: &site, login: "ada" }, &parsed, page).await
}

/// Kind and name of the ref, and path, in one line.
pub(crate) fn place(context: &Context) -> String {
    let kind = context.ref_kind.map(|kind| format!("{kind:?}").to_lowercase()).unwrap_or_default();
    let name = context.reference.as_ref().map(ToString::to_string).unwrap_or_default();
    let look = if context.is_file { "file" } else { "folder" };
    let path = context.path.as_ref().map(|path| format!(" {look}:{path}")).unwrap_or_default();
    format!("{}: {kind} {name}{path}", context.repository.owner)
}
