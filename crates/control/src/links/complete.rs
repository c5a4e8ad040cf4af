//! What becomes of tokens that a forge has granted: a link, a session, or nothing.

use domain::{
    Account, Caller, Forge, ForgeState, KeyOwner, Link, LinkId, LinkState, SessionId, Timestamp, UserId, Via,
};
use forge::Tokens;
use store::Tx;

use super::begin::is_same_registration;
use super::callback::{CallbackOutcome, Failure, Returning, session_gone};
use super::failure::{busy, other_account, pending, refuse_suspended, refused, taken};
use super::revoke::doom;
use super::{lapse, link_topic, put_tokens, same};
use crate::control::Control;
use crate::error::Error;
use crate::forges::{is_visible, manages, verify};
use crate::people::{Claimed, Found, SignedIn, claim, note};
use crate::seal::Sealer;

/// Tries to save a link that somebody else is changing at the same time.
const TRIES: u32 = 4;

/// A link to be made or replaced.
pub(super) struct Linking<'a> {
    pub(super) user: UserId,
    pub(super) account: &'a Account,
    pub(super) tokens: &'a Tokens,
    /// What was asked for, where the forge does not tell what it granted.
    pub(super) scopes: &'a [String],
}

impl Control {
    /// Links the account to the person who began in this session.
    pub(super) async fn complete_link(
        &self,
        returning: &Returning,
        (user, session): (UserId, SessionId),
        scopes: &[String],
        account: &Account,
        tokens: &Tokens,
    ) -> Result<CallbackOutcome, Failure> {
        let forge = &returning.forge;
        self.check_version(forge, tokens).await?;
        let linking = Linking { user, account, tokens, scopes };
        for _ in 0..TRIES {
            let begun = self.begin_linking(forge, user).await?;
            let mut tx = self.inner.store.begin().await?;
            let mut present = present_forge(&mut tx, forge).await?;
            let now = self.now();
            let record = tx.user(user).await?.ok_or_else(session_gone)?;
            refuse_suspended(record.suspended_at)?;
            // The session that asked, or the one it was replaced by in the same browser.
            let at = match returning.caller.as_ref().map(|caller| &caller.via) {
                Some(Via::Session(id)) => *id,
                _ => session,
            };
            let is_live =
                tx.session(at).await?.is_some_and(|live| live.user == user && now < live.expires_at);
            if !is_live {
                return Err(session_gone());
            }
            let caller = Caller { user, role: record.role, via: Via::Session(at) };
            if !is_visible(&mut tx, &caller, &present).await? {
                return Err(Failure::new(
                    "forge_gone",
                    "this forge is not there for you any more",
                    "ask an administrator",
                ));
            }
            let is_linked = self.save_linking(&mut tx, &present, &linking, &begun, now).await?;
            let Some(id) = is_linked else { continue };
            settle_forge(&mut tx, &mut present, &caller, now).await?;
            let said = format!("{} at {}", account.login, present.name);
            note(&mut tx, user, now, ("link.connect", id.to_string()), said).await?;
            tx.commit().await?;
            self.after_linking(&present, id, tokens);
            let named = forge.id.to_string();
            let return_to = returning.details.return_to.with(&[("linked", &named)]);
            return Ok(CallbackOutcome::Linked { forge: forge.id, return_to });
        }
        Err(busy())
    }

    /// Signs in whom the account belongs to.
    pub(super) async fn complete_sign_in(
        &self,
        returning: &Returning,
        account: &Account,
        tokens: &Tokens,
    ) -> Result<CallbackOutcome, Failure> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let mut present = present_forge(&mut tx, &returning.forge).await?;
        if present.team.is_some() || !present.sign_in {
            let what = "nobody signs in with this forge any more";
            return Err(Failure::new("forge_changed", what, "sign in another way"));
        }
        let user = match self.person_of(&mut tx, &present, account, now).await? {
            Found::Known(user) => user,
            Found::Fresh(_) if present.state == ForgeState::Pending => {
                return Err(pending(&present));
            }
            Found::Fresh(user) => user,
            Found::Refused(refusal) => return Err(refused(refusal, &present)),
        };
        refuse_suspended(user.suspended_at)?;
        let by_itself = Caller { user: user.id, role: user.role, via: Via::LocalSocket };
        if present.state == ForgeState::Pending
            && present.created_by != Some(user.id)
            && !manages(&mut tx, &by_itself, None).await?
        {
            return Err(pending(&present));
        }
        settle_forge(&mut tx, &mut present, &by_itself, now).await?;
        tx.commit().await?;

