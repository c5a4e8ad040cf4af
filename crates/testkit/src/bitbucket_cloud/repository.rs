//! Everything below `/2.0/repositories/{workspace}/{slug}`.

use serde_json::{Value, json};

use super::{invalid, not_found, out_of_scope, page, refused, shapes, unauthenticated};
use crate::forge_double::{Answer, Call, Caller, Reference, Repository, THEN, World};

pub(super) fn answer(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    repository: &Repository,
    rest: &[&str],
) -> Answer {
    let path = repository.path();
    match (call.method.as_str(), rest) {
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/>
        ("GET", []) => Answer::json(200, &shapes::repository(world, repository)),
        ("GET", ["forks"]) => {
            let forks = world.seed.repositories.iter().filter(|one| one.fork_of.as_ref() == Some(&path));
            Answer::json(200, &page(forks.map(|fork| shapes::repository(world, fork))))
        }
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/>
        ("GET", ["refs"]) => {
            let mut all = references(world, repository, "branch", &repository.branches);
            all.extend(references(world, repository, "tag", &repository.tags));
            Answer::json(200, &page(all))
        }
        ("GET", ["refs", "branches"]) => {
            Answer::json(200, &page(references(world, repository, "branch", &repository.branches)))
        }
        ("GET", ["refs", "tags"]) => {
            Answer::json(200, &page(references(world, repository, "tag", &repository.tags)))
        }
        ("GET", ["refs", "branches", name @ ..]) => {
            let name = name.join("/");
            let found = repository.branch(&name);
            let found = found.map(|commit| shapes::reference(world, repository, "branch", &name, commit));
            found.map_or_else(
                || not_found(&format!("Branch \"{name}\" not found")),
                |one| Answer::json(200, &one),
            )
        }
        ("GET", ["refs", "tags", name @ ..]) => {
            let name = name.join("/");
            let found = repository.tag(&name);
            let found = found.map(|commit| shapes::reference(world, repository, "tag", &name, commit));
            found.map_or_else(
                || not_found(&format!("Tag \"{name}\" not found")),
                |one| Answer::json(200, &one),
            )
        }
        (_, ["commit", commit, "statuses", rest @ ..]) => {
            statuses(world, call, repository, caller, commit, rest)
        }
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>
        ("GET", ["commit", name @ ..]) => {
            let name = name.join("/");
            match repository.resolve(&name) {
                Some(commit) => Answer::json(200, &shapes::commit(world, repository, &commit)),
                None => not_found(&format!("Commit not found: {name}")),
            }
        }
        ("GET", ["src", commit, rest @ ..]) => source(world, repository, commit, &rest.join("/"), call),
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>
        ("GET", ["pullrequests", number]) => {
            let found = repository.pulls.iter().find(|pull| pull.number.to_string() == *number);
            match found {
                Some(pull) => Answer::json(200, &shapes::pull(world, repository, pull)),
                None => not_found("Pull request not found"),
            }
        }
        // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-issue-tracker/>
        ("GET", ["issues", number]) => {
            let found = repository.issues.iter().find(|issue| issue.number.to_string() == *number);
            match found {
                Some(issue) => Answer::json(200, &shapes::issue(world, repository, issue)),
                None => not_found("Issue not found"),
            }
        }
        ("POST", ["pullrequests" | "issues", number, "comments"]) => {
            comment(world, repository, caller, number, &call.json())
        }
        (_, ["hooks", rest @ ..]) => hooks(world, call, repository, caller, rest),
        _ => not_found("Resource not found"),
    }
}

