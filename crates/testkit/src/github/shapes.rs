//! GitHub's JSON.

use serde_json::{Value, json};

use crate::forge_double::{Caller, Hook, Key, Person, Pull, Repository, THEN, World};

fn account(world: &World, name: &str) -> Value {
    let person = world.seed.person(name);
    json!({
        "login": name,
        // Organisations have numbers as well; nobody else's.
        "id": person.map_or(1000, |person| person.id),
        "node_id": format!("U_{name}"),
        "avatar_url": format!("{}/avatars/{name}", world.url),
        "html_url": format!("{}/{name}", world.url),
        "type": if person.is_some() { "User" } else { "Organization" },
        "site_admin": false,
    })
}

pub(super) fn user(world: &World, person: &Person) -> Value {
    let mut user = account(world, &person.name);
    user["name"] = json!(person.full_name);
    // Only the public address is here, and hardly anybody has one.
    user["email"] = Value::Null;
    user["created_at"] = json!(THEN);
    user["updated_at"] = json!(THEN);
    user
}

pub(super) fn key(world: &World, key: &Key) -> Value {
    // GitHub keeps no comment.
    let text = key.text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    json!({
        "id": key.id, "key": text, "title": key.title, "verified": true, "read_only": false, "created_at": THEN,
        "url": format!("{}/user/keys/{}", world.api_url, key.id),
    })
}

pub(super) fn repository(world: &World, repository: &Repository, caller: &Caller) -> Value {
    let path = repository.path();
    let is_member = World::is_member(repository, caller);
    let mut shown = json!({
        "id": repository.id,
        "node_id": format!("R_{}", repository.id),
        "name": repository.name,
        "full_name": path,
        "private": repository.is_private,
        "visibility": if repository.is_private { "private" } else { "public" },
        "owner": account(world, &repository.owner),
        "html_url": format!("{}/{path}", world.url),
        "description": null,
        "fork": repository.fork_of.is_some(),
        "url": format!("{}/repos/{path}", world.api_url),
        "clone_url": world.clone_url(repository, &format!("{path}.git")),
        "ssh_url": format!("git@{}:{path}.git", world.host()),
        "default_branch": repository.default_branch,
        "archived": false,
        "disabled": false,
        "pushed_at": THEN,
        "created_at": THEN,
        "updated_at": THEN,
        "permissions": {"admin": is_member, "maintain": is_member, "push": is_member, "triage": is_member, "pull": true},
    });
    let upstream = repository.fork_of.as_deref().and_then(|path| world.seed.repository(path));
    if let Some(upstream) = upstream {
        shown["parent"] = self::repository(world, upstream, caller);
        shown["source"] = shown["parent"].clone();
    }
    shown
}

pub(super) fn branch(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    json!({"name": name, "commit": commit_link(world, repository, commit), "protected": name == repository.default_branch})
}

pub(super) fn tag(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    json!({
        "name": name,
        "commit": commit_link(world, repository, commit),
        "zipball_url": format!("{}/repos/{}/zipball/refs/tags/{name}", world.api_url, repository.path()),
        "tarball_url": format!("{}/repos/{}/tarball/refs/tags/{name}", world.api_url, repository.path()),
        "node_id": format!("REF_{name}"),
    })
}

fn commit_link(world: &World, repository: &Repository, commit: &str) -> Value {
    json!({"sha": commit, "url": format!("{}/repos/{}/commits/{commit}", world.api_url, repository.path())})
}

pub(super) fn reference(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    let path = repository.path();
    json!({
        "ref": name,
        "node_id": format!("REF_{name}"),
        "url": format!("{}/repos/{path}/git/{name}", world.api_url),
        "object": {
            "type": "commit", "sha": commit, "url": format!("{}/repos/{path}/git/commits/{commit}", world.api_url),
        },
    })
}

