//! The activity feeds: newest first, `after` and `before` are dates and exclude themselves.

use domain::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::page::{Keyset, paged};
use super::shapes;
use crate::gitlab::instance::{date, iso};
use crate::gitlab::world::{Event, World};

/// The caller's own; with `scope=all` those of all its projects.
pub(crate) async fn own(call: Call) -> Answer {
    let account = call.account()?;
    let all = call.params.text("scope").as_deref() == Some("all");
    let world = call.instance.world();
    let is_member = |event: &Event| {
        world
            .projects
            .get(&event.project)
            .is_some_and(|record| world.member_access(account, record).is_some())
    };
    list(&call, &world, |event| if all { is_member(event) } else { event.author == account })
}

pub(crate) async fn of_user(call: Call) -> Answer {
    let wanted = call.segment("user");
    let world = call.instance.world();
    let id = wanted.parse().ok().filter(|id| world.accounts.contains_key(id));
    let id = id.or_else(|| world.account_named(wanted).map(|account| account.id));
    let id = id.ok_or_else(|| Refusal::not_found("User"))?;
    let sees = |event: &Event| {
        world.projects.get(&event.project).is_some_and(|record| world.sees(call.somebody(), record))
    };
    list(&call, &world, |event| event.author == id && sees(event))
}

pub(crate) async fn of_project(call: Call) -> Answer {
    let project = call.project()?;
    let world = call.instance.world();
    list(&call, &world, |event| event.project == project.id)
}

fn list(call: &Call, world: &World, belongs: impl Fn(&Event) -> bool) -> Answer {
    let (after, before) = (call.params.filled("after"), call.params.filled("before"));
    let day = |time: Timestamp| date(time);
    let (action, target) = (call.params.filled("action"), call.params.filled("target_type"));
    let mut found: Vec<&Event> = world
        .events
        .iter()
        .filter(|event| belongs(event))
        .filter(|event| after.as_ref().is_none_or(|after| day(event.at) > *after))
        .filter(|event| before.as_ref().is_none_or(|before| day(event.at) < *before))
        .filter(|event| action.as_ref().is_none_or(|action| is_action(event, action)))
        .filter(|event| target.as_ref().is_none_or(|target| is_target(event, target)))
        .collect();
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    paged(call, Keyset::No, &found, |event| event.id, |event| shape(call, world, event))
}

/// Filters name actions shorter than the feed does.
fn is_action(event: &Event, wanted: &str) -> bool {
    let action = event.detail["action_name"].as_str().unwrap_or_default();
    match wanted {
        "pushed" => action.starts_with("pushed") || action == "deleted",
        "created" => action == "opened",
        "merged" => action == "accepted",
        "commented" => action == "commented on",
        other => action == other,
    }
}

fn is_target(event: &Event, wanted: &str) -> bool {
    let target = event.detail["target_type"].as_str().unwrap_or_default();
    target.to_lowercase() == wanted.replace('_', "")
}

fn shape(call: &Call, world: &World, event: &Event) -> Value {
    let author = shapes::user_of(&call.instance, world, event.author);
    let mut shape = json!({
        "id": event.id,
        "project_id": event.project,
        "action_name": null,
        "target_id": null,
        "target_iid": null,
        "target_type": null,
        "author_id": event.author,
        "target_title": null,
        "created_at": iso(event.at),
        "author_username": author["username"],
        "imported": false,
        "imported_from": "none",
    });
    shape["author"] = author;
    shapes::extend(&mut shape, event.detail.clone());
    shape
}
