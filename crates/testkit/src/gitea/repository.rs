//! Everything below `/api/v1/repos/{owner}/{repo}`: <https://docs.gitea.com/api>, "repository" and "issue".

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{not_found, refused, shapes};
use crate::forge_double::{Answer, Call, Caller, Reference, Repository, THEN, World};

pub(super) fn answer(world: &mut World, call: &Call, caller: &Caller, path: &str, rest: &[&str]) -> Answer {
    let Some(repository) = world.visible(path, caller) else { return not_found(world) };
    let repository = &repository;
    let found = match (call.method.as_str(), rest) {
        ("GET", []) => Some(shapes::repository(world, repository, caller)),
        ("GET", ["forks"]) => {
            let forks = world.seed.repositories.iter().filter(|one| one.fork_of.as_deref() == Some(path));
            Some(json!(forks.map(|fork| shapes::repository(world, fork, caller)).collect::<Vec<_>>()))
        }
        ("GET", ["branches"]) => {
            Some(list(&repository.branches, |one| shapes::branch(world, repository, &one.name, &one.commit)))
        }
        ("GET", ["branches", name @ ..]) => {
            let name = name.join("/");
            repository.branch(&name).map(|commit| shapes::branch(world, repository, &name, commit))
        }
        ("GET", ["tags"]) => {
            Some(list(&repository.tags, |one| shapes::tag(world, repository, &one.name, &one.commit)))
        }
        ("GET", ["tags", name @ ..]) => {
            let name = name.join("/");
            repository.tag(&name).map(|commit| shapes::tag(world, repository, &name, commit))
        }
        ("GET", ["git", "refs", prefix @ ..]) => references(world, repository, &prefix.join("/")),
        ("GET", ["git", "commits", name @ ..]) => {
            let commit = repository.resolve(&name.join("/"));
            commit.map(|commit| shapes::commit(world, repository, &commit))
        }
        ("GET", ["pulls", number]) => {
            let pull = repository.pulls.iter().find(|pull| pull.number.to_string() == *number);
            pull.map(|pull| shapes::pull(world, repository, pull, caller))
        }
        ("GET", ["issues", number]) => {
            number.parse().ok().and_then(|number| shapes::issue(world, repository, number))
        }
        ("GET", ["contents", path @ ..]) => content(world, repository, &path.join("/"), call.query("ref")),
        ("GET", ["statuses", name] | ["commits", name, "statuses"]) => {
            let commit = repository.resolve(name);
            commit.map(|commit| json!(world.statuses_of(repository, &commit)))
        }
        ("POST", ["statuses", commit]) => return put_status(world, repository, caller, commit, call.json()),
        ("POST", ["issues", number, "comments"]) => {
            return comment(world, repository, caller, number, &call.json());
        }
        (_, ["hooks", rest @ ..]) => return hooks(world, call, repository, caller, rest),
        _ => None,
    };
    found.map_or_else(|| not_found(world), |value| Answer::json(200, &value))
}

fn list(references: &[Reference], shape: impl Fn(&Reference) -> Value) -> Value {
    json!(references.iter().map(shape).collect::<Vec<_>>())
}

fn references(world: &World, repository: &Repository, prefix: &str) -> Option<Value> {
    let prefix = format!("refs/{prefix}");
    let heads = repository.branches.iter().map(|one| (format!("refs/heads/{}", one.name), &one.commit));
    let tags = repository.tags.iter().map(|one| (format!("refs/tags/{}", one.name), &one.commit));
    let found = heads.chain(tags).filter(|(name, _)| name.starts_with(&prefix));
    let found: Vec<Value> =
        found.map(|(name, commit)| shapes::reference(world, repository, &name, commit)).collect();
    (!found.is_empty()).then(|| json!(found))
}

fn content(world: &World, repository: &Repository, path: &str, reference: &str) -> Option<Value> {
    let reference = if reference.is_empty() { repository.default_branch.as_str() } else { reference };
    repository.resolve(reference)?;
    if repository.is_file(path)? {
        let mut file = shapes::content(world, repository, path, true);
        file["encoding"] = json!("base64");
        file["content"] = json!(BASE64_STANDARD.encode("hello\n"));
        return Some(file);
    }
    let below = |name: String| if path.is_empty() { name } else { format!("{path}/{name}") };
    let inside = repository.list(path).into_iter().map(below);
    let shape =
        |path: String| shapes::content(world, repository, &path, repository.is_file(&path) == Some(true));
    Some(json!(inside.map(shape).collect::<Vec<_>>()))
}

fn put_status(
    world: &mut World,
    repository: &Repository,
    caller: &Caller,
    commit: &str,
    sent: Value,
) -> Answer {
    if !World::is_member(repository, caller) {
        return refused(world, 403, "user should have a permission to write to a repo");
    }
    if repository.resolve(commit).is_none() {
        return not_found(world);
    }
    let state = sent["state"].as_str().unwrap_or_default();
    if !["pending", "success", "error", "failure", "warning"].contains(&state) {
        return refused(world, 422, &format!("unknown CommitStatusState: {state}"));
    }
    let shown = json!({
        "id": world.number(), "status": state, "target_url": sent["target_url"], "description": sent["description"],
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
    let Some(user) = caller.user() else { return refused(world, 401, "token is required") };
    if shapes::issue(world, repository, number).is_none() {
        return not_found(world);
    }
    let Some(text) = sent["body"].as_str().filter(|text| !text.is_empty()) else {
        return refused(world, 422, "[Body]: Required");
    };
    let id = world.add_comment(repository, number, user, text);
    let url = format!("{}/{}/issues/{number}#issuecomment-{id}", world.url, repository.path());
    Answer::json(
        201,
        &json!({"id": id, "body": text, "html_url": url, "user": {"login": user}, "created_at": THEN}),
    )
}

fn hooks(world: &mut World, call: &Call, repository: &Repository, caller: &Caller, rest: &[&str]) -> Answer {
    if !World::is_member(repository, caller) {
        return refused(
            world,
            403,
            "user should be an owner or a collaborator with admin write of a repository",
        );
    }
    let path = repository.path();
    let id = |text: &str| text.parse::<u64>().unwrap_or_default();
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            Answer::json(200, &json!(world.hooks_of(&path).iter().map(shapes::hook).collect::<Vec<_>>()))
        }
        ("POST", []) => {
            let sent = call.json();
            if sent["config"]["url"].as_str().is_none() || sent["type"].as_str().is_none() {
                return refused(world, 422, "Missing config option: url");
            }
            let hook = world.add_hook(&path, sent);
            Answer::json(201, &shapes::hook(&hook))
        }
        ("GET", [text]) => match world.hook_mut(&path, id(text)) {
            Some(hook) => Answer::json(200, &shapes::hook(hook)),
            None => not_found(world),
        },
        ("PATCH", [text]) => {
            let Some(hook) = world.hook_mut(&path, id(text)) else { return not_found(world) };
            for (name, value) in call.json().as_object().into_iter().flatten() {
                hook.sent[name] = value.clone();
            }
            Answer::json(200, &shapes::hook(hook))
        }
        ("DELETE", [text]) if world.delete_hook(&path, id(text)) => Answer::empty(204),
        _ => not_found(world),
    }
}
