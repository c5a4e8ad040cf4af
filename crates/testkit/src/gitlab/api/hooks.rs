//! `/projects/:id/hooks`, `/groups/:id/hooks` and `/hooks`: made, read, changed, removed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, gone, ok};
use super::call::Call;
use super::groups;
use super::page::{Keyset, paged};
use crate::gitlab::hooks::record::{Disabled, Hook, Scope};
use crate::gitlab::hooks::{is_private, is_signing_token};
use crate::gitlab::version::Feature;
use crate::gitlab::world::AccessLevel;

/// Headers a hook may have of its own.
const MOST_HEADERS: usize = 20;

/// What the hooks of the route belong to, if the caller manages it: Maintainer of a project, Owner of a
/// group, administrator of the instance.
pub(super) fn scope(call: &Call) -> Result<Scope, Refusal> {
    if call.has_segment("id") {
        call.account()?;
        return Ok(Scope::Project(call.project()?.at_least(AccessLevel::Maintainer)?.id));
    }
    if !call.has_segment("group") {
        call.admin()?;
        return Ok(Scope::System);
    }
    let account = call.account()?;
    // A paid feature.
    if !call.instance.version().is_enterprise() {
        return Err(Refusal::no_route());
    }
    let world = call.instance.world();
    let group = groups::find(call, &world)?;
    let admin = world.accounts.get(&account).is_some_and(|account| account.admin);
    let owner = world.group_access(account, group) == Some(AccessLevel::Owner);
    if admin || owner { Ok(Scope::Group(group)) } else { Err(Refusal::forbidden()) }
}

/// The hook of the route.
pub(super) fn find(call: &Call) -> Result<u64, Refusal> {
    let (scope, id) = (scope(call)?, call.number("hook")?);
    let world = call.instance.world();
    let hook = world.hooks.get(&id).filter(|hook| hook.scope == scope);
    hook.map(|hook| hook.id).ok_or_else(|| Refusal::not_found("Hook"))
}

fn shape(call: &Call, hook: &Hook) -> Value {
    hook.shape(call.instance.now(), call.instance.has(Feature::Signature))
}

pub(crate) async fn list(call: Call) -> Answer {
    let scope = scope(&call)?;
    let world = call.instance.world();
    let hooks: Vec<&Hook> = world.hooks.values().filter(|hook| hook.scope == scope).collect();
    paged(&call, Keyset::No, &hooks, |hook| hook.id, |hook| shape(&call, hook))
}

pub(crate) async fn show(call: Call) -> Answer {
    let id = find(&call)?;
    let world = call.instance.world();
    let hook = world.hooks.get(&id).ok_or_else(|| Refusal::not_found("Hook"))?;
    ok(shape(&call, hook))
}

pub(crate) async fn add(call: Call) -> Answer {
    let scope = scope(&call)?;
    call.require(&["url"])?;
    let mut hook = Hook {
        id: 0,
        scope,
        url: String::new(),
        name: None,
        description: None,
        token: None,
        signing_token: None,
        events: BTreeMap::new(),
        branch_filter: String::new(),
        filter_strategy: "wildcard".to_owned(),
        verify_tls: true,
        template: None,
        headers: vec![],
        failures: 0,
        disabled: Disabled::No,
        created_at: call.instance.now(),
        deliveries: vec![],
    };
    // What GitLab's table has on by default.
    hook.events.insert("push_events", scope != Scope::System);
    if scope == Scope::System {
        hook.events.insert("repository_update_events", true);
    }
    read(&call, &mut hook)?;
    let mut world = call.instance.world();
    hook.id = world.next_id("hook");
    let shape = shape(&call, &hook);
    world.hooks.insert(hook.id, hook);
    created(shape)
}

pub(crate) async fn change(call: Call) -> Answer {
    let id = find(&call)?;
    let mut world = call.instance.world();
    let hook = world.hooks.get_mut(&id).ok_or_else(|| Refusal::not_found("Hook"))?;
    read(&call, hook)?;
    ok(shape(&call, hook))
}

pub(crate) async fn remove(call: Call) -> Answer {
    let id = find(&call)?;
    call.instance.world().hooks.remove(&id);
    gone()
}

/// Takes the parameters that are there over into the hook.
fn read(call: &Call, hook: &mut Hook) -> Result<(), Refusal> {
    let params = &call.params;
    if let Some(url) = params.text("url") {
        check_url(call, hook.scope, &url)?;
        hook.url = url;
    }
    for field in Hook::fields(hook.scope) {
        if let Some(flag) = params.flag(field) {
            hook.events.insert(field, flag);
        }
    }
    let text = |name: &str, place: &mut Option<String>| {
        if params.has(name) {
            *place = params.filled(name);
        }
    };
    text("name", &mut hook.name);
    text("description", &mut hook.description);
    text("token", &mut hook.token);
    if call.instance.has(Feature::HookTemplates) {
        text("custom_webhook_template", &mut hook.template);
    }
    // Before 19.0 the parameter is unknown and ignored, as Grape does.
    if call.instance.has(Feature::Signature) && params.has("signing_token") {
        let token = params.filled("signing_token");
        if token.as_deref().is_some_and(|token| !is_signing_token(token)) {
            return Err(Refusal::unprocessable(json!({ "message": { "signing_token": ["is invalid"] } })));
        }
        hook.signing_token = token;
    }
    if let Some(flag) = params.flag("enable_ssl_verification") {
        hook.verify_tls = flag;
    }
    if let Some(strategy) = params.filled("branch_filter_strategy") {
        if !["wildcard", "regex", "all_branches"].contains(&strategy.as_str()) {
            return Err(Refusal::bad("branch_filter_strategy does not have a valid value"));
        }
        hook.filter_strategy = strategy;
    }
    if let Some(filter) = params.text("push_events_branch_filter") {
        hook.branch_filter = filter;
    }
    if let Some(headers) = params.value("custom_headers").and_then(Value::as_array) {
        hook.headers = headers.iter().filter_map(pair).take(MOST_HEADERS).collect();
    }
    Ok(())
}

fn pair(header: &Value) -> Option<(String, String)> {
    Some((header["key"].as_str()?.to_owned(), header["value"].as_str()?.to_owned()))
}

fn check_url(call: &Call, scope: Scope, url: &str) -> Result<(), Refusal> {
    let valid =
        url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !valid {
        return Err(Refusal::unprocessable(json!({ "error": "Invalid url given" })));
    }
    if scope != Scope::System && !call.instance.options.hooks.private_addresses && is_private(url) {
        let why = "is blocked: Requests to the local network are not allowed";
        return Err(Refusal::unprocessable(json!({ "message": { "url": [why] } })));
    }
    Ok(())
}
