//! Making, changing and deleting teams.

use domain::{
    Caller, KeyOwner, Limits, Membership, Role, Rootfs, Scope, Team, TeamDefaults, TeamId, TeamRole, TeamSlug,
};
use store::{StoreError, Tx};

use super::{TeamFacts, announce_place, manage, refuse_everybody};
use crate::control::Control;
use crate::error::Error;
use crate::forges::LockOut;
use crate::people::note;
use crate::platform::{self, MakeTeams};
use crate::workspace::LimitsWanted;

/// A name longer than this does not fit a list.
const NAME_MAX: usize = 100;
/// Most teams of one person. More are forgotten ones.
const TEAMS_MAX: usize = 100;

/// A team to make. Texts as they came in; they are parsed here.
#[derive(Debug, Clone, Default)]
pub struct NewTeam {
    /// Name in addresses.
    pub slug: String,
    /// Name to show; the one in addresses where absent.
    pub name: Option<String>,
}

/// What to change about a team; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct TeamChange {
    /// Name in addresses.
    pub slug: Option<String>,
    /// Name to show.
    pub name: Option<String>,
    /// What its workspaces stand on when nobody says otherwise; empty for the server's default.
    pub rootfs: Option<String>,
    /// What its workspaces may use when nobody says otherwise; nothing in it for the server's default.
    pub limits: Option<LimitsWanted>,
}

impl Control {
    /// Makes a team, which the caller then owns.
    ///
    /// # Errors
    ///
    /// `forbidden` unless the platform lets everybody make teams; 409 `slug_taken`, `too_many_teams`.
    pub async fn create_team(&self, caller: &Caller, wish: NewTeam) -> Result<TeamFacts, Error> {
        caller.scope(Scope::All)?;
        let slug = parse_slug(&wish.slug)?;
        let name = match wish.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => parse_name(name)?,
            None => slug.to_string(),
        };
        let now = self.now();
        let team = Team {
            id: TeamId::generate(now, &*self.inner.entropy),
            slug,
            name,
            defaults: TeamDefaults::default(),
            everybody: false,
            created_at: now,
        };
        let mut tx = self.inner.store.begin().await?;
        if caller.role != Role::Admin && platform::stored(&mut tx).await?.make_teams != MakeTeams::Everybody {
            return Err(Error::Forbidden { why: "only an administrator may make teams here".into() });
        }
        if tx.teams_of(caller.user).await?.len() >= TEAMS_MAX {
            return Err(Error::Conflict {
                code: "too_many_teams",
                what: format!("you belong to {TEAMS_MAX} teams already"),
                mend: "leave or delete those that are not needed any more".into(),
            });
        }
        tx.insert_team(&team).await.map_err(|error| slug_conflict(error, &team.slug))?;
        let owner = Membership { team: team.id, user: caller.user, role: TeamRole::Owner, since: now };
        tx.put_member(&owner).await?;
        announce_place(&mut tx, caller.user, None, Some(TeamRole::Owner));
        note(&mut tx, caller.user, now, ("team.create", team.id.to_string()), team.slug.to_string()).await?;
        tx.commit().await?;
        Ok(TeamFacts { team, role: Some(TeamRole::Owner), members: 1 })
    }

    /// Changes a team. For its administrators.
    ///
    /// # Errors
    ///
    /// 409 `slug_taken`; `invalid` names the field.
    pub async fn update_team(
        &self,
        caller: &Caller,
        wanted: &str,
        change: TeamChange,
    ) -> Result<TeamFacts, Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let seen = manage(&mut tx, caller, wanted, TeamRole::Admin).await?;
        let mut team = seen.team;
        let mut said = Vec::new();
        if let Some(slug) = &change.slug {
            team.slug = parse_slug(slug)?;
            said.push(format!("address {}", team.slug));
        }
        if let Some(name) = &change.name {
            team.name = parse_name(name.trim())?;
            said.push("name".into());
        }
        if let Some(rootfs) = &change.rootfs {
            team.defaults.rootfs = parse_rootfs(rootfs.trim())?;
            said.push("root file system".into());
        }
        if let Some(limits) = change.limits {
            team.defaults.limits = self.default_limits(limits)?;
            said.push("limits".into());
        }
        tx.save_team(&team).await.map_err(|error| slug_conflict(error, &team.slug))?;
        note(&mut tx, caller.user, now, ("team.update", team.id.to_string()), said.join(", ")).await?;
        let facts = super::facts(&mut tx, team, seen.standing).await?;
        tx.commit().await?;
        Ok(facts)
    }

    /// Deletes a team with its forges, people's links to them, and its secrets, which nobody can read again
    /// afterwards. For its owners.
    ///
    /// # Errors
    ///
    /// 409 `team_not_empty` while it has workspaces, `everybody` for the one everybody belongs to,
    /// `from_file` while a forge of it stands in the configuration file.
    pub async fn delete_team(&self, caller: &Caller, wanted: &str) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        let team = deletable(&mut tx, caller, wanted).await?;
        let forges = tx.forges_of_team(team.id).await?;
        drop(tx);
        // Each by itself, as if asked for: their tokens are revoked where they are from.
        for forge in forges {
            self.delete_forge(caller, forge.id, LockOut::Accept).await?;
        }

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let team = deletable(&mut tx, caller, &team.id.to_string()).await?;
        if !tx.forges_of_team(team.id).await?.is_empty() {
            return Err(Error::Conflict {
                code: "team_not_empty",
                what: format!("somebody has just registered a forge for the team `{}`", team.slug),
                mend: "try again".into(),
            });
        }
        for member in tx.members(team.id).await? {
            Self::cut(&mut tx, member.user);
        }
        tx.delete_data_keys_of(KeyOwner::Team(team.id)).await?;
        tx.delete_team(team.id).await?;
        note(&mut tx, caller.user, now, ("team.delete", team.id.to_string()), team.slug.to_string()).await?;
        tx.commit().await?;
        Ok(())
    }

    fn default_limits(&self, wanted: LimitsWanted) -> Result<Option<Limits>, Error> {
        let LimitsWanted { cpu_millis, memory_bytes, pids } = wanted;
        if cpu_millis.is_none() && memory_bytes.is_none() && pids.is_none() {
            return Ok(None);
        }
        let default = self.inner.settings.limits;
        let limits = Limits {
            cpu_millis: cpu_millis.unwrap_or(default.cpu_millis),
            memory_bytes: memory_bytes.unwrap_or(default.memory_bytes),
            pids: pids.unwrap_or(default.pids),
        };
        let mend = "choose a value in between, or leave it out for the default";
        limits.validate().map(Some).map_err(|bad| Error::invalid("limits", bad, mend))
    }
}

