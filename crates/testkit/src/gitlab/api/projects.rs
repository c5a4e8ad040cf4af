//! `/projects`: lists with GitLab's filters, one project, its members.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::keys::moment;
use super::page::{Keyset, paged};
use super::shapes;
use crate::gitlab::instance::{Instance, encode, iso};
use crate::gitlab::world::{AccessLevel, Group, ProjectRecord, World};

pub(crate) async fn list(call: Call) -> Answer {
    let world = call.instance.world();
    let mut found: Vec<&ProjectRecord> =
        world.projects.values().filter(|project| is_wanted(&call, &world, project)).collect();
    sort(&call, &mut found);
    let simple = call.params.flag("simple") == Some(true) || call.caller.is_none();
    let shape = |project: &&ProjectRecord| shape(&call, &world, project, simple);
    paged(&call, Keyset::ById("Project"), &found, |project| project.id, shape)
}

fn is_wanted(call: &Call, world: &World, project: &ProjectRecord) -> bool {
    let somebody = call.somebody();
    let level = somebody.and_then(|account| world.member_access(account, project));
    let flag = |name: &str| call.params.flag(name);
    let after = call.params.filled("last_activity_after").and_then(|text| moment(&text));
    let minimum = call.params.number("min_access_level");
    world.sees(somebody, project)
        && (flag("membership") != Some(true) || level.is_some())
        && (flag("owned") != Some(true) || level == Some(AccessLevel::Owner))
        && flag("archived").is_none_or(|archived| archived == project.archived)
        && minimum.is_none_or(|minimum| level.is_some_and(|level| level.number() >= minimum))
        && call.params.filled("visibility").is_none_or(|wanted| wanted == project.visibility.as_str())
        && call.params.filled("search").is_none_or(|text| finds(project, &text, flag("search_namespaces")))
        && call.params.number("id_after").is_none_or(|id| project.id > id)
        && call.params.number("id_before").is_none_or(|id| project.id < id)
        && after.is_none_or(|after| project.last_activity_at > after)
}

/// The name or the path holds the text; groups count only where they are asked for or the text has a slash.
fn finds(project: &ProjectRecord, text: &str, namespaces: Option<bool>) -> bool {
    let text = text.to_lowercase();
    let place = if namespaces == Some(true) || text.contains('/') { &project.path } else { project.name() };
    place.to_lowercase().contains(&text)
}

fn sort(call: &Call, found: &mut [&ProjectRecord]) {
    let order = call.params.filled("order_by").unwrap_or_else(|| "created_at".to_owned());
    let compare = |one: &ProjectRecord, other: &ProjectRecord| -> Ordering {
        let by_id = one.id.cmp(&other.id);
        match order.as_str() {
            "name" | "path" => one.name().cmp(other.name()).then(by_id),
            "updated_at" | "last_activity_at" => {
                one.last_activity_at.cmp(&other.last_activity_at).then(by_id)
            }
            "created_at" => one.created_at.cmp(&other.created_at).then(by_id),
            _ => by_id,
        }
    };
    found.sort_by(|one, other| compare(one, other));
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
}

pub(crate) async fn show(call: Call) -> Answer {
    let project = call.project()?;
    let world = call.instance.world();
    let record = world.projects.get(&project.id).ok_or_else(|| Refusal::not_found("Project"))?;
    ok(shape(&call, &world, record, call.caller.is_none()))
}

/// The list of a group has the same shape.
pub(super) fn shape(call: &Call, world: &World, project: &ProjectRecord, simple: bool) -> Value {
    let instance = &call.instance;
    let mut shape = basic(instance, world, project);
    if simple {
        return shape;
    }
    shapes::extend(&mut shape, detail(instance, project));
    let somebody = call.somebody();
    let access = |level: Option<AccessLevel>| {
        level.map(|level| json!({ "access_level": level.number(), "notification_level": 3 }))
    };
    let direct = somebody.and_then(|account| project.members.get(&account).copied());
    let group = somebody.and_then(|account| world.group_access(account, project.group));
    shape["permissions"] = json!({ "project_access": access(direct), "group_access": access(group) });
    shape["open_issues_count"] = json!(project.issues.iter().filter(|issue| issue.state == "opened").count());
    if let Some(origin) = project.forked_from.and_then(|id| world.projects.get(&id)) {
        shape["forked_from_project"] = basic(instance, world, origin);
    }
    shape
}

