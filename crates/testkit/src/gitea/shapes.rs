//! Gitea's JSON: <https://docs.gitea.com/api>, "Models".

use serde_json::{Value, json};

use crate::forge_double::{Caller, Hook, Key, Person, Pull, Repository, THEN, World};

fn account(world: &World, name: &str) -> Value {
    match world.seed.person(name) {
        Some(person) => user(world, person),
        None => json!({
            "id": 1000, "login": name, "full_name": "", "email": "", "username": name,
            "avatar_url": format!("{}/avatars/{name}", world.url), "html_url": format!("{}/{name}", world.url),
        }),
    }
}

pub(super) fn user(world: &World, person: &Person) -> Value {
    json!({
        "id": person.id,
        "login": person.name,
        "login_name": "",
        "source_id": 0,
        "full_name": person.full_name,
        "email": person.email,
        "avatar_url": format!("{}/avatars/{}", world.url, person.name),
        "html_url": format!("{}/{}", world.url, person.name),
        "language": "en-US",
        "is_admin": false,
        "last_login": THEN,
        "created": THEN,
        "restricted": false,
        "active": true,
        "prohibit_login": false,
        "visibility": "public",
        "username": person.name,
    })
}

pub(super) fn key(world: &World, key: &Key, person: &Person) -> Value {
    json!({
        "id": key.id,
        "key": key.text,
        "url": format!("{}/api/v1/user/keys/{}", world.url, key.id),
        "title": key.title,
        "fingerprint": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "created_at": THEN,
        "user": user(world, person),
        "key_type": "user",
    })
}

pub(super) fn repository(world: &World, repository: &Repository, caller: &Caller) -> Value {
    let path = repository.path();
    let is_member = World::is_member(repository, caller);
    let upstream = repository.fork_of.as_deref().and_then(|path| world.seed.repository(path));
    json!({
        "id": repository.id,
        "owner": account(world, &repository.owner),
        "name": repository.name,
        "full_name": path,
        "description": "",
        "empty": false,
        "private": repository.is_private,
        "fork": upstream.is_some(),
        "template": false,
        "parent": upstream.map(|upstream| self::repository(world, upstream, caller)),
        "mirror": false,
        "size": 24,
        "html_url": format!("{}/{path}", world.url),
        "url": format!("{}/api/v1/repos/{path}", world.url),
        "ssh_url": format!("git@{}:{path}.git", world.host()),
        "clone_url": world.clone_url(repository, &format!("{path}.git")),
        "default_branch": repository.default_branch,
        "archived": false,
        "created_at": THEN,
        "updated_at": THEN,
        "permissions": {"admin": is_member, "push": is_member, "pull": true},
        "internal": false,
        "object_format_name": "sha1",
    })
}

pub(super) fn branch(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    json!({
        "name": name,
        "commit": {
            "id": commit,
            "message": "Change something\n",
            "url": format!("{}/{}/commit/{commit}", world.url, repository.path()),
            "author": {"name": "Test", "email": "test@example.com", "username": ""},
            "timestamp": THEN,
        },
        "protected": false,
        "required_approvals": 0,
        "user_can_push": false,
        "user_can_merge": false,
    })
}

pub(super) fn tag(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    let path = repository.path();
    json!({
        "name": name,
        "message": "Change something\n",
        "id": commit,
        "commit": {
            "url": format!("{}/api/v1/repos/{path}/git/commits/{commit}", world.url), "sha": commit, "created": THEN,
        },
        "zipball_url": format!("{}/{path}/archive/{name}.zip", world.url),
        "tarball_url": format!("{}/{path}/archive/{name}.tar.gz", world.url),
    })
}

pub(super) fn reference(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    let at = format!("{}/api/v1/repos/{}", world.url, repository.path());
    json!({
        "ref": name,
        "url": format!("{at}/git/{name}"),
        "object": {"type": "commit", "sha": commit, "url": format!("{at}/git/commits/{commit}")},
    })
}

