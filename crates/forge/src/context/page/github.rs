//! GitHub, github.com and Enterprise: `owner/repository` and a page.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::error::no_repository;
use super::{Look, Page, View, is, number};

/// First parts of paths that are pages of the site and never an owner.
const SITE: &[&str] = &[
    "about",
    "apps",
    "codespaces",
    "collections",
    "enterprise",
    "enterprises",
    "explore",
    "features",
    "gist",
    "issues",
    "login",
    "marketplace",
    "new",
    "notifications",
    "organizations",
    "orgs",
    "pricing",
    "pulls",
    "search",
    "security",
    "settings",
    "site",
    "sponsors",
    "stars",
    "topics",
    "trending",
    "users",
];

pub(super) fn read(segments: &[String]) -> Result<Page, ContextError> {
    let [owner, name, page @ ..] = segments else { return Err(no_repository(ForgeKind::Github, segments)) };
    if is(owner, SITE) {
        return Err(no_repository(ForgeKind::Github, segments));
    }
    Ok(Page::one(&[owner.clone(), name.clone()], view(page)?))
}

fn view(page: &[String]) -> Result<View, ContextError> {
    let Some((word, rest)) = page.split_first() else { return Ok(View::HOME) };
    Ok(match (word.as_str(), rest) {
        ("tree", rest) => View::tree(rest, None, Look::Tree),
        ("blob" | "raw" | "blame" | "edit", rest) => View::tree(rest, None, Look::Blob),
        ("commits", rest) => View::tree(rest, None, Look::Commits),
        ("releases", [tag, name @ ..]) if tag == "tag" => View::named(name, RefKind::Tag),
        ("commit", [sha, ..]) => View::commit(sha, &[])?,
        ("pull", [id, ..]) => number(id).map_or(View::Other, View::MergeRequest),
        ("issues", [id, ..]) => number(id).map_or(View::Other, View::Issue),
        _ => View::Other,
    })
}
