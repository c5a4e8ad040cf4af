//! Changing a forge's registration.

use domain::{Caller, Forge, ForgeAuth, ForgeId, ForgeState, LinkState, Timestamp};
use store::{Identity, Tx};

use super::reach::check_reach;
use super::register::{next_update, owner, put_secrets, trial};
use super::settings::{SecretChange, apply, parse_name, parse_web_url};
use super::{ForgeChange, ForgeFacts, managed};
use crate::control::Control;
use crate::error::Error;
use crate::links::link_topic;
use crate::people::note;
use crate::seal::CellKind;

/// Links looked at in one statement.
const PAGE: u32 = 500;

impl Control {
    /// Changes a forge. What was proved by signing in has to be proved again when an address, the application or
    /// the way to prove ourselves changes: the forge is pending until then.
    ///
    /// Where an address changes, every link's tokens are thrown away: they were granted to be sent to the old one.
    /// Identities go along, since only administrators change the forges that give them.
    ///
    /// # Errors
    ///
    /// 409 `from_file` for one that stands in the configuration file, `invalid` with the field that will not do.
    pub async fn update_forge(
        &self,
        caller: &Caller,
        id: ForgeId,
        change: ForgeChange,
    ) -> Result<ForgeFacts, Error> {
        let before = managed(&mut self.inner.store.read().await?, caller, id).await?;
        refuse_from_file(&before)?;
        let mut forge = before.clone();
        let plain = self.inner.settings.plain_http;
        if let Some(text) = &change.web_url {
            let had_host = forge.web_url.host_str().is_some_and(|host| host == forge.name);
            forge.web_url = parse_web_url(Some(text), forge.kind, plain)?;
            if had_host && change.name.is_none() {
                forge.name = parse_name(None, &forge.web_url)?;
            }
        }
        if let Some(name) = &change.name {
            forge.name = parse_name(Some(name), &forge.web_url)?;
        }
        let changes = apply(&mut forge, change.settings, plain)?;
        check_reach(caller, Some(&before), &forge)?;
        let has_new_secret = !matches!(changes.client_secret, SecretChange::Keep);
        let secrets = self.complete_auth(&mut forge, changes).await?;
        // Nothing is kept that its certificates or proxy make useless.
        self.open_provider(&forge, trial(self.forge_secrets(id).await?, &secrets))?;
        let sealer = self.sealer(owner(&forge)).await?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let present = tx.forge_for_update(id).await?.ok_or_else(|| Error::missing("forge", id))?;
        if settings_of(&present) != settings_of(&before) {
            return Err(Error::Conflict {
                code: "changed_meanwhile",
                what: "somebody changed this forge a moment ago".into(),
                mend: "look at it, then change it again".into(),
            });
        }
        forge.version.clone_from(&present.version);
        forge.updated_at = next_update(present.updated_at, now);
        let is_unproved = has_new_secret || proves_anew(&before, &forge);
        forge.state = if is_unproved { ForgeState::Pending } else { present.state };
        tx.save_forge(&forge).await?;
        put_secrets(&mut tx, &sealer, &forge, &secrets).await?;
        if has_moved(&before, &forge) {
            forget_tokens(&mut tx, &forge, now).await?;
            move_identities(&mut tx, &before, &forge).await?;
        }
        let said = changed(&before, &forge, has_new_secret);
        note(&mut tx, caller.user, now, ("forge.update", id.to_string()), said).await?;
        tx.nudge(format!("forge {id}"));
        tx.commit().await?;
        self.inner.forges.health.forget(id);
        self.facts(forge).await
    }
}

/// A registration without what is found out about it, which may change at any time.
fn settings_of(forge: &Forge) -> Forge {
    Forge { state: ForgeState::Pending, version: None, updated_at: Timestamp::MIN, ..forge.clone() }
}

pub(super) fn refuse_from_file(forge: &Forge) -> Result<(), Error> {
    if !forge.from_file {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "from_file",
        what: format!("`{}` stands in the server's configuration file", forge.name),
        mend: "change it in the configuration (`[forge.…]`), then restart the server or send it a hang-up signal"
            .into(),
    })
}

/// Whether what a completed round trip proved is not proved any more.
pub(super) fn proves_anew(before: &Forge, after: &Forge) -> bool {
    has_moved(before, after)
        || before.auth != after.auth
        || before.redirect != after.redirect
        || (before.team != after.team)
}

/// Whether tokens would be sent elsewhere than they were granted for.
pub(super) fn has_moved(before: &Forge, after: &Forge) -> bool {
    before.web_url != after.web_url
        || before.api_base() != after.api_base()
        || before.git_base() != after.git_base()
}

/// Throws away the tokens of every link at the forge; their owners sign in again.
pub(super) async fn forget_tokens(tx: &mut Tx, forge: &Forge, now: Timestamp) -> Result<(), Error> {
    let mut after = None;
    loop {
        let links = tx.links_of_forge(forge.id, after, PAGE).await?;
        let Some(last) = links.last() else { return Ok(()) };
        after = Some(last.id);
        for mut link in links {
            let row = link.id.to_string();
            tx.delete_sealed(CellKind::LinkAccessToken.as_str(), &row).await?;
            tx.delete_sealed(CellKind::LinkRefreshToken.as_str(), &row).await?;
            link.state = LinkState::SignInNeeded {
                at: now,
                why: format!("the address of {} was changed", forge.name),
            };
            link.generation += 1;
            link.expires_at = None;
            link.updated_at = now;
            tx.save_link(&link).await?;
            tx.nudge(link_topic(link.id));
        }
    }
}

/// Gives the identities of a forge its new address. One that is taken there by somebody else stays behind.
pub(super) async fn move_identities(tx: &mut Tx, before: &Forge, after: &Forge) -> Result<(), Error> {
    if before.issuer() == after.issuer() {
        return Ok(());
    }
    for identity in tx.identities_of_forge(after.id).await? {
        if tx.identity(&after.issuer(), &identity.subject).await?.is_some() {
            continue;
        }
        tx.delete_identity(&identity.issuer, &identity.subject).await?;
        tx.insert_identity(&Identity { issuer: after.issuer(), ..identity }).await?;
    }
    Ok(())
}

fn changed(before: &Forge, after: &Forge, has_new_secret: bool) -> String {
    let mut said = Vec::new();
    if before.web_url != after.web_url {
        said.push(format!("address {}", after.web_url));
    }
    if before.api_url != after.api_url || before.git_url != after.git_url || before.ssh != after.ssh {
        said.push("further addresses".into());
    }
    match (&before.auth, &after.auth) {
        (before, after) if before == after => {}
        (_, ForgeAuth::Oauth2 { client_id }) => said.push(format!("application {client_id}")),
        (_, ForgeAuth::Oauth1 { consumer_key, .. }) => said.push(format!("consumer key {consumer_key}")),
        (_, ForgeAuth::PersonalToken) => said.push("personal access tokens".into()),
    }
    if has_new_secret {
        said.push("secret".into());
    }
    if before.ca_pem != after.ca_pem || before.client_certificate != after.client_certificate {
        said.push("certificates".into());
    }
    if before.proxy != after.proxy {
        said.push("proxy".into());
    }
    if before.scopes != after.scopes {
        said.push(format!("scopes {}", after.scopes.join(" ")));
    }
    if before.sign_in != after.sign_in || before.sign_up != after.sign_up {
        said.push(format!("sign-in {}, sign-up {:?}", after.sign_in, after.sign_up).to_lowercase());
    }
    if before.name != after.name {
        said.push(format!("name {}", after.name));
    }
    said.join(", ")
}
