//! Azure DevOps' JSON.

use serde_json::{Value, json};

use crate::forge_double::{Hook, Issue, Person, Pull, Repository, THEN, World};

/// The id of a thing.
pub(super) fn guid(kind: &str, id: u64) -> String {
    let kind: u64 = kind.bytes().map(u64::from).sum();
    format!("{kind:08x}-0000-4000-8000-{id:012x}")
}

fn identity(world: &World, person: &Person) -> Value {
    let id = guid("profile", person.id);
    json!({
        "displayName": person.full_name,
        "url": format!("{}/_apis/Identities/{id}", world.api_url),
        "id": id,
        "uniqueName": person.email,
        "descriptor": format!("aad.{id}"),
    })
}

pub(super) fn connection(person: &Person) -> Value {
    let user = json!({
        "id": guid("profile", person.id),
        "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{}", person.email),
        "subjectDescriptor": format!("aad.{}", guid("profile", person.id)),
        "providerDisplayName": person.full_name,
        "isActive": true,
        "properties": {"Account": {"$type": "System.String", "$value": person.email}},
    });
    json!({
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": guid("instance", 1),
        "deploymentId": guid("deployment", 1),
        "deploymentType": "hosted",
    })
}

fn project(world: &World, repository: &Repository) -> Value {
    let id = guid("project", repository.id);
    json!({
        "id": id,
        "name": repository.name,
        "url": format!("{}/{}/_apis/projects/{id}", world.url, repository.owner),
        "state": "wellFormed",
        "revision": 1,
        "visibility": if repository.is_private { "private" } else { "public" },
        "lastUpdateTime": THEN,
    })
}

/// `organisation/project/_git/repository`.
fn web_path(repository: &Repository) -> String {
    format!("{}/{}/_git/{}", repository.owner, repository.name, repository.name)
}

fn api_url(world: &World, repository: &Repository) -> String {
    let (project, id) = (guid("project", repository.id), guid("repository", repository.id));
    format!("{}/{}/{project}/_apis/git/repositories/{id}", world.url, repository.owner)
}

pub(super) fn repository(world: &World, repository: &Repository) -> Value {
    let web = web_path(repository);
    let upstream = repository.fork_of.as_deref().and_then(|path| world.seed.repository(path));
    let mut shown = json!({
        "id": guid("repository", repository.id),
        "name": repository.name,
        "url": api_url(world, repository),
        "project": project(world, repository),
        "defaultBranch": format!("refs/heads/{}", repository.default_branch),
        "size": 1024,
        "remoteUrl": world.clone_url(repository, &web),
        "sshUrl": format!("git@ssh.{}:v3/{}/{}/{}", world.host(), repository.owner, repository.name, repository.name),
        "webUrl": format!("{}/{web}", world.url),
        "isDisabled": false,
        "isInMaintenance": false,
    });
    if let Some(upstream) = upstream {
        shown["isFork"] = json!(true);
        shown["parentRepository"] = json!({
            "id": guid("repository", upstream.id), "name": upstream.name, "isFork": false,
            "url": api_url(world, upstream), "project": project(world, upstream),
            "remoteUrl": world.clone_url(upstream, &web_path(upstream)),
        });
    }
    shown
}

pub(super) fn reference(world: &World, repository: &Repository, name: &str, commit: &str) -> Value {
    json!({
        "name": name,
        "objectId": commit,
        "url": format!("{}/refs?filter={}", api_url(world, repository), name.trim_start_matches("refs/")),
    })
}

pub(super) fn branch(name: &str, commit: &str, is_default: bool) -> Value {
    json!({"commit": {"commitId": commit}, "name": name, "aheadCount": 0, "behindCount": 0, "isBaseVersion": is_default})
}

pub(super) fn commit(world: &World, repository: &Repository, commit: &str) -> Value {
    let signature = json!({"name": "Test", "email": "test@example.com", "date": THEN});
    json!({
        "commitId": commit,
        "author": signature,
        "committer": signature,
        "comment": "Change something",
        "parents": [],
        "url": format!("{}/commits/{commit}", api_url(world, repository)),
        "remoteUrl": format!("{}/{}/commit/{commit}", world.url, web_path(repository)),
    })
}

pub(super) fn pull(world: &World, repository: &Repository, pull: &Pull) -> Value {
    let source = pull.source_repository.as_deref().and_then(|path| world.seed.repository(path));
    let mut shown = json!({
        "repository": self::repository(world, repository),
        "pullRequestId": pull.number,
        "codeReviewId": pull.number,
        "status": "active",
        "createdBy": world.seed.person(&pull.author).map(|person| identity(world, person)),
        "creationDate": THEN,
        "title": pull.title,
        "description": "",
        "sourceRefName": format!("refs/heads/{}", pull.source_branch),
        "targetRefName": format!("refs/heads/{}", pull.target_branch),
        "mergeStatus": "succeeded",
        "isDraft": false,
        "lastMergeSourceCommit": {"commitId": pull.commit},
        "lastMergeTargetCommit": {"commitId": repository.branch(&pull.target_branch)},
        "reviewers": [],
        "url": format!("{}/pullRequests/{}", api_url(world, repository), pull.number),
        "supportsIterations": true,
    });
    let fork = source.filter(|source| source.id != repository.id);
    if let Some(fork) = fork {
        shown["forkSource"] = json!({
            "name": format!("refs/heads/{}", pull.source_branch),
            "objectId": pull.commit,
            "repository": self::repository(world, fork),
        });
    }
    shown
}

pub(super) fn item(world: &World, repository: &Repository, commit: &str, path: &str, is_file: bool) -> Value {
    let path = format!("/{}", path.trim_matches('/'));
    let mut shown = json!({
        "objectId": crate::forge_double::commit(&path),
        "gitObjectType": if is_file { "blob" } else { "tree" },
        "commitId": commit,
        "path": path,
        "url": format!("{}/items{path}", api_url(world, repository)),
    });
    // Left out of files.
    if !is_file {
        shown["isFolder"] = json!(true);
    }
    shown
}

pub(super) fn work_item(world: &World, repository: &Repository, issue: &Issue) -> Value {
    let at = format!("{}/{}/{}", world.url, repository.owner, guid("project", repository.id));
    json!({
        "id": issue.number,
        "rev": 1,
        "fields": {
            "System.TeamProject": repository.name,
            "System.WorkItemType": "Bug",
            "System.State": "New",
            "System.Title": issue.title,
        },
        "_links": {"html": {"href": format!("{}/{}/{}/_workitems/edit/{}", world.url, repository.owner, repository.name, issue.number)}},
        "url": format!("{at}/_apis/wit/workItems/{}", issue.number),
    })
}

pub(super) fn hook(world: &World, hook: &Hook) -> Value {
    let id = guid("hook", hook.id);
    let mut shown = hook.sent.clone();
    shown["id"] = json!(id);
    shown["url"] = json!(format!("{}/{}/_apis/hooks/subscriptions/{id}", world.url, hook.repository));
    shown["status"] = json!("enabled");
    // Confidential inputs come back as stars.
    if shown["consumerInputs"].get("basicAuthPassword").is_some() {
        shown["consumerInputs"]["basicAuthPassword"] = json!("********");
    }
    shown
}
