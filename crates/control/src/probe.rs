//! Looks at a repository before anything is made for it, so that a typing slip costs a second.

mod advertisement;
mod near;

use domain::{RefName, RepositoryUrl, Source};
use http::StatusCode;
use outbound::{Client, Response};

use crate::trouble::Trouble;
use advertisement::Advertisement;
use near::near_names;

/// A million refs. Of a repository with more only the first ones are looked at, and the clone decides.
const ANSWER_MAX: u64 = 64 << 20;
/// The abbreviations of a commit that git accepts.
const SHORTEST_COMMIT: usize = 7;

/// Whether a repository is there, can be read by anybody, and has what is wanted of it.
///
/// # Errors
///
/// What is wrong with it and what to do about it. Never worth a repetition: `outbound` did that.
pub(crate) async fn probe(client: &Client, source: &Source) -> Result<(), Trouble> {
    let mut url = source.repository.as_url().clone();
    url.set_path(&format!("{}/info/refs", url.path()));
    url.set_query(Some("service=git-upload-pack"));
    let mut response = client.get(url).limit(ANSWER_MAX).send().await?;
    judge_status(&source.repository, response.status())?;
    let mut refs = Advertisement::default();
    let found = read(&mut response, &mut refs, source.reference.as_ref()).await?;
    if !refs.is_git() {
        return Err(not_git(&source.repository));
    }
    match (&source.reference, found) {
        (Some(reference), Found::No) if !may_be_commit(reference) => {
            Err(missing_ref(&source.repository, reference, &refs))
        }
        _ => Ok(()),
    }
}

enum Found {
    /// It is there, or there is no saying: the answer was longer than what is read and kept.
    Perhaps,
    No,
}

/// Reads as much of the answer as the question needs.
async fn read(
    response: &mut Response,
    refs: &mut Advertisement,
    wanted: Option<&RefName>,
) -> Result<Found, Trouble> {
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(Found::No),
            Err(outbound::Error::TooLarge { .. }) if refs.is_git() => return Ok(Found::Perhaps),
            Err(error) => return Err(error.into()),
        };
        if refs.feed(&chunk).is_err() {
            return Ok(Found::No);
        }
        match wanted {
            None if refs.is_git() => return Ok(Found::Perhaps),
            Some(wanted) if refs.has(wanted.as_str()) => return Ok(Found::Perhaps),
            _ if refs.is_finished() => {
                return Ok(if refs.is_whole() { Found::No } else { Found::Perhaps });
            }
            _ => {}
        }
    }
}

fn judge_status(repository: &RepositoryUrl, status: StatusCode) -> Result<(), Trouble> {
    let host = repository.as_url().host_str().unwrap_or_default();
    match status.as_u16() {
        200..=299 => Ok(()),
        // Forges answer the same for "does not exist" and "not yours", so that names stay secret.
        401 | 403 | 404 | 410 => Err(Trouble::lasting(
            format!("the repository `{repository}` does not exist or is private"),
            "check the address; only repositories that anybody can read can be cloned",
        )),
        429 => Err(Trouble::lasting(
            format!("`{host}` says that it is asked too often"),
            "wait some minutes, then start the workspace again",
        )),
        500..=599 => Err(Trouble::lasting(
            format!("`{host}` is in trouble: it answered {status}"),
            "wait until the forge works again, then start the workspace again",
        )),
        _ => Err(not_git(repository)),
    }
}

fn not_git(repository: &RepositoryUrl) -> Trouble {
    Trouble::lasting(
        format!("there is no Git repository at `{repository}`"),
        "paste the address that the forge shows for cloning over HTTPS",
    )
}

/// Commits that no branch or tag is at are not announced, so only the clone can tell.
fn may_be_commit(reference: &RefName) -> bool {
    let text = reference.as_str();
    (SHORTEST_COMMIT..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn missing_ref(repository: &RepositoryUrl, reference: &RefName, refs: &Advertisement) -> Trouble {
    let reason = format!("the repository `{repository}` has no branch or tag `{reference}`");
    let near = near_names(reference.as_str(), refs.names());
    let mend = if near.is_empty() {
        "check the name, or leave it out to get the default branch".to_owned()
    } else {
        let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        format!("did you mean {}?", near.join(" or "))
    };
    Trouble::lasting(reason, mend)
}