        // A key of this person seals what follows, so the person had to be there first.
        let linking = Linking { user: user.id, account, tokens, scopes: &[] };
        for _ in 0..TRIES {
            let begun = self.begin_linking(&present, user.id).await?;
            let mut tx = self.inner.store.begin().await?;
            let user = tx.user(user.id).await?.ok_or_else(session_gone)?;
            refuse_suspended(user.suspended_at)?;
            let Some(linked) = self.save_signing_in(&mut tx, &present, &linking, &begun, now).await? else {
                continue;
            };
            let token =
                self.open_session_with(&mut tx, user.id, &present, tokens, &returning.user_agent).await?;
            tx.commit().await?;
            match linked {
                Some(id) => self.after_linking(&present, id, tokens),
                None => self.drop_grant(&present, account, tokens.clone()),
            }
            return Ok(CallbackOutcome::SignedIn {
                signed_in: SignedIn { user, token },
                forge: present.id,
                return_to: returning.details.return_to.clone(),
            });
        }
        Err(busy())
    }

    /// The person's present link and its tokens, opened, and a sealer: what cannot be got in a transaction.
    pub(super) async fn begin_linking(&self, forge: &Forge, user: UserId) -> Result<Linked, Error> {
        let link = self.inner.store.read().await?.link_of(user, forge.id).await?;
        let tokens = match &link {
            Some(link) => self.tokens_of(link).await?,
            None => None,
        };
        Ok(Linked { link, tokens, sealer: self.sealer(KeyOwner::User(user)).await? })
    }

    /// Makes or replaces the link; `None` when it has changed since it was looked at.
    pub(super) async fn save_linking(
        &self,
        tx: &mut Tx,
        forge: &Forge,
        linking: &Linking<'_>,
        before: &Linked,
        now: Timestamp,
    ) -> Result<Option<LinkId>, Failure> {
        let Linking { user, account, tokens, .. } = linking;
        if let Some(other) = tx.link_by_subject(forge.id, &account.subject).await?
            && other.user != *user
        {
            return Err(taken(forge));
        }
        let Some(present) = unchanged(tx, forge, *user, before).await? else { return Ok(None) };
        if let Some(present) = &present
            && present.account.subject != account.subject
        {
            return Err(other_account(forge, &present.account.login, &account.login));
        }
        if tokens.method != domain::LinkMethod::PersonalToken
            && claim(tx, forge, &account.subject, *user, now).await? == Claimed::Taken
        {
            return Err(taken(forge));
        }
        let id = self.put_link(tx, forge, linking, before, present).await?;
        Ok(Some(id))
    }

    /// What a sign-in makes of the person's link: `Some(None)` when it stays as it is.
    async fn save_signing_in(
        &self,
        tx: &mut Tx,
        forge: &Forge,
        linking: &Linking<'_>,
        before: &Linked,
        now: Timestamp,
    ) -> Result<Option<Option<LinkId>>, Failure> {
        let Some(present) = unchanged(tx, forge, linking.user, before).await? else { return Ok(None) };
        match present {
            Some(present) if present.account.subject != linking.account.subject => Ok(Some(None)),
            // Its own tokens were granted for more than signing in.
            Some(mut present) if present.state == LinkState::Active => {
                present.account = linking.account.clone();
                present.updated_at = now;
                tx.save_link(&present).await?;
                Ok(Some(None))
            }
            None if tx.link_by_subject(forge.id, &linking.account.subject).await?.is_some() => Ok(Some(None)),
            present => {
                let id = self.put_link(tx, forge, linking, before, present).await?;
                Ok(Some(Some(id)))
            }
        }
    }

    async fn put_link(
        &self,
        tx: &mut Tx,
        forge: &Forge,
        linking: &Linking<'_>,
        before: &Linked,
        present: Option<Link>,
    ) -> Result<LinkId, Error> {
        let Linking { user, account, tokens, scopes } = linking;
        let now = self.now();
        let mut link = Link {
            id: LinkId::generate(now, &*self.inner.entropy),
            forge: forge.id,
            user: *user,
            account: (*account).clone(),
            method: tokens.method,
            scopes: tokens.scopes.clone().unwrap_or_else(|| scopes.to_vec()),
            state: LinkState::Active,
            generation: 1,
            issued_at: now,
            expires_at: lapse(tokens, now),
            created_at: now,
            updated_at: now,
        };
        match present {
            None => tx.insert_link(&link).await?,
            Some(present) => {
                link.id = present.id;
                link.created_at = present.created_at;
                link.generation = present.generation + 1;
                // Servers that used one pair for all consents of a person give the same one again (GitLab before
                // 14.3); then there is nothing to take back.
                if let Some(old) = &before.tokens
                    && !same(&old.access, &tokens.access)
                {
                    doom(tx, &before.sealer, forge, &present, old, now).await?;
                }
                tx.save_link(&link).await?;
            }
        }
        put_tokens(tx, &before.sealer, link.id, tokens).await?;
        tx.nudge(link_topic(link.id));
        Ok(link.id)
    }

    /// What may be done now that there is a good credential, and need not be waited for.
    pub(super) fn after_linking(&self, forge: &Forge, id: LinkId, tokens: &Tokens) {
        self.inner.job_wake.notify_one();
        self.inner.forges.health.forget(forge.id);
        let (control, forge, credential) = (self.clone(), forge.clone(), tokens.credential());
        self.inner.tasks.spawn(format!("version of {}", forge.id), async move {
            if let Err(error) = control.learn_version(&forge, &credential).await {
                tracing::info!(link.id = %id, error = %error, "cannot learn a forge's version");
            }
        });
    }

    /// Refuses a release that is too old, when a forge is about to be verified.
    async fn check_version(&self, forge: &Forge, tokens: &Tokens) -> Result<(), Failure> {
        if forge.state != ForgeState::Pending {
            return Ok(());
        }
        let provider = self.provider(forge).await?;
        // One that does not tell is not refused.
        let Ok(Some(version)) = provider.version(&tokens.credential()).await else { return Ok(()) };
        match forge::capabilities(forge.kind, Some(&version)).refused {
            None => Ok(()),
            Some(why) => Err(Failure::new("version_refused", format!("{} runs {version}", forge.name), why)),
        }
    }

    /// Takes tokens back that were granted for nothing, once and as well as it goes, unless a link uses them.
    pub(super) fn drop_grant(&self, forge: &Forge, account: &Account, tokens: Tokens) {
        let (control, forge, subject) = (self.clone(), forge.clone(), account.subject.clone());
        self.inner.links.work.spawn(async move {
            let done = async {
                let link = control.inner.store.read().await?.link_by_subject(forge.id, &subject).await?;
                let used = match &link {
                    Some(link) => control.tokens_of(link).await?,
                    None => None,
                };
                if used.is_some_and(|used| same(&used.access, &tokens.access)) {
                    return Ok(());
                }
                let provider = control.provider(&forge).await?;
                let refresh = tokens.refresh.as_deref();
                let revoked = provider.revoke(&tokens.credential(), refresh).await;
                revoked.map(drop).map_err(|error| crate::forges::said(&forge, error))
            };
            let done: Result<(), Error> = done.await;
            if let Err(error) = done {
                tracing::warn!(forge.id = %forge.id, error = %error, "tokens granted for nothing stay alive");
            }
        });
    }
}

