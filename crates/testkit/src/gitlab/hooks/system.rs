//! Lifecycle events of the instance, which only system hooks get: users, keys, projects, groups, members.

use std::sync::Arc;

use serde_json::{Value, json};

use super::sender::{Happening, fire};
use crate::gitlab::instance::{Instance, iso};
use crate::gitlab::world::{AccessLevel, Key, World};

fn send(instance: &Arc<Instance>, body: Value) {
    let happening = Happening {
        project: None,
        group: None,
        field: None,
        header: "System Hook",
        branch: None,
        body: None,
        system: Some(body),
    };
    fire(instance, &happening);
}

/// `user_create`, `user_destroy`, `user_rename` (with the old name), `user_failed_login`.
pub(crate) fn account(instance: &Arc<Instance>, account: u64, event: &str, former: Option<&str>) {
    let body = {
        let world = instance.world();
        let Some(account) = world.accounts.get(&account) else { return };
        let mut body = json!({
            "event_name": event,
            "created_at": iso(account.created_at),
            "updated_at": iso(account.updated_at),
            "name": account.name,
            "email": account.email,
            "user_id": account.id,
            "username": account.username,
        });
        if let Some(former) = former {
            body["old_username"] = json!(former);
        }
        if event == "user_failed_login" {
            body["state"] = json!("blocked");
        }
        body
    };
    send(instance, body);
}

/// `key_create`, `key_destroy`.
pub(crate) fn key(instance: &Arc<Instance>, account: u64, key: &Key, event: &str) {
    let Some(username) = instance.world().accounts.get(&account).map(|account| account.username.clone())
    else {
        return;
    };
    let body = json!({
        "event_name": event,
        "created_at": iso(key.created_at),
        "updated_at": iso(key.created_at),
        "username": username,
        "key": key.text,
        "id": key.id,
    });
    send(instance, body);
}

/// `project_create`, `project_destroy`, `project_rename`, `project_transfer`, `project_update`.
pub(crate) fn project(instance: &Arc<Instance>, project: u64, event: &str, former: Option<&str>) {
    let body = {
        let world = instance.world();
        let Some(project) = world.projects.get(&project) else { return };
        let Some(owner) = world.accounts.get(&project.creator) else { return };
        let mut body = json!({
            "event_name": event,
            "created_at": iso(project.created_at),
            "updated_at": iso(project.last_activity_at),
            "name": project.name(),
            "path": project.name(),
            "path_with_namespace": project.path,
            "project_id": project.id,
            "project_namespace_id": project.group,
            "owners": [{ "name": owner.name, "email": owner.email }],
            "owner_name": owner.name,
            "owner_email": owner.email,
            "project_visibility": project.visibility.as_str(),
        });
        if let Some(former) = former {
            body["old_path_with_namespace"] = json!(former);
        }
        body
    };
    send(instance, body);
}

/// `group_create`, `group_destroy` (leaf path only) and `group_rename` (full paths).
pub(crate) fn group(instance: &Arc<Instance>, group: u64, event: &str, former: Option<&str>) {
    let body = {
        let world = instance.world();
        let Some(group) = world.groups.get(&group) else { return };
        let mut body = json!({
            "event_name": event,
            "created_at": iso(group.created_at),
            "updated_at": iso(instance.now()),
            "name": group.path,
            "path": group.path,
            "group_id": group.id,
            "owner_name": null,
            "owner_email": null,
        });
        if let Some(former) = former {
            body["full_path"] = json!(group.full_path);
            body["old_full_path"] = json!(former);
            body["old_path"] = json!(former.rsplit('/').next());
        }
        body
    };
    send(instance, body);
}

/// Where somebody became, changed or ceased to be a member.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Project(u64),
    Group(u64),
}

/// What happened to a membership.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Added,
    Updated,
    Removed,
}

/// `user_add_to_team` and its kin; "team" is GitLab's word for a project's members. Group hooks hear of
/// group members as well.
pub(crate) fn member(
    instance: &Arc<Instance>,
    place: Place,
    account: u64,
    level: AccessLevel,
    change: Change,
) {
    let body = {
        let world = instance.world();
        body_of_member(instance, &world, place, account, level, change)
    };
    let Some(body) = body else { return };
    let group = match place {
        Place::Project(_) => None,
        Place::Group(group) => Some(group),
    };
    if let Some(group) = group {
        let happening = Happening {
            project: None,
            group: Some(group),
            field: Some("member_events"),
            header: "Member Hook",
            branch: None,
            body: Some(body.clone()),
            system: None,
        };
        fire(instance, &happening);
    }
    send(instance, body);
}

fn body_of_member(
    instance: &Instance,
    world: &World,
    place: Place,
    account: u64,
    level: AccessLevel,
    change: Change,
) -> Option<Value> {
    let user = world.accounts.get(&account)?;
    let now = iso(instance.now());
    let mut body = json!({
        "created_at": now,
        "updated_at": now,
        "user_email": user.email,
        "user_name": user.name,
        "user_username": user.username,
        "user_id": user.id,
    });
    let (verb, kind) = match (change, place) {
        (Change::Added, Place::Project(_)) => ("add_to", "team"),
        (Change::Added, Place::Group(_)) => ("add_to", "group"),
        (Change::Updated, Place::Project(_)) => ("update_for", "team"),
        (Change::Updated, Place::Group(_)) => ("update_for", "group"),
        (Change::Removed, Place::Project(_)) => ("remove_from", "team"),
        (Change::Removed, Place::Group(_)) => ("remove_from", "group"),
    };
    body["event_name"] = json!(format!("user_{verb}_{kind}"));
    match place {
        Place::Project(project) => {
            let project = world.projects.get(&project)?;
            body["access_level"] = json!(level.name());
            body["project_id"] = json!(project.id);
            body["project_name"] = json!(project.name());
            body["project_path"] = json!(project.name());
            body["project_path_with_namespace"] = json!(project.path);
            body["project_visibility"] = json!(project.visibility.as_str());
        }
        Place::Group(group) => {
            let group = world.groups.get(&group)?;
            body["group_access"] = json!(level.name());
            body["group_id"] = json!(group.id);
            body["group_name"] = json!(group.path);
            body["group_path"] = json!(group.path);
        }
    }
    Some(body)
}
