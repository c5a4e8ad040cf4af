//! What pasted addresses mean: the pure half as tables, the asking half against a forge in memory.
#![allow(clippy::panic, reason = "a helper of a test may fail like the test")]

mod agree;
mod doubles;
mod memory;
mod pages;
mod prefixes;
mod resolve;
mod sites;

use domain::{ForgeKind, RefKind};
use forge::context::{ContextError, Look, Parsed, Reading, Site, SshHost, Target, View, parse};

/// A site that nobody else has.
pub(crate) fn site(kind: ForgeKind, web_url: &str) -> Site {
    Site { forge: None, kind, web_url: web_url.parse().unwrap(), git_url: None, ssh: vec![] }
}

/// One site of every kind that has repositories, each at its own host.
pub(crate) fn sites() -> Vec<Site> {
    let ssh = SshHost { host: "bitbucket.example.com".into(), port: 7999 };
    vec![
        site(ForgeKind::Gitlab, "https://gitlab.example.com"),
        site(ForgeKind::Github, "https://github.example.com"),
        site(ForgeKind::Gitea, "https://gitea.example.com"),
        Site { ssh: vec![ssh], ..site(ForgeKind::BitbucketServer, "https://bitbucket.example.com") },
        site(ForgeKind::BitbucketCloud, "https://cloud.example.com"),
        site(ForgeKind::AzureDevops, "https://azure.example.com"),
    ]
}

/// Everything that is known: [`sites`] and the public ones.
pub(crate) fn all_sites() -> Vec<Site> {
    sites().into_iter().chain(Site::public()).collect()
}

pub(crate) fn parsed(text: &str) -> Parsed {
    parse(text, &all_sites()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn refused(text: &str) -> ContextError {
    match parse(text, &all_sites()) {
        Ok(parsed) => panic!("{text}: {parsed:?}"),
        Err(error) => error,
    }
}

/// A page in one line: the host of its site and every reading.
pub(crate) fn shown(text: &str) -> String {
    let parsed = parsed(text);
    match parsed.target {
        Target::Snapshot(id) => format!("snapshot {id}"),
        Target::Plain(url) => format!("plain {url}"),
        Target::Site { site, page } => {
            let sites = all_sites();
            let readings: Vec<String> = page.readings.iter().map(reading).collect();
            format!("{}: {}", sites[site].web_url.host_str().unwrap(), readings.join(" | "))
        }
    }
}

fn reading(reading: &Reading) -> String {
    let kind = |kind: &Option<RefKind>| match kind {
        None => "ref",
        Some(RefKind::Branch) => "branch",
        Some(RefKind::Tag) => "tag",
        Some(RefKind::Revision) => "revision",
    };
    let at = |path: &[String]| match path {
        [] => String::new(),
        path => format!(" at {}", path.join("/")),
    };
    let view = match &reading.view {
        View::Home { path } => format!("home{}", at(path)),
        View::Tree { rest, ref_kind, look } => {
            let look = match look {
                Look::Tree => "tree",
                Look::Blob => "blob",
                Look::Commits => "commits",
            };
            format!("{look} {} {}", kind(ref_kind), rest.join("/"))
        }
        View::Named { name, ref_kind, path } => format!("{} = {name}{}", kind(ref_kind), at(path)),
        View::Commit { sha, path } => format!("commit {sha}{}", at(path)),
        View::MergeRequest(number) => format!("request {number}"),
        View::Issue(number) => format!("issue {number}"),
        View::Other => "other".into(),
    };
    format!("{} {view}", reading.repository.join("/"))
}
