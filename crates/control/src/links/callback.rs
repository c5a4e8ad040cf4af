//! The end of a round trip: the browser comes back from a forge.
//!
//! Whatever happened there, the browser is sent on to a page of this site that tells it. The exchange with the forge
//! goes on when the browser does not wait for it: a code works once, and its tokens must not get lost.

use domain::{Caller, Forge, ForgeId};
use forge::{Callback, Fault};
use store::Attempt;
use tokio::sync::oneshot;
use vault::{Secret, TokenHash};

use super::ReturnPath;
use super::begin::{Details, For};
use crate::control::Control;
use crate::error::Error;
use crate::people::SignedIn;
use crate::seal::CellKind;

/// What came with the browser.
pub struct CallbackInput {
    /// The path that was asked for.
    pub path: String,
    /// The query, as it came.
    pub query: String,
    /// The cookie of attempts.
    pub browser: Option<String>,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Who is signed in there.
    pub caller: Option<Caller>,
}

/// Where the browser goes now, and with what.
pub enum CallbackOutcome {
    /// Somebody has signed in.
    SignedIn {
        /// The user and the session's token.
        signed_in: SignedIn,
        /// With which forge.
        forge: ForgeId,
        /// Where to go.
        return_to: ReturnPath,
    },
    /// An account is linked.
    Linked {
        /// At which forge.
        forge: ForgeId,
        /// Where to go; `linked` with the forge's id is in its query.
        return_to: ReturnPath,
    },
    /// It did not work.
    Failed {
        /// Where to go; `link_error`, `detail`, `mend` and, where it is known, `forge` are in its query.
        return_to: ReturnPath,
        /// A stable word for programs.
        code: &'static str,
        /// What went wrong.
        detail: String,
        /// What to do about it.
        mend: String,
    },
}

/// Why a round trip came to nothing.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) mend: String,
}

impl Failure {
    pub(super) fn new(code: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), mend: mend.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Internal { source, .. } = &error {
            tracing::error!(error = %error, source = %source, "a round trip to a forge came to nothing");
        }
        Self { code: error.code(), detail: error.to_string(), mend: error.mend() }
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Error::from(error).into()
    }
}

/// A round trip on its way back.
pub(super) struct Returning {
    pub(super) forge: Forge,
    pub(super) details: Details,
    pub(super) user_agent: String,
    pub(super) caller: Option<Caller>,
}

impl Control {
    /// Ends a round trip that [`Control::begin_link`] or [`Control::begin_sign_in`] began.
    ///
    /// The codes of [`CallbackOutcome::Failed`]: `state_missing`, `attempt_over`, `other_browser`, `other_address`,
    /// `forge_gone`, `forge_changed`, `forge_pending`, `session_gone`, `account_taken`, `other_account`, `suspended`,
    /// `sign_up_closed`, `sign_up_domain`, `sign_up_unverified`, `version_refused`, those of
    /// [`forge::ForgeError::code`] and [`Error::code`].
    pub async fn callback(&self, input: CallbackInput) -> CallbackOutcome {
        let (tell, told) = oneshot::channel();
        let control = self.clone();
        let nowhere = if input.caller.is_some() { ReturnPath::integrations() } else { ReturnPath::sign_in() };
        self.inner.links.work.spawn(async move {
            // The browser may be gone; then nobody has to be told.
            drop(tell.send(control.take_callback(input).await));
        });
        told.await.unwrap_or_else(|_| {
            let mend = "begin again";
            failed(&nowhere, None, Failure::new("internal", "the server was interrupted", mend))
        })
    }

    async fn take_callback(&self, input: CallbackInput) -> CallbackOutcome {
        let callback = Callback::parse(&input.query);
        let nowhere = if input.caller.is_some() { ReturnPath::integrations() } else { ReturnPath::sign_in() };
        let (attempt, details, private) = match self.take_attempt_back(&input, &callback).await {
            Ok(taken) => taken,
            Err(failure) => return failed(&nowhere, None, failure),
        };
        let back = match &details.purpose {
            For::SignIn => ReturnPath::sign_in(),
            For::Link { .. } => details.return_to.clone(),
        };
        let forge = match self.inner.store.read().await {
            Ok(mut tx) => tx.forge(attempt.forge).await,
            Err(error) => Err(error),
        };
        let forge = match forge {
            Ok(Some(forge)) => forge,
            Ok(None) => {
                let mend = "ask an administrator whether it was removed";
                return failed(
                    &back,
                    Some(attempt.forge),
                    Failure::new("forge_gone", "this forge is not registered any more", mend),
                );
            }
            Err(error) => return failed(&back, Some(attempt.forge), error.into()),
        };
        let returning = Returning { forge, details, user_agent: input.user_agent, caller: input.caller };
        match self.exchange(&returning, &callback, &private).await {
            Ok(outcome) => outcome,
            Err(failure) => {
                tracing::info!(forge.id = %attempt.forge, code = failure.code, "a round trip came to nothing");
                failed(&back, Some(attempt.forge), failure)
            }
        }
    }

