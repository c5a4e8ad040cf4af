//! GitLab: projects at any depth, pages behind `/-/`, and the addresses from before there was one.

use domain::{ForgeKind, RefKind};

use super::super::ContextError;
use super::super::address::Query;
use super::super::error::no_repository;
use super::{Look, Page, Reading, View, is, number, without_git};

/// First parts of paths that are pages of the instance and never a group
/// (`TOP_LEVEL_ROUTES` in GitLab's `lib/gitlab/path_regex.rb`).
const INSTANCE: &[&str] = &[
    "-",
    ".well-known",
    "abuse_reports",
    "admin",
    "api",
    "assets",
    "dashboard",
    "explore",
    "files",
    "groups",
    "health_check",
    "help",
    "import",
    "jwt",
    "login",
    "oauth",
    "profile",
    "projects",
    "public",
    "search",
    "sitemap",
    "snippets",
    "unsubscribes",
    "uploads",
    "users",
    "v2",
];

/// Words that are no project's or group's name, so that one in a path is where the project has ended
/// (`PROJECT_WILDCARD_ROUTES`, as above).
const ENDS_PROJECT: &[&str] = &[
    "badges",
    "blame",
    "blob",
    "builds",
    "commits",
    "create",
    "create_dir",
    "edit",
    "find_file",
    "new",
    "preview",
    "raw",
    "refs",
    "tree",
    "update",
    "wikis",
];

/// Words that begin a page, and may also be a name.
const BEGINS_PAGE: &[&str] = &["commit", "issues", "merge_requests", "releases", "tags"];

/// GitLab's own limit on the depth of groups is 20.
const DEEPEST: usize = 22;

pub(super) fn read(segments: &[String], query: &Query) -> Result<Page, ContextError> {
    let refuse = || no_repository(ForgeKind::Gitlab, segments);
    if segments.first().is_none_or(|first| is(first, INSTANCE)) {
        return Err(refuse());
    }
    if let Some(at) = segments.iter().position(|segment| segment == "-") {
        let (project, page) = segments.split_at(at);
        if project.len() < 2 {
            return Err(refuse());
        }
        return Ok(Page::one(project, view(page.get(1..).unwrap_or_default(), query)?));
    }
    if segments.len() < 2 {
        return Err(refuse());
    }
    let end = |words: &'static [&str]| {
        segments.iter().enumerate().skip(2).find(|(_, segment)| is(segment, words)).map(|(at, _)| at)
    };
    // A name never ends in `.git`, so that this too is where the project ends.
    let git = segments.iter().enumerate().skip(1).find(|(_, segment)| without_git(segment).is_some());
    let (certain, possible) = (end(ENDS_PROJECT), end(BEGINS_PAGE));
    let certain = git.map(|(at, _)| at + 1).into_iter().chain(certain).min();
    match (certain, possible) {
        (Some(at), possible) if possible.is_none_or(|possible| at <= possible) => {
            let (project, page) = segments.split_at(at);
            Ok(Page::one(project, view(page, query)?))
        }
        (_, possible) => probe(segments, possible, query),
    }
}

/// Every place where the project may end, the likely ones first.
fn probe(segments: &[String], likely: Option<usize>, query: &Query) -> Result<Page, ContextError> {
    let all = segments.len();
    let growing = (2..all).take(DEEPEST);
    let mut readings: Vec<Reading> = Vec::new();
    let mut first_error = None;
    for end in likely.into_iter().chain([all]).chain(growing.filter(|&end| Some(end) != likely)) {
        let (project, page) = segments.split_at(end.min(all));
        match view(page, query) {
            Ok(view) => readings.push(Reading::new(project, view)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) if readings.is_empty() => Err(error),
        _ => Ok(Page { readings }),
    }
}

fn view(page: &[String], query: &Query) -> Result<View, ContextError> {
    let ref_kind = match query.get("ref_type") {
        Some("heads") => Some(RefKind::Branch),
        Some("tags") => Some(RefKind::Tag),
        _ => None,
    };
    let Some((word, rest)) = page.split_first() else { return Ok(View::HOME) };
    Ok(match (word.as_str(), rest) {
        ("tree", rest) => View::tree(rest, ref_kind, Look::Tree),
        ("blob" | "raw" | "blame" | "edit", rest) => View::tree(rest, ref_kind, Look::Blob),
        ("commits", rest) => View::tree(rest, ref_kind, Look::Commits),
        ("commit", [sha, ..]) => View::commit(sha, &[])?,
        ("merge_requests", [iid, ..]) => number(iid).map_or(View::Other, View::MergeRequest),
        // Issues have had a second address since they became work items (16).
        ("issues" | "work_items", [iid, ..]) => number(iid).map_or(View::Other, View::Issue),
        ("tags" | "releases", rest @ [name, ..]) if name != "new" => View::named(rest, RefKind::Tag),
        _ => View::Other,
    })
}
