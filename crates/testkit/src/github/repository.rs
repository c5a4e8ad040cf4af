//! Everything below `/repos/{owner}/{repo}`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{invalid, not_found, refused, shapes};
use crate::forge_double::{Answer, Call, Caller, Reference, Repository, THEN, World};

pub(super) fn answer(world: &mut World, call: &Call, caller: &Caller, path: &str, rest: &[&str]) -> Answer {
    // A private repository does not exist for those who may not see it.
    let Some(repository) = world.visible(path, caller) else { return not_found() };
    let repository = &repository;
    match (call.method.as_str(), rest) {
        // <https://docs.github.com/en/rest/repos/repos#get-a-repository>
        ("GET", []) => Answer::json(200, &shapes::repository(world, repository, caller)),
        // <https://docs.github.com/en/rest/repos/forks>
        ("GET", ["forks"]) => {
            let forks = world.seed.repositories.iter().filter(|one| one.fork_of.as_deref() == Some(path));
            let forks: Vec<Value> = forks.map(|fork| shapes::repository(world, fork, caller)).collect();
            Answer::json(200, &json!(forks))
        }
        // <https://docs.github.com/en/rest/branches/branches>
        ("GET", ["branches"]) => {
            list(&repository.branches, |one| shapes::branch(world, repository, &one.name, &one.commit))
        }
        ("GET", ["branches", name @ ..]) => {
            let name = name.join("/");
            match repository.branch(&name) {
                Some(commit) => Answer::json(200, &shapes::branch(world, repository, &name, commit)),
                None => refused(404, "Branch not found"),
            }
        }
        // <https://docs.github.com/en/rest/repos/repos#list-repository-tags>
        ("GET", ["tags"]) => {
            list(&repository.tags, |one| shapes::tag(world, repository, &one.name, &one.commit))
        }
        // <https://docs.github.com/en/rest/git/refs>
        ("GET", ["git", "ref", name @ ..]) => {
            let name = name.join("/");
            match named(repository, &name) {
                Some(commit) => {
                    Answer::json(200, &shapes::reference(world, repository, &format!("refs/{name}"), &commit))
                }
                None => not_found(),
            }
        }
        ("GET", ["git", "matching-refs", prefix @ ..]) => {
            let prefix = format!("refs/{}", prefix.join("/"));
            let heads =
                repository.branches.iter().map(|one| (format!("refs/heads/{}", one.name), &one.commit));
            let tags = repository.tags.iter().map(|one| (format!("refs/tags/{}", one.name), &one.commit));
            let found = heads.chain(tags).filter(|(name, _)| name.starts_with(&prefix));
            let found: Vec<Value> =
                found.map(|(name, commit)| shapes::reference(world, repository, &name, commit)).collect();
            Answer::json(200, &json!(found))
        }
        // <https://docs.github.com/en/rest/commits/commits>, <https://docs.github.com/en/rest/commits/statuses>
        ("GET", ["commits", name @ .., "statuses"]) => statuses(world, repository, &name.join("/")),
        ("GET", ["commits", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            match repository.resolve(&name) {
                Some(commit) => Answer::json(200, &shapes::commit(world, repository, &commit)),
                None => refused(422, &format!("No commit found for SHA: {name}")),
            }
        }
        ("POST", ["statuses", commit]) => put_status(world, repository, caller, commit, call.json()),
        // <https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request>
        ("GET", ["pulls", number]) => {
            let found = repository.pulls.iter().find(|pull| pull.number.to_string() == *number);
            found.map_or_else(not_found, |pull| {
                Answer::json(200, &shapes::pull(world, repository, pull, caller))
            })
        }
        // <https://docs.github.com/en/rest/issues/issues#get-an-issue>
        ("GET", ["issues", number]) => {
            let found = number.parse().ok().and_then(|number| shapes::issue(world, repository, number));
            found.map_or_else(not_found, |issue| Answer::json(200, &issue))
        }
        // <https://docs.github.com/en/rest/issues/comments#create-an-issue-comment>
        ("POST", ["issues", number, "comments"]) => comment(world, repository, caller, number, &call.json()),
        // <https://docs.github.com/en/rest/repos/contents#get-repository-content>
        ("GET", ["contents", path @ ..]) => content(world, repository, &path.join("/"), call.query("ref")),
        (_, ["hooks", rest @ ..]) => hooks(world, call, repository, caller, rest),
        _ => not_found(),
    }
}

fn list(references: &[Reference], shape: impl Fn(&Reference) -> Value) -> Answer {
    Answer::json(200, &json!(references.iter().map(shape).collect::<Vec<_>>()))
}

/// The commit of `heads/…` or `tags/…`.
fn named(repository: &Repository, name: &str) -> Option<String> {
    let branch = name.strip_prefix("heads/").and_then(|name| repository.branch(name));
    branch.or_else(|| name.strip_prefix("tags/").and_then(|name| repository.tag(name))).map(str::to_owned)
}

fn statuses(world: &World, repository: &Repository, name: &str) -> Answer {
    let Some(commit) = repository.resolve(name) else { return not_found() };
    let mut all = world.statuses_of(repository, &commit);
    // Newest first.
    all.reverse();
    Answer::json(200, &json!(all))
}

fn put_status(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    commit: &str,
    sent: Value,
) -> Answer {
    if !World::is_member(repository, caller) || !caller.has_scope(&["repo", "repo:status"]) {
        return not_found();
    }
    if repository.resolve(commit).as_deref() != Some(commit) {
        return refused(422, &format!("No commit found for SHA: {commit}"));
    }
    let state = sent["state"].as_str().unwrap_or_default();
    if !["error", "failure", "pending", "success"].contains(&state) {
        return invalid("Status", "state", "state is not included in the list");
    }
    let shown = json!({
        "id": world.number(), "state": state, "target_url": sent["target_url"], "description": sent["description"],
        "context": sent["context"].as_str().unwrap_or("default"), "created_at": THEN, "updated_at": THEN,
    });
    world.add_status(repository, commit, sent);
    Answer::json(201, &shown)
}

fn comment(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    number: &str,
    sent: &Value,
) -> Answer {
    let number = number.parse().unwrap_or_default();
    let Some(user) = caller.user() else { return refused(401, "Requires authentication") };
    if shapes::issue(world, repository, number).is_none() {
        return not_found();
    }
    let Some(text) = sent["body"].as_str().filter(|text| !text.is_empty()) else {
        return invalid("IssueComment", "body", "body is missing");
    };
    let id = world.add_comment(repository, number, user, text);
    let url = format!("{}/{}/issues/{number}#issuecomment-{id}", world.url, repository.path());
    Answer::json(
        201,
        &json!({"id": id, "body": text, "html_url": url, "user": {"login": user}, "created_at": THEN}),
    )
}

fn content(world: &World, repository: &Repository, path: &str, reference: &str) -> Answer {
    let reference = if reference.is_empty() { repository.default_branch.as_str() } else { reference };
    if repository.resolve(reference).is_none() {
        return refused(404, &format!("No commit found for the ref {reference}"));
    }
    match repository.is_file(path) {
        Some(true) => {
            let mut file = shapes::content(world, repository, path, true);
            file["encoding"] = json!("base64");
            file["content"] = json!(BASE64_STANDARD.encode("hello\n"));
            Answer::json(200, &file)
        }
        Some(false) => {
            let below = |name: String| if path.is_empty() { name } else { format!("{path}/{name}") };
            let inside = repository.list(path).into_iter().map(below);
            let inside: Vec<Value> = inside
                .map(|path| {
                    shapes::content(world, repository, &path, repository.is_file(&path) == Some(true))
                })
                .collect();
            Answer::json(200, &json!(inside))
        }
        None => not_found(),
    }
}

/// <https://docs.github.com/en/rest/repos/webhooks>
fn hooks(world: &mut World, call: &Call, repository: &Repository, caller: &Caller, rest: &[&str]) -> Answer {
    if !World::is_member(repository, caller)
        || !caller.has_scope(&["repo", "admin:repo_hook", "write:repo_hook"])
    {
        return not_found();
    }
    let path = repository.path();
    let id = |text: &str| text.parse::<u64>().unwrap_or_default();
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Value> =
                world.hooks_of(&path).iter().map(|hook| shapes::hook(world, hook)).collect();
            Answer::json(200, &json!(all))
        }
        ("POST", []) => {
            let sent = call.json();
            if sent["config"]["url"].as_str().is_none() {
                return invalid("Hook", "url", "url is missing");
            }
            let is_same =
                |hook: &crate::forge_double::Hook| hook.sent["config"]["url"] == sent["config"]["url"];
            if world.hooks_of(&path).iter().any(is_same) {
                return invalid("Hook", "base", "Hook already exists on this repository");
            }
            let hook = world.add_hook(&path, sent);
            Answer::json(201, &shapes::hook(world, &hook))
        }
        ("GET", [text]) => match world.hook_mut(&path, id(text)).cloned() {
            Some(hook) => Answer::json(200, &shapes::hook(world, &hook)),
            None => not_found(),
        },
        ("PATCH", [text]) => {
            let Some(hook) = world.hook_mut(&path, id(text)) else { return not_found() };
            for (name, value) in call.json().as_object().into_iter().flatten() {
                hook.sent[name] = value.clone();
            }
            let hook = hook.clone();
            Answer::json(200, &shapes::hook(world, &hook))
        }
        ("DELETE", [text]) if world.delete_hook(&path, id(text)) => Answer::empty(204),
        _ => not_found(),
    }
}
