//! `/repository/branches` and `/repository/tags`.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, gone, ok};
use super::call::{Call, Subject};
use super::page::{Keyset, paged};
use super::{projects, shapes};
use crate::gitlab::hooks;
use crate::gitlab::instance::{Instance, blocking};
use crate::gitlab::repository::{Commit, Repository, Tag};
use crate::gitlab::world::AccessLevel;

/// A branch with its commit.
type Branch = (String, Commit);

fn all_branches(repository: &Repository) -> Vec<Branch> {
    let branches = repository.branches().into_iter();
    branches.filter_map(|(name, id)| Some((name, repository.commit(&id)?))).collect()
}

pub(crate) async fn branches(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let repository = project.repository.clone();
    let mut found = blocking(move || all_branches(&repository)).await;
    if let Some(search) = call.params.filled("search") {
        found.retain(|(name, _)| meets(name, &search));
    }
    paged(&call, Keyset::No, &found, |_| 0, |branch| branch_shape(&call.instance, &project, branch))
}

/// `^text` begins with it, `text$` ends with it, otherwise holds it.
fn meets(name: &str, search: &str) -> bool {
    match (search.strip_prefix('^'), search.strip_suffix('$')) {
        (Some(_), Some(_)) => name == search.trim_start_matches('^').trim_end_matches('$'),
        (Some(start), None) => name.starts_with(start),
        (None, Some(end)) => name.ends_with(end),
        (None, None) => name.to_lowercase().contains(&search.to_lowercase()),
    }
}

async fn one_branch(project: &Subject, name: &str) -> Result<Branch, Refusal> {
    let (repository, name) = (project.repository.clone(), name.to_owned());
    let found = blocking(move || {
        let commit = repository.commit(&format!("refs/heads/{name}"))?;
        Some((name, commit))
    });
    found.await.ok_or_else(|| Refusal::not_found("Branch"))
}

pub(crate) async fn branch(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let branch = one_branch(&project, call.segment("name")).await?;
    ok(branch_shape(&call.instance, &project, &branch))
}

fn branch_shape(instance: &Instance, project: &Subject, (name, commit): &Branch) -> Value {
    let default = name == "main";
    json!({
        "name": name,
        "commit": shapes::commit(instance, &project.path, commit),
        "merged": false,
        "protected": default,
        "developers_can_push": false,
        "developers_can_merge": false,
        "can_push": project.level >= Some(if default { AccessLevel::Maintainer } else { AccessLevel::Developer }),
        "default": default,
        "web_url": projects::branch_page(instance, &project.path, name),
    })
}

/// Changes refs as a push by the caller.
async fn change(call: &Call, project: &Subject, arguments: Vec<String>) -> Result<(), Refusal> {
    let (instance, id, account) = (call.instance.clone(), project.id, call.account()?);
    let repository = project.repository.clone();
    let done = blocking(move || {
        let before = repository.refs();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        repository.git(&arguments)?;
        hooks::pushed(&instance, id, account, &before);
        Some(())
    });
    done.await.ok_or_else(|| Refusal::bad_request("the ref cannot be changed"))
}

/// The name and commit a new ref shall have.
async fn wanted(
    call: &Call,
    project: &Subject,
    parameter: &str,
    folder: &str,
) -> Result<[String; 2], Refusal> {
    call.require(&[parameter, "ref"])?;
    let name = call.params.text(parameter).unwrap_or_default();
    let target = call.params.text("ref").unwrap_or_default();
    let (repository, full) = (project.repository.clone(), format!("refs/{folder}/{name}"));
    let checked = blocking(move || {
        let fine = repository.git(&["check-ref-format", &full]).is_some();
        let taken = repository.resolve(&full).is_some();
        (fine, taken, repository.resolve(&target))
    });
    let (fine, taken, commit) = checked.await;
    let what = if folder == "heads" { "Branch" } else { "Tag" };
    if !fine {
        return Err(Refusal::bad_request(&format!("{what} name is invalid")));
    }
    if taken {
        return Err(Refusal::bad_request(&format!("{what} already exists")));
    }
    let commit = commit.ok_or_else(|| Refusal::bad_request("Invalid reference name"))?;
    Ok([name, commit])
}

pub(crate) async fn add_branch(call: Call) -> Answer {
    let project = call.project()?.code()?.at_least(AccessLevel::Developer)?;
    let [name, commit] = wanted(&call, &project, "branch", "heads").await?;
    let arguments = vec!["update-ref".to_owned(), format!("refs/heads/{name}"), commit];
    change(&call, &project, arguments).await?;
    created(branch_shape(&call.instance, &project, &one_branch(&project, &name).await?))
}

pub(crate) async fn remove_branch(call: Call) -> Answer {
    let project = call.project()?.code()?.at_least(AccessLevel::Developer)?;
    let (name, _) = one_branch(&project, call.segment("name")).await?;
    if name == "main" {
        return Err(Refusal::bad_request("Cannot remove the default branch"));
    }
    change(&call, &project, vec!["update-ref".to_owned(), "-d".to_owned(), format!("refs/heads/{name}")])
        .await?;
    gone()
}

pub(crate) async fn tags(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let repository = project.repository.clone();
    let mut found = blocking(move || repository.tags()).await;
    if let Some(search) = call.params.filled("search") {
        found.retain(|tag| meets(&tag.name, &search));
    }
    // Newest name first, as `order_by=name` has it; by time the sample's tags tie.
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    paged(&call, Keyset::No, &found, |_| 0, |tag| shapes::tag(&call.instance, &project.path, tag))
}

async fn one_tag(project: &Subject, name: &str) -> Result<Tag, Refusal> {
    let (repository, name) = (project.repository.clone(), name.to_owned());
    let found = blocking(move || repository.tags().into_iter().find(|tag| tag.name == name));
    found.await.ok_or_else(|| Refusal::not_found("Tag"))
}

pub(crate) async fn tag(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let tag = one_tag(&project, call.segment("name")).await?;
    ok(shapes::tag(&call.instance, &project.path, &tag))
}

pub(crate) async fn add_tag(call: Call) -> Answer {
    let project = call.project()?.code()?.at_least(AccessLevel::Developer)?;
    let [name, commit] = wanted(&call, &project, "tag_name", "tags").await?;
    let mut arguments = vec!["-c".to_owned(), "user.name=GitLab".to_owned(), "-c".to_owned()];
    arguments.extend(["user.email=gitlab@localhost".to_owned(), "tag".to_owned()]);
    if let Some(message) = call.params.filled("message") {
        arguments.extend(["-a".to_owned(), "-m".to_owned(), message]);
    }
    arguments.extend(["--".to_owned(), name.clone(), commit]);
    change(&call, &project, arguments).await?;
    created(shapes::tag(&call.instance, &project.path, &one_tag(&project, &name).await?))
}

pub(crate) async fn remove_tag(call: Call) -> Answer {
    let project = call.project()?.code()?.at_least(AccessLevel::Developer)?;
    let tag = one_tag(&project, call.segment("name")).await?;
    change(
        &call,
        &project,
        vec!["update-ref".to_owned(), "-d".to_owned(), format!("refs/tags/{}", tag.name)],
    )
    .await?;
    gone()
}