    /// Takes the attempt that this callback ends; nobody can a second time.
    async fn take_attempt_back(
        &self,
        input: &CallbackInput,
        callback: &Callback,
    ) -> Result<(Attempt, Details, Secret<String>), Failure> {
        let begin_again = "begin again";
        let Some(state) = callback.state.as_deref().filter(|state| !state.is_empty()) else {
            let what = "the forge sent the browser back without saying for what";
            return Err(Failure::new("state_missing", what, begin_again));
        };
        let over = || {
            let what = "this was finished already, or took longer than ten minutes";
            Failure::new("attempt_over", what, begin_again)
        };
        let mut tx = self.inner.store.begin().await?;
        let Some(attempt) = tx.take_attempt(&TokenHash::of(state)).await? else { return Err(over()) };
        let row = attempt.id.to_string();
        let sealed = tx.sealed(CellKind::AttemptPrivate.as_str(), &row).await?;
        tx.delete_sealed_of_row(&row).await?;
        tx.commit().await?;

        let details: Details = serde_json::from_value(attempt.details.clone()).map_err(|error| {
            Error::Internal { what: "cannot read what a round trip was for".into(), source: Box::new(error) }
        })?;
        let is_same_browser =
            input.browser.as_deref().is_some_and(|browser| attempt.browser.matches(&TokenHash::of(browser)));
        if !is_same_browser {
            let what = "this was begun in another browser, or cookies are switched off";
            return Err(Failure::new("other_browser", what, "begin and finish in the same browser"));
        }
        if self.now() >= attempt.expires_at {
            return Err(over());
        }
        if input.path != details.path {
            let what = "the forge sent the browser to another address than it was told";
            return Err(Failure::new("other_address", what, begin_again));
        }
        let sealed = sealed.ok_or_else(over)?;
        let private = self.open_sealed(&sealed).await?;
        Ok((attempt, details, private))
    }

    /// Exchanges what the browser brought for tokens, and makes of them what the attempt was for.
    async fn exchange(
        &self,
        returning: &Returning,
        callback: &Callback,
        private: &Secret<String>,
    ) -> Result<CallbackOutcome, Failure> {
        let forge = &returning.forge;
        if let For::Link { user, .. } = &returning.details.purpose
            && returning.caller.as_ref().is_none_or(|caller| caller.user != *user)
        {
            return Err(session_gone());
        }
        let provider = self.provider(forge).await?;
        let grant = match provider.complete(callback, &returning.details.redirect_uri, private).await {
            Ok(grant) => grant,
            Err(error) => {
                // What stands in the browser's address anybody can write there; only what the forge itself
                // answered counts against the application.
                if *error.fault() == Fault::Application && callback.error.is_none() {
                    super::count(&self.inner.links.counters.invalid_client);
                    self.forge_refuses(forge.id, &error.to_string()).await?;
                }
                return Err(Failure::new(error.code(), error.to_string(), error.mend()));
            }
        };
        let account = super::tidy(grant.account);
        let done = match &returning.details.purpose {
            For::SignIn => self.complete_sign_in(returning, &account, &grant.tokens).await,
            For::Link { user, session, scopes } => {
                self.complete_link(returning, (*user, *session), scopes, &account, &grant.tokens).await
            }
        };
        if done.is_err() {
            self.drop_grant(forge, &account, grant.tokens);
        }
        done
    }
}

pub(super) fn session_gone() -> Failure {
    let what = "you signed out meanwhile, or signed in as somebody else";
    Failure::new("session_gone", what, "sign in, then link the account again")
}

fn failed(back: &ReturnPath, forge: Option<ForgeId>, failure: Failure) -> CallbackOutcome {
    let Failure { code, detail, mend } = failure;
    let forge = forge.map(|forge| forge.to_string());
    let mut pairs = vec![("link_error", code), ("detail", &detail), ("mend", &mend)];
    pairs.extend(forge.as_deref().map(|forge| ("forge", forge)));
    let return_to = back.with(&pairs);
    CallbackOutcome::Failed { return_to, code, detail, mend }
}
