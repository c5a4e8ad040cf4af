//! Everything below `/rest/api/1.0/projects/{key}/repos/{slug}`:
//! <https://developer.atlassian.com/server/bitbucket/rest/v819/api-group-repository/> and its neighbours
//! `api-group-pull-requests`, `api-group-builds-and-deployments`.

use serde_json::{Value, json};

use super::{not_permitted, page, refused, shapes};
use crate::forge_double::{Answer, Call, Caller, Repository, World};

const NO_SUCH_COMMIT: &str = "com.atlassian.bitbucket.commit.NoSuchCommitException";
const NO_SUCH_PATH: &str = "com.atlassian.bitbucket.content.NoSuchPathException";
const NO_SUCH_PULL: &str = "com.atlassian.bitbucket.pull.NoSuchPullRequestException";
const NO_SUCH_HOOK: &str = "com.atlassian.bitbucket.webhook.NoSuchWebhookException";
const INVALID: &str = "javax.validation.ConstraintViolationException";

pub(super) fn answer(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    repository: &Repository,
    rest: &[&str],
) -> Answer {
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &shapes::repository(world, repository)),
        ("GET", ["forks"]) => {
            let path = repository.path();
            let forks = world.seed.repositories.iter().filter(|one| one.fork_of.as_ref() == Some(&path));
            Answer::json(200, &page(forks.map(|fork| shapes::repository(world, fork))))
        }
        ("GET", ["branches"]) => {
            let wanted = call.query("filterText").to_lowercase();
            let found = repository.branches.iter().filter(|one| one.name.to_lowercase().contains(&wanted));
            let found = found.map(|one| shapes::branch(repository, &one.name, &one.commit));
            Answer::json(200, &page(found))
        }
        ("GET", ["branches", "default"] | ["default-branch"]) => {
            let name = &repository.default_branch;
            let commit = repository.branch(name).unwrap_or_default();
            Answer::json(200, &shapes::branch(repository, name, commit))
        }
        ("GET", ["tags"]) => {
            let wanted = call.query("filterText").to_lowercase();
            let found = repository.tags.iter().filter(|one| one.name.to_lowercase().contains(&wanted));
            Answer::json(200, &page(found.map(|one| shapes::tag(&one.name, &one.commit))))
        }
        ("GET", ["tags", name @ ..]) => {
            let name = name.join("/");
            match repository.tag(&name) {
                Some(commit) => Answer::json(200, &shapes::tag(&name, commit)),
                None => refused(
                    404,
                    &format!("Tag \"{name}\" does not exist."),
                    "com.atlassian.bitbucket.repository.NoSuchTagException",
                ),
            }
        }
        ("POST", ["commits", commit, "builds"]) => put_build(world, repository, caller, commit, call.json()),
        ("GET", ["commits", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            match resolve(repository, &name) {
                Some(commit) => Answer::json(200, &shapes::commit(&commit)),
                None => no_such_commit(repository, &name),
            }
        }
        ("GET", ["browse", path @ ..]) => browse(repository, &path.join("/"), call),
        ("GET", ["pull-requests", number]) => {
            let found = repository.pulls.iter().find(|pull| pull.number.to_string() == *number);
            match found {
                Some(pull) => Answer::json(200, &shapes::pull(world, repository, pull)),
                None => no_such_pull(number),
            }
        }
        ("POST", ["pull-requests", number, "comments"]) => {
            comment(world, repository, caller, number, &call.json())
        }
        (_, ["webhooks", rest @ ..]) => hooks(world, call, repository, caller, rest),
        _ => Answer::json(404, &json!({"message": "null for uri", "status-code": 404})),
    }
}

/// A commit by hash, or by a name with or without `refs/heads/` and `refs/tags/`.
fn resolve(repository: &Repository, name: &str) -> Option<String> {
    if let Some(name) = name.strip_prefix("refs/heads/") {
        return repository.branch(name).map(str::to_owned);
    }
    if let Some(name) = name.strip_prefix("refs/tags/") {
        return repository.tag(name).map(str::to_owned);
    }
    repository.resolve(name)
}

fn no_such_commit(repository: &Repository, name: &str) -> Answer {
    let why = format!("Commit '{name}' does not exist in repository '{}'.", repository.name);
    refused(404, &why, NO_SUCH_COMMIT)
}

fn no_such_pull(number: &str) -> Answer {
    refused(404, &format!("No pull request exists with ID {number} for this repository."), NO_SUCH_PULL)
}

