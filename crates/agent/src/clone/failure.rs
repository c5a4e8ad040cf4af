//! Why a clone did not work, said so that a person can mend it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use domain::RefKind;

use super::Wanted;
use super::git::Stopped;
use crate::asks::Refusal;
use crate::problem::Problem;

/// What could not be done, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    pub(crate) mend: String,
}

/// What somebody could try who knows no more than we do.
const TRY_AGAIN: &str = "Try again. If it stays, the log above has git's own words.";

impl Failure {
    fn new(reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { reason: reason.into(), mend: mend.into() }
    }

    /// The server asked for something that cannot be cloned.
    pub(crate) fn bad_request(error: &dyn std::error::Error) -> Self {
        Self::new(error.to_string(), "Make the workspace anew with an address and a branch that exist.")
    }

    /// The file system said no.
    pub(super) fn of_folder(verb: &str, folder: &Path, error: &io::Error) -> Self {
        let problem = Problem::of_path(verb, folder, error).into_inner();
        Self::new(problem.detail, problem.mend)
    }

    /// Git could not be run.
    pub(super) fn not_started(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::new(
                "cannot clone: there is no git in this workspace's image",
                "Choose an image that has git in it.",
            )
        } else {
            Self::other(&format!("cannot run git: {error}"))
        }
    }

    /// Something nobody foresaw.
    pub(crate) fn other(reason: &str) -> Self {
        Self::new(reason, TRY_AGAIN)
    }

    /// From how git ended and what it said; the first rule that fits.
    /// `unreached` is why the server made no connection, `unknown` why it gave no credential.
    pub(super) fn explain(
        stopped: &Stopped,
        wanted: &Wanted,
        unreached: Option<String>,
        unknown: Option<Refusal>,
    ) -> Self {
        let Wanted { url, folder, .. } = wanted;
        let (host, port) = url.authority();
        let said = |words: &[&str]| words.iter().any(|words| stopped.said.contains(words));
        if stopped.is_missing {
            return Self::not_started(&io::ErrorKind::NotFound.into());
        }
        if let Some(why) = unreached {
            return Self::new(
                format!("cannot reach `{host}:{port}`: {why}"),
                "Check the address, or ask whoever runs this server to allow it.",
            );
        }
        if let Some(Refusal { why, mend, .. }) = unknown {
            return Self::new(format!("cannot clone `{url}`: {why}"), mend);
        }
        if said(&["No space left on device", "Disk quota exceeded"]) {
            return Self::new(
                format!("cannot clone `{url}`: the disk is full"),
                "Delete workspaces that are not needed any more, or give the server more disk, then try again.",
            );
        }
        if stopped.is_missing_branch() || said(&["couldn't find remote ref", "not our ref"]) {
            let reference = wanted.reference.as_ref().or(wanted.revision.as_ref());
            let reference = reference.map_or("", |reference| reference.as_str());
            let kind = match wanted.ref_kind {
                None => "branch, tag or commit",
                Some(RefKind::Branch) => "branch",
                Some(RefKind::Tag) => "tag",
                Some(RefKind::Revision) => "commit",
            };
            return Self::new(
                format!("`{url}` has no {kind} `{reference}`"),
                "Check its name; it may have been merged and deleted. Without a name the default branch is used.",
            );
        }
        if said(&["Could not resolve host"]) {
            return Self::new(
                format!("there is no host `{host}`"),
                "Check the address. If it exists only in your own network, the server must be able to look it up.",
            );
        }
        if said(&[
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "not found",
            "returned error: 401",
            "returned error: 403",
            "returned error: 404",
        ]) {
            return Self::new(
                format!("`{url}` does not exist, or is private"),
                "Check the address. To open a private repository, connect its forge under Integrations.",
            );
        }
        if let Some(failure) = of_network(&stopped.said, &host, port) {
            return failure;
        }
        if said(&["Permission denied", "Read-only file system"]) {
            return Self::of_folder("clone into", folder, &io::ErrorKind::PermissionDenied.into());
        }
        if stopped.status.and_then(|status| status.signal()) == Some(9)
            || said(&["Out of memory", "out of memory"])
        {
            return Self::new(
                format!("git was killed while cloning `{url}`, most likely for lack of memory"),
                "Give the workspace more memory, then try again.",
            );
        }
        let last = stopped.said.lines().rev().find_map(|line| line.strip_prefix("fatal: "));
        let last = last.or_else(|| stopped.said.lines().last()).unwrap_or("git gave no reason");
        Self::other(&format!("cannot clone `{url}`: {last}"))
    }
}

/// What is between here and the forge, or how it proves who it is.
fn of_network(said: &str, host: &str, port: u16) -> Option<Failure> {
    let has = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if has(&["SSL certificate problem", "certificate verification failed", "SSL: "]) {
        return Some(Failure::new(
            format!("the certificate of `{host}` is not to be trusted"),
            "If the forge has a certificate of its own authority, tell the server about that authority.",
        ));
    }
    if has(&[
        "Failed to connect",
        "Couldn't connect",
        "Could not connect",
        "Connection refused",
        "Connection reset",
        "timed out",
        "Operation too slow",
        "early EOF",
        "unexpected disconnect",
        "CONNECT tunnel failed",
        "returned error: 50",
    ]) {
        return Some(Failure::new(
            format!("cannot reach `{host}:{port}`, or the connection broke off"),
            "Check that the forge is up and that the server can reach it, then try again.",
        ));
    }
    None
}

#[cfg(test)]
mod tests;
