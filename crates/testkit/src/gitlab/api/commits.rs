//! `/repository/commits` and `/repository/compare`.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::page::{Keyset, paged};
use super::{projects, shapes};
use crate::gitlab::instance::blocking;
use crate::gitlab::repository::{Commit, Repository};

/// More than any test has; GitLab has no bound.
const LONGEST: &str = "--max-count=20000";

pub(crate) async fn list(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let wanted = call.params.filled("ref_name").unwrap_or_else(|| "HEAD".to_owned());
    let mut arguments = vec![LONGEST.to_owned()];
    for (name, option) in [("since", "--since"), ("until", "--until")] {
        if let Some(time) = call.params.filled(name) {
            arguments.push(format!("{option}={time}"));
        }
    }
    let all = call.params.flag("all") == Some(true);
    let file = call.params.filled("path");
    let repository = project.repository.clone();
    let found = blocking(move || {
        if all {
            arguments.push("--all".to_owned());
        } else {
            arguments.push(repository.resolve(&wanted)?);
        }
        arguments.push("--".to_owned());
        arguments.extend(file);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Some(repository.log(&arguments))
    });
    let Some(found) = found.await else { return Err(Refusal::not_found("Repository")) };
    paged(&call, Keyset::No, &found, |_| 0, |commit| shapes::commit(&call.instance, &project.path, commit))
}

pub(crate) async fn show(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let (repository, sha) = (project.repository.clone(), call.segment("sha").to_owned());
    let found = blocking(move || {
        let commit = repository.commit(&sha)?;
        let lines = repository.git(&["show", "--numstat", "--format=", &commit.id]).unwrap_or_default();
        let mut counts = [0_u64; 2];
        for line in lines.lines() {
            for (count, text) in counts.iter_mut().zip(line.split('\t')) {
                *count += text.parse::<u64>().unwrap_or(0);
            }
        }
        Some((commit, counts))
    });
    let (commit, [added, removed]) = found.await.ok_or_else(|| Refusal::not_found("Commit"))?;
    let mut shape = shapes::commit(&call.instance, &project.path, &commit);
    let world = call.instance.world();
    let last = world.statuses.iter().rfind(|status| status.project == project.id && status.sha == commit.id);
    let more = json!({
        "stats": { "additions": added, "deletions": removed, "total": added + removed },
        "status": last.map(|status| status.state.clone()),
        "project_id": project.id,
        "last_pipeline": null,
    });
    shapes::extend(&mut shape, more);
    ok(shape)
}

pub(crate) async fn diff(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let (repository, sha) = (project.repository.clone(), call.segment("sha").to_owned());
    let found = blocking(move || {
        let commit = repository.commit(&sha)?;
        // The empty tree stands before the first commit.
        let parent = commit.parents.first().map_or(EMPTY_TREE, String::as_str);
        Some(diffs(&repository, parent, &commit.id))
    });
    let found = found.await.ok_or_else(|| Refusal::not_found("Commit"))?;
    paged(&call, Keyset::No, &found, |_| 0, Value::clone)
}

/// What git calls the tree without entries.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

pub(crate) async fn compare(call: Call) -> Answer {
    let project = call.project()?.code()?;
    call.require(&["from", "to"])?;
    let name = |name: &str| call.params.text(name).unwrap_or_default();
    let (from, to) = (name("from"), name("to"));
    let page = projects::page(&call.instance, &project.path, &format!("compare/{from}...{to}"));
    let straight = call.params.flag("straight") == Some(true);
    let repository = project.repository.clone();
    let found = blocking(move || {
        let (from, to) = (repository.resolve(&from)?, repository.resolve(&to)?);
        let mut commits = repository.log(&[LONGEST, "--reverse", &format!("{from}..{to}")]);
        let base = repository.git(&["merge-base", &from, &to]).map(|base| base.trim().to_owned());
        let base = if straight { from.clone() } else { base.unwrap_or(from.clone()) };
        commits.truncate(1000);
        Some((commits, diffs(&repository, &base, &to), from == to))
    });
    let Some((commits, diffs, same)) = found.await else { return Err(Refusal::not_found("Ref")) };
    let shape = |commit: &Commit| shapes::commit(&call.instance, &project.path, commit);
    ok(json!({
        "commit": commits.last().map(shape),
        "commits": commits.iter().map(shape).collect::<Vec<_>>(),
        "diffs": diffs,
        "compare_timeout": false,
        "compare_same_ref": same,
        "web_url": page,
    }))
}

/// One entry for each file that differs, renames found.
fn diffs(repository: &Repository, from: &str, to: &str) -> Vec<Value> {
    let raw = repository.git(&["diff", "--raw", "-z", "-M", "--no-abbrev", from, to]).unwrap_or_default();
    let mut parts = raw.split('\0');
    let mut found = vec![];
    while let Some(head) = parts.next().filter(|head| !head.is_empty()) {
        let fields: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let [before, after, _, _, kind] = fields.as_slice() else { break };
        let Some(old) = parts.next() else { break };
        let renamed = kind.starts_with('R') || kind.starts_with('C');
        let new = if renamed { parts.next().unwrap_or(old) } else { old };
        let text =
            repository.git(&["diff", "-M", "--no-color", from, to, "--", old, new]).unwrap_or_default();
        // GitLab's diffs begin with the first hunk.
        let hunks = text.find("@@").map_or("", |place| &text[place..]);
        found.push(json!({
            "old_path": old, "new_path": new, "a_mode": before, "b_mode": after, "diff": hunks,
            "new_file": *kind == "A", "renamed_file": kind.starts_with('R'), "deleted_file": *kind == "D",
            "generated_file": false,
        }));
    }
    found
}
