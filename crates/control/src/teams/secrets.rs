//! Secrets of a team: variables in the environment of its workspaces, sealed in the store.

use domain::{Caller, KeyOwner, TeamId, TeamRole};
use store::{SecretName, Tx};
use vault::Secret;

use super::secret_name::parse_name;
use super::{manage, require, see};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;
use crate::seal::CellKind;

/// Largest value, bytes. Linux takes 128 KiB for one variable (`MAX_ARG_STRLEN`).
const VALUE_MAX: usize = 64 << 10;
/// Largest sum of a team's values as sealed, bytes. Linux gives arguments and environment together a
/// quarter of the stack, two megabytes as a rule.
const SUM_MAX: usize = 512 << 10;
/// Most secrets of one team.
const SECRETS_MAX: u64 = 100;

impl Control {
    /// The names of a team's secrets. For its members: their workspaces see the values anyway.
    pub async fn secrets(&self, caller: &Caller, wanted: &str) -> Result<Vec<SecretName>, Error> {
        caller.scope(domain::Scope::All)?;
        let mut tx = self.inner.store.read().await?;
        let team = see(&mut tx, caller, wanted).await?.team;
        Ok(tx.secret_names(team.id).await?)
    }

    /// Sets a secret of a team; workspaces see it from their next start on. For the team's administrators.
    ///
    /// # Errors
    ///
    /// `invalid` for a name that steers programs, or a value no environment can hold; 409
    /// `too_many_secrets`.
    pub async fn set_secret(
        &self,
        caller: &Caller,
        wanted: &str,
        name: &str,
        value: Secret<String>,
    ) -> Result<SecretName, Error> {
        let name = parse_name(name)?;
        check_value(&value)?;
        caller.scope(domain::Scope::All)?;
        // Asked before there is a key to make, and again when it is written.
        let mut tx = self.inner.store.read().await?;
        let seen = see(&mut tx, caller, wanted).await?;
        require(&seen, TeamRole::Admin)?;
        drop(tx);
        let sealer = self.sealer(KeyOwner::Team(seen.team.id)).await?;

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let team = manage(&mut tx, caller, &seen.team.id.to_string(), TeamRole::Admin).await?.team;
        sealer.put(&mut tx, CellKind::TeamSecret, &row(team.id, name), &value).await?;
        tx.put_secret_name(team.id, name, now).await?;
        let names = tx.secret_names(team.id).await?;
        check_sum(&mut tx, team.id, &names).await?;
        note(&mut tx, caller.user, now, ("team.secret.set", team.id.to_string()), name.to_owned()).await?;
        tx.commit().await?;
        let set = names.into_iter().find(|set| set.name == name);
        set.ok_or_else(|| Error::missing("secret", name))
    }

    /// Deletes a secret of a team; workspaces that run keep it until they stop. For the team's
    /// administrators.
    pub async fn delete_secret(&self, caller: &Caller, wanted: &str, name: &str) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let team = manage(&mut tx, caller, wanted, TeamRole::Admin).await?.team;
        tx.delete_sealed(CellKind::TeamSecret.as_str(), &row(team.id, name)).await?;
        if !tx.delete_secret_name(team.id, name).await? {
            return Err(Error::missing("secret", name.chars().take(64).collect::<String>()));
        }
        note(&mut tx, caller.user, now, ("team.secret.delete", team.id.to_string()), name.to_owned()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The team's secrets as variables for the environment of its workspaces, by name.
    pub(crate) async fn team_environment(
        &self,
        team: TeamId,
    ) -> Result<Vec<(String, Secret<String>)>, Error> {
        let names = self.inner.store.read().await?.secret_names(team).await?;
        let mut variables = Vec::with_capacity(names.len());
        for SecretName { name, .. } in names {
            // One that was deleted in between is no loss.
            if let Some(value) = self.unseal(CellKind::TeamSecret, &row(team, &name)).await? {
                variables.push((name, value));
            }
        }
        Ok(variables)
    }
}

/// The row of a team's secret among the sealed values.
fn row(team: TeamId, name: &str) -> String {
    format!("{team}/{name}")
}

fn check_value(value: &Secret<String>) -> Result<(), Error> {
    let length = value.expose().len();
    if length == 0 {
        return Err(Error::invalid("value", "the value is empty", "give a value, or delete the secret"));
    }
    if length > VALUE_MAX {
        let what = format!("the value has {length} bytes; at most {VALUE_MAX} fit");
        return Err(Error::invalid("value", what, "keep large things in files"));
    }
    if value.expose().contains('\0') {
        let what = "the value holds a null character, which no environment variable can";
        return Err(Error::invalid("value", what, "encode it, for instance as base64"));
    }
    Ok(())
}

async fn check_sum(tx: &mut Tx, team: TeamId, names: &[SecretName]) -> Result<(), Error> {
    let mut sum = 0;
    for SecretName { name, .. } in names {
        let sealed = tx.sealed(CellKind::TeamSecret.as_str(), &row(team, name)).await?;
        sum += name.len() + sealed.map_or(0, |sealed| sealed.value.as_bytes().len());
    }
    if u64::try_from(names.len()).unwrap_or(u64::MAX) <= SECRETS_MAX && sum <= SUM_MAX {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "too_many_secrets",
        what: format!("a team has at most {SECRETS_MAX} secrets of together {} KiB", SUM_MAX >> 10),
        mend: "delete those that are not needed any more".into(),
    })
}
