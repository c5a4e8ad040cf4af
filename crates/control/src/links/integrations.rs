//! Forges as one person sees them: linked or not.

use domain::{Caller, Forge, Link};
use forge::ScopeInfo;
use store::SshUpload;
use url::Url;

use crate::control::Control;
use crate::error::Error;
use crate::forges::is_visible;
use crate::people::{PasswordDoor, is_last_way_in};

/// A forge, and the caller's link there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The forge.
    pub forge: Forge,
    /// Every scope that makes sense there.
    pub known_scopes: &'static [ScopeInfo],
    /// Where people manage applications and tokens.
    pub manage_url: Option<Url>,
    /// The link, if there is one.
    pub link: Option<LinkFacts>,
}

/// A link with what its owner wants to know beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    /// The link.
    pub link: Link,
    /// Whether its owner can sign in with it.
    pub signs_in: bool,
    /// Whether it is its owner's last way in.
    pub last_way_in: bool,
    /// What became of the SSH key there.
    pub upload: Option<SshUpload>,
}

impl Control {
    /// The forges the caller can link, and those linked already.
    pub async fn integrations(&self, caller: &Caller) -> Result<Vec<Integration>, Error> {
        caller.scope(domain::Scope::All)?;
        let door = self.password_door().await?;
        let mut tx = self.inner.store.read().await?;
        let mut links = tx.links_of(caller.user).await?;
        let mut found = Vec::new();
        for forge in tx.forges().await? {
            let place = links.iter().position(|link| link.forge == forge.id);
            let link = place.map(|place| links.swap_remove(place));
            // What is linked can be taken back, also after its owner has left the team.
            if link.is_none() && !is_visible(&mut tx, caller, &forge).await? {
                continue;
            }
            let link = match link {
                Some(link) => Some(facts(&mut tx, &forge, link, door).await?),
                None => None,
            };
            found.push(Integration {
                known_scopes: forge::scopes(forge.kind),
                manage_url: None,
                link,
                forge,
            });
        }
        drop(tx);
        for integration in &mut found {
            // One that cannot be opened now has no such page to show.
            if let Ok(provider) = self.provider(&integration.forge).await {
                integration.manage_url = provider.manage_url();
            }
        }
        Ok(found)
    }

    /// One link of the caller, with what belongs beside.
    pub(super) async fn link_facts(&self, forge: &Forge, id: domain::LinkId) -> Result<LinkFacts, Error> {
        let door = self.password_door().await?;
        let mut tx = self.inner.store.read().await?;
        let link = tx.link(id).await?.ok_or_else(|| Error::missing("link", id))?;
        facts(&mut tx, forge, link, door).await
    }
}

async fn facts(
    tx: &mut store::Tx,
    forge: &Forge,
    link: Link,
    door: PasswordDoor,
) -> Result<LinkFacts, Error> {
    let identity = tx.identity(&forge.issuer(), &link.account.subject).await?;
    let is_identity = identity.is_some_and(|identity| identity.user == link.user);
    let signs_in = is_identity && forge.team.is_none() && forge.sign_in;
    let last_way_in = is_identity && is_last_way_in(tx, link.user, forge, door).await?;
    let upload = tx.upload(link.id).await?;
    Ok(LinkFacts { link, signs_in, last_way_in, upload })
}
