//! Pull requests.

use domain::Repository;
use serde::Deserialize;

use super::BitbucketServer;
use super::refusal::hidden_is_none;
use super::repository::Repo;
use crate::rest::unnamed_target;
use crate::{Branch, Credential, ForgeError, MergeRequestFacts};

#[derive(Deserialize)]
struct Pull {
    id: u64,
    title: String,
    #[serde(rename = "fromRef")]
    from: End,
    #[serde(rename = "toRef")]
    to: End,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "displayId")]
    name: String,
    #[serde(default, rename = "latestCommit")]
    commit: Option<String>,
    /// Absent where the fork was deleted.
    #[serde(default)]
    repository: Option<Repo>,
}

/// `GET …/pull-requests/{id}`.
pub(super) async fn find(
    forge: &BitbucketServer,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<MergeRequestFacts>, ForgeError> {
    let call = forge.get(credential, repository, &["pull-requests", &number.to_string()]);
    let Some(pull) = hidden_is_none(call.find::<Pull>().await)? else { return Ok(None) };
    let source = pull.from.repository.map(|repo| repo.into_repository(forge)).transpose()?;
    // What is known of it already says more.
    let source = source.map(|source| if source.id == repository.id { repository.clone() } else { source });
    let source_name = pull.from.name.parse().ok();
    Ok(Some(MergeRequestFacts {
        number: pull.id,
        title: pull.title,
        source: source.zip(source_name).map(|(repository, name)| Branch { repository, name }),
        head: pull.from.commit.filter(|sha| !sha.is_empty()),
        target: Branch {
            repository: repository.clone(),
            name: pull.to.name.parse().map_err(|_| unnamed_target())?,
        },
        head_ref: Some(format!("refs/pull-requests/{number}/from")),
    }))
}
