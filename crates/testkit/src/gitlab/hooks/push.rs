//! What a push sets off: hooks for each ref, one `repository_update`, an entry in the activity feed, new
//! heads of merge requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::payload;
use super::sender::{Happening, fire};
use crate::gitlab::instance::Instance;
use crate::gitlab::repository::{Commit, Repository};

/// The id of nothing: before a ref was made, after it is gone.
pub(crate) const NOTHING: &str = "0000000000000000000000000000000000000000";
/// A payload has this many commits at most, the newest.
const SHOWN: usize = 20;

struct Change {
    name: String,
    before: String,
    after: String,
}

/// Compares the refs before and after a push by the account, and tells whoever wants to know.
pub(crate) fn pushed(
    instance: &Arc<Instance>,
    project: u64,
    account: u64,
    before: &BTreeMap<String, String>,
) {
    let Some(path) = instance.world().projects.get(&project).map(|project| project.repository.clone()) else {
        return;
    };
    let repository = Repository::at(&path);
    let after = repository.refs();
    let changes = changes(before, &after);
    if changes.is_empty() {
        return;
    }
    let now = instance.now();
    if let Some(project) = instance.world().projects.get_mut(&project) {
        project.last_activity_at = now;
    }
    // Beyond the limit a push is silent but for `repository_update`.
    let silent = changes.len() > instance.options.hooks.push_limit;
    if silent {
        bulk_event(instance, project, account, changes.len());
    }
    for change in changes.iter().filter(|_| !silent) {
        one_ref(instance, &repository, project, account, change);
    }
    update(instance, project, account, &changes);
    for change in &changes {
        if let Some(branch) = change.name.strip_prefix("refs/heads/") {
            crate::gitlab::seed::merge_requests::follow(instance, project, branch, &change.after, account);
        }
    }
}

/// Branches and tags that differ.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let ours = names.filter(|name| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    let id = |refs: &BTreeMap<String, String>, name: &str| {
        refs.get(name).map_or(NOTHING, String::as_str).to_owned()
    };
    let changes =
        ours.map(|name| Change { name: name.clone(), before: id(before, name), after: id(after, name) });
    changes.filter(|change| change.before != change.after).collect()
}

fn one_ref(instance: &Arc<Instance>, repository: &Repository, project: u64, account: u64, change: &Change) {
    let commits = commits(repository, change);
    let title = commits.first().map(Commit::title);
    push_event(instance, project, account, change, (commits.len(), title));
    if let Some(happening) = about(instance, repository, (project, account), change, &commits) {
        fire(instance, &happening);
    }
}

/// The commits a change brought, newest first.
fn commits(repository: &Repository, change: &Change) -> Vec<Commit> {
    let is_tag = change.name.starts_with("refs/tags/");
    match (change.before.as_str(), change.after.as_str()) {
        (_, NOTHING) => vec![],
        (NOTHING, after) if is_tag => repository.log(&["--max-count=1", after]),
        // A new branch shows what is on no other one.
        (NOTHING, after) => {
            let exclude = format!("--exclude={}", change.name);
            repository.log(&[after, "--not", &exclude, "--branches"])
        }
        (before, after) => repository.log(&[&format!("{before}..{after}")]),
    }
}

fn about(
    instance: &Instance,
    repository: &Repository,
    (project, account): (u64, u64),
    change: &Change,
    commits: &[Commit],
) -> Option<Happening> {
    let branch = change.name.strip_prefix("refs/heads/");
    let checkout = if change.after == NOTHING { None } else { repository.resolve(&change.after) };
    let world = instance.world();
    let record = world.projects.get(&project)?;
    let author = world.accounts.get(&account)?;
    let shown = commits.iter().take(SHOWN).rev();
    let shown =
        shown.map(|commit| payload::commit(instance, &record.path, commit, repository.changed(&commit.id)));
    let kind = if branch.is_none() { "tag_push" } else { "push" };
    let mut body = json!({
        "object_kind": kind,
        "event_name": kind,
        "before": change.before,
        "after": change.after,
        "ref": change.name,
        "checkout_sha": checkout,
        "message": null,
        "user_id": account,
        "user_name": author.name,
        "user_username": author.username,
        "user_email": "",
        "user_avatar": null,
        "project_id": project,
        "project": payload::project(instance, &world, record),
        "commits": shown.collect::<Vec<Value>>(),
        "total_commits_count": commits.len(),
        "push_options": {},
        "repository": payload::repository(instance, record),
    });
    if instance.version().at_least(17, 0) {
        body["ref_protected"] = json!(branch == Some("main"));
    }
    let mut system = body.clone();
    if let Some(system) = system.as_object_mut() {
        system.remove("object_kind");
        // A push through a system hook does not say what its commits are.
        system.insert("commits".into(), json!([]));
    }
    let (field, header) = match branch {
        None => ("tag_push_events", "Tag Push Hook"),
        Some(_) => ("push_events", "Push Hook"),
    };
    Some(Happening {
        project: Some(project),
        group: None,
        field: Some(field),
        header,
        branch: branch.map(str::to_owned),
        body: Some(body),
        system: Some(system),
    })
}

