//! Notes on merge requests and issues, comments on commits.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, ok};
use super::call::{Call, Subject};
use super::page::{Keyset, paged};
use super::shapes;
use crate::gitlab::instance::{Instance, blocking, iso};
use crate::gitlab::seed::issues::add_note;
use crate::gitlab::world::{Note, Noteable, World};

/// The merge request or issue of the route, if it is there.
fn request(call: &Call) -> Result<(Subject, Noteable), Refusal> {
    let (project, iid) = (call.project()?.code()?, call.number("iid")?);
    let world = call.instance.world();
    let found = world
        .projects
        .get(&project.id)
        .is_some_and(|record| record.merge_requests.iter().any(|request| request.iid == iid));
    drop(world);
    if found { Ok((project, Noteable::MergeRequest(iid))) } else { Err(Refusal::no_record()) }
}

fn issue(call: &Call) -> Result<(Subject, Noteable), Refusal> {
    let (project, iid) = (call.project()?, call.number("iid")?);
    let world = call.instance.world();
    let found = world
        .projects
        .get(&project.id)
        .is_some_and(|record| record.issues.iter().any(|issue| issue.iid == iid));
    drop(world);
    if found { Ok((project, Noteable::Issue(iid))) } else { Err(Refusal::no_record()) }
}

async fn commit(call: &Call) -> Result<(Subject, Noteable), Refusal> {
    let project = call.project()?.code()?;
    let (repository, sha) = (project.repository.clone(), call.segment("sha").to_owned());
    let id = blocking(move || repository.resolve(&sha)).await.ok_or_else(|| Refusal::not_found("Commit"))?;
    Ok((project, Noteable::Commit(id)))
}

pub(crate) async fn on_merge_request(call: Call) -> Answer {
    let about = request(&call)?;
    list(&call, &about)
}

pub(crate) async fn on_issue(call: Call) -> Answer {
    let about = issue(&call)?;
    list(&call, &about)
}

pub(crate) async fn merge_request_note(call: Call) -> Answer {
    let about = request(&call)?;
    one(&call, &about)
}

pub(crate) async fn issue_note(call: Call) -> Answer {
    let about = issue(&call)?;
    one(&call, &about)
}

pub(crate) async fn add_to_merge_request(call: Call) -> Answer {
    let (project, on) = request(&call)?;
    add(call, project.id, on, "body").await
}

pub(crate) async fn add_to_issue(call: Call) -> Answer {
    let (project, on) = issue(&call)?;
    add(call, project.id, on, "body").await
}

pub(crate) async fn add_to_commit(call: Call) -> Answer {
    let (project, on) = commit(&call).await?;
    add(call, project.id, on, "note").await
}

pub(crate) async fn on_commit(call: Call) -> Answer {
    let (project, on) = commit(&call).await?;
    list(&call, &(project, on))
}

fn list(call: &Call, (project, on): &(Subject, Noteable)) -> Answer {
    let world = call.instance.world();
    let notes = world.notes.iter().filter(|note| note.project == project.id && note.on == *on);
    let mut notes: Vec<&Note> = notes.collect();
    if call.params.text("sort").as_deref() != Some("asc") {
        notes.reverse();
    }
    paged(call, Keyset::No, &notes, |note| note.id, |note| shape(&call.instance, &world, note))
}

fn one(call: &Call, (project, on): &(Subject, Noteable)) -> Answer {
    let id = call.number("note")?;
    let world = call.instance.world();
    let note = world.notes.iter().find(|note| note.id == id && note.project == project.id && note.on == *on);
    ok(shape(&call.instance, &world, note.ok_or_else(Refusal::no_record)?))
}

async fn add(call: Call, project: u64, on: Noteable, field: &str) -> Answer {
    let account = call.account()?;
    call.require(&[field])?;
    let body = call.params.text(field).unwrap_or_default();
    if body.trim().is_empty() {
        return Err(Refusal::bad_request("(Note can't be blank)"));
    }
    let instance = call.instance.clone();
    let note = blocking(move || add_note(&instance, project, on, account, &body)).await;
    let world = call.instance.world();
    created(shape(&call.instance, &world, &note))
}

fn shape(instance: &Instance, world: &World, note: &Note) -> Value {
    let author = shapes::user_of(instance, world, note.author);
    let (kind, iid) = match &note.on {
        Noteable::MergeRequest(iid) => ("MergeRequest", *iid),
        Noteable::Issue(iid) => ("Issue", *iid),
        Noteable::Commit(_) => {
            return json!({
                "note": note.body, "path": null, "line": null, "line_type": null, "author": author,
                "created_at": iso(note.created_at),
            });
        }
    };
    let record = world.projects.get(&note.project);
    let id = record.and_then(|record| match note.on {
        Noteable::Issue(_) => record.issues.iter().find(|issue| issue.iid == iid).map(|issue| issue.id),
        _ => record.merge_requests.iter().find(|request| request.iid == iid).map(|request| request.id),
    });
    json!({
        "id": note.id,
        "type": null,
        "body": note.body,
        "attachment": null,
        "author": author,
        "created_at": iso(note.created_at),
        "updated_at": iso(note.created_at),
        "system": false,
        "noteable_id": id,
        "noteable_type": kind,
        "project_id": note.project,
        "resolvable": false,
        "confidential": false,
        "internal": false,
        "noteable_iid": iid,
        "commands_changes": {},
    })
}
