//! Gitea and Forgejo: `owner/repository`, and refs whose kind stands in the path.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::error::no_repository;
use super::{Look, Page, View, is, number};

/// First parts of paths that are pages of the site and never an owner
/// (`reservedUsernames` in Gitea's `models/user/user.go`).
const SITE: &[&str] = &[
    "-",
    "admin",
    "api",
    "assets",
    "avatars",
    "explore",
    "issues",
    "login",
    "milestones",
    "notifications",
    "org",
    "pulls",
    "repo",
    "repo-avatars",
    "user",
    "users",
    "v2",
];

pub(super) fn read(segments: &[String]) -> Result<Page, ContextError> {
    let [owner, name, page @ ..] = segments else { return Err(no_repository(ForgeKind::Gitea, segments)) };
    if is(owner, SITE) {
        return Err(no_repository(ForgeKind::Gitea, segments));
    }
    Ok(Page::one(&[owner.clone(), name.clone()], view(page)?))
}

fn view(page: &[String]) -> Result<View, ContextError> {
    let Some((word, rest)) = page.split_first() else { return Ok(View::HOME) };
    Ok(match (word.as_str(), rest) {
        ("src", rest) => tree(rest, Look::Tree)?,
        ("raw" | "media" | "blame" | "_edit" | "render", rest) => tree(rest, Look::Blob)?,
        ("commits", rest) => tree(rest, Look::Commits)?,
        ("commit", [sha, ..]) => View::commit(sha, &[])?,
        ("releases", [tag, name @ ..]) if tag == "tag" => View::named(name, RefKind::Tag),
        ("pulls", [id, ..]) => number(id).map_or(View::Other, View::MergeRequest),
        ("issues", [id, ..]) => number(id).map_or(View::Other, View::Issue),
        _ => View::Other,
    })
}

/// Since 1.2 the kind of the ref stands before it; before that it had to be found out.
fn tree(rest: &[String], look: Look) -> Result<View, ContextError> {
    Ok(match rest {
        [kind, rest @ ..] if kind == "branch" => View::tree(rest, Some(RefKind::Branch), look),
        [kind, rest @ ..] if kind == "tag" => View::tree(rest, Some(RefKind::Tag), look),
        [kind, sha, path @ ..] if kind == "commit" => View::commit(sha, path)?,
        rest => View::tree(rest, None, look),
    })
}
