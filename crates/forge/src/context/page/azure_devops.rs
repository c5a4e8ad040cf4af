//! Azure DevOps: `organisation/project/_git/repository`, with ref and path in the query.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::address::Query;
use super::super::error::no_repository;
use super::{Page, View, number, ref_of_query};

pub(super) fn read(segments: &[String], query: &Query) -> Result<Page, ContextError> {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    // A project's first repository has its name, and addresses may leave either out.
    let (path, page) = match parts.as_slice() {
        [organisation, project] if !is_service(project) => ([*organisation, *project, *project], 0),
        [organisation, "_git", name, page @ ..] => ([*organisation, *name, *name], page.len()),
        [organisation, project, "_git", name, page @ ..] => ([*organisation, *project, *name], page.len()),
        _ => return Err(no_repository(ForgeKind::AzureDevops, segments)),
    };
    if path.iter().take(2).any(|part| is_service(part)) {
        return Err(no_repository(ForgeKind::AzureDevops, segments));
    }
    let page = segments.get(segments.len() - page..).unwrap_or_default();
    let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
    Ok(Page::one(&path, view(page, query)?))
}

/// Parts with an underscore are services of an organisation or project: `_build`, `_workitems`.
fn is_service(part: &str) -> bool {
    part.starts_with('_')
}

fn view(page: &[String], query: &Query) -> Result<View, ContextError> {
    let Some((word, rest)) = page.split_first() else { return files(query) };
    Ok(match (word.as_str(), rest) {
        ("pullrequest", [id, ..]) => number(id).map_or(View::Other, View::MergeRequest),
        ("commit", [sha, ..]) => View::commit(sha, &[])?,
        _ => View::Other,
    })
}

/// `version` is a letter for what it is behind a `G` (for Git), then the name: `GBmain`, `GTv1`, `GC5e0f…`.
fn files(query: &Query) -> Result<View, ContextError> {
    let path = query.get("path").unwrap_or_default();
    let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let version = query.get("version").unwrap_or_default();
    let kinds = [("GB", RefKind::Branch), ("GT", RefKind::Tag), ("GC", RefKind::Revision)];
    let found = kinds.iter().find_map(|(letters, kind)| Some((version.strip_prefix(letters)?, *kind)));
    Ok(match found {
        Some((sha, RefKind::Revision)) => View::commit(sha, &path)?,
        Some((name, kind)) if !name.is_empty() => {
            View::Named { name: ref_of_query(name), ref_kind: Some(kind), path }
        }
        _ => View::Home { path },
    })
}