pub(super) fn commit(world: &World, repository: &Repository, commit: &str) -> Value {
    let path = repository.path();
    let signature = json!({"name": "Test", "email": "test@example.com", "date": THEN});
    json!({
        "url": format!("{}/api/v1/repos/{path}/git/commits/{commit}", world.url),
        "sha": commit,
        "created": THEN,
        "html_url": format!("{}/{path}/commit/{commit}", world.url),
        "commit": {"author": signature, "committer": signature, "message": "Change something\n"},
        "author": null,
        "committer": null,
        "parents": [],
    })
}

pub(super) fn pull(world: &World, repository: &Repository, pull: &Pull, caller: &Caller) -> Value {
    let path = repository.path();
    let source = pull.source_repository.as_deref().and_then(|path| world.seed.repository(path));
    let is_there = source.is_some_and(|source| source.branch(&pull.source_branch).is_some());
    // Where the branch is gone, only the reference that Gitea keeps itself is named.
    let head = if is_there { pull.source_branch.clone() } else { format!("refs/pull/{}/head", pull.number) };
    json!({
        "id": 9000 + pull.number,
        "url": format!("{}/{path}/pulls/{}", world.url, pull.number),
        "number": pull.number,
        "user": account(world, &pull.author),
        "title": pull.title,
        "body": "",
        "state": "open",
        "draft": false,
        "merged": false,
        "html_url": format!("{}/{path}/pulls/{}", world.url, pull.number),
        "head": {
            "label": pull.source_branch,
            "ref": head,
            "sha": pull.commit,
            "repo_id": source.map_or(0, |source| source.id),
            "repo": source.map(|source| self::repository(world, source, caller)),
        },
        "base": {
            "label": pull.target_branch,
            "ref": pull.target_branch,
            "sha": repository.branch(&pull.target_branch),
            "repo_id": repository.id,
            "repo": self::repository(world, repository, caller),
        },
        "merge_base": repository.branch(&pull.target_branch),
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
    let kind = if pull.is_some() { "pulls" } else { "issues" };
    Some(json!({
        "id": 8000 + number,
        "number": number,
        "url": format!("{}/api/v1/repos/{path}/issues/{number}", world.url),
        "html_url": format!("{}/{path}/{kind}/{number}", world.url),
        "user": account(world, &repository.owner),
        "title": title,
        "body": "",
        "state": "open",
        "pull_request": pull.map(|_| json!({"merged": false, "merged_at": null, "draft": false})),
        "repository": {"id": repository.id, "name": repository.name, "owner": repository.owner, "full_name": path},
        "created_at": THEN,
        "updated_at": THEN,
    }))
}

pub(super) fn content(world: &World, repository: &Repository, path: &str, is_file: bool) -> Value {
    let at = repository.path();
    json!({
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": crate::forge_double::commit(path),
        "type": if is_file { "file" } else { "dir" },
        "size": if is_file { 6 } else { 0 },
        "encoding": null,
        "content": null,
        "url": format!("{}/api/v1/repos/{at}/contents/{path}", world.url),
        "html_url": format!("{}/{at}/src/branch/{}/{path}", world.url, repository.default_branch),
    })
}

pub(super) fn hook(hook: &Hook) -> Value {
    let config = &hook.sent["config"];
    json!({
        "id": hook.id,
        "type": hook.sent["type"],
        "branch_filter": hook.sent["branch_filter"].as_str().unwrap_or_default(),
        // The secret is never shown.
        "config": {"content_type": config["content_type"], "url": config["url"]},
        "events": hook.sent.get("events").cloned().unwrap_or_else(|| json!(["push"])),
        "authorization_header": hook.sent["authorization_header"].as_str().unwrap_or_default(),
        "active": hook.sent["active"].as_bool().unwrap_or_default(),
        "created_at": THEN,
        "updated_at": THEN,
    })
}