/// Lines of a file or names in a folder; with `type=true` only which of both it is.
fn browse(repository: &Repository, path: &str, call: &Call) -> Answer {
    let at = Some(call.query("at")).filter(|at| !at.is_empty()).unwrap_or(&repository.default_branch);
    if resolve(repository, at).is_none() {
        return no_such_commit(repository, at);
    }
    let Some(is_file) = repository.is_file(path) else {
        return refused(
            404,
            &format!("The path \"{path}\" does not exist at revision \"{at}\""),
            NO_SUCH_PATH,
        );
    };
    if call.query("type") == "true" {
        return Answer::json(200, &json!({"type": if is_file { "FILE" } else { "DIRECTORY" }}));
    }
    if is_file {
        let lines = json!([{"text": "hello"}]);
        return Answer::json(200, &json!({"lines": lines, "start": 0, "size": 1, "isLastPage": true}));
    }
    let child = |name: String| {
        let whole = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let kind = if repository.is_file(&whole) == Some(true) { "FILE" } else { "DIRECTORY" };
        json!({"path": {"components": [name], "name": name, "toString": name}, "type": kind})
    };
    let children: Vec<Value> = repository.list(path).into_iter().map(child).collect();
    let shown = json!({
        "path": {"components": path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>(), "toString": path},
        "revision": at,
        "children": page(children),
    });
    Answer::json(200, &shown)
}

fn is_build(sent: &Value) -> bool {
    let states = ["SUCCESSFUL", "FAILED", "INPROGRESS", "CANCELLED", "UNKNOWN"];
    let has = |name: &str| sent[name].as_str().is_some_and(|text| !text.is_empty());
    has("key") && has("url") && sent["state"].as_str().is_some_and(|state| states.contains(&state))
}

fn put_build(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    commit: &str,
    sent: Value,
) -> Answer {
    if !World::is_member(repository, caller) {
        return not_permitted();
    }
    if resolve(repository, commit).is_none() {
        return no_such_commit(repository, commit);
    }
    if !is_build(&sent) {
        return refused(400, "The build status is missing its key, state or url.", INVALID);
    }
    world.add_status(repository, commit, sent);
    Answer::empty(204)
}

/// The older way, which names no repository:
/// <https://developer.atlassian.com/server/bitbucket/how-tos/updating-build-status-for-commits/>.
pub(super) fn build_status(world: &mut World, call: &Call, caller: &Caller, commit: &str) -> Answer {
    if caller.user().is_none() {
        return not_permitted();
    }
    let of_all = world.seed.repositories.iter().find(|one| one.resolve(commit).is_some()).cloned();
    if call.method == "GET" {
        let all = of_all.map(|repository| world.statuses_of(&repository, commit));
        return Answer::json(200, &page(all.unwrap_or_default()));
    }
    let sent = call.json();
    if !is_build(&sent) {
        return refused(400, "The build status is missing its key, state or url.", INVALID);
    }
    // Nobody checks that the commit is anywhere.
    if let Some(repository) = of_all {
        world.add_status(&repository, commit, sent);
    }
    Answer::empty(204)
}

fn comment(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    number: &str,
    sent: &Value,
) -> Answer {
    let Some(person) = world.person(caller) else { return not_permitted() };
    if !repository.pulls.iter().any(|pull| pull.number.to_string() == number) {
        return no_such_pull(number);
    }
    let Some(text) = sent["text"].as_str().filter(|text| !text.trim().is_empty()) else {
        return refused(400, "A comment needs a text.", INVALID);
    };
    let id = world.add_comment(repository, number.parse().unwrap_or_default(), &person.name, text);
    let shown = json!({
        "id": id, "version": 0, "text": text, "author": shapes::user(&person), "createdDate": shapes::THEN,
        "updatedDate": shapes::THEN, "comments": [], "tasks": [], "severity": "NORMAL", "state": "OPEN",
    });
    Answer::json(201, &shown)
}

fn hooks(world: &mut World, call: &Call, repository: &Repository, caller: &Caller, rest: &[&str]) -> Answer {
    if !World::is_member(repository, caller)
        || !caller.has_scope(&["REPO_ADMIN", "PROJECT_ADMIN", "ADMIN_WRITE"])
    {
        return not_permitted();
    }
    let path = repository.path();
    let id = |text: &str| text.parse::<u64>().unwrap_or_default();
    let none = || refused(404, "The webhook does not exist.", NO_SUCH_HOOK);
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &page(world.hooks_of(&path).iter().map(shapes::hook))),
        ("POST", []) => {
            let sent = call.json();
            if sent["url"].as_str().is_none() || sent["name"].as_str().is_none() || !sent["events"].is_array()
            {
                return refused(400, "A webhook needs a name, a URL and events.", INVALID);
            }
            let hook = world.add_hook(&path, sent);
            Answer::json(201, &shapes::hook(&hook))
        }
        ("GET", [text]) => {
            world.hook_mut(&path, id(text)).map_or_else(none, |hook| Answer::json(200, &shapes::hook(hook)))
        }
        ("PUT", [text]) => {
            let Some(hook) = world.hook_mut(&path, id(text)) else { return none() };
            hook.sent = call.json();
            Answer::json(200, &shapes::hook(hook))
        }
        ("DELETE", [text]) if world.delete_hook(&path, id(text)) => Answer::empty(204),
        _ => none(),
    }
}
