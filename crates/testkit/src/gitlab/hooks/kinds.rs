//! Events of a project that people make, other than pushes: issues, merge requests, notes, releases.

use std::sync::Arc;

use serde_json::{Value, json};

use super::payload;
use super::sender::{Happening, fire};
use crate::gitlab::instance::{Instance, iso, spaced};
use crate::gitlab::repository::Repository;
use crate::gitlab::world::{IssueRecord, MergeRequestRecord, Note, Noteable, ProjectRecord, World};

pub(super) fn happening(project: u64, field: &'static str, header: &'static str, body: Value) -> Happening {
    Happening {
        project: Some(project),
        group: None,
        field: Some(field),
        header,
        branch: None,
        body: Some(body),
        system: None,
    }
}

/// `open`, `close`, `reopen`, `update` by the account.
pub(crate) fn issue(instance: &Arc<Instance>, issue: &IssueRecord, account: u64, action: &str) {
    fire_all(instance, about_issue(instance, issue, account, action));
}

pub(super) fn fire_all(instance: &Arc<Instance>, happenings: impl IntoIterator<Item = Happening>) {
    for happening in happenings {
        fire(instance, &happening);
    }
}

pub(super) fn about_issue(
    instance: &Instance,
    issue: &IssueRecord,
    account: u64,
    action: &str,
) -> Option<Happening> {
    let body = {
        let world = instance.world();
        let project = world.projects.get(&issue.project)?;
        let mut attributes = issue_attributes(instance, project, issue);
        attributes["action"] = json!(action);
        let changes = changes(action);
        json!({
            "object_kind": "issue",
            "event_type": if issue.confidential { "confidential_issue" } else { "issue" },
            "user": payload::user(instance, &world, account),
            "project": payload::project(instance, &world, project),
            "object_attributes": attributes,
            "labels": [],
            "changes": changes,
            "repository": payload::repository(instance, project),
        })
    };
    let (field, header) = if issue.confidential {
        ("confidential_issues_events", "Confidential Issue Hook")
    } else {
        ("issues_events", "Issue Hook")
    };
    Some(happening(issue.project, field, header, body))
}

/// What an action changed, by GitLab's numbers of states: 1 opened, 2 closed, 3 merged, 4 locked while merging.
fn changes(action: &str) -> Value {
    let (previous, current) = match action {
        "close" => (1, 2),
        "reopen" => (2, 1),
        "merge" => (4, 3),
        _ => return json!({}),
    };
    json!({ "state_id": { "previous": previous, "current": current } })
}

fn issue_attributes(instance: &Instance, project: &ProjectRecord, issue: &IssueRecord) -> Value {
    json!({
        "id": issue.id,
        "iid": issue.iid,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "state_id": if issue.state == "opened" { 1 } else { 2 },
        "confidential": issue.confidential,
        "author_id": issue.author,
        "assignee_id": null,
        "assignee_ids": [],
        "project_id": issue.project,
        "created_at": spaced(issue.created_at),
        "updated_at": spaced(issue.updated_at),
        "closed_at": issue.closed_at.map(spaced),
        "due_date": null,
        "labels": [],
        "milestone_id": null,
        "moved_to_id": null,
        "duplicated_to_id": null,
        "discussion_locked": null,
        "last_edited_at": null,
        "last_edited_by_id": null,
        "updated_by_id": null,
        "relative_position": issue.iid,
        "severity": "unknown",
        "time_estimate": 0,
        "total_time_spent": 0,
        "time_change": 0,
        "human_time_change": null,
        "human_time_estimate": null,
        "human_total_time_spent": null,
        "url": instance.at(&format!("{}/-/issues/{}", project.path, issue.iid)),
    })
}

/// `open`, `close`, `reopen`, `update`, `merge`, `approved`; `oldrev` only when code came. System hooks get
/// it too.
pub(crate) fn merge_request(
    instance: &Arc<Instance>,
    request: &MergeRequestRecord,
    account: u64,
    action: &str,
    oldrev: Option<&str>,
) {
    fire_all(instance, about_merge_request(instance, request, account, (action, oldrev)));
}

pub(super) fn about_merge_request(
    instance: &Instance,
    request: &MergeRequestRecord,
    account: u64,
    (action, oldrev): (&str, Option<&str>),
) -> Option<Happening> {
    let body = {
        let world = instance.world();
        let project = world.projects.get(&request.project)?;
        let mut attributes = request_attributes(instance, &world, request);
        attributes["action"] = json!(action);
        if let Some(oldrev) = oldrev {
            attributes["oldrev"] = json!(oldrev);
        }
        let changes = changes(action);
        json!({
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": payload::user(instance, &world, account),
            "project": payload::project(instance, &world, project),
            "object_attributes": attributes,
            "labels": [],
            "changes": changes,
            "repository": payload::repository(instance, project),
        })
    };
    let system = Some(body.clone());
    let plain = happening(request.project, "merge_requests_events", "Merge Request Hook", body);
    Some(Happening { system, ..plain })
}

