//! Every change to a workspace, for whoever may see it.
//!
//! A commit only says *which* workspace changed; one task per server reads it again and hands it to
//! everybody who listens. So what is handed out is never older than what was handed out before.

use std::collections::HashSet;

use domain::{Caller, Role, Scope, TeamId, TeamRole, UserId, Workspace, WorkspaceId};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use store::{EVERYTHING, Store, Topic, Tx};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::control::Control;
use crate::error::Error;
use crate::teams::PLACES_TOPIC;

/// Said after a commit that changed a workspace, with its id, owner and team behind.
pub(crate) const TOPIC: &str = "workspace ";
/// A listener that is this far behind is cut off; it connects again and reads the list afresh.
const BACKLOG: usize = 1024;
/// Workspaces read at once when news was missed.
const PAGE: u32 = 200;

/// A workspace came, changed or went.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub id: WorkspaceId,
    /// How it is now; `None` when it is gone.
    pub workspace: Option<Workspace>,
}

/// Whose a workspace is.
#[derive(Debug, Clone, Copy)]
struct Belongs {
    owner: UserId,
    team: TeamId,
}

/// What is handed to everybody who listens.
#[derive(Debug, Clone)]
enum Heard {
    /// A workspace changed.
    Change(Belongs, Box<Change>),
    /// Somebody has other places in teams now.
    Places(UserId),
}

/// Hands changes to everybody who listens.
#[derive(Debug)]
pub(crate) struct News(broadcast::Sender<Heard>);

/// Who listens, and what they may see.
struct Listener {
    heard: broadcast::Receiver<Heard>,
    user: UserId,
    sees_all: bool,
    /// The teams whose workspaces the listener manages, once they were read.
    manages: Option<HashSet<TeamId>>,
}

impl Default for News {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

/// Tells everybody, after the commit, that the workspace has changed.
pub(crate) fn announce(tx: &mut Tx, workspace: &Workspace) {
    tx.nudge(format!("{TOPIC}{} {} {}", workspace.id, workspace.owner, workspace.team));
}

impl Control {
    /// Every change, from this moment on, to a workspace the caller may see. Ends when the listener is
    /// too slow: it then reads everything afresh.
    pub fn changes(&self, caller: &Caller) -> Result<BoxStream<'static, Change>, Error> {
        caller.scope(Scope::WorkspacesRead)?;
        let listener = Listener {
            heard: self.inner.news.0.subscribe(),
            user: caller.user,
            sees_all: caller.role == Role::Admin,
            manages: None,
        };
        let store = self.inner.store.clone();
        let visible = stream::unfold(listener, move |mut listener| {
            let store = store.clone();
            async move {
                let change = listener.next(&store).await?;
                Some((change, listener))
            }
        });
        Ok(visible.boxed())
    }

    /// Reads what has changed and hands it out, for as long as the server lives.
    pub(crate) async fn hand_out_changes(self, mut nudges: broadcast::Receiver<Topic>) {
        loop {
            let done = match nudges.recv().await {
                // Nobody listens: nothing to read.
                Ok(_) | Err(RecvError::Lagged(_)) if self.inner.news.0.receiver_count() == 0 => Ok(()),
                Ok(topic) if *topic == *EVERYTHING => self.hand_out_everything().await,
                Ok(topic) => self.hand_out(&topic).await,
                Err(RecvError::Lagged(_)) => self.hand_out_everything().await,
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = done {
                tracing::warn!(error = %error, "cannot hand out what has changed");
            }
        }
    }

    async fn hand_out(&self, topic: &str) -> Result<(), Error> {
        if let Some(user) = topic.strip_prefix(PLACES_TOPIC).and_then(|id| id.parse().ok()) {
            self.inner.news.0.send(Heard::Places(user)).ok();
            return Ok(());
        }
        let Some((id, belongs)) = topic.strip_prefix(TOPIC).and_then(parse_topic) else { return Ok(()) };
        let workspace = self.inner.store.read().await?.workspace(id).await?;
        self.send(belongs, Change { id, workspace });
        Ok(())
    }

    async fn hand_out_everything(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.inner.store.read().await?.workspaces(None, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for workspace in page {
                let belongs = Belongs { owner: workspace.owner, team: workspace.team };
                self.send(belongs, Change { id: workspace.id, workspace: Some(workspace) });
            }
        }
    }

    fn send(&self, belongs: Belongs, change: Change) {
        // Nobody listening is no fault.
        self.inner.news.0.send(Heard::Change(belongs, Box::new(change))).ok();
    }
}

impl Listener {
    /// The next change the listener may see; `None` when it has missed some.
    async fn next(&mut self, store: &Store) -> Option<Change> {
        loop {
            let (belongs, change) = match self.heard.recv().await.ok()? {
                Heard::Change(belongs, change) => (belongs, *change),
                Heard::Places(user) => {
                    // Read again when it matters.
                    self.manages = self.manages.take().filter(|_| user != self.user);
                    continue;
                }
            };
            if self.sees_all
                || belongs.owner == self.user
                || self.manages(store).await?.contains(&belongs.team)
            {
                return Some(change);
            }
        }
    }

    /// The teams whose workspaces the listener manages; `None` when the database does not say.
    async fn manages(&mut self, store: &Store) -> Option<&HashSet<TeamId>> {
        if self.manages.is_none() {
            let places = async { store.read().await?.teams_of(self.user).await }.await;
            let places = places
                .inspect_err(
                    |error| tracing::warn!(error = %error, "cannot look up whose changes to hand out"),
                )
                .ok()?;
            let managed = places.into_iter().filter(|(_, role)| *role >= TeamRole::Admin);
            self.manages = Some(managed.map(|(team, _)| team.id).collect());
        }
        self.manages.as_ref()
    }
}

fn parse_topic(text: &str) -> Option<(WorkspaceId, Belongs)> {
    let mut words = text.split(' ');
    let (id, owner, team) = (words.next()?, words.next()?, words.next()?);
    Some((id.parse().ok()?, Belongs { owner: owner.parse().ok()?, team: team.parse().ok()? }))
}
