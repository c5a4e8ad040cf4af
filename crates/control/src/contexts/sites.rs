//! The forges an address may belong to, as one caller sees them.

use domain::{Caller, Forge, ForgeState, Link, LinkState, Team};
use forge::context::Site;

use crate::control::Control;
use crate::error::Error;

/// A registered forge, with the caller's account there.
pub(super) struct Known {
    pub(super) forge: Forge,
    pub(super) link: Option<Link>,
}

/// What an address is compared with: first the registered forges, then the public ones.
pub(super) struct KnownSites {
    /// As many of the first sites as are registered.
    pub(super) forges: Vec<Known>,
    pub(super) sites: Vec<Site>,
}

impl Control {
    /// The forges that the caller may use. Where several are at one place, the one with a good link comes
    /// first, then a team's, then the whole platform's.
    pub(super) async fn known_sites(&self, caller: &Caller) -> Result<KnownSites, Error> {
        let mut tx = self.inner.store.read().await?;
        let (all, links) = (tx.forges().await?, tx.links_of(caller.user).await?);
        let teams = tx.teams_of(caller.user).await?;
        drop(tx);
        let belongs = |forge: &Forge| {
            forge.team.is_none_or(|id| id == Team::EVERYBODY || teams.iter().any(|(team, _)| team.id == id))
        };
        let usable = |forge: &Forge| {
            let mine = forge.created_by == Some(caller.user);
            forge.kind.has_repositories() && (mine || !matches!(forge.state, ForgeState::Pending))
        };
        let usable = all.into_iter().filter(|forge| belongs(forge) && usable(forge));
        let mut forges: Vec<Known> = usable
            .map(|forge| Known { link: links.iter().find(|link| link.forge == forge.id).cloned(), forge })
            .collect();
        forges.sort_by_key(|known| {
            let is_linked = known.link.as_ref().is_some_and(|link| link.state == LinkState::Active);
            (!is_linked, known.forge.team.is_none())
        });
        let sites = forges.iter().map(|known| Site::of(&known.forge)).chain(Site::public()).collect();
        Ok(KnownSites { forges, sites })
    }
}