/// What there was before somebody linked.
pub(super) struct Linked {
    link: Option<Link>,
    tokens: Option<Tokens>,
    sealer: Sealer,
}

/// The person's link now, if it is as it was looked at; the outer `None` when it is not.
async fn unchanged(
    tx: &mut Tx,
    forge: &Forge,
    user: UserId,
    before: &Linked,
) -> Result<Option<Option<Link>>, Error> {
    let present = match tx.link_of(user, forge.id).await? {
        Some(link) => tx.link_for_update(link.id).await?,
        None => None,
    };
    let mark = |link: &Link| (link.id, link.generation);
    let is_same = present.as_ref().map(mark) == before.link.as_ref().map(mark);
    Ok(is_same.then_some(present))
}

/// The forge now, if what was agreed with it still holds.
async fn present_forge(tx: &mut Tx, before: &Forge) -> Result<Forge, Failure> {
    let present = tx.forge_for_update(before.id).await?;
    present.filter(|present| is_same_registration(before, present)).ok_or_else(|| {
        let what = "the registration of this forge was changed meanwhile";
        Failure::new("forge_changed", what, "begin again")
    })
}

/// A completed round trip verifies a forge that its registrar or an administrator of it completed, and shows that one in trouble is
/// well again.
async fn settle_forge(tx: &mut Tx, forge: &mut Forge, caller: &Caller, now: Timestamp) -> Result<(), Error> {
    match forge.state {
        ForgeState::Verified { .. } => Ok(()),
        ForgeState::Pending => {
            verify(tx, forge, Some(caller.user), now).await?;
            let said = forge.name.clone();
            note(tx, caller.user, now, ("forge.verify", forge.id.to_string()), said).await
        }
        ForgeState::Faulty { .. } => verify(tx, forge, Some(caller.user), now).await,
    }
}
