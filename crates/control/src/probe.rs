//! Looks at a repository before anything is made for it, so that a typing slip costs a second. A private one is
//! looked at with its owner's link.

mod advertisement;
mod near;

use domain::{Forge, RefName, RepositoryUrl, Source, Workspace};
use forge::GitLogin;
use http::StatusCode;
use outbound::{Client, Response};
use vault::Secret;

use crate::broker::Refusal;
use crate::control::Control;
use crate::error::Error;
use crate::trouble::Trouble;
use advertisement::Advertisement;
use near::near_names;

/// A million refs. Of a repository with more only the first ones are looked at, and the clone decides.
const ANSWER_MAX: u64 = 64 << 20;
/// The abbreviations of a commit that git accepts.
const SHORTEST_COMMIT: usize = 7;

/// What a repository answered to a look at it.
enum Seen {
    /// It is there and has what is wanted.
    Good,
    /// It does not exist, or not for whoever asked: forges answer the same, so that names stay secret.
    Hidden,
}

impl Control {
    /// Whether a workspace's repository is there, can be read by its owner, and has what is wanted of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what to do about it. Never worth a repetition: `outbound` did that.
    pub(crate) async fn probe(&self, workspace: &Workspace, source: &Source) -> Result<(), Trouble> {
        let scene = self
            .scene(workspace.id)
            .await
            .map_err(|error| Trouble::passing(error.to_string(), error.mend()))?;
        let scene = scene.map_err(|Refusal { why, mend }| Trouble::lasting(why, mend))?;
        let site = scene.sites.iter().find(|site| site.repository == source.repository);
        let Some((site, forge)) = site.and_then(|site| Some((site, site.forge.as_ref()?))) else {
            return match look(&self.inner.outbound, source, None).await? {
                Seen::Good => Ok(()),
                Seen::Hidden => Err(self.hidden(source)),
            };
        };
        let client =
            self.client_of(forge).await.map_err(|error| Trouble::lasting(error.to_string(), error.mend()))?;
        let login = self.git_login(site, false).await;
        let seen = look(&client, source, login.as_ref().ok().map(|(login, _)| login)).await?;
        match (seen, login) {
            (Seen::Good, _) => Ok(()),
            (Seen::Hidden, Ok(_)) => {
                let account = site.link.as_ref().map_or("", |link| link.account.login.as_str());
                Err(Trouble::lasting(
                    format!(
                        "the repository `{}` does not exist, or `{account}` may not read it",
                        source.repository
                    ),
                    format!("check the address, or ask at {} for access to it", forge.name),
                ))
            }
            (Seen::Hidden, Err(Refusal { why, mend })) => Err(Trouble::lasting(
                format!("the repository `{}` does not exist or is private, and {why}", source.repository),
                mend,
            )),
        }
    }

    fn hidden(&self, source: &Source) -> Trouble {
        Trouble::lasting(
            format!("the repository `{}` does not exist or is private", source.repository),
            format!(
                "check the address; a private repository can be opened once its forge is connected under \
                 Integrations: {}",
                self.integrations_page()
            ),
        )
    }

    /// What speaks HTTP to a forge with its own certificates and proxy, and carries nothing elsewhere.
    pub(crate) async fn client_of(&self, forge: &Forge) -> Result<Client, Error> {
        let mut builder = Client::builder(self.inner.settings.network.clone()).same_origin_redirects();
        if let Some(pem) = &forge.ca_pem {
            builder = builder.authorities(pem.as_bytes());
        }
        if let Some(certificate) = &forge.client_certificate
            && let Some(key) = self.forge_secrets(forge.id).await?.client_key
        {
            builder = builder.client_certificate(Secret::new(format!("{certificate}\n{}", key.expose())));
        }
        if let Some(proxy) = &forge.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(|error| Error::Forge { what: error.to_string(), mend: error.mend() })
    }
}

/// Asks a repository for its refs, as `git clone` does first.
async fn look(client: &Client, source: &Source, login: Option<&GitLogin>) -> Result<Seen, Trouble> {
    let mut url = source.repository.as_url().clone();
    url.set_path(&format!("{}/info/refs", url.path()));
    url.set_query(Some("service=git-upload-pack"));
    let mut request = client.get(url).limit(ANSWER_MAX);
    if let Some(login) = login {
        request = request.basic(&login.username, &login.password);
    }
    let mut response = request.send().await?;
    if let Seen::Hidden = judge_status(&source.repository, response.status())? {
        return Ok(Seen::Hidden);
    }
    let mut refs = Advertisement::default();
    let wanted = wanted_ref(source);
    let found = read(&mut response, &mut refs, wanted).await?;
    if !refs.is_git() {
        return Err(not_git(&source.repository));
    }
    match (wanted, found) {
        (Some(reference), Found::No) if !may_be_commit(reference) => {
            Err(missing_ref(&source.repository, reference, &refs))
        }
        _ => Ok(Seen::Good),
    }
}

/// The ref that has to be announced. Those of merge requests may be hidden from the list.
fn wanted_ref(source: &Source) -> Option<&RefName> {
    let is_listed = |reference: &&RefName| {
        let text = reference.as_str();
        !text.starts_with("refs/") || text.starts_with("refs/heads/") || text.starts_with("refs/tags/")
    };
    source.reference.as_ref().filter(is_listed)
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

fn judge_status(repository: &RepositoryUrl, status: StatusCode) -> Result<Seen, Trouble> {
    let host = repository.as_url().host_str().unwrap_or_default();
    match status.as_u16() {
        200..=299 => Ok(Seen::Good),
        401 | 403 | 404 | 410 => Ok(Seen::Hidden),
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
