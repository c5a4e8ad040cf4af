//! Noticing what changes for a workspace while it runs: rights that end, links that come and go, preferences.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{LinkId, LinkState, UserId};
use store::EVERYTHING;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use wire::agent::GitSettings;

use super::{AGAIN, Refusal, Scene, Serving};
use crate::error::Error;
use crate::teams::PLACES_TOPIC;

/// How often to look again although nothing was heard: news may get lost on its way from another server.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is said after a commit that changes how Git is set up for somebody.
pub(crate) fn git_topic(user: UserId) -> String {
    format!("git {user}")
}

/// What a workspace could do when it was last looked at.
#[derive(Default)]
struct Known {
    owner: Option<UserId>,
    /// Good links to the forges of its repositories.
    links: BTreeSet<LinkId>,
    is_welcome: bool,
    settings: Option<GitSettings>,
}

impl Serving {
    /// Keeps the agent told, and cuts what has lost its right.
    pub(super) async fn follow(&self) {
        let mut news = self.control.inner.store.nudges();
        let mut known = Known::default();
        loop {
            let pause = match self.look(&mut known).await {
                Ok(()) => LOOK_AGAIN,
                Err(error) => {
                    tracing::debug!(workspace.id = %self.id, error = %error, "cannot see what a workspace may do");
                    AGAIN
                }
            };
            drop(tokio::time::timeout(pause, heard(&mut news, known.owner)).await);
        }
    }

    async fn look(&self, known: &mut Known) -> Result<(), Error> {
        let scene = match self.control.scene(self.id).await? {
            Ok(scene) => scene,
            Err(Refusal { why, .. }) => {
                if std::mem::take(&mut known.is_welcome) {
                    tracing::info!(workspace.id = %self.id, "connections from inside end: {why}");
                    self.cut_all();
                }
                // Nothing can be told to somebody who is not welcome, and nobody waits for it.
                self.ready.send_modify(|ready| ready.settings = ready.settings.or(Some(true)));
                return Ok(());
            }
        };
        let links = good_links(&scene);
        let has_lost = !known.links.is_subset(&links);
        (known.owner, known.links, known.is_welcome) = (Some(scene.owner.id), links, true);
        if has_lost {
            tracing::info!(workspace.id = %self.id, "connections from inside end: a link is gone");
            self.cut_all();
        }
        let settings = self.control.git_settings(&scene).await?;
        if known.settings.as_ref() != Some(&settings) {
            let is_known = self.tell(&settings).await;
            self.ready.send_modify(|ready| ready.settings = Some(is_known));
            known.settings = Some(settings);
        }
        Ok(())
    }

    /// Sends settings; false for an agent that cannot take them.
    async fn tell(&self, settings: &GitSettings) -> bool {
        match self.agent.set_git(settings).await {
            Ok(()) => true,
            Err(error) if error.is_not_found() => false,
            Err(error) => {
                // A home folder that cannot be written: it works as far as it can.
                tracing::debug!(workspace.id = %self.id, error = %error, "agent cannot set git up");
                false
            }
        }
    }

    fn cut_all(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

fn good_links(scene: &Scene) -> BTreeSet<LinkId> {
    let links = scene.sites.iter().filter_map(|site| site.link.as_ref());
    links.filter(|link| link.state == LinkState::Active).map(|link| link.id).collect()
}

/// Resolves when something may have changed.
async fn heard(news: &mut Receiver<store::Topic>, owner: Option<UserId>) {
    let own =
        owner.map(|owner| [format!("revoked {owner}"), format!("{PLACES_TOPIC}{owner}"), git_topic(owner)]);
    loop {
        match news.recv().await {
            Ok(said) => {
                let is_ours = own.iter().flatten().any(|own| **own == *said);
                let may_be_ours = said.starts_with("link ") || said.starts_with("forge ");
                if *said == *EVERYTHING || is_ours || may_be_ours {
                    return;
                }
            }
            // Missed some: look.
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
