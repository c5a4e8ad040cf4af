//! Questions of one agent, each answered by itself.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::agent::{Ask, AskAnswer, Question};

use super::pace::Pace;
use super::{AGAIN, Refusal, Scene, Serving};
use crate::error::Error;

/// Questions of one workspace that are answered at the same time.
const AT_ONCE: usize = 32;

impl Serving {
    pub(super) async fn asks(&self) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let under_way = tokio_util::task::TaskTracker::new();
        let mut pace = Pace::new(Instant::now());
        loop {
            match self.agent.asks().await {
                Ok(mut asks) => {
                    self.ready.send_modify(|ready| ready.asks = true);
                    while let Some(Ok(ask)) = asks.next().await {
                        let Ok(place) = places.clone().acquire_owned().await else { return };
                        let is_in_pace = pace.take(Instant::now());
                        let (serving, closed) = (self.clone(), self.agent.closed());
                        under_way.spawn(async move {
                            let _place = place;
                            tokio::select! {
                                () = closed => {}
                                () = serving.answer(ask, is_in_pace) => {}
                            }
                        });
                    }
                }
                // An agent too old to ask.
                Err(error) if error.is_not_found() => {
                    self.ready.send_modify(|ready| ready.asks = true);
                    return;
                }
                Err(error) => tracing::debug!(error = %error, "agent does not hand over its questions"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn answer(&self, ask: Ask, is_in_pace: bool) {
        let answer = if is_in_pace {
            self.decide(&ask.question).await
        } else {
            Err(Refusal::new("this workspace asks too often", "wait a few seconds, then try again"))
        };
        let answer = answer.unwrap_or_else(|Refusal { why, mend }| {
            self.control.count(|counters| &counters.refused);
            AskAnswer::Refused { why, mend }
        });
        if let Err(error) = self.agent.answer(ask.id, &answer).await {
            tracing::debug!(error = %error, "whoever asked inside the workspace is gone");
        }
    }

    async fn decide(&self, question: &Question) -> Result<AskAnswer, Refusal> {
        let scene: Scene = self.control.scene(self.id).await.map_err(Refusal::of)??;
        match question {
            Question::Credential(wanted) => self.control.credential_for(&scene, wanted).await,
            Question::CredentialRefused(wanted) => {
                self.control.doubt(&scene, wanted);
                Ok(AskAnswer::Nothing)
            }
            Question::SshIdentities => self.control.identities_for(&scene).await,
            Question::SshSign { key, data, flags, binds } => {
                self.control.sign_for(&scene, key, data, *flags, binds).await
            }
            Question::Unknown => Ok(AskAnswer::Nothing),
        }
    }
}

impl Refusal {
    /// What went wrong on our side.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub(super) fn of(error: Error) -> Self {
        if let Error::Internal { .. } = &error {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot answer a question from inside");
        }
        Self::new(error.to_string(), error.mend())
    }
}
