//! Forges that stand in the server's configuration file.
//!
//! Each has a key there, which gives it the same id in every installation, so that its redirect address can be
//! registered before the server has ever run. The file vouches for them: they count as verified by nobody. One
//! that has gone from the file stays, with its links and identities, as an ordinary forge that administrators can
//! change or delete, so that a typing mistake in a file destroys nothing.

use domain::{Forge, ForgeId, ForgeState, KeyOwner};
use forge::ForgeSecrets;
use store::AuditEntry;
use vault::TokenHash;

use super::register::{next_update, put_secrets, trial};
use super::settings::{SecretChange, apply};
use super::update::{forget_tokens, has_moved, move_identities};
use super::{ForgeSettings, update};
use crate::control::Control;
use crate::error::Error;

/// A forge of the configuration file.
pub struct FileForge {
    /// Names it in the file: letters, digits and hyphens.
    pub key: String,
    /// Kind, as in [`super::NewForge`].
    pub kind: String,
    /// Name to show; the host where absent.
    pub name: Option<String>,
    /// Where browsers reach it.
    pub web_url: Option<String>,
    /// Everything else; what is absent is at its default.
    pub settings: ForgeSettings,
}

impl FileForge {
    /// The id that a forge of this key has, here as everywhere.
    pub fn id_of(key: &str) -> ForgeId {
        let hash = TokenHash::of(&format!("hearth forge of the configuration file: {key}"));
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        // Version 8, which is for ids made by a rule of one's own (RFC 9562, section 5.8).
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
        *version = (*version & 0x0f) | 0x80;
        *variant = (*variant & 0x3f) | 0x80;
        ForgeId::from_bytes(bytes)
    }
}

impl Control {
    /// Makes the platform's forges be what the configuration file says. To be called at every start.
    ///
    /// # Errors
    ///
    /// The first entry that will not do, by its key; the others are as they were.
    pub async fn sync_forges(&self, wanted: Vec<FileForge>) -> Result<(), Error> {
        let mut ids = Vec::with_capacity(wanted.len());
        let mut ready = Vec::with_capacity(wanted.len());
        for entry in wanted {
            let id = check_key(&entry.key)?;
            if ids.contains(&id) {
                return Err(in_file(&entry.key, Error::invalid("key", "it is there twice", "rename one")));
            }
            ids.push(id);
            let key = entry.key.clone();
            ready.push(self.read_entry(id, entry).await.map_err(|error| in_file(&key, error))?);
        }
        for (forge, secrets) in ready {
            self.sync_one(forge, secrets).await?;
        }
        self.release_others(&ids).await
    }

    async fn read_entry(
        &self,
        id: ForgeId,
        entry: FileForge,
    ) -> Result<(Forge, super::register::FreshSecrets), Error> {
        let known = self.inner.store.read().await?.forge(id).await?;
        let mut forge = self.fresh_forge(id, &entry.kind, entry.web_url.as_deref(), entry.name.as_deref())?;
        let plain = self.inner.settings.plain_http;
        let mut changes = apply(&mut forge, entry.settings, plain)?;
        // The file is the whole truth: what it does not name is not there.
        for change in [&mut changes.client_secret, &mut changes.client_key] {
            if matches!(change, SecretChange::Keep) {
                *change = SecretChange::Remove;
            }
        }
        if let Some(known) = &known
            && let (
                domain::ForgeAuth::Oauth1 { public_key, .. },
                domain::ForgeAuth::Oauth1 { public_key: kept, .. },
            ) = (&mut forge.auth, &known.auth)
        {
            kept.clone_into(public_key);
        }
        let secrets = self.complete_auth(&mut forge, changes).await?;
        let stored = if known.is_some() { self.forge_secrets(id).await? } else { ForgeSecrets::default() };
        self.open_provider(&forge, trial(stored, &secrets))?;
        Ok((forge, secrets))
    }

    async fn sync_one(&self, mut forge: Forge, secrets: super::register::FreshSecrets) -> Result<(), Error> {
        let now = self.now();
        let sealer = self.sealer(KeyOwner::Platform).await?;
        forge.from_file = true;
        forge.state = ForgeState::Verified { at: now, by: None };
        let mut tx = self.inner.store.begin().await?;
        match tx.forge_for_update(forge.id).await? {
            None => {
                tx.insert_forge(&forge).await?;
                note_file(&mut tx, now, "forge.create", &forge).await?;
            }
            Some(before) => {
                forge.created_at = before.created_at;
                forge.version.clone_from(&before.version);
                if !update::proves_anew(&before, &forge)
                    && let ForgeState::Verified { .. } = before.state
                {
                    forge.state = before.state.clone();
                }
                forge.updated_at = next_update(before.updated_at, now);
                tx.save_forge(&forge).await?;
                if has_moved(&before, &forge) {
                    forget_tokens(&mut tx, &forge, now).await?;
                    move_identities(&mut tx, &before, &forge).await?;
                }
                let same = Forge { updated_at: before.updated_at, ..forge.clone() };
                if same != before {
                    note_file(&mut tx, now, "forge.update", &forge).await?;
                }
            }
        }
        put_secrets(&mut tx, &sealer, &forge, &secrets).await?;
        tx.nudge(format!("forge {}", forge.id));
        tx.commit().await?;
        self.inner.forges.health.forget(forge.id);
        Ok(())
    }

    /// Hands forges that have gone from the file over to the administrators.
    async fn release_others(&self, ids: &[ForgeId]) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let gone: Vec<Forge> = tx
            .forges()
            .await?
            .into_iter()
            .filter(|forge| forge.from_file && !ids.contains(&forge.id))
            .collect();
        for mut forge in gone {
            tracing::info!(forge.id = %forge.id, "`{}` has gone from the configuration file", forge.name);
            forge.from_file = false;
            forge.updated_at = next_update(forge.updated_at, now);
            tx.save_forge(&forge).await?;
            note_file(&mut tx, now, "forge.release", &forge).await?;
            tx.nudge(format!("forge {}", forge.id));
        }
        Ok(tx.commit().await?)
    }
}

async fn note_file(
    tx: &mut store::Tx,
    at: domain::Timestamp,
    action: &str,
    forge: &Forge,
) -> Result<(), Error> {
    let detail = format!("{} at {}, configuration file", forge.kind, forge.web_url);
    let entry = AuditEntry { at, caller: None, action: action.into(), subject: forge.id.to_string(), detail };
    Ok(tx.append_audit(&entry).await?)
}

fn check_key(key: &str) -> Result<ForgeId, Error> {
    let is_key = !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if is_key {
        return Ok(FileForge::id_of(key));
    }
    let what = format!("`{}` cannot name a forge", key.chars().take(64).collect::<String>());
    Err(Error::invalid("forges", what, "use letters, digits and hyphens"))
}

/// Says which entry of the file it is about.
fn in_file(key: &str, error: Error) -> Error {
    match error {
        Error::Invalid { field, what, mend } => Error::Invalid {
            field,
            what: format!("forge.{key}.{field}: {what}"),
            mend: format!("in the configuration file: {mend}"),
        },
        Error::Forge { what, mend } => Error::Forge {
            what: format!("forge.{key}: {what}"),
            mend: format!("in the configuration file: {mend}"),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests;
