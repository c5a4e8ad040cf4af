//! Bitbucket Server's JSON.

use serde_json::{Value, json};

use super::project_key;
use crate::forge_double::{Hook, Key, Person, Pull, Repository, World};

/// 2 January 2026, in milliseconds.
pub(super) const THEN: u64 = 1_767_323_045_000;

pub(super) fn user(person: &Person) -> Value {
    json!({
        "name": person.name,
        "emailAddress": person.email,
        "active": true,
        "displayName": person.full_name,
        "id": person.id,
        "slug": person.name,
        "type": "NORMAL",
    })
}

pub(super) fn key(key: &Key) -> Value {
    json!({
        "id": key.id,
        "text": key.text,
        "label": key.title,
        "algorithmType": key.text.split_whitespace().next(),
        "createdDate": THEN,
    })
}

pub(super) fn repository(world: &World, repository: &Repository) -> Value {
    let key = project_key(world, repository);
    let name = &repository.name;
    let person = world.seed.person(&repository.owner);
    let project = json!({
        "key": key,
        "id": person.map_or(1000, |person| person.id),
        "name": person.map_or(&repository.owner, |person| &person.full_name),
        "public": false,
        "type": if person.is_some() { "PERSONAL" } else { "NORMAL" },
        "owner": person.map(user),
    });
    let lower = key.to_lowercase();
    let mut shown = json!({
        "slug": name,
        "id": repository.id,
        "name": name,
        "hierarchyId": format!("{:020x}", repository.id),
        "scmId": "git",
        "state": "AVAILABLE",
        "statusMessage": "Available",
        "forkable": true,
        "project": project,
        "public": !repository.is_private,
        "archived": false,
        "links": {
            "clone": [
                {"href": world.clone_url(repository, &format!("scm/{lower}/{name}.git")), "name": "http"},
                {"href": format!("ssh://git@{}:7999/{lower}/{name}.git", world.host()), "name": "ssh"},
            ],
            "self": [{"href": format!("{}/{}/repos/{name}/browse", world.url, web_path(&key))}],
        },
    });
    let upstream = repository.fork_of.as_deref().and_then(|path| world.seed.repository(path));
    if let Some(upstream) = upstream {
        shown["origin"] = self::repository(world, upstream);
    }
    shown
}

fn web_path(key: &str) -> String {
    key.strip_prefix('~').map_or_else(|| format!("projects/{key}"), |name| format!("users/{name}"))
}

pub(super) fn branch(repository: &Repository, name: &str, commit: &str) -> Value {
    json!({
        "id": format!("refs/heads/{name}"),
        "displayId": name,
        "type": "BRANCH",
        "latestCommit": commit,
        "latestChangeset": commit,
        "isDefault": name == repository.default_branch,
    })
}

pub(super) fn tag(name: &str, commit: &str) -> Value {
    json!({
        "id": format!("refs/tags/{name}"),
        "displayId": name,
        "type": "TAG",
        "latestCommit": commit,
        "latestChangeset": commit,
        "hash": null,
    })
}

pub(super) fn commit(commit: &str) -> Value {
    let person = json!({"name": "Test", "emailAddress": "test@example.com"});
    json!({
        "id": commit,
        "displayId": commit.get(..11),
        "author": person,
        "authorTimestamp": THEN,
        "committer": person,
        "committerTimestamp": THEN,
        "message": "Change something",
        "parents": [],
    })
}

pub(super) fn pull(world: &World, repository: &Repository, pull: &Pull) -> Value {
    let end = |of: Option<&Repository>, branch: &str, commit: &str| {
        json!({
            "id": format!("refs/heads/{branch}"),
            "displayId": branch,
            "latestCommit": commit,
            "repository": of.map(|of| self::repository(world, of)),
        })
    };
    let source = pull.source_repository.as_deref().and_then(|path| world.seed.repository(path));
    let base = repository.branch(&pull.target_branch).unwrap_or_default();
    let key = project_key(world, repository);
    json!({
        "id": pull.number,
        "version": 0,
        "title": pull.title,
        "state": "OPEN",
        "open": true,
        "closed": false,
        "createdDate": THEN,
        "updatedDate": THEN,
        "fromRef": end(source, &pull.source_branch, &pull.commit),
        "toRef": end(Some(repository), &pull.target_branch, base),
        "locked": false,
        "author": {"user": world.seed.person(&pull.author).map(user), "role": "AUTHOR", "approved": false, "status": "UNAPPROVED"},
        "reviewers": [],
        "participants": [],
        "links": {"self": [{"href": format!("{}/{}/repos/{}/pull-requests/{}", world.url, web_path(&key), repository.name, pull.number)}]},
    })
}

pub(super) fn hook(hook: &Hook) -> Value {
    json!({
        "id": hook.id,
        "name": hook.sent["name"],
        "createdDate": THEN,
        "updatedDate": THEN,
        "events": hook.sent["events"],
        "configuration": hook.sent.get("configuration").cloned().unwrap_or_else(|| json!({})),
        "url": hook.sent["url"],
        "active": hook.sent["active"].as_bool().unwrap_or(true),
        "scopeType": "repository",
        "sslVerificationRequired": hook.sent["sslVerificationRequired"].as_bool().unwrap_or(true),
    })
}