fn request_attributes(instance: &Instance, world: &World, request: &MergeRequestRecord) -> Value {
    let side = |project: u64| match world.projects.get(&project) {
        Some(project) => payload::project(instance, world, project),
        None => Value::Null,
    };
    let target = world.projects.get(&request.project);
    let path = target.map(|project| project.path.clone()).unwrap_or_default();
    let commit = target.and_then(|project| Repository::at(&project.repository).commit(&request.sha));
    let state = match request.state {
        "opened" => 1,
        "closed" => 2,
        _ => 3,
    };
    let mut attributes = json!({
        "id": request.id,
        "iid": request.iid,
        "target_branch": request.target_branch,
        "source_branch": request.source_branch,
        "source_project_id": request.source_project,
        "target_project_id": request.project,
        "author_id": request.author,
        "assignee_id": null,
        "assignee_ids": [],
        "reviewer_ids": [],
        "title": request.title,
        "description": request.description,
        "created_at": spaced(request.created_at),
        "updated_at": spaced(request.updated_at),
        "state": request.state,
        "state_id": state,
        "merge_status": "can_be_merged",
        "milestone_id": null,
        "blocking_discussions_resolved": true,
        "first_contribution": false,
        "labels": [],
        "last_edited_at": null,
        "last_edited_by_id": null,
        "time_estimate": 0,
        "total_time_spent": 0,
        "time_change": 0,
        "source": side(request.source_project),
        "target": side(request.project),
        "last_commit": commit.map(|commit| payload::commit(instance, &path, &commit, [vec![], vec![], vec![]])),
        "work_in_progress": request.is_draft(),
        "url": instance.at(&format!("{path}/-/merge_requests/{}", request.iid)),
    });
    if instance.version().at_least(13, 2) {
        attributes["draft"] = json!(request.is_draft());
    }
    if instance.version().at_least(15, 6) {
        attributes["detailed_merge_status"] = json!("mergeable");
    }
    attributes
}

/// A comment on an issue, a merge request or a commit.
pub(crate) fn note(instance: &Arc<Instance>, note: &Note) {
    fire_all(instance, about_note(instance, note));
}

pub(super) fn about_note(instance: &Instance, note: &Note) -> Option<Happening> {
    let body = {
        let world = instance.world();
        let project = world.projects.get(&note.project)?;
        body_of_note(instance, &world, project, note)
    };
    Some(happening(note.project, "note_events", "Note Hook", body))
}

fn body_of_note(instance: &Instance, world: &World, project: &ProjectRecord, note: &Note) -> Value {
    let requests = &project.merge_requests;
    let (kind, subject, id, about, page) = match &note.on {
        Noteable::Issue(iid) => {
            let issue = project.issues.iter().find(|issue| issue.iid == *iid);
            let about = issue.map(|issue| issue_attributes(instance, project, issue));
            ("Issue", "issue", issue.map(|issue| issue.id), about, format!("issues/{iid}"))
        }
        Noteable::MergeRequest(iid) => {
            let request = requests.iter().find(|request| request.iid == *iid);
            let about = request.map(|request| request_attributes(instance, world, request));
            let page = format!("merge_requests/{iid}");
            ("MergeRequest", "merge_request", request.map(|request| request.id), about, page)
        }
        Noteable::Commit(sha) => {
            let commit = Repository::at(&project.repository).commit(sha);
            let about = commit
                .map(|commit| payload::commit(instance, &project.path, &commit, [vec![], vec![], vec![]]));
            ("Commit", "commit", None, about, format!("commit/{sha}"))
        }
    };
    let commit = match &note.on {
        Noteable::Commit(sha) => json!(sha),
        Noteable::Issue(_) | Noteable::MergeRequest(_) => Value::Null,
    };
    let mut attributes = json!({
        "id": note.id,
        "note": note.body,
        "description": note.body,
        "noteable_type": kind,
        "author_id": note.author,
        "created_at": spaced(note.created_at),
        "updated_at": spaced(note.created_at),
        "project_id": note.project,
        "attachment": null,
        "line_code": null,
        "commit_id": commit,
        "noteable_id": id,
        "system": false,
        "st_diff": null,
        "url": instance.at(&format!("{}/-/{page}#note_{}", project.path, note.id)),
    });
    if instance.version().at_least(16, 11) {
        attributes["action"] = json!("create");
    }
    let mut body = json!({
        "object_kind": "note",
        "event_type": "note",
        "user": payload::user(instance, world, note.author),
        "project_id": note.project,
        "project": payload::project(instance, world, project),
        "object_attributes": attributes,
        "repository": payload::repository(instance, project),
    });
    body[subject] = json!(about);
    body
}

/// A release of a tag: `create`, `update`, `delete`. Nobody is named as its author.
pub(crate) fn release(instance: &Arc<Instance>, project: u64, tag: &str, action: &str) {
    fire_all(instance, about_release(instance, project, tag, action));
}

pub(super) fn about_release(instance: &Instance, project: u64, tag: &str, action: &str) -> Option<Happening> {
    let body = {
        let mut world = instance.world();
        let id = world.next_id("release");
        let record = world.projects.get(&project)?;
        let commit = Repository::at(&record.repository).commit(tag)?;
        let now = spaced(instance.now());
        json!({
            "id": id, "object_kind": "release", "action": action, "tag": tag, "name": tag,
            "description": "", "created_at": now, "released_at": iso(instance.now()),
            "project": payload::project(instance, &world, record),
            "url": instance.at(&format!("{}/-/releases/{tag}", record.path)),
            "assets": { "count": 0, "links": [], "sources": [] },
            "commit": payload::commit(instance, &record.path, &commit, [vec![], vec![], vec![]]),
        })
    };
    Some(happening(project, "releases_events", "Release Hook", body))
}
