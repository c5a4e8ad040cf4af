//! Issues, where a repository keeps them here and not in Jira.

use domain::Repository;
use domain::context::Issue;
use serde::Deserialize;

use super::BitbucketCloud;
use crate::{Credential, ForgeError};

#[derive(Deserialize)]
struct Found {
    id: u64,
    title: String,
}

/// `GET …/issues/{id}`.
pub(super) async fn find(
    forge: &BitbucketCloud,
    credential: &Credential,
    repository: &Repository,
    number: u64,
) -> Result<Option<Issue>, ForgeError> {
    let call = forge.get(credential, repository, &["issues", &number.to_string()]);
    let found: Option<Found> = call.find().await?;
    Ok(found.map(|issue| Issue { number: issue.id, title: issue.title }))
}