pub(super) fn commit(world: &World, repository: &Repository, commit: &str) -> Value {
    let path = repository.path();
    let signature = json!({"name": "Test", "email": "test@example.com", "date": THEN});
    json!({
        "sha": commit,
        "node_id": format!("C_{commit}"),
        "url": format!("{}/repos/{path}/commits/{commit}", world.api_url),
        "html_url": format!("{}/{path}/commit/{commit}", world.url),
        "commit": {"author": signature, "committer": signature, "message": "Change something"},
        "author": null,
        "committer": null,
        "parents": [],
    })
}

pub(super) fn pull(world: &World, repository: &Repository, pull: &Pull, caller: &Caller) -> Value {
    let path = repository.path();
    let end = |of: Option<&Repository>, branch: &str, commit: &str| {
        let owner = of.map(|of| of.owner.clone());
        json!({
            "label": format!("{}:{branch}", owner.as_deref().unwrap_or("unknown repository")),
            "ref": branch,
            "sha": commit,
            "user": owner.map(|owner| account(world, &owner)),
            // Null where the fork was deleted.
            "repo": of.map(|of| self::repository(world, of, caller)),
        })
    };
    let source = pull.source_repository.as_deref().and_then(|path| world.seed.repository(path));
    let base = repository.branch(&pull.target_branch).unwrap_or_default();
    json!({
        "id": 9000 + pull.number,
        "number": pull.number,
        "state": "open",
        "draft": false,
        "merged": false,
        "title": pull.title,
        "body": null,
        "user": account(world, &pull.author),
        "html_url": format!("{}/{path}/pull/{}", world.url, pull.number),
        "url": format!("{}/repos/{path}/pulls/{}", world.api_url, pull.number),
        "head": end(source, &pull.source_branch, &pull.commit),
        "base": end(Some(repository), &pull.target_branch, base),
        "created_at": THEN,
        "updated_at": THEN,
    })
}

/// An issue, or a pull request seen as one.
pub(super) fn issue(world: &World, repository: &Repository, number: u64) -> Option<Value> {
    let path = repository.path();
    let pull = repository.pulls.iter().find(|pull| pull.number == number);
    let issue = repository.issues.iter().find(|issue| issue.number == number);
    let title = pull.map(|pull| &pull.title).or_else(|| issue.map(|issue| &issue.title))?;
    let kind = if pull.is_some() { "pull" } else { "issues" };
    let mut shown = json!({
        "id": 8000 + number,
        "number": number,
        "state": "open",
        "title": title,
        "body": null,
        "user": account(world, &repository.owner),
        "html_url": format!("{}/{path}/{kind}/{number}", world.url),
        "created_at": THEN,
        "updated_at": THEN,
    });
    if pull.is_some() {
        shown["pull_request"] = json!({"url": format!("{}/repos/{path}/pulls/{number}", world.api_url)});
    }
    Some(shown)
}

pub(super) fn content(world: &World, repository: &Repository, path: &str, is_file: bool) -> Value {
    let at = repository.path();
    json!({
        "type": if is_file { "file" } else { "dir" },
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": crate::forge_double::commit(path),
        "size": if is_file { 6 } else { 0 },
        "url": format!("{}/repos/{at}/contents/{path}", world.api_url),
        "html_url": format!("{}/{at}/{}/{}/{path}", world.url, if is_file { "blob" } else { "tree" }, repository.default_branch),
    })
}

pub(super) fn hook(world: &World, hook: &Hook) -> Value {
    let mut config = hook.sent["config"].clone();
    if config.get("secret").is_some() {
        config["secret"] = json!("********");
    }
    json!({
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.sent["active"].as_bool().unwrap_or(true),
        "events": hook.sent.get("events").cloned().unwrap_or_else(|| json!(["push"])),
        "config": config,
        "created_at": THEN,
        "updated_at": THEN,
        "url": format!("{}/repos/{}/hooks/{}", world.api_url, hook.repository, hook.id),
    })
}
