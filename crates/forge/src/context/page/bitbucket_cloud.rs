//! bitbucket.org: `workspace/repository`, sources by commit with the branch in the query.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::address::Query;
use super::super::error::no_repository;
use super::{Look, Page, View, commit_id, is, is_full_commit_id, number, ref_of_query};

/// First parts of paths that are pages of the site and never a workspace.
const SITE: &[&str] =
    &["account", "dashboard", "product", "repo", "repositories", "site", "support", "workspaces"];

pub(super) fn read(segments: &[String], query: &Query) -> Result<Page, ContextError> {
    let refuse = || no_repository(ForgeKind::BitbucketCloud, segments);
    let [workspace, name, page @ ..] = segments else { return Err(refuse()) };
    if is(workspace, SITE) {
        return Err(refuse());
    }
    Ok(Page::one(&[workspace.clone(), name.clone()], view(page, query)?))
}

fn view(page: &[String], query: &Query) -> Result<View, ContextError> {
    let Some((word, rest)) = page.split_first() else { return Ok(View::HOME) };
    Ok(match (word.as_str(), rest) {
        ("src" | "raw" | "annotate", rest) => sources(rest, query),
        ("branch", rest) => View::named(rest, RefKind::Branch),
        ("commits", [kind, name @ ..]) if kind == "branch" => View::named(name, RefKind::Branch),
        ("commits", [kind, name @ ..]) if kind == "tag" => View::named(name, RefKind::Tag),
        ("commits", [sha]) if commit_id(sha).is_some() => View::commit(sha, &[])?,
        ("commits", rest) => View::tree(rest, None, Look::Commits),
        ("pull-requests", [id, ..]) => number(id).map_or(View::Other, View::MergeRequest),
        ("issues", [id, ..]) => number(id).map_or(View::Other, View::Issue),
        _ => View::Other,
    })
}

/// The branch in the query wins over the commit in the path, which only says where the branch was.
fn sources(rest: &[String], query: &Query) -> View {
    let at = query.get("at").map(ref_of_query);
    match (rest, at) {
        ([], None) => View::HOME,
        (rest, Some(name)) => {
            let parts = name.split('/').count();
            let repeats = rest.get(..parts).is_some_and(|begin| begin.join("/") == name);
            let path = rest.get(if repeats { parts } else { 1 }..).unwrap_or_default().to_vec();
            View::Named { name, ref_kind: None, path }
        }
        ([sha, path @ ..], None) if is_full_commit_id(sha) => {
            View::Commit { sha: sha.to_ascii_lowercase(), path: path.to_vec() }
        }
        (rest, None) => View::tree(rest, None, Look::Tree),
    }
}
