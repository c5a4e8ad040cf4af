//! Forges: the Git hosting instances and identity providers that are registered here.
//!
//! The whole platform's are registered by administrators or in the configuration file, a team's by its
//! admins; people can sign in only with the platform's. A forge is *pending* until whoever registered it has
//! completed a round trip with it, and again whenever what that proved has changed.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::{Caller, Forge, ForgeId, ForgeKind, ForgeState, Role, Scope, TeamId, TeamRole, UserId};
use forge::ScopeInfo;
use store::Tx;
use url::Url;

use crate::control::Control;
use crate::error::Error;
use crate::seal::CellKind;
use crate::teams::standing;

mod check;
mod delete;
mod file;
mod health;
mod provider;
mod reach;
mod register;
mod settings;
mod update;

pub use check::{ForgeCheck, ForgeCheckStep, StepOutcome};
pub use delete::LockOut;
pub use file::FileForge;
pub use settings::ForgeSettings;

pub(crate) use health::verify;
pub(crate) use provider::{Providers, said, try_application};
pub(crate) use settings::parse_scopes;

/// A forge to register.
pub struct NewForge {
    /// `gitlab`, `github`, `gitea`, `bitbucket_server`, `bitbucket_cloud`, `azure_devops` or `open_id`.
    pub kind: String,
    /// Name to show; the host where absent.
    pub name: Option<String>,
    /// Where browsers reach it; the product's public home where absent.
    pub web_url: Option<String>,
    /// The team it is for, by id or address; the whole platform where absent.
    pub team: Option<String>,
    /// Everything else.
    pub settings: ForgeSettings,
}

/// What to change about a forge; what is absent stays.
#[derive(Default)]
pub struct ForgeChange {
    /// Name to show; an empty text makes it the host.
    pub name: Option<String>,
    /// Where browsers reach it.
    pub web_url: Option<String>,
    /// Everything else.
    pub settings: ForgeSettings,
}

/// A forge with what its administrator wants to know beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeFacts {
    /// As it is registered.
    pub forge: Forge,
    /// Whether a client secret is kept.
    pub has_client_secret: bool,
    /// The address to register at the forge, exactly so.
    pub redirect_uri: String,
    /// Every scope that makes sense there.
    pub known_scopes: &'static [ScopeInfo],
    /// What its version lacks, in words.
    pub lacks: Vec<String>,
    /// Page where the application is registered.
    pub register_url: Option<Url>,
    /// How many people have linked an account.
    pub links: u64,
}

/// A way to sign in, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInOption {
    /// The forge.
    pub forge: ForgeId,
    /// What runs there.
    pub kind: ForgeKind,
    /// Name to show.
    pub name: String,
    /// Its host.
    pub host: String,
}

/// What is kept in memory about forges: providers, and how often each was bothered.
#[derive(Default)]
pub(crate) struct ForgeMemory {
    pub(crate) providers: Providers,
    /// When somebody last had a forge checked.
    checks: Mutex<HashMap<UserId, check::Checks>>,
    pub(crate) health: health::Health,
}

impl Control {
    /// The ways to sign in, for everybody.
    pub async fn sign_in_options(&self) -> Result<Vec<SignInOption>, Error> {
        let forges = self.inner.store.read().await?.forges().await?;
        let offered = forges.into_iter().filter(|forge| {
            forge.team.is_none() && forge.sign_in && !matches!(forge.state, ForgeState::Pending)
        });
        Ok(offered
            .map(|forge| SignInOption {
                forge: forge.id,
                kind: forge.kind,
                host: forge.web_url.host_str().unwrap_or_default().to_owned(),
                name: forge.name,
            })
            .collect())
    }

    /// What a forge is called; nothing once it is gone.
    pub async fn forge_name(&self, id: ForgeId) -> Result<Option<String>, Error> {
        Ok(self.inner.store.read().await?.forge(id).await?.map(|forge| forge.name))
    }