fn basic(instance: &Instance, world: &World, project: &ProjectRecord) -> Value {
    let web = instance.at(&project.path);
    let group = world.groups.get(&project.group);
    let forks = world.projects.values().filter(|other| other.forked_from == Some(project.id)).count();
    let default = project.has_commits().then_some("main");
    json!({
        "id": project.id,
        "description": null,
        "name": project.name(),
        "name_with_namespace": project.path.replace('/', " / "),
        "path": project.name(),
        "path_with_namespace": project.path,
        "created_at": iso(project.created_at),
        "default_branch": default,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": instance.ssh_url(&project.path),
        "http_url_to_repo": format!("{web}.git"),
        "web_url": web,
        "readme_url": default.map(|branch| format!("{web}/-/blob/{branch}/README.md")),
        "forks_count": forks,
        "avatar_url": null,
        "star_count": 0,
        "last_activity_at": iso(project.last_activity_at),
        "visibility": project.visibility.as_str(),
        "namespace": group.map(|group| namespace(instance, group)),
    })
}

fn namespace(instance: &Instance, group: &Group) -> Value {
    let (kind, page) = match group.account {
        Some(_) => ("user", group.full_path.clone()),
        None => ("group", format!("groups/{}", group.full_path)),
    };
    json!({
        "id": group.id, "name": group.path, "path": group.path, "kind": kind, "full_path": group.full_path,
        "parent_id": group.parent, "avatar_url": null, "web_url": instance.at(&page),
    })
}

fn detail(instance: &Instance, project: &ProjectRecord) -> Value {
    let api = instance.at(&format!("api/v4/projects/{}", project.id));
    json!({
        "_links": {
            "self": api,
            "issues": format!("{api}/issues"),
            "merge_requests": format!("{api}/merge_requests"),
            "repo_branches": format!("{api}/repository/branches"),
            "labels": format!("{api}/labels"),
            "events": format!("{api}/events"),
            "members": format!("{api}/members"),
        },
        "archived": project.archived,
        "empty_repo": !project.has_commits(),
        "resolve_outdated_diff_discussions": false,
        "container_registry_enabled": false,
        "issues_enabled": true,
        "merge_requests_enabled": true,
        "wiki_enabled": true,
        "jobs_enabled": true,
        "snippets_enabled": true,
        "issues_access_level": "enabled",
        "repository_access_level": "enabled",
        "merge_requests_access_level": "enabled",
        "can_create_merge_request_in": true,
        "shared_runners_enabled": true,
        "lfs_enabled": true,
        "creator_id": project.creator,
        "import_status": "none",
        "public_jobs": true,
        "ci_config_path": null,
        "shared_with_groups": [],
        "only_allow_merge_if_pipeline_succeeds": false,
        "only_allow_merge_if_all_discussions_are_resolved": false,
        "request_access_enabled": true,
        "printing_merge_request_link_enabled": true,
        "merge_method": "merge",
        "squash_option": "default_off",
        "updated_at": iso(project.last_activity_at),
    })
}

impl ProjectRecord {
    /// Whether anything has been pushed to `main`.
    fn has_commits(&self) -> bool {
        self.repository.join("refs/heads/main").exists() || self.repository.join("packed-refs").exists()
    }
}

pub(crate) async fn members(call: Call) -> Answer {
    list_members(&call, Inherited::No)
}

pub(crate) async fn all_members(call: Call) -> Answer {
    list_members(&call, Inherited::Yes)
}

#[derive(Clone, Copy)]
enum Inherited {
    Yes,
    No,
}

fn list_members(call: &Call, inherited: Inherited) -> Answer {
    let project = call.project()?;
    let world = call.instance.world();
    let record = world.projects.get(&project.id).ok_or_else(|| Refusal::not_found("Project"))?;
    let level = |account: u64| match inherited {
        Inherited::Yes => world.member_access(account, record),
        Inherited::No => record.members.get(&account).copied(),
    };
    let members = world.accounts.values().filter_map(|account| Some((account, level(account.id)?)));
    let members: Vec<_> = members.collect();
    let shape = |(account, level): &(&_, AccessLevel)| shapes::member(&call.instance, account, *level);
    paged(call, Keyset::No, &members, |(account, _)| account.id, shape)
}

pub(crate) async fn member(call: Call) -> Answer {
    let (project, user) = (call.project()?, call.number("user")?);
    let world = call.instance.world();
    let record = world.projects.get(&project.id).ok_or_else(|| Refusal::not_found("Project"))?;
    let account = world.accounts.get(&user).ok_or_else(Refusal::no_record)?;
    let level = world.member_access(user, record).ok_or_else(Refusal::no_record)?;
    ok(shapes::member(&call.instance, account, level))
}

/// The page of something in a project.
pub(super) fn page(instance: &Instance, path: &str, rest: &str) -> String {
    instance.at(&format!("{path}/-/{rest}"))
}

/// The page of a branch's files.
pub(super) fn branch_page(instance: &Instance, path: &str, branch: &str) -> String {
    page(instance, path, &format!("tree/{}", encode(branch).replace("%2F", "/")))
}
