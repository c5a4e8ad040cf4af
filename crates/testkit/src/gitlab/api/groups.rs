//! `/groups`: groups the caller is in, their projects and members.

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::page::{Keyset, paged};
use super::{projects, shapes};
use crate::gitlab::world::{AccessLevel, Group, World};

/// Whether the caller may know of the group: as a member, or by a project in it that is open to it.
fn sees(call: &Call, world: &World, group: &Group) -> bool {
    let somebody = call.somebody();
    let below = format!("{}/", group.full_path);
    somebody.is_some_and(|account| world.group_access(account, group.id).is_some())
        || somebody.and_then(|account| world.accounts.get(&account)).is_some_and(|account| account.admin)
        || world
            .projects
            .values()
            .any(|project| project.path.starts_with(&below) && world.sees(somebody, project))
}

/// The group with this number or path, if the caller may know of it.
pub(super) fn find(call: &Call, world: &World) -> Result<u64, Refusal> {
    let wanted = call.segment("group");
    let by_id = wanted.parse().ok().and_then(|id: u64| world.groups.get(&id));
    let group = by_id.or_else(|| world.group_at(wanted)).filter(|group| group.account.is_none());
    let group = group.filter(|group| sees(call, world, group));
    group.map(|group| group.id).ok_or_else(|| Refusal::not_found("Group"))
}

pub(crate) async fn list(call: Call) -> Answer {
    let world = call.instance.world();
    let minimum = call.params.number("min_access_level");
    let top = call.params.flag("top_level_only") == Some(true);
    let level = |group: &Group| call.somebody().and_then(|account| world.group_access(account, group.id));
    let mut found: Vec<&Group> = world
        .groups
        .values()
        .filter(|group| group.account.is_none() && sees(&call, &world, group))
        .filter(|group| !top || group.parent.is_none())
        .filter(|group| {
            minimum.is_none_or(|minimum| level(group).is_some_and(|level| level.number() >= minimum))
        })
        .filter(|group| call.params.filled("search").is_none_or(|text| group.full_path.contains(&text)))
        .collect();
    found.sort_by(|one, other| one.path.cmp(&other.path).then(one.id.cmp(&other.id)));
    paged(
        &call,
        Keyset::ById("Group"),
        &found,
        |group| group.id,
        |group| shapes::group(&call.instance, group),
    )
}

pub(crate) async fn show(call: Call) -> Answer {
    let world = call.instance.world();
    let id = find(&call, &world)?;
    let group = world.groups.get(&id).ok_or_else(|| Refusal::not_found("Group"))?;
    ok(shapes::group(&call.instance, group))
}

pub(crate) async fn projects(call: Call) -> Answer {
    let world = call.instance.world();
    let id = find(&call, &world)?;
    let below = world.groups.get(&id).map(|group| format!("{}/", group.full_path)).unwrap_or_default();
    let deep = call.params.flag("include_subgroups") == Some(true);
    let mut found: Vec<_> = world
        .projects
        .values()
        .filter(|project| project.group == id || deep && project.path.starts_with(&below))
        .filter(|project| world.sees(call.somebody(), project))
        .collect();
    found.reverse();
    let simple = call.params.flag("simple") == Some(true);
    let shape = |project: &&_| projects::shape(&call, &world, project, simple);
    paged(&call, Keyset::ById("Project"), &found, |project| project.id, shape)
}

pub(crate) async fn members(call: Call) -> Answer {
    list_members(&call, |world, account, group| world.groups.get(&group)?.members.get(&account).copied())
}

pub(crate) async fn all_members(call: Call) -> Answer {
    list_members(&call, World::group_access)
}

fn list_members(call: &Call, level: impl Fn(&World, u64, u64) -> Option<AccessLevel>) -> Answer {
    let world = call.instance.world();
    let id = find(call, &world)?;
    let members =
        world.accounts.values().filter_map(|account| Some((account, level(&world, account.id, id)?)));
    let members: Vec<_> = members.collect();
    let shape = |(account, level): &(&_, AccessLevel)| shapes::member(&call.instance, account, *level);
    paged(call, Keyset::No, &members, |(account, _)| account.id, shape)
}
