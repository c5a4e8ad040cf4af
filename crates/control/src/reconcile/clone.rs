//! Initialise: clone the repository inside the workspace, with progress.

use domain::{Event, Source, Step, User, Workspace};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use wire::agent::{CloneEvent, CloneRequest};

use super::connect::wants_clone;
use super::detail::Details;
use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::Trouble;

impl Control {
    /// Has the agent clone. What is cloned already is left as it is.
    pub(super) async fn initialise(
        &self,
        workspace: &Workspace,
        cancel: &CancellationToken,
    ) -> Result<Performed<'_>, Trouble> {
        let mut done = Done::of(Event::Initialised);
        let source = workspace.source.as_ref().filter(|_| wants_clone(workspace));
        if let Some(source) = source {
            self.open_listener(workspace.id).await?;
            self.watch(workspace);
            let work = self.with_details(workspace, Step::Clone, |details| async move {
                self.clone_repository(workspace, source, &details).await
            });
            // Dropping the call ends git.
            let cloned = cancel.run_until_cancelled(work).await;
            done.detail = Some(cloned.unwrap_or_else(|| Err(Trouble::cancelled()))?);
        }
        Ok(Performed::Done(done))
    }

    async fn clone_repository(
        &self,
        workspace: &Workspace,
        source: &Source,
        details: &Details,
    ) -> Result<String, Trouble> {
        let agent = self.inner.agents.wait_for(workspace.id).await;
        self.serve_egress(workspace.id, &source.repository, &agent).await?;
        let owner = self.inner.store.read().await?.user(workspace.owner).await?;
        let request = CloneRequest {
            url: source.repository.to_string(),
            reference: source.reference.as_ref().map(ToString::to_string),
            folder: workspace.folder(),
            // The forge may be one that only the server can reach, and the guard is there.
            through_server: true,
            author_name: owner.as_ref().map(User::commit_name),
            author_email: owner.as_ref().map(User::commit_email),
        };
        let mut events = agent.clone_repository(&request).await?;
        let mut shown = String::new();
        while let Some(event) = events.next().await {
            match event? {
                CloneEvent::Progress { phase, percent, detail } => {
                    let line = format!("{phase} {percent}% {detail}");
                    // Every phase once in the log, when it is through; all of it in the detail.
                    if percent == 100 && shown != phase {
                        self.say(workspace, Some(Step::Clone), line.trim_end()).await;
                        shown = phase;
                    }
                    details.show(line);
                }
                CloneEvent::Line { text } => self.say(workspace, Some(Step::Clone), text).await,
                CloneEvent::Done { head, branch } => return Ok(checked_out(head, branch)),
                CloneEvent::Failed { reason, mend } => return Err(Trouble::lasting(reason, mend)),
            }
        }
        Err(Trouble::passing("the clone broke off without a word", "start the workspace again"))
    }
}

fn checked_out(head: Option<String>, branch: Option<String>) -> String {
    let short = head.map(|head| head.chars().take(10).collect::<String>());
    match (branch, short) {
        (Some(branch), Some(head)) => format!("{branch} at {head}"),
        (None, Some(head)) => head,
        (Some(branch), None) => format!("{branch}, without a commit yet"),
        (None, None) => "an empty repository".into(),
    }
}
