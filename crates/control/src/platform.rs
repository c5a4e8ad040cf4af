//! What an administrator decides for everybody.

use std::str::FromStr;

use domain::{Caller, Role, SshAlgorithm, Team, TeamId, TeamSlug};
use serde::{Deserialize, Serialize};
use store::Tx;

use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// Where the decisions lie.
const KEY: &str = "platform";

/// Who may make teams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakeTeams {
    /// Administrators of the platform.
    #[default]
    Admins,
    /// Everybody.
    Everybody,
}

/// The text says nobody who could make teams.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nobody who could make teams")]
pub struct InvalidMakeTeams(String);

impl MakeTeams {
    /// As it is written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Everybody => "everybody",
        }
    }
}

impl FromStr for MakeTeams {
    type Err = InvalidMakeTeams;

    fn from_str(text: &str) -> Result<Self, InvalidMakeTeams> {
        let found = [Self::Admins, Self::Everybody].into_iter().find(|who| who.as_str() == text);
        found.ok_or_else(|| InvalidMakeTeams(text.chars().take(40).collect()))
    }
}

/// What is decided for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSettings {
    /// What new SSH keys of people are made with.
    pub ssh_algorithm: SshAlgorithm,
    /// Whether people may sign in with a password.
    pub password_sign_in: bool,
    /// Who may make teams.
    pub make_teams: MakeTeams,
    /// Where workspaces go when nobody says otherwise, of people who belong to it.
    pub default_team: Team,
}

/// What is to be decided. Texts as they came in; they are parsed here.
#[derive(Debug, Clone)]
pub struct PlatformWish {
    /// `ed25519`, `ecdsa-p256` or `rsa-4096`.
    pub ssh_algorithm: String,
    /// Whether people may sign in with a password.
    pub password_sign_in: bool,
    /// `admins` or `everybody`.
    pub make_teams: String,
    /// A team, by id or address.
    pub default_team: String,
}

/// The decisions as they lie in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stored {
    pub(crate) ssh_algorithm: SshAlgorithm,
    pub(crate) password_sign_in: bool,
    pub(crate) make_teams: MakeTeams,
    pub(crate) default_team: TeamId,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            ssh_algorithm: SshAlgorithm::default(),
            password_sign_in: true,
            make_teams: MakeTeams::default(),
            default_team: Team::EVERYBODY,
        }
    }
}

/// What is decided now; the defaults where nobody has.
pub(crate) async fn stored(tx: &mut Tx) -> Result<Stored, Error> {
    let Some(text) = tx.setting(KEY).await? else { return Ok(Stored::default()) };
    serde_json::from_str(&text).map_err(|error| Error::Internal {
        what: "cannot read the platform's settings".into(),
        source: Box::new(error),
    })
}

