//! Sessions do not outlive the accounts they were opened with.
//!
//! A forge does not tell that it has blocked somebody. So the accounts behind live sessions are asked about from time
//! to time; a credential that a forge takes no more ends the link, and with it the sessions (`token`).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{ForgeId, Link, LinkState, SignedDuration, UserId};
use forge::Fault;

use crate::control::Control;
use crate::error::Error;

/// How often. Ten thousand people who are signed in make six questions a second of it.
const EVERY: Duration = Duration::from_mins(30);
/// Pause between two people, so that a forge never sees a herd.
const BREATH: Duration = Duration::from_millis(50);

impl Control {
    /// Asks about the accounts behind sessions, for ever.
    pub(crate) async fn keep_sign_ins(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.look_at_sign_ins().await {
                tracing::warn!(error = %error, "cannot look whether sessions are still good");
            }
        }
    }

    /// Asks about every account that a session was opened with, once.
    pub async fn look_at_sign_ins(&self) -> Result<(), Error> {
        let sign_ins = self.inner.store.read().await?.signed_in_with(self.now()).await?;
        let mut by_forge: BTreeMap<ForgeId, Vec<UserId>> = BTreeMap::new();
        for (user, forge) in sign_ins {
            by_forge.entry(forge).or_default().push(user);
        }
        for (forge, users) in by_forge {
            let mut shut_out = Vec::new();
            let mut asked = 0_usize;
            for user in users {
                match self.look_at_sign_in(user, forge).await {
                    Ok(None) => {}
                    Ok(Some(Standing::Welcome)) => asked += 1,
                    Ok(Some(Standing::ShutOut(link))) => {
                        asked += 1;
                        shut_out.push(link);
                    }
                    // A forge that is away now says nothing about anybody.
                    Err(error) => tracing::debug!(code = error.code(), "an account could not be asked about"),
                }
                tokio::time::sleep(BREATH).await;
            }
            if asked > 1 && shut_out.len() == asked {
                // It is this server that is shut out, for instance by its address.
                tracing::warn!(forge = %forge, "the forge lets nobody in whom this server asks for");
                continue;
            }
            for link in shut_out {
                self.sign_in_needed(link.id, link.generation, "the forge does not let the account in")
                    .await?;
            }
        }
        Ok(())
    }

    async fn look_at_sign_in(&self, user: UserId, forge: ForgeId) -> Result<Option<Standing>, Error> {
        let mut tx = self.inner.store.read().await?;
        let Some(link) = tx.link_of(user, forge).await? else { return Ok(None) };
        let Some(forge) = tx.forge(forge).await? else { return Ok(None) };
        drop(tx);
        if link.state != LinkState::Active {
            return Ok(None);
        }
        let provider = self.provider(&forge).await?;
        let ask = |credential| {
            let provider = provider.clone();
            async move {
                match provider.who(&credential).await {
                    Ok(_) => Ok(true),
                    Err(error) if matches!(error.fault(), Fault::Forbidden) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        };
        let is_welcome = self.with_token(link.id, SignedDuration::ZERO, ask).await?;
        Ok(Some(if is_welcome { Standing::Welcome } else { Standing::ShutOut(Box::new(link)) }))
    }
}

/// What a forge says of an account.
enum Standing {
    /// It may still come in there.
    Welcome,
    /// It is blocked, or waits for something to be accepted.
    ShutOut(Box<Link>),
}
