//! Taking a link back.

use std::time::Duration;

use domain::{Caller, Forge, Link, LinkId};
use store::Tx;
use url::Url;

use super::link_topic;
use super::revoke::{Doom, Told, doom_with};
use crate::control::Control;
use crate::error::Error;
use crate::people::{PasswordDoor, is_last_way_in, note};

/// How long whoever disconnects waits for the forge; a job goes on after that.
const PATIENCE: Duration = Duration::from_secs(10);

/// An account was disconnected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnected {
    /// Whether the forge has taken the tokens back. If not, it is asked again for a day.
    pub revoked: bool,
    /// Where its owner can take them back, should the forge not do it for us.
    pub manage_url: Option<Url>,
}

impl Control {
    /// Takes one of the caller's links back: it is gone here at once, with its tokens and the identity it gave, and
    /// everything that used it ends. The SSH key there is removed and the tokens are revoked, at once if the forge
    /// answers, else as soon as it does.
    ///
    /// # Errors
    ///
    /// 409 `last_way_in` when its owner could not sign in any more.
    pub async fn disconnect(&self, caller: &Caller, id: LinkId) -> Result<Disconnected, Error> {
        caller.in_person()?;
        let missing = || Error::missing("link", id);
        let link = self.inner.store.read().await?.link(id).await?;
        let link = link.filter(|link| link.user == caller.user).ok_or_else(missing)?;
        let forge = super::forge_of(self, link.forge).await?;
        let tokens = self.tokens_of(&link).await?;
        let sealer = self.doom_sealer(&link).await?;
        let door = self.password_door().await?;

        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let present = tx.link_for_update(id).await?.ok_or_else(missing)?;
        if present.generation != link.generation {
            return Err(Error::Conflict {
                code: "busy",
                what: "your link was being renewed at the same time".into(),
                mend: "try again".into(),
            });
        }
        give_up_identity(&mut tx, &forge, &link, door).await?;
        let remote_key = tx.upload(id).await?.and_then(|upload| upload.remote_id);
        let row = match &tokens {
            Some(tokens) => {
                let doom = Doom {
                    forge: &forge,
                    link: &link,
                    tokens,
                    remote_key: remote_key.clone(),
                    secrets: None,
                };
                Some(doom_with(&mut tx, &sealer, doom, now).await?)
            }
            None => None,
        };
        tx.delete_link(id).await?;
        tx.nudge(link_topic(id));
        let said = format!("{} at {}", link.account.login, forge.name);
        note(&mut tx, caller.user, now, ("link.disconnect", id.to_string()), said).await?;
        tx.commit().await?;

        let told = match row {
            None => Told::Revoked,
            Some(row) => {
                let asked = self.revoke_now(row, forge.id, remote_key);
                match tokio::time::timeout(PATIENCE, asked).await {
                    Ok(Ok(told)) => told,
                    Ok(Err(error)) => {
                        tracing::info!(forge.id = %forge.id, error = %error, "tokens are revoked later");
                        Told::NotPossible
                    }
                    Err(_) => Told::NotPossible,
                }
            }
        };
        let manage_url = self.provider(&forge).await.ok().and_then(|provider| provider.manage_url());
        Ok(Disconnected { revoked: told == Told::Revoked, manage_url })
    }
}

/// Takes away the identity that the link gave, unless that was the last way in.
async fn give_up_identity(tx: &mut Tx, forge: &Forge, link: &Link, door: PasswordDoor) -> Result<(), Error> {
    let issuer = forge.issuer();
    let subject = &link.account.subject;
    let identity = tx.identity(&issuer, subject).await?;
    if identity.is_none_or(|identity| identity.user != link.user) {
        return Ok(());
    }
    // The same account linked through another registration of the same forge goes on signing in.
    for other in tx.links_of(link.user).await? {
        if other.id != link.id
            && other.account.subject == *subject
            && tx
                .forge(other.forge)
                .await?
                .is_some_and(|other| other.team.is_none() && other.issuer() == issuer)
        {
            return Ok(());
        }
    }
    if is_last_way_in(tx, link.user, forge, door).await? {
        return Err(Error::Conflict {
            code: "last_way_in",
            what: format!("without {} you could not sign in any more", forge.name),
            mend: "ask an administrator for a password, or link another account to sign in with first".into(),
        });
    }
    tx.delete_identity(&issuer, subject).await?;
    Ok(())
}
