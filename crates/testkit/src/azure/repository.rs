//! Everything below `/{organisation}/{project}/_apis/git/repositories/{repository}`.

use serde_json::{Value, json};

use super::{list, refused, shapes, unauthenticated};
use crate::forge_double::{Answer, Call, Caller, Repository, World};

pub(super) fn answer(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    repository: &Repository,
    rest: &[&str],
) -> Answer {
    match (call.method.as_str(), rest) {
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/repositories/get-repository>
        ("GET", []) => Answer::json(200, &shapes::repository(world, repository)),
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/forks/list>
        ("GET", ["forks", ..]) => {
            let path = repository.path();
            let forks = world.seed.repositories.iter().filter(|one| one.fork_of.as_ref() == Some(&path));
            Answer::json(200, &list(forks.map(|fork| shapes::repository(world, fork))))
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/refs/list>: the filter is a prefix.
        ("GET", ["refs"]) => {
            let wanted = format!("refs/{}", call.query("filter"));
            let heads =
                repository.branches.iter().map(|one| (format!("refs/heads/{}", one.name), &one.commit));
            let tags = repository.tags.iter().map(|one| (format!("refs/tags/{}", one.name), &one.commit));
            let found = heads.chain(tags).filter(|(name, _)| name.starts_with(&wanted));
            let found = found.map(|(name, commit)| shapes::reference(world, repository, &name, commit));
            Answer::json(200, &list(found))
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/stats>
        ("GET", ["stats", "branches"]) => branches(repository, call.query("name")),
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/statuses>
        ("GET", ["commits", commit, "statuses"]) => {
            Answer::json(200, &list(world.statuses_of(repository, commit)))
        }
        ("POST", ["commits", commit, "statuses"]) => {
            put_status(world, repository, caller, commit, call.json())
        }
        // <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/commits/get>: by its full hash only.
        ("GET", ["commits", name]) => match repository.resolve(name).filter(|commit| commit == name) {
            Some(commit) => Answer::json(200, &shapes::commit(world, repository, &commit)),
            None => no_such_commit(name),
        },
        ("GET", [kind, number]) if kind.eq_ignore_ascii_case("pullrequests") => {
            let found = repository.pulls.iter().find(|pull| pull.number.to_string() == *number);
            match found {
                Some(pull) => Answer::json(200, &shapes::pull(world, repository, pull)),
                None => no_such_pull(number),
            }
        }
        ("POST", [kind, number, "threads"]) if kind.eq_ignore_ascii_case("pullrequests") => {
            comment(world, repository, caller, number, &call.json())
        }
        ("GET", ["items"]) => items(world, repository, call),
        _ => refused(404, "The controller for path was not found.", "VssResourceNotFoundException"),
    }
}

/// A pull request of any repository: numbers count through the organisation. Where two repositories have the
/// number, the first one's is meant.
pub(super) fn pull_by_number(world: &World, caller: &Caller, organisation: &str, number: &str) -> Answer {
    let all = world.seed.repositories.iter().filter(|one| one.owner == organisation);
    for repository in all.filter_map(|one| world.visible(&one.path(), caller)) {
        if let Some(pull) = repository.pulls.iter().find(|pull| pull.number.to_string() == number) {
            return Answer::json(200, &shapes::pull(world, &repository, pull));
        }
    }
    no_such_pull(number)
}

fn no_such_pull(number: &str) -> Answer {
    let why = format!("TF401180: The requested pull request was not found: {number}.");
    refused(404, &why, "GitPullRequestNotFoundException")
}

fn no_such_commit(name: &str) -> Answer {
    let why =
        format!("TF401175: The version descriptor <Commit: {name} > could not be resolved to a version.");
    refused(404, &why, "GitUnresolvableToCommitException")
}

fn branches(repository: &Repository, name: &str) -> Answer {
    let shape = |name: &str, commit: &str| shapes::branch(name, commit, name == repository.default_branch);
    if name.is_empty() {
        let all = repository.branches.iter().map(|one| shape(&one.name, &one.commit));
        return Answer::json(200, &list(all));
    }
    match repository.branch(name) {
        Some(commit) => Answer::json(200, &shape(name, commit)),
        None => {
            let why = format!(
                "TF401175: The version descriptor <Branch: {name} > could not be resolved to a version."
            );
            refused(404, &why, "GitUnresolvableToCommitException")
        }
    }
}

/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/items>
fn items(world: &World, repository: &Repository, call: &Call) -> Answer {
    let name = |kind: &str| {
        let (one, two) = (format!("versionDescriptor.{kind}"), format!("versionDescriptor[{kind}]"));
        [one, two].iter().map(|name| call.query(name)).find(|text| !text.is_empty()).map(str::to_owned)
    };
    let version = name("version").unwrap_or_else(|| repository.default_branch.clone());
    let commit = match name("versionType").as_deref() {
        Some("tag") => repository.tag(&version).map(str::to_owned),
        Some("commit") => repository.resolve(&version).filter(|commit| *commit == version),
        _ => repository.branch(&version).map(str::to_owned),
    };
    let Some(commit) = commit else { return no_such_commit(&version) };
    let asked = [call.query("path"), call.query("scopePath")];
    let path = asked.into_iter().find(|path| !path.is_empty()).unwrap_or("/").trim_matches('/');
    let Some(is_file) = repository.is_file(path) else {
        let why = format!(
            "TF401174: The item '/{path}' could not be found in the repository '{}' at the version specified by \
             '<Branch: {version}>' (resolved to commit '{commit}')",
            repository.name
        );
        return refused(404, &why, "GitItemNotFoundException");
    };
    let shape = |path: &str, is_file| shapes::item(world, repository, &commit, path, is_file);
    let is_list = !call.query("recursionLevel").is_empty() || !call.query("scopePath").is_empty();
    if !is_list {
        return Answer::json(200, &shape(path, is_file));
    }
    // The folder itself comes first.
    let mut all: Vec<Value> = vec![shape(path, is_file)];
    for name in repository.list(path) {
        let whole = if path.is_empty() { name } else { format!("{path}/{name}") };
        all.push(shape(&whole, repository.is_file(&whole) == Some(true)));
    }
    Answer::json(200, &list(all))
}

fn put_status(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    commit: &str,
    sent: Value,
) -> Answer {
    if caller.user().is_none() {
        return unauthenticated(world);
    }
    if !World::is_member(repository, caller) {
        let why = "TF401027: You need the Git 'Contribute' permission to perform this action.";
        return refused(403, why, "GitNeedsPermissionException");
    }
    if repository.resolve(commit).as_deref() != Some(commit) {
        return no_such_commit(commit);
    }
    let states = ["notSet", "pending", "succeeded", "failed", "error", "notApplicable"];
    if !sent["state"].as_str().is_some_and(|state| states.contains(&state))
        || sent["context"]["name"].is_null()
    {
        return refused(400, "The status is missing its state or context.", "ArgumentException");
    }
    let mut shown = sent.clone();
    shown["id"] = json!(world.number());
    shown["creationDate"] = json!(crate::forge_double::THEN);
    world.add_status(repository, commit, sent);
    Answer::json(201, &shown)
}

/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads/create>
fn comment(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    number: &str,
    sent: &Value,
) -> Answer {
    let Some(user) = caller.user() else { return unauthenticated(world) };
    if !repository.pulls.iter().any(|pull| pull.number.to_string() == number) {
        return no_such_pull(number);
    }
    let Some(text) = sent["comments"][0]["content"].as_str().filter(|text| !text.is_empty()) else {
        return refused(400, "A thread needs a comment.", "ArgumentException");
    };
    let id = world.add_comment(repository, number.parse().unwrap_or_default(), user, text);
    let comment = json!({"id": 1, "parentCommentId": 0, "content": text, "commentType": "text"});
    Answer::json(200, &json!({"id": id, "comments": [comment], "status": sent["status"], "isDeleted": false}))
}
