//! A workspace with everything that decides what Git in it may do, as of this moment.

use domain::{
    Forge, ForgeState, GitPreferences, Link, RepositoryUrl, SshEndpoint, Team, User, Workspace, WorkspaceId,
};

use super::Refusal;
use crate::control::Control;
use crate::error::Error;
use crate::teams::standing;

/// Where SSH is served at forges that nobody registered.
const SSH_PORT: u16 = 22;

/// A workspace whose owner is welcome, as far as Git in it is concerned.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) owner: User,
    pub(crate) preferences: GitPreferences,
    /// Its repositories, its own first.
    pub(crate) sites: Vec<Site>,
    /// SSH host keys of registered forges that have none of its repositories.
    pub(crate) foreign_keys: Vec<String>,
    /// Those of the platform's forges among them that are at none of its repositories' addresses either. No
    /// forge of a team can claim these.
    pub(crate) reserved_keys: Vec<String>,
}

/// Where a forge of a workspace's repositories takes SSH connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) endpoint: &'a SshEndpoint,
    /// Whether an administrator of the platform vouches for it, and not those of a team only.
    pub(crate) is_platforms: bool,
}

/// A repository that belongs to a workspace, and what is registered for it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) repository: RepositoryUrl,
    pub(crate) forge: Option<Forge>,
    /// The owner's link to that forge.
    pub(crate) link: Option<Link>,
}

/// A place on the network that belongs to a workspace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) host: String,
    pub(super) port: u16,
    /// The registered forge there.
    pub(super) forge: Option<&'a Forge>,
}

impl Control {
    /// The workspace as it is now, or why its owner may do nothing in it.
    pub(crate) async fn scene(&self, id: WorkspaceId) -> Result<Result<Scene, Refusal>, Error> {
        let mut tx = self.inner.store.read().await?;
        let gone = || Refusal::new("this workspace does not exist any more", "make a new one");
        let Some(workspace) = tx.workspace(id).await? else { return Ok(Err(gone())) };
        let Some(owner) = tx.user(workspace.owner).await? else { return Ok(Err(gone())) };
        if owner.suspended_at.is_some() {
            let mend = "ask an administrator to lift the suspension";
            return Ok(Err(Refusal::new("the account that owns this workspace is suspended", mend)));
        }
        if standing(&mut tx, workspace.team, owner.id, owner.role).await?.is_none() {
            let mend = "ask an owner of the team to let you in again";
            return Ok(Err(Refusal::new("you do not belong to this workspace's team any more", mend)));
        }
        let preferences = tx.preferences(owner.id).await?;
        let forges = tx.forges().await?;
        let links = tx.links_of(owner.id).await?;
        Ok(Ok(Scene::new(&workspace, owner, preferences, forges, &links)))
    }
}

impl Scene {
    fn new(
        workspace: &Workspace,
        owner: User,
        preferences: GitPreferences,
        forges: Vec<Forge>,
        links: &[Link],
    ) -> Self {
        let (usable, others): (Vec<Forge>, Vec<Forge>) =
            forges.into_iter().partition(|forge| is_usable(forge, workspace));
        let sites: Vec<Site> = repositories(workspace, &preferences)
            .into_iter()
            .map(|repository| {
                let (forge, link) = covering(&repository, &usable, links, workspace);
                Site { repository, forge: forge.cloned(), link: link.cloned() }
            })
            .collect();
        let own: Vec<_> = sites.iter().filter_map(|site| site.forge.as_ref()).map(|forge| forge.id).collect();
        let foreign: Vec<&Forge> =
            usable.iter().chain(&others).filter(|forge| !own.contains(&forge.id)).collect();
        let keys = |forge: &&Forge| forge.ssh.as_ref().map(|ssh| ssh.host_keys.clone()).unwrap_or_default();
        let is_elsewhere = |forge: &&&Forge| {
            let is_at = |site: &Site| {
                let own = site.repository.as_url().origin();
                [forge.git_base(), &forge.web_url].into_iter().any(|base| base.origin() == own)
            };
            forge.team.is_none() && !sites.iter().any(is_at)
        };
        let reserved_keys = foreign.iter().filter(is_elsewhere).flat_map(keys).collect();
        let foreign_keys = foreign.iter().flat_map(keys).collect();
        Self { owner, preferences, sites, foreign_keys, reserved_keys }
    }