    /// The forges the caller may manage: for administrators every one, for admins of a team its own. Everybody
    /// else uses [`Control::integrations`].
    pub async fn forges(&self, caller: &Caller) -> Result<Vec<ForgeFacts>, Error> {
        caller.scope(Scope::All)?;
        let mut tx = self.inner.store.read().await?;
        let mut mine = Vec::new();
        for forge in tx.forges().await? {
            if manages(&mut tx, caller, forge.team).await? {
                mine.push(forge);
            }
        }
        drop(tx);
        let mut facts = Vec::with_capacity(mine.len());
        for forge in mine {
            facts.push(self.facts(forge).await?);
        }
        Ok(facts)
    }

    /// One forge that the caller may manage.
    pub async fn forge(&self, caller: &Caller, id: ForgeId) -> Result<ForgeFacts, Error> {
        let forge = managed(&mut self.inner.store.read().await?, caller, id).await?;
        self.facts(forge).await
    }

    /// A forge with what belongs beside it.
    async fn facts(&self, forge: Forge) -> Result<ForgeFacts, Error> {
        let redirect_uri = self.redirect_uri(&forge);
        // One whose secrets cannot be opened now has no page to register at, but everything else.
        let register_url = match self.provider(&forge).await {
            Ok(provider) => provider.register_url(&redirect_uri, &forge.scopes),
            Err(_) => None,
        };
        let lacks = forge.version.as_deref().map_or_else(Vec::new, |version| {
            forge::capabilities(forge.kind, Some(version)).lacks.iter().map(|&lack| lack.to_owned()).collect()
        });
        let mut tx = self.inner.store.read().await?;
        let kind = CellKind::ForgeClientSecret.as_str();
        let has_client_secret = tx.has_sealed(kind, &forge.id.to_string()).await?;
        let links = tx.count_links(forge.id).await?;
        let known_scopes = forge::scopes(forge.kind);
        Ok(ForgeFacts { forge, has_client_secret, redirect_uri, known_scopes, lacks, register_url, links })
    }

    /// Where this forge sends browsers back to.
    pub(crate) fn redirect_uri(&self, forge: &Forge) -> String {
        let base = self.inner.settings.public_url.as_str().trim_end_matches('/');
        format!("{base}{}", forge.redirect.path(forge.id))
    }
}

/// Whether the caller may manage forges of `team`, or of the platform.
pub(crate) async fn manages(tx: &mut Tx, caller: &Caller, team: Option<TeamId>) -> Result<bool, Error> {
    if caller.scope(Scope::All).is_err() {
        return Ok(false);
    }
    if caller.role == Role::Admin {
        return Ok(true);
    }
    let Some(team) = team else { return Ok(false) };
    let role = standing(tx, team, caller.user, caller.role).await?;
    Ok(role.is_some_and(|role| role >= TeamRole::Admin))
}

/// The forge, if the caller may manage it; for everybody else there is none.
async fn managed(tx: &mut Tx, caller: &Caller, id: ForgeId) -> Result<Forge, Error> {
    caller.scope(Scope::All)?;
    let forge = tx.forge(id).await?.ok_or_else(|| Error::missing("forge", id))?;
    if manages(tx, caller, forge.team).await? { Ok(forge) } else { Err(Error::missing("forge", id)) }
}

/// Whether the caller can see and use the forge: the platform's verified ones, those of the caller's teams, and
/// pending ones of whoever registered them.
pub(crate) async fn is_visible(tx: &mut Tx, caller: &Caller, forge: &Forge) -> Result<bool, Error> {
    if manages(tx, caller, forge.team).await? {
        return Ok(true);
    }
    if matches!(forge.state, ForgeState::Pending) {
        return Ok(forge.created_by == Some(caller.user));
    }
    match forge.team {
        None => Ok(true),
        Some(team) => Ok(standing(tx, team, caller.user, caller.role).await?.is_some()),
    }
}
