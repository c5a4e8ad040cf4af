//! Addresses of no known forge: nothing is asked, and Git is left to find out.

use domain::{Context, ContextOptions, Repository, RepositoryUrl};

use super::address::{Address, Over};
use super::error::{ContextError, not_an_address};

/// The repository that Git would clone, and what was guessed about it.
pub(super) fn read(address: &Address) -> Result<(RepositoryUrl, Vec<String>), ContextError> {
    let web = &address.web;
    // Without a scheme every word would be a host.
    let is_place = web.host_str().is_some_and(|host| host.contains('.') || host.starts_with('['));
    if address.is_guess && !is_place {
        let text = web.as_str();
        return Err(not_an_address(text.strip_prefix("https://").unwrap_or(text)));
    }
    let repository: RepositoryUrl =
        web.as_str().parse().map_err(|bad: domain::repository::InvalidRepository| {
            let mend = "paste the address of a repository, such as `https://gitlab.com/group/project`";
            ContextError::text("no_repository", bad.to_string(), mend)
        })?;
    let warnings = match address.over {
        Over::Web => Vec::new(),
        Over::Ssh(_) => vec![format!(
            "nothing is known about this SSH server, so that `{repository}` is cloned over HTTPS instead"
        )],
    };
    Ok((repository, warnings))
}

/// The context of a repository that nobody was asked about.
pub fn plain_context(url: &RepositoryUrl, options: ContextOptions, warnings: Vec<String>) -> Context {
    let path = url.as_url().path().trim_matches('/');
    let owner = path.rsplit_once('/').map_or("", |(owner, _)| owner).to_owned();
    let name = url.short_name();
    let title = if owner.is_empty() { name.clone() } else { format!("{owner}/{name}") };
    let repository = Repository {
        owner,
        name,
        clone_url: url.clone(),
        ssh_url: None,
        default_branch: None,
        private: false,
        id: url.to_string(),
    };
    Context {
        forge: None,
        kind: None,
        url: url.to_string(),
        repository,
        ref_kind: None,
        reference: None,
        revision: None,
        path: None,
        is_file: false,
        merge_request: None,
        issue: None,
        base: None,
        upstream: None,
        local_branch: None,
        title,
        options,
        warnings,
    }
}