/// Whether an administrator who is welcome can sign in without a password: with an identity of one of the
/// platform's forges that is known to work and to be signed in with. `without` leaves one forge out.
pub(crate) async fn admin_has_other_way_in(
    tx: &mut Tx,
    without: Option<domain::ForgeId>,
) -> Result<bool, Error> {
    let forges = tx.forges().await?.into_iter();
    let issuers: Vec<String> = forges
        .filter(|forge| forge.team.is_none() && forge.sign_in && forge.is_verified())
        .filter(|forge| Some(forge.id) != without)
        .map(|forge| forge.issuer())
        .collect();
    let admins = tx.users().await?.into_iter();
    for admin in admins.filter(|user| user.role == Role::Admin && user.suspended_at.is_none()) {
        if tx.identities_of(admin.id).await?.iter().any(|identity| issuers.contains(&identity.issuer)) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Control {
    /// What is decided for everybody. For administrators.
    pub async fn platform_settings(&self, caller: &Caller) -> Result<PlatformSettings, Error> {
        caller.administer()?;
        let mut tx = self.inner.store.read().await?;
        let stored = stored(&mut tx).await?;
        shown(&mut tx, stored).await
    }

    /// Decides for everybody. For administrators.
    ///
    /// # Errors
    ///
    /// `invalid` names the field; 409 `no_other_way_in` when no administrator could sign in any more.
    pub async fn set_platform_settings(
        &self,
        caller: &Caller,
        wish: PlatformWish,
    ) -> Result<PlatformSettings, Error> {
        caller.administer()?;
        let ssh_algorithm = wish.ssh_algorithm.trim().parse().map_err(|bad| {
            Error::invalid("ssh_algorithm", bad, "choose one of `ed25519`, `ecdsa-p256`, `rsa-4096`")
        })?;
        let make_teams = wish.make_teams.trim().parse().map_err(|bad: InvalidMakeTeams| {
            Error::invalid("make_teams", bad, "choose `admins` or `everybody`")
        })?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let before = stored(&mut tx).await?;
        let default_team = find_team(&mut tx, wish.default_team.trim()).await?;
        if !wish.password_sign_in && before.password_sign_in && !admin_has_other_way_in(&mut tx, None).await?
        {
            return Err(Error::Conflict {
                code: "no_other_way_in",
                what: "no administrator could sign in without a password".into(),
                mend: "sign in once with a provider as an administrator, then try again".into(),
            });
        }
        let after = Stored {
            ssh_algorithm,
            password_sign_in: wish.password_sign_in,
            make_teams,
            default_team: default_team.id,
        };
        if after != before {
            let text = serde_json::to_string(&after).map_err(|error| Error::Internal {
                what: "cannot write the platform's settings".into(),
                source: Box::new(error),
            })?;
            tx.set_setting(KEY, &text).await?;
            note(&mut tx, caller.user, now, ("platform.settings", "platform".into()), said(&before, &after))
                .await?;
        }
        let shown = shown(&mut tx, after).await?;
        tx.commit().await?;
        Ok(shown)
    }

    /// Whether people may sign in with a password, for the page where they do.
    pub async fn password_sign_in(&self) -> Result<bool, Error> {
        Ok(stored(&mut self.inner.store.read().await?).await?.password_sign_in)
    }
}

async fn shown(tx: &mut Tx, stored: Stored) -> Result<PlatformSettings, Error> {
    let Stored { ssh_algorithm, password_sign_in, make_teams, default_team } = stored;
    let found = match tx.team(default_team).await? {
        Some(team) => Some(team),
        // It was deleted.
        None => tx.team(Team::EVERYBODY).await?,
    };
    let default_team = found.ok_or_else(|| Error::missing("team", Team::EVERYBODY))?;
    Ok(PlatformSettings { ssh_algorithm, password_sign_in, make_teams, default_team })
}

async fn find_team(tx: &mut Tx, wanted: &str) -> Result<Team, Error> {
    let found = match (wanted.parse::<TeamId>(), wanted.parse::<TeamSlug>()) {
        (Ok(id), _) => tx.team(id).await?,
        (_, Ok(slug)) => tx.team_by_slug(&slug).await?,
        _ => None,
    };
    found.ok_or_else(|| {
        let what = format!("there is no team `{}`", wanted.chars().take(64).collect::<String>());
        Error::invalid("default_team", what, "give the address of a team, such as `everybody`")
    })
}

fn said(before: &Stored, after: &Stored) -> String {
    let mut said = Vec::new();
    if before.ssh_algorithm != after.ssh_algorithm {
        said.push(format!("SSH keys {}", after.ssh_algorithm));
    }
    if before.password_sign_in != after.password_sign_in {
        said.push(format!("passwords {}", if after.password_sign_in { "on" } else { "off" }));
    }
    if before.make_teams != after.make_teams {
        said.push(format!("teams by {}", after.make_teams.as_str()));
    }
    if before.default_team != after.default_team {
        said.push(format!("default team {}", after.default_team));
    }
    said.join(", ")
}
