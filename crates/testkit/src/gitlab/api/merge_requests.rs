//! Merge requests: of a project, of a group, of everything the caller sees.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::keys::moment;
use super::page::{Keyset, paged};
use super::{groups, projects, shapes};
use crate::gitlab::instance::{Instance, iso};
use crate::gitlab::world::{MergeRequestRecord, Noteable, ProjectRecord, World};

pub(crate) async fn of_project(call: Call) -> Answer {
    let project = call.project()?.code()?;
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
    // Only the list of everything is limited to one's own by default.
    let everywhere = !call.has_segment("id") && !call.has_segment("group");
    let scope = call.params.filled("scope");
    let mine = match scope.as_deref() {
        Some("created_by_me" | "created-by-me") => true,
        // Nobody is ever assigned here.
        Some("assigned_to_me" | "assigned-to-me") => {
            return paged(call, Keyset::No, &[] as &[u64], |_| 0, |_| Value::Null);
        }
        Some(_) => false,
        None => everywhere,
    };
    let mut found: Vec<&MergeRequestRecord> = world
        .projects
        .values()
        .filter(|project| place(project) && world.reads(somebody, project))
        .flat_map(|project| &project.merge_requests)
        .filter(|request| !mine || Some(request.author) == somebody)
        .filter(|request| is_wanted(call, request))
        .collect();
    let by_update = call.params.text("order_by").as_deref() == Some("updated_at");
    found
        .sort_by_key(|request| (if by_update { request.updated_at } else { request.created_at }, request.id));
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    let shape = |request: &&MergeRequestRecord| shape(&call.instance, world, request);
    paged(call, Keyset::No, &found, |request| request.id, shape)
}

fn is_wanted(call: &Call, request: &MergeRequestRecord) -> bool {
    let text = |name: &str| call.params.filled(name);
    let time = |name: &str| text(name).and_then(|text| moment(&text));
    text("state").is_none_or(|state| state == "all" || state == request.state)
        && text("source_branch").is_none_or(|branch| branch == request.source_branch)
        && text("target_branch").is_none_or(|branch| branch == request.target_branch)
        && call.params.number("author_id").is_none_or(|author| author == request.author)
        && call.params.number("iids[]").is_none_or(|iid| iid == request.iid)
        && text("search")
            .is_none_or(|part| request.title.contains(&part) || request.description.contains(&part))
        && time("updated_after").is_none_or(|after| request.updated_at >= after)
        && time("updated_before").is_none_or(|before| request.updated_at <= before)
        && time("created_after").is_none_or(|after| request.created_at >= after)
        && time("created_before").is_none_or(|before| request.created_at <= before)
}

pub(crate) async fn show(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let iid = call.number("iid")?;
    let world = call.instance.world();
    let record = world.projects.get(&project.id).ok_or_else(|| Refusal::not_found("Project"))?;
    let request = record.merge_requests.iter().find(|request| request.iid == iid);
    let request = request.ok_or_else(Refusal::no_record)?;
    let mut shape = shape(&call.instance, &world, request);
    let more = json!({
        "subscribed": call.somebody() == Some(request.author),
        "changes_count": "1",
        "latest_build_started_at": null,
        "latest_build_finished_at": null,
        "first_deployed_to_production_at": null,
        "pipeline": null,
        "head_pipeline": null,
        "diff_refs": {
            "base_sha": request.base_sha, "head_sha": request.sha, "start_sha": request.base_sha,
        },
        "merge_error": null,
        "user": { "can_merge": project.level >= Some(crate::gitlab::world::AccessLevel::Developer) },
    });
    shapes::extend(&mut shape, more);
    ok(shape)
}

fn shape(instance: &Instance, world: &World, request: &MergeRequestRecord) -> Value {
    let path = world.projects.get(&request.project).map(|project| project.path.clone()).unwrap_or_default();
    let ended = |state: &str| request.ended_at.filter(|_| request.state == state).map(iso);
    let by = |state: &str| match request.ended_by.filter(|_| request.state == state) {
        Some(account) => shapes::user_of(instance, world, account),
        None => Value::Null,
    };
    let on = Noteable::MergeRequest(request.iid);
    let notes = world.notes.iter().filter(|note| note.project == request.project && note.on == on).count();
    let mut shape = json!({
        "id": request.id,
        "iid": request.iid,
        "project_id": request.project,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "created_at": iso(request.created_at),
        "updated_at": iso(request.updated_at),
        "merged_by": by("merged"),
        "merge_user": by("merged"),
        "merged_at": ended("merged"),
        "closed_by": by("closed"),
        "closed_at": ended("closed"),
        "target_branch": request.target_branch,
        "source_branch": request.source_branch,
        "user_notes_count": notes,
        "upvotes": 0,
        "downvotes": 0,
        "author": shapes::user_of(instance, world, request.author),
        "assignees": [],
        "assignee": null,
        "reviewers": [],
        "source_project_id": request.source_project,
        "target_project_id": request.project,
        "labels": [],
        "work_in_progress": request.is_draft(),
        "milestone": null,
        "merge_when_pipeline_succeeds": false,
        "merge_status": "can_be_merged",
        "sha": request.sha,
    });
    let more = json!({
        "merge_commit_sha": null,
        "squash_commit_sha": null,
        "discussion_locked": null,
        "should_remove_source_branch": null,
        "force_remove_source_branch": false,
        "allow_collaboration": request.source_project != request.project,
        "reference": format!("!{}", request.iid),
        "references": {
            "short": format!("!{}", request.iid),
            "relative": format!("!{}", request.iid),
            "full": format!("{path}!{}", request.iid),
        },
        "web_url": projects::page(instance, &path, &format!("merge_requests/{}", request.iid)),
        "time_stats": {
            "time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null,
            "human_total_time_spent": null,
        },
        "squash": false,
        "task_completion_status": { "count": 0, "completed_count": 0 },
        "has_conflicts": false,
        "blocking_discussions_resolved": true,
    });
    shapes::extend(&mut shape, more);
    if instance.version().at_least(13, 2) {
        shape["draft"] = json!(request.is_draft());
    }
    if instance.version().at_least(15, 6) {
        shape["detailed_merge_status"] =
            json!(if request.state == "opened" { "mergeable" } else { "not_open" });
    }
    shape
}