/// The team, if the caller may delete it and nothing stands in the way.
async fn deletable(tx: &mut Tx, caller: &Caller, wanted: &str) -> Result<Team, Error> {
    let team = manage(tx, caller, wanted, TeamRole::Owner).await?.team;
    refuse_everybody(&team, "it cannot be deleted")?;
    let workspaces = tx.count_workspaces_of_team(team.id).await?;
    if workspaces == 0 {
        return Ok(team);
    }
    Err(Error::Conflict {
        code: "team_not_empty",
        what: format!("the team `{}` still has {workspaces} workspaces", team.slug),
        mend: "delete them first".into(),
    })
}

fn parse_slug(text: &str) -> Result<TeamSlug, Error> {
    text.trim().parse().map_err(|bad| Error::invalid("slug", bad, "choose another, such as `acme`"))
}

fn parse_name(name: &str) -> Result<String, Error> {
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        let what = format!("a team's name has 1 to {NAME_MAX} visible characters");
        return Err(Error::invalid("name", what, "name it as people do, such as `Acme Research`"));
    }
    Ok(name.to_owned())
}

fn parse_rootfs(text: &str) -> Result<Option<Rootfs>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let mend =
        "write `host`, or an image such as `docker.io/library/debian:13`; leave it empty for the default";
    text.parse().map(Some).map_err(|bad| Error::invalid("rootfs", bad, mend))
}

fn slug_conflict(error: StoreError, slug: &TeamSlug) -> Error {
    match error {
        StoreError::Conflict { .. } => Error::Conflict {
            code: "slug_taken",
            what: format!("there is a team with the address `{slug}` already"),
            mend: "choose another address".into(),
        },
        other => other.into(),
    }
}
