//! Bitbucket Cloud's JSON.

use serde_json::{Value, json};

use crate::forge_double::{Hook, Issue, Key, Person, Pull, Repository, THEN, World};

/// The id of a thing, in its braces.
pub(super) fn uuid(kind: &str, id: u64) -> String {
    let kind: u64 = kind.bytes().map(u64::from).sum();
    format!("{{{kind:08x}-0000-4000-8000-{id:012x}}}")
}

/// Atlassian's id of a person.
pub(super) fn account_id(person: &Person) -> String {
    format!("557058:{:024x}", person.id)
}

pub(super) fn user(world: &World, person: &Person) -> Value {
    json!({
        "type": "user",
        "display_name": person.full_name,
        "nickname": person.name,
        "username": person.name,
        "account_id": account_id(person),
        "uuid": uuid("user", person.id),
        "created_on": THEN,
        "account_status": "active",
        "links": {
            "self": {"href": format!("{}/2.0/users/{}", world.api_url, uuid("user", person.id))},
            "html": {"href": format!("{}/{}", world.url, uuid("user", person.id))},
            "avatar": {"href": format!("{}/avatars/{}", world.url, person.name)},
        },
    })
}

pub(super) fn key(world: &World, key: &Key, person: &Person) -> Value {
    let mut words = key.text.split_whitespace();
    let text = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
    json!({
        "type": "ssh_key",
        "uuid": uuid("key", key.id),
        "key": text,
        "comment": words.next().unwrap_or_default(),
        "label": key.title,
        "owner": user(world, person),
        "created_on": THEN,
        "last_used": null,
        "links": {"self": {"href": format!("{}/2.0/users/{}/ssh-keys/{}", world.api_url, uuid("user", person.id), uuid("key", key.id))}},
    })
}

pub(super) fn repository(world: &World, repository: &Repository) -> Value {
    let path = repository.path();
    let person = world.seed.person(&repository.owner);
    let workspace = json!({
        "type": "workspace", "slug": repository.owner, "name": repository.owner, "uuid": uuid("workspace", repository.id),
    });
    let mut shown = json!({
        "type": "repository",
        "uuid": uuid("repository", repository.id),
        "full_name": path,
        "name": repository.name,
        "slug": repository.name,
        "is_private": repository.is_private,
        "scm": "git",
        "description": "",
        "has_issues": true,
        "owner": person.map_or_else(
            || json!({"type": "team", "username": repository.owner, "display_name": repository.owner}),
            |person| user(world, person),
        ),
        "workspace": workspace,
        "project": {"type": "project", "key": "PROJ", "name": "Project"},
        "mainbranch": {"type": "branch", "name": repository.default_branch},
        "fork_policy": "allow_forks",
        "created_on": THEN,
        "updated_on": THEN,
        "links": {
            "self": {"href": format!("{}/2.0/repositories/{path}", world.api_url)},
            "html": {"href": format!("{}/{path}", world.url)},
            "clone": [
                {"name": "https", "href": world.clone_url(repository, &format!("{path}.git"))},
                {"name": "ssh", "href": format!("git@{}:{path}.git", world.host())},
            ],
        },
    });
    let upstream = repository.fork_of.as_deref().and_then(|path| world.seed.repository(path));
    if let Some(upstream) = upstream {
        shown["parent"] = summary(world, upstream);
    }
    shown
}

/// A repository as it is named inside of other things.
fn summary(world: &World, repository: &Repository) -> Value {
    let path = repository.path();
    json!({
        "type": "repository",
        "uuid": uuid("repository", repository.id),
        "full_name": path,
        "name": repository.name,
        "links": {
            "self": {"href": format!("{}/2.0/repositories/{path}", world.api_url)},
            "html": {"href": format!("{}/{path}", world.url)},
        },
    })
}

/// A branch or a tag, which `kind` says.
pub(super) fn reference(
    world: &World,
    repository: &Repository,
    kind: &str,
    name: &str,
    commit: &str,
) -> Value {
    json!({"type": kind, "name": name, "target": self::commit(world, repository, commit)})
}

pub(super) fn commit(world: &World, repository: &Repository, commit: &str) -> Value {
    let path = repository.path();
    json!({
        "type": "commit",
        "hash": commit,
        "date": THEN,
        "message": "Change something\n",
        "author": {"type": "author", "raw": "Test <test@example.com>"},
        "parents": [],
        "repository": summary(world, repository),
        "links": {"html": {"href": format!("{}/{path}/commits/{commit}", world.url)}},
    })
}

pub(super) fn pull(world: &World, repository: &Repository, pull: &Pull) -> Value {
    let path = repository.path();
    let source = pull.source_repository.as_deref().and_then(|path| world.seed.repository(path));
    let short = |hash: &str| json!({"type": "commit", "hash": hash.get(..12)});
    json!({
        "type": "pullrequest",
        "id": pull.number,
        "title": pull.title,
        "description": "",
        "state": "OPEN",
        "draft": false,
        "author": world.seed.person(&pull.author).map(|person| user(world, person)),
        "source": {
            "branch": {"name": pull.source_branch},
            "commit": short(&pull.commit),
            // Null where the fork was deleted.
            "repository": source.map(|source| summary(world, source)),
        },
        "destination": {
            "branch": {"name": pull.target_branch},
            "commit": repository.branch(&pull.target_branch).map(short),
            "repository": summary(world, repository),
        },
        "created_on": THEN,
        "updated_on": THEN,
        "links": {"html": {"href": format!("{}/{path}/pull-requests/{}", world.url, pull.number)}},
    })
}

pub(super) fn issue(world: &World, repository: &Repository, issue: &Issue) -> Value {
    let path = repository.path();
    json!({
        "type": "issue",
        "id": issue.number,
        "title": issue.title,
        "state": "new",
        "kind": "bug",
        "content": {"type": "rendered", "raw": "", "markup": "markdown", "html": ""},
        "repository": summary(world, repository),
        "created_on": THEN,
        "updated_on": THEN,
        "links": {"html": {"href": format!("{}/{path}/issues/{}", world.url, issue.number)}},
    })
}

pub(super) fn entry(
    world: &World,
    repository: &Repository,
    commit: &str,
    path: &str,
    is_file: bool,
) -> Value {
    let at = format!("{}/2.0/repositories/{}/src/{commit}/{path}", world.api_url, repository.path());
    let mut shown = json!({
        "type": if is_file { "commit_file" } else { "commit_directory" },
        "path": path,
        "commit": {"type": "commit", "hash": commit},
        "links": {"self": {"href": at}},
    });
    if is_file {
        shown["size"] = json!(6);
        shown["attributes"] = json!([]);
        shown["mimetype"] = json!("text/plain");
    }
    shown
}

pub(super) fn hook(world: &World, hook: &Hook) -> Value {
    let id = uuid("hook", hook.id);
    json!({
        "type": "webhook_subscription",
        "uuid": id,
        "url": hook.sent["url"],
        "description": hook.sent["description"],
        "subject_type": "repository",
        "active": hook.sent["active"].as_bool().unwrap_or(true),
        "created_at": THEN,
        "events": hook.sent["events"],
        // The secret is never shown.
        "secret_set": hook.sent["secret"].is_string(),
        "links": {"self": {"href": format!("{}/2.0/repositories/{}/hooks/{id}", world.api_url, hook.repository)}},
    })
}
