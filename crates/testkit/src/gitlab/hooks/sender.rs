//! Finds the hooks an event reaches and sends to each in a task of its own, as GitLab's workers do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::delivery::{self, Job};
use super::record::{Disabled, Hook, Outcome, Rule, Scope};
use crate::gitlab::faults::HookFault;
use crate::gitlab::instance::Instance;
use crate::gitlab::options::HookPolicy;
use crate::gitlab::version::Feature;
use crate::gitlab::world::World;

/// Something that happened and that hooks may want to hear of.
pub(crate) struct Happening {
    /// The project it happened in.
    pub(crate) project: Option<u64>,
    /// The group it happened in, where it was no project.
    pub(crate) group: Option<u64>,
    /// The field that must be on, such as `push_events`; none for what every system hook gets.
    pub(crate) field: Option<&'static str>,
    /// `X-Gitlab-Event` for project and group hooks.
    pub(crate) header: &'static str,
    /// The branch of a push.
    pub(crate) branch: Option<String>,
    /// What project and group hooks get.
    pub(crate) body: Option<Value>,
    /// What system hooks get.
    pub(crate) system: Option<Value>,
}

/// How deliveries leave, and how many are on their way.
pub(crate) struct Sender {
    pub(super) checked: reqwest::Client,
    pub(super) unchecked: reqwest::Client,
    under_way: AtomicUsize,
    held: Mutex<Vec<Job>>,
}

impl Sender {
    pub(crate) fn new(policy: &HookPolicy) -> Self {
        Self {
            checked: delivery::client(policy, delivery::Check::Certificate),
            unchecked: delivery::client(policy, delivery::Check::Nothing),
            under_way: AtomicUsize::new(0),
            held: Mutex::default(),
        }
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }
}

/// Sends to every hook that wants to know.
pub(crate) fn fire(instance: &Arc<Instance>, happening: &Happening) {
    let jobs = {
        let world = instance.world();
        let reached = world.hooks.values().filter(|hook| reaches(&world, happening, hook));
        let job = |hook: &Hook| {
            let (header, body) = match hook.scope {
                Scope::System => ("System Hook", happening.system.as_ref()?),
                Scope::Project(_) | Scope::Group(_) => (happening.header, happening.body.as_ref()?),
            };
            Some(Job::new(instance, hook, header, body))
        };
        reached.filter_map(job).collect::<Vec<_>>()
    };
    for job in jobs {
        start(instance, job);
    }
}

fn reaches(world: &World, happening: &Happening, hook: &Hook) -> bool {
    let wanted = happening.field.is_none_or(|field| hook.wants(field));
    let there = match hook.scope {
        Scope::Project(project) => happening.project == Some(project),
        Scope::Group(group) => {
            let project = happening.project.and_then(|project| world.projects.get(&project));
            let mut at = project.map(|project| project.group).or(happening.group);
            let mut found = false;
            while let Some(place) = at {
                found |= place == group;
                at = world.groups.get(&place).and_then(|group| group.parent);
            }
            found
        }
        Scope::System => happening.system.is_some(),
    };
    let branch = happening.branch.as_deref();
    wanted && there && branch.is_none_or(|branch| hook.scope == Scope::System || hook.lets_through(branch))
}

/// Sends one delivery in the background, with the next hook fault applied.
pub(crate) fn start(instance: &Arc<Instance>, job: Job) {
    let sender = &instance.sender;
    let fault = instance.faults.take_hook();
    match fault {
        Some(HookFault::Drop) => return,
        Some(HookFault::Reorder) => {
            sender.held.lock().unwrap_or_else(PoisonError::into_inner).push(job);
            return;
        }
        Some(HookFault::Delay(_) | HookFault::Duplicate) | None => {}
    }
    sender.under_way.fetch_add(1, Ordering::SeqCst);
    let instance = Arc::clone(instance);
    instance.runtime.clone().spawn(async move {
        if let Some(HookFault::Delay(delay)) = fault {
            tokio::time::sleep(delay).await;
        }
        if fault == Some(HookFault::Duplicate) {
            deliver(&instance, job.clone()).await;
        }
        deliver(&instance, job).await;
        let held = std::mem::take(&mut *instance.sender.held.lock().unwrap_or_else(PoisonError::into_inner));
        for job in held {
            deliver(&instance, job).await;
        }
        instance.sender.under_way.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Sends one delivery now, unless the hook is switched off; writes it into the log and counts it.
async fn deliver(instance: &Instance, job: Job) {
    let switches_off = job.scope != Scope::System
        && instance.options.hooks.auto_disable
        && instance.has(Feature::AutoDisable);
    let now = instance.now();
    let off = match instance.world().hooks.get(&job.hook).map(|hook| hook.disabled) {
        None => true,
        Some(Disabled::No) => false,
        Some(Disabled::ForGood) => true,
        Some(Disabled::Until(time)) => time > now,
    };
    if off && switches_off {
        return;
    }
    send(instance, job, switches_off).await;
}

/// Sends one delivery whatever the hook's state; gives its outcome and status.
pub(crate) async fn send_now(instance: &Instance, job: Job) -> (Outcome, String) {
    let switches_off = job.scope != Scope::System && instance.has(Feature::AutoDisable);
    send(instance, job, switches_off).await
}

async fn send(instance: &Instance, job: Job, switches_off: bool) -> (Outcome, String) {
    let hook = job.hook;
    let (outcome, mut delivery) = delivery::send(instance, job).await;
    let rule = if instance.version().at_least(17, 7) { Rule::Present } else { Rule::Former };
    let mut world = instance.world();
    delivery.id = world.next_id("delivery");
    let status = delivery.status.clone();
    if let Some(hook) = world.hooks.get_mut(&hook) {
        if switches_off {
            hook.count(outcome, rule, instance.now());
        }
        hook.deliveries.push(delivery);
    }
    (outcome, status)
}