fn references(world: &World, repository: &Repository, kind: &str, all: &[Reference]) -> Vec<Value> {
    all.iter().map(|one| shapes::reference(world, repository, kind, &one.name, &one.commit)).collect()
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/>: a branch with a slash in its name
/// cannot be named here, only its commit.
fn source(world: &World, repository: &Repository, commit: &str, path: &str, call: &Call) -> Answer {
    let commit = if commit.contains('/') { None } else { repository.resolve(commit) };
    let Some(commit) = commit else { return not_found("Commit not found") };
    match repository.is_file(path) {
        None => not_found(&format!("No such file or directory: {path}")),
        Some(is_file) if call.query("format") == "meta" => {
            Answer::json(200, &shapes::entry(world, repository, &commit, path, is_file))
        }
        Some(true) => Answer::of(200, "text/plain", "hello\n"),
        Some(false) => {
            let below = |name: String| if path.is_empty() { name } else { format!("{path}/{name}") };
            let inside = repository.list(path).into_iter().map(below);
            let shape = |path: String| {
                shapes::entry(world, repository, &commit, &path, repository.is_file(&path) == Some(true))
            };
            Answer::json(200, &page(inside.map(shape)))
        }
    }
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/>
fn statuses(
    world: &mut World,
    call: &Call,
    repository: &Repository,
    caller: &Caller,
    commit: &str,
    rest: &[&str],
) -> Answer {
    let Some(commit) = repository.resolve(commit) else { return not_found("Commit not found") };
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &page(world.statuses_of(repository, &commit))),
        ("POST", ["build"]) => {
            if !World::is_member(repository, caller) {
                return unauthenticated();
            }
            let sent = call.json();
            let state = sent["state"].as_str().unwrap_or_default();
            if !["SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"].contains(&state) {
                return invalid("state", "Not a valid choice.");
            }
            // Longer keys are refused, which the documentation does not say.
            if sent["key"].as_str().is_none_or(|key| key.is_empty() || key.len() > 40) {
                return invalid("key", "Must be at most 40 characters.");
            }
            let mut shown = sent.clone();
            shown["type"] = json!("build");
            shown["created_on"] = json!(THEN);
            shown["updated_on"] = json!(THEN);
            world.add_status(repository, &commit, sent);
            Answer::json(201, &shown)
        }
        _ => not_found("Resource not found"),
    }
}

fn comment(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    number: &str,
    sent: &Value,
) -> Answer {
    let Some(person) = world.person(caller) else { return unauthenticated() };
    let number: u64 = number.parse().unwrap_or_default();
    let is_pull = repository.pulls.iter().any(|pull| pull.number == number);
    if !is_pull && !repository.issues.iter().any(|issue| issue.number == number) {
        return not_found("Not found");
    }
    let Some(text) = sent["content"]["raw"].as_str().filter(|text| !text.is_empty()) else {
        return invalid("content", "This field is required.");
    };
    let id = world.add_comment(repository, number, &person.name, text);
    let kind = if is_pull { "pullrequest_comment" } else { "issue_comment" };
    let shown = json!({
        "type": kind, "id": id, "content": {"type": "rendered", "raw": text, "markup": "markdown"},
        "user": shapes::user(world, &person), "created_on": THEN,
    });
    Answer::json(201, &shown)
}

/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/>, "hooks".
fn hooks(world: &mut World, call: &Call, repository: &Repository, caller: &Caller, rest: &[&str]) -> Answer {
    if !World::is_member(repository, caller) {
        return refused(403, "Your credentials lack the administrator privilege on this repository.");
    }
    if !caller.has_scope(&["webhook"]) {
        return out_of_scope("webhook");
    }
    let path = repository.path();
    let of = |world: &World, uuid: &str| {
        world.hooks_of(&path).into_iter().find(|hook| shapes::uuid("hook", hook.id) == uuid)
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let all = world.hooks_of(&path);
            Answer::json(200, &page(all.iter().map(|hook| shapes::hook(world, hook))))
        }
        ("POST", []) => {
            let sent = call.json();
            if sent["url"].as_str().is_none() || !sent["events"].is_array() {
                return invalid("url", "This field is required.");
            }
            let hook = world.add_hook(&path, sent);
            Answer::json(201, &shapes::hook(world, &hook))
        }
        (method, [uuid]) => {
            let Some(hook) = of(world, uuid) else { return not_found("Webhook not found") };
            match method {
                "DELETE" => {
                    world.delete_hook(&path, hook.id);
                    return Answer::empty(204);
                }
                "PUT" => {
                    if let Some(hook) = world.hook_mut(&path, hook.id) {
                        hook.sent = call.json();
                    }
                }
                _ => {}
            }
            of(world, uuid).map_or_else(
                || not_found("Webhook not found"),
                |hook| Answer::json(200, &shapes::hook(world, &hook)),
            )
        }
        _ => not_found("Resource not found"),
    }
}
