//! Commit statuses: what an outside check found.

use super::answer::{Answer, Refusal, created};
use super::call::Call;
use super::page::{Keyset, paged};
use super::shapes;
use crate::gitlab::instance::blocking;
use crate::gitlab::world::{AccessLevel, Status};

const STATES: [&str; 6] = ["pending", "running", "success", "failed", "canceled", "skipped"];

pub(crate) async fn list(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let (repository, sha) = (project.repository.clone(), call.segment("sha").to_owned());
    let id = blocking(move || repository.resolve(&sha)).await.ok_or_else(|| Refusal::not_found("Commit"))?;
    let world = call.instance.world();
    let found = world.statuses.iter().filter(|status| status.project == project.id && status.sha == id);
    let found: Vec<&Status> = found.collect();
    paged(
        &call,
        Keyset::No,
        &found,
        |status| status.id,
        |status| shapes::status(&call.instance, &world, status),
    )
}

/// Sets the status of this name on the commit, in place of one that is there.
pub(crate) async fn set(call: Call) -> Answer {
    let account = call.account()?;
    let project = call.project()?.code()?.at_least(AccessLevel::Developer)?;
    call.require(&["state"])?;
    let state = call.params.text("state").unwrap_or_default();
    if !STATES.contains(&state.as_str()) {
        return Err(Refusal::bad("state does not have a valid value"));
    }
    let (repository, sha) = (project.repository.clone(), call.segment("sha").to_owned());
    let sha = blocking(move || repository.resolve(&sha)).await.ok_or_else(|| Refusal::not_found("Commit"))?;
    let text = |name: &str| call.params.filled(name);
    let name = text("name").or_else(|| text("context")).unwrap_or_else(|| "default".to_owned());
    let now = call.instance.now();
    let mut world = call.instance.world();
    let same = |status: &Status| status.project == project.id && status.sha == sha && status.name == name;
    let place = world.statuses.iter().position(same);
    let status = match place {
        Some(place) => {
            let status = &mut world.statuses[place];
            status.state = state;
            status.updated_at = now;
            status.target_url = text("target_url").or(status.target_url.take());
            status.description = text("description").or(status.description.take());
            status.clone()
        }
        None => {
            let (id, pipeline) = (world.next_id("status"), world.next_id("pipeline"));
            let status = Status {
                id,
                pipeline,
                project: project.id,
                sha,
                reference: text("ref").or_else(|| Some("main".to_owned())),
                state,
                name,
                target_url: text("target_url"),
                description: text("description"),
                author: account,
                created_at: now,
                updated_at: now,
            };
            world.statuses.push(status.clone());
            status
        }
    };
    created(shapes::status(&call.instance, &world, &status))
}
