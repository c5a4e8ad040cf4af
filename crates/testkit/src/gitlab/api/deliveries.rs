//! The log of a hook's deliveries, sending one again, and test deliveries.

use domain::SignedDuration;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created};
use super::call::Call;
use super::hooks::find;
use super::page::{Keyset, paged};
use crate::gitlab::hooks::record::{Delivery, Outcome, Scope};
use crate::gitlab::hooks::sender::send_now;
use crate::gitlab::hooks::{Job, example};
use crate::gitlab::instance::blocking;
use crate::gitlab::version::Feature;

/// How long GitLab keeps the log.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) async fn list(call: Call) -> Answer {
    call.since(Feature::DeliveryLog)?;
    let id = find(&call)?;
    let wanted = call.params.filled("status");
    let since = call.instance.now() - KEPT;
    let world = call.instance.world();
    let hook = world.hooks.get(&id).ok_or_else(|| Refusal::not_found("Hook"))?;
    let kept = hook.deliveries.iter().rev().filter(|delivery| delivery.created_at >= since);
    let found: Vec<&Delivery> =
        kept.filter(|delivery| wanted.as_ref().is_none_or(|wanted| has_status(delivery, wanted))).collect();
    paged(&call, Keyset::No, &found, |delivery| delivery.id, |delivery| delivery.shape())
}

/// A number, or GitLab's names for hundreds of them.
fn has_status(delivery: &Delivery, wanted: &str) -> bool {
    let code: u16 = delivery.status.parse().unwrap_or(0);
    match wanted {
        "successful" => (200..400).contains(&code),
        "client_failure" => (400..500).contains(&code),
        "server_failure" => code >= 500 || code == 0,
        other => delivery.status == other,
    }
}

/// Sends a delivery of the log once more, with the same key.
pub(crate) async fn resend(call: Call) -> Answer {
    call.since(Feature::Resend)?;
    let (id, event) = (find(&call)?, call.number("event")?);
    let job = {
        let world = call.instance.world();
        let hook = world.hooks.get(&id).ok_or_else(|| Refusal::not_found("Hook"))?;
        let delivery = hook.deliveries.iter().find(|delivery| delivery.id == event);
        Job::again(hook, delivery.ok_or_else(Refusal::no_record)?)
    };
    let (_, status) = send_now(&call.instance, job).await;
    let status: Value = status.parse::<u16>().map_or_else(|_| json!(status), |code| json!(code));
    created(json!({ "response_status": status }))
}

/// Sends an example of an event, also through a hook that is switched off; success switches it on again.
pub(crate) async fn test(call: Call) -> Answer {
    let id = find(&call)?;
    let account = call.account()?;
    let trigger = call.segment("trigger").to_owned();
    let scope = {
        let world = call.instance.world();
        world.hooks.get(&id).map(|hook| hook.scope).ok_or_else(|| Refusal::not_found("Hook"))?
    };
    let project = match scope {
        Scope::Project(project) => Some(project),
        Scope::Group(group) => {
            let world = call.instance.world();
            world.projects.values().find(|project| project.group == group).map(|project| project.id)
        }
        Scope::System => call.instance.world().projects.keys().next().copied(),
    };
    let instance = call.instance.clone();
    let made = blocking(move || example(&instance, project?, account, &trigger)).await;
    let (header, body) = made.ok_or_else(|| Refusal::bad("trigger does not have a valid value"))?;
    let job = {
        let world = call.instance.world();
        let hook = world.hooks.get(&id).ok_or_else(|| Refusal::not_found("Hook"))?;
        let header = if scope == Scope::System { "System Hook" } else { header };
        Job::new(&call.instance, hook, header, &body)
    };
    match send_now(&call.instance, job).await {
        (Outcome::Delivered, _) => created(json!({ "message": "201 Created" })),
        (_, status) => {
            Err(Refusal::unprocessable(json!({ "message": format!("Hook execution failed: {status}") })))
        }
    }
}