    /// Where Git and SSH inside may connect to.
    pub(super) fn reach(&self) -> Vec<Place<'_>> {
        let mut reach = Vec::new();
        for site in &self.sites {
            let forge = site.forge.as_ref();
            let place = |(host, port): (String, u16)| Place { host, port, forge };
            reach.push(place(site.repository.authority()));
            match forge {
                Some(forge) => {
                    reach.push(place(forge.git_authority()));
                    reach.extend(forge.ssh.as_ref().map(|ssh| place((ssh.host.clone(), ssh.port))));
                }
                None => reach.push(place((site.repository.authority().0, SSH_PORT))),
            }
        }
        reach
    }

    /// Where registered forges of its repositories take SSH connections.
    pub(super) fn doors(&self) -> impl Iterator<Item = Door<'_>> {
        self.sites.iter().filter_map(|site| {
            let forge = site.forge.as_ref()?;
            Some(Door { endpoint: forge.ssh.as_ref()?, is_platforms: forge.team.is_none() })
        })
    }
}

/// Its own repository, where its merge request leads to, and its owner's dotfiles.
fn repositories(workspace: &Workspace, preferences: &GitPreferences) -> Vec<RepositoryUrl> {
    let source = workspace.source.as_ref();
    let own = source.map(|source| source.repository.clone());
    let upstream = source.and_then(|source| source.checkout.upstream.clone());
    let dotfiles = preferences.dotfiles.as_ref().and_then(|text| text.parse().ok());
    let mut found: Vec<RepositoryUrl> = Vec::new();
    for repository in [own, upstream, dotfiles].into_iter().flatten() {
        if !found.contains(&repository) {
            found.push(repository);
        }
    }
    found
}

/// Forges of the workspace's team and of the platform, once somebody has verified them.
fn is_usable(forge: &Forge, workspace: &Workspace) -> bool {
    let is_near = forge.team.is_none_or(|team| team == workspace.team || team == Team::EVERYBODY);
    let is_good = forge.state != ForgeState::Pending || forge.created_by == Some(workspace.owner);
    is_near && is_good && forge.kind.has_repositories()
}

/// The forge that a repository is at, and the owner's link to it. The longest address wins; of several
/// registrations of one address the one that is linked, then the team's own.
fn covering<'a>(
    repository: &RepositoryUrl,
    forges: &'a [Forge],
    links: &'a [Link],
    workspace: &Workspace,
) -> (Option<&'a Forge>, Option<&'a Link>) {
    let found = forges
        .iter()
        .filter_map(|forge| {
            let depth =
                [forge.git_base(), &forge.web_url].into_iter().filter_map(|base| depth(base, repository));
            let link = links.iter().find(|link| link.forge == forge.id);
            Some((depth.max()?, link.is_some(), forge.team == Some(workspace.team), forge, link))
        })
        .max_by_key(|(depth, is_linked, is_own, ..)| (*depth, *is_linked, *is_own));
    match found {
        Some((.., forge, link)) => (Some(forge), link),
        None => (None, None),
    }
}

/// How many parts of the repository's path are those of `base`; `None` if it is somewhere else.
fn depth(base: &url::Url, repository: &RepositoryUrl) -> Option<usize> {
    let url = repository.as_url();
    if !base.origin().is_tuple() || base.origin() != url.origin() {
        return None;
    }
    let base: Vec<&str> = base.path_segments()?.filter(|part| !part.is_empty()).collect();
    let own: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let is_below = own.len() > base.len() && own.iter().zip(&base).all(|(own, base)| own == base);
    is_below.then_some(base.len())
}

#[cfg(test)]
mod tests;
