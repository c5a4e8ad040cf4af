//! Leaving a clone the way it is wanted: the right ref, a new branch, a second remote.

use std::path::Path;

use domain::{RefKind, RefName};
use wire::agent::CloneEvent;

use super::git::{Git, Stopped};
use super::{Failure, Wanted};

/// Clones into the draft and checks out what is wanted. Never something else: a ref that is not there is an
/// error.
pub(super) async fn fetch(git: &Git<'_>, wanted: &Wanted, draft: &Path) -> Result<(), Stopped> {
    let url = wanted.url.to_string();
    let clone = |options: &[&str]| {
        let mut arguments = vec!["clone", "--progress", "--template="];
        arguments.extend(options);
        arguments.extend(["--", &url]);
        arguments.iter().map(|&text| text.to_owned()).chain([draft.display().to_string()]).collect::<Vec<_>>()
    };
    let parent = draft.parent().unwrap_or(Path::new("/"));
    let Some(reference) = wanted.reference.as_ref().or(wanted.revision.as_ref()) else {
        return git.run(parent, &clone(&[])).await;
    };
    let is_full = reference.is_commit_id() || reference.as_str().starts_with("refs/");
    if is_branch_first(wanted) && !is_full {
        let branch = format!("--branch={reference}");
        match git.run(parent, &clone(&[&branch])).await {
            Err(stopped) if stopped.is_missing_branch() && may_be_commit(wanted, reference) => {}
            Err(stopped) => return Err(stopped),
            Ok(()) => return check_branch(git, wanted, draft).await,
        }
    }
    // Not a branch: fetch it by name if the clone does not have it, then look at it by itself.
    git.run(parent, &clone(&["--no-checkout"])).await?;
    let name = match wanted.ref_kind {
        Some(RefKind::Tag) if wanted.reference.is_some() && !is_full => format!("refs/tags/{reference}"),
        _ => reference.to_string(),
    };
    let found = git.answer(draft, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).await;
    let target = if let Some(found) = found {
        found
    } else {
        git.run(draft, &["fetch", "--progress", "origin", &name].map(str::to_owned)).await?;
        "FETCH_HEAD".to_owned()
    };
    git.run(draft, &["checkout", "--progress", "--detach", &target, "--"].map(str::to_owned)).await
}

/// Whether git's own `--branch`, which takes tags as well, may decide.
fn is_branch_first(wanted: &Wanted) -> bool {
    wanted.reference.is_some() && matches!(wanted.ref_kind, None | Some(RefKind::Branch))
}

/// Whether a name that is no branch may be the beginning of a commit's id.
fn may_be_commit(wanted: &Wanted, reference: &RefName) -> bool {
    let text = reference.as_str();
    wanted.ref_kind.is_none()
        && (7..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `--branch` has found something; where a branch was named, a tag is not it.
async fn check_branch(git: &Git<'_>, wanted: &Wanted, draft: &Path) -> Result<(), Stopped> {
    if wanted.ref_kind == Some(RefKind::Branch)
        && git.answer(draft, &["symbolic-ref", "--quiet", "HEAD"]).await.is_none()
    {
        return Err(Stopped::missing_branch());
    }
    Ok(())
}

/// Makes the new branch and the second remote, and says where the branch leads.
pub(super) async fn furnish(git: &Git<'_>, wanted: &Wanted, draft: &Path) -> Result<(), Failure> {
    if let Some(branch) = &wanted.local_branch {
        begin_branch(git, wanted, branch, draft).await?;
    }
    let upstream = wanted.upstream.as_ref().filter(|upstream| **upstream != wanted.url);
    if let Some(upstream) = upstream {
        let add = ["remote", "add", "upstream", &upstream.to_string()].map(str::to_owned);
        run(git, wanted, draft, &add).await?;
    }
    let Some(target) = &wanted.upstream_branch else { return Ok(()) };
    let remote = if upstream.is_some() { "upstream" } else { "origin" };
    if upstream.is_some() {
        let refspec = format!("+refs/heads/{target}:refs/remotes/upstream/{target}");
        let fetch = ["fetch", "--progress", "upstream", &refspec].map(str::to_owned);
        if git.run(draft, &fetch).await.is_err() {
            // One can work without it, and fetch it later.
            let text =
                format!("cannot fetch `{target}` of the remote `upstream`; try `git fetch upstream` later");
            drop(git.events.send(CloneEvent::Line { text }).await);
        }
    }
    if let Some(branch) = git.branch(draft).await? {
        // Where editors and the forges' own tools look for what a branch is compared with.
        let keys =
            [("vscode-merge-base", format!("{remote}/{target}")), ("gh-merge-base", target.to_string())];
        for (key, value) in keys {
            git.quietly(draft, &["config", &format!("branch.{branch}.{key}"), &value]).await?;
        }
    }
    Ok(())
}

/// A new branch from what is checked out; one that somebody has pushed already is taken up.
async fn begin_branch(git: &Git<'_>, wanted: &Wanted, branch: &RefName, draft: &Path) -> Result<(), Failure> {
    let there = format!("refs/remotes/origin/{branch}");
    let is_pushed = git.answer(draft, &["rev-parse", "--verify", "--quiet", &there]).await.is_some();
    let has_commit = git.answer(draft, &["rev-parse", "--verify", "--quiet", "HEAD"]).await.is_some();
    let name = branch.as_str();
    if is_pushed {
        let track = format!("origin/{branch}");
        return run(git, wanted, draft, &["checkout", "-B", name, "--track", &track].map(str::to_owned))
            .await;
    }
    if has_commit {
        return run(git, wanted, draft, &["checkout", "-b", name, "--no-track"].map(str::to_owned)).await;
    }
    // Nothing has been committed yet: the branch begins with the first commit.
    git.quietly(draft, &["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]).await.map(drop)
}

async fn run(git: &Git<'_>, wanted: &Wanted, draft: &Path, arguments: &[String]) -> Result<(), Failure> {
    git.run(draft, arguments).await.map_err(|stopped| Failure::explain(&stopped, wanted, None, None))
}