/// What a test delivery shows: the last commit of `main`, or the last tag.
pub(super) fn example(instance: &Instance, project: u64, account: u64, folder: &str) -> Option<Happening> {
    let repository = Repository::at(&instance.world().projects.get(&project)?.repository);
    let refs = repository.refs();
    let (name, after) = refs.iter().rfind(|(name, _)| name.starts_with(folder))?;
    let (name, after) =
        refs.get_key_value("refs/heads/main").filter(|_| folder == "refs/heads/").unwrap_or((name, after));
    let parent = repository.commit(after)?.parents.into_iter().next();
    let is_tag = folder == "refs/tags/";
    let before = parent.filter(|_| !is_tag).unwrap_or_else(|| NOTHING.to_owned());
    let change = Change { name: name.clone(), before, after: after.clone() };
    let commits = commits(&repository, &change);
    about(instance, &repository, (project, account), &change, &commits)
}

fn push_event(
    instance: &Instance,
    project: u64,
    account: u64,
    change: &Change,
    (count, title): (usize, Option<&str>),
) {
    let (name, kind) = match change.name.strip_prefix("refs/heads/") {
        Some(branch) => (branch, "branch"),
        None => (change.name.trim_start_matches("refs/tags/"), "tag"),
    };
    let (action, action_name) = match (change.before.as_str(), change.after.as_str()) {
        (NOTHING, _) => ("created", "pushed new"),
        (_, NOTHING) => ("removed", "deleted"),
        _ => ("pushed", "pushed to"),
    };
    let id = |id: &str| (id != NOTHING).then(|| id.to_owned());
    let detail = json!({
        "action_name": action_name,
        "push_data": {
            "commit_count": count,
            "action": action,
            "ref_type": kind,
            "commit_from": id(&change.before),
            "commit_to": id(&change.after),
            "ref": name,
            "commit_title": title,
            "ref_count": null,
        },
    });
    instance.record_event(project, account, detail);
}

fn bulk_event(instance: &Instance, project: u64, account: u64, count: usize) {
    let detail = json!({
        "action_name": "pushed to",
        "push_data": {
            "commit_count": 0, "action": "pushed", "ref_type": "branch", "commit_from": null,
            "commit_to": null, "ref": null, "commit_title": null, "ref_count": count,
        },
    });
    instance.record_event(project, account, detail);
}

/// The one system event that lists every ref.
fn update(instance: &Arc<Instance>, project: u64, account: u64, changes: &[Change]) {
    let happening = {
        let world = instance.world();
        let Some(record) = world.projects.get(&project) else { return };
        let Some(author) = world.accounts.get(&account) else { return };
        let listed = changes.iter();
        let listed = listed
            .map(|change| json!({ "before": change.before, "after": change.after, "ref": change.name }));
        let body = json!({
            "event_name": "repository_update",
            "user_id": account,
            "user_name": author.name,
            "user_email": author.email,
            "user_avatar": null,
            "project_id": project,
            "project": payload::project(instance, &world, record),
            "changes": listed.collect::<Vec<_>>(),
            "refs": changes.iter().map(|change| change.name.clone()).collect::<Vec<_>>(),
        });
        Happening {
            project: Some(project),
            group: None,
            field: Some("repository_update_events"),
            header: "System Hook",
            branch: None,
            body: None,
            system: Some(body),
        }
    };
    fire(instance, &happening);
}
