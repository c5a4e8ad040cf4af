//! Parts that payloads of many kinds share: project, repository, user, commit.

use serde_json::{Value, json};

use crate::gitlab::instance::Instance;
use crate::gitlab::repository::Commit;
use crate::gitlab::world::{ProjectRecord, World};

/// The `project` object; that of system hooks leaves the id out on old releases, as theirs did.
pub(crate) fn project(instance: &Instance, world: &World, project: &ProjectRecord) -> Value {
    let (http, ssh, web) = addresses(instance, project);
    let namespace = world.groups.get(&project.group).map(|group| group.path.clone());
    json!({
        "id": project.id,
        "name": project.name(),
        "description": "",
        "web_url": web,
        "avatar_url": null,
        "git_ssh_url": ssh,
        "git_http_url": http,
        "namespace": namespace,
        "visibility_level": project.visibility.number(),
        "path_with_namespace": project.path,
        "default_branch": "main",
        "ci_config_path": null,
        "homepage": web,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": http,
    })
}

/// The `repository` object of pushes.
pub(crate) fn repository(instance: &Instance, project: &ProjectRecord) -> Value {
    let (http, ssh, web) = addresses(instance, project);
    json!({
        "name": project.name(),
        "url": ssh,
        "description": "",
        "homepage": web,
        "git_http_url": http,
        "git_ssh_url": ssh,
        "visibility_level": project.visibility.number(),
    })
}

fn addresses(instance: &Instance, project: &ProjectRecord) -> (String, String, String) {
    let http = instance.at(&format!("{}.git", project.path));
    (http, instance.ssh_url(&project.path), instance.at(&project.path))
}

/// The `user` object: who did it. Without an id before 13, and never with the true address.
pub(crate) fn user(instance: &Instance, world: &World, account: u64) -> Value {
    let Some(account) = world.accounts.get(&account) else { return Value::Null };
    let mut user = json!({ "name": account.name, "username": account.username, "avatar_url": null });
    if instance.version().at_least(13, 0) {
        user["id"] = json!(account.id);
        user["email"] = json!("[REDACTED]");
    }
    user
}

/// A commit in a push, with the files it touched.
pub(crate) fn commit(instance: &Instance, path: &str, commit: &Commit, changed: [Vec<String>; 3]) -> Value {
    let [added, modified, removed] = changed;
    json!({
        "id": commit.id,
        "message": commit.message,
        "title": commit.title(),
        "timestamp": commit.committer.2.replace(".000", ""),
        "url": instance.at(&format!("{path}/-/commit/{}", commit.id)),
        "author": { "name": commit.author.0, "email": commit.author.1 },
        "added": added,
        "modified": modified,
        "removed": removed,
    })
}
