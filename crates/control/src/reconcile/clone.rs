//! Initialise: clone the repository inside the workspace, with progress, and install the dotfiles.

use domain::{Checkout, Event, Source, Step, User, Workspace};
use futures_util::StreamExt;
use link::Lines;
use tokio_util::sync::CancellationToken;
use wire::agent::{CloneEvent, CloneRequest, DotfilesRequest};

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
            let dotfiles = cancel.run_until_cancelled(self.dotfiles(workspace, Step::Clone)).await;
            done.notices.extend(dotfiles.unwrap_or_else(|| Err(Trouble::cancelled()))?);
        }
        Ok(Performed::Done(done))
    }

    /// Installs the owner's dotfiles in a new workspace. What goes wrong is a notice: one can work without.
    pub(super) async fn dotfiles(
        &self,
        workspace: &Workspace,
        step: Step,
    ) -> Result<Option<String>, Trouble> {
        let preferences = self.inner.store.read().await?.preferences(workspace.owner).await?;
        let Some(url) = preferences.dotfiles else { return Ok(None) };
        self.say(workspace, Some(step), format!("installing the dotfiles of {url}")).await;
        let work = self.with_details(workspace, step, |details| async move {
            let agent = self.inner.agents.wait_for(workspace.id).await;
            self.serve_inside(workspace.id, &agent).await?;
            let events = agent.install_dotfiles(&DotfilesRequest { url }).await?;
            self.tell_clone(workspace, events, &details).await
        });
        let Err(trouble) = work.await else { return Ok(None) };
        let notice = format!("the dotfiles were not installed: {}; {}", trouble.reason, trouble.mend);
        self.say(workspace, Some(step), notice.clone()).await;
        Ok(Some(notice))
    }

    async fn clone_repository(
        &self,
        workspace: &Workspace,
        source: &Source,
        details: &Details,
    ) -> Result<String, Trouble> {
        let agent = self.inner.agents.wait_for(workspace.id).await;
        let told = self.serve_inside(workspace.id, &agent).await?;
        let mut request = request_of(workspace, source);
        if !told.git {
            let owner = self.inner.store.read().await?.user(workspace.owner).await?;
            request.author_name = owner.as_ref().map(User::commit_name);
            request.author_email = owner.as_ref().map(User::commit_email);
        }
        let events = agent.clone_repository(&request).await?;
        let (head, branch) = self.tell_clone(workspace, events, details).await?;
        Ok(checked_out(head, branch))
    }

    /// Passes on what a clone says: the commit and the branch that it ended with.
    async fn tell_clone(
        &self,
        workspace: &Workspace,
        mut events: Lines<CloneEvent>,
        details: &Details,
    ) -> Result<(Option<String>, Option<String>), Trouble> {
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
                CloneEvent::Done { head, branch } => return Ok((head, branch)),
                CloneEvent::Failed { reason, mend } => return Err(Trouble::lasting(reason, mend)),
            }
        }
        Err(Trouble::passing("the clone broke off without a word", "start the workspace again"))
    }
}

fn request_of(workspace: &Workspace, source: &Source) -> CloneRequest {
    let Checkout { ref_kind, revision, local_branch, upstream, upstream_branch, .. } = &source.checkout;
    CloneRequest {
        url: source.repository.to_string(),
        reference: source.reference.as_ref().map(ToString::to_string),
        folder: workspace.folder(),
        // The forge may be one that only the server can reach, and the guard is there.
        through_server: true,
        author_name: None,
        author_email: None,
        ref_kind: *ref_kind,
        revision: revision.clone().filter(|_| source.reference.is_none()),
        local_branch: local_branch.as_ref().map(ToString::to_string),
        upstream: upstream.as_ref().map(ToString::to_string),
        upstream_branch: upstream_branch.as_ref().map(ToString::to_string),
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
