//! Issues: of a project, of a group, of everything the caller sees.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::keys::moment;
use super::page::{Keyset, paged};
use super::{groups, projects, shapes};
use crate::gitlab::instance::{Instance, iso};
use crate::gitlab::version::Feature;
use crate::gitlab::world::{AccessLevel, IssueRecord, Noteable, ProjectRecord, World};

pub(crate) async fn of_project(call: Call) -> Answer {
    let project = call.project()?;
    let world = call.instance.world();
    list(&call, &world, |record| record.id == project.id)
}

pub(crate) async fn of_group(call: Call) -> Answer {
    let world = call.instance.world();
    let group = groups::find(&call, &world)?;
    let below = world.groups.get(&group).map(|group| format!("{}/", group.full_path)).unwrap_or_default();
    list(&call, &world, |record| record.path.starts_with(&below))
}

/// `scope` is `created_by_me` unless the caller says otherwise.
pub(crate) async fn everywhere(call: Call) -> Answer {
    call.account()?;
    let world = call.instance.world();
    list(&call, &world, |_| true)
}

fn list(call: &Call, world: &World, place: impl Fn(&ProjectRecord) -> bool) -> Answer {
    let somebody = call.somebody();
    let everywhere = !call.has_segment("id") && !call.has_segment("group");
    let mine = match call.params.filled("scope").as_deref() {
        Some("created_by_me" | "created-by-me") => true,
        Some(_) => false,
        None => everywhere,
    };
    let by_id = call.params.text("order_by").as_deref() == Some("id");
    let mut found: Vec<&IssueRecord> = world
        .projects
        .values()
        .filter(|project| place(project) && world.sees(somebody, project))
        .flat_map(|project| project.issues.iter().filter(|issue| may_see(world, somebody, project, issue)))
        .filter(|issue| !mine || Some(issue.author) == somebody)
        .filter(|issue| is_wanted(call, issue))
        .collect();
    let by_update = call.params.text("order_by").as_deref() == Some("updated_at");
    found.sort_by_key(|issue| (if by_update { issue.updated_at } else { issue.created_at }, issue.id));
    if by_id {
        found.sort_by_key(|issue| issue.id);
    }
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    let keyset = if call.instance.has(Feature::KeysetIssues) { Keyset::ById("Issue") } else { Keyset::No };
    paged(call, keyset, &found, |issue| issue.id, |issue| shape(&call.instance, world, issue))
}

/// Confidential issues are for their authors and from Reporter on.
fn may_see(world: &World, somebody: Option<u64>, project: &ProjectRecord, issue: &IssueRecord) -> bool {
    !issue.confidential
        || Some(issue.author) == somebody
        || world.access(somebody, project) >= Some(AccessLevel::Reporter)
}

fn is_wanted(call: &Call, issue: &IssueRecord) -> bool {
    let text = |name: &str| call.params.filled(name);
    let time = |name: &str| text(name).and_then(|text| moment(&text));
    text("state").is_none_or(|state| state == "all" || state == issue.state)
        && call.params.number("author_id").is_none_or(|author| author == issue.author)
        && call.params.number("iids[]").is_none_or(|iid| iid == issue.iid)
        && call.params.number("id_after").is_none_or(|id| issue.id > id)
        && call.params.number("id_before").is_none_or(|id| issue.id < id)
        && text("search").is_none_or(|part| issue.title.contains(&part) || issue.description.contains(&part))
        && time("updated_after").is_none_or(|after| issue.updated_at >= after)
        && time("updated_before").is_none_or(|before| issue.updated_at <= before)
        && time("created_after").is_none_or(|after| issue.created_at >= after)
        && time("created_before").is_none_or(|before| issue.created_at <= before)
}

pub(crate) async fn show(call: Call) -> Answer {
    let project = call.project()?;
    let iid = call.number("iid")?;
    let world = call.instance.world();
    let record = world.projects.get(&project.id).ok_or_else(|| Refusal::not_found("Project"))?;
    let issue = record.issues.iter().find(|issue| issue.iid == iid);
    let issue = issue.filter(|issue| may_see(&world, call.somebody(), record, issue));
    ok(shape(&call.instance, &world, issue.ok_or_else(Refusal::no_record)?))
}

fn shape(instance: &Instance, world: &World, issue: &IssueRecord) -> Value {
    let path = world.projects.get(&issue.project).map(|project| project.path.clone()).unwrap_or_default();
    let on = Noteable::Issue(issue.iid);
    let notes = world.notes.iter().filter(|note| note.project == issue.project && note.on == on).count();
    json!({
        "id": issue.id,
        "iid": issue.iid,
        "project_id": issue.project,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": issue.closed_at.map(iso),
        "closed_by": null,
        "labels": [],
        "milestone": null,
        "assignees": [],
        "author": shapes::user_of(instance, world, issue.author),
        "type": "ISSUE",
        "assignee": null,
        "user_notes_count": notes,
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "due_date": null,
        "confidential": issue.confidential,
        "discussion_locked": null,
        "issue_type": "issue",
        "web_url": projects::page(instance, &path, &format!("issues/{}", issue.iid)),
        "time_stats": {
            "time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null,
            "human_total_time_spent": null,
        },
        "task_completion_status": { "count": 0, "completed_count": 0 },
        "has_tasks": false,
        "_links": {
            "self": instance.at(&format!("api/v4/projects/{}/issues/{}", issue.project, issue.iid)),
            "notes": instance.at(&format!("api/v4/projects/{}/issues/{}/notes", issue.project, issue.iid)),
            "project": instance.at(&format!("api/v4/projects/{}", issue.project)),
        },
        "references": {
            "short": format!("#{}", issue.iid),
            "relative": format!("#{}", issue.iid),
            "full": format!("{path}#{}", issue.iid),
        },
    })
}
