//! Bitbucket Server and Data Center: projects by key, people with a tilde, refs in the query.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::address::Query;
use super::super::error::no_repository;
use super::{Page, View, is_full_commit_id, number, ref_of_query};

pub(super) fn read(segments: &[String], query: &Query) -> Result<Page, ContextError> {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (owner, name, page) = match parts.as_slice() {
        ["projects", key, "repos", slug, page @ ..] => ((*key).to_owned(), *slug, page.len()),
        ["users", user, "repos", slug, page @ ..] => (["~", user].concat(), *slug, page.len()),
        ["scm", key, slug] => ((*key).to_owned(), *slug, 0),
        _ => return Err(no_repository(ForgeKind::BitbucketServer, segments)),
    };
    let page = segments.get(segments.len() - page..).unwrap_or_default();
    Ok(Page::one(&[owner, name.to_owned()], view(page, query)?))
}

fn view(page: &[String], query: &Query) -> Result<View, ContextError> {
    let at = query.get("at").or_else(|| query.get("until"));
    let Some((word, rest)) = page.split_first() else { return Ok(named(at, &[])) };
    Ok(match (word.as_str(), rest) {
        ("browse" | "raw", path) => named(at, path),
        ("commits", [sha, ..]) => View::commit(sha, &[])?,
        ("commits", []) => named(at, &[]),
        ("pull-requests", [id, ..]) => number(id).map_or(View::Other, View::MergeRequest),
        _ => View::Other,
    })
}

/// `refs/heads/x`, `refs/tags/x`, a commit, or a bare name, which may be either.
fn named(at: Option<&str>, path: &[String]) -> View {
    let path = path.to_vec();
    let Some(at) = at.map(ref_of_query) else { return View::Home { path } };
    if is_full_commit_id(&at) {
        return View::Commit { sha: at.to_ascii_lowercase(), path };
    }
    let kinds = [("refs/heads/", RefKind::Branch), ("refs/tags/", RefKind::Tag)];
    let full = kinds.iter().find_map(|(prefix, kind)| Some((at.strip_prefix(prefix)?.to_owned(), *kind)));
    match full {
        Some((name, _)) if name.is_empty() => View::Home { path },
        Some((name, kind)) => View::Named { name, ref_kind: Some(kind), path },
        None => View::Named { name: at, ref_kind: None, path },
    }
}
