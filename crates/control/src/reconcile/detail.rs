//! What the owner sees while something is under way: the step's detail, and lines in the log.

use std::time::Duration;

use domain::{Step, StepState, Workspace};
use store::NewLine;
use tokio::sync::watch;

use crate::control::Control;
use crate::error::Error;
use crate::workspace::announce;

/// Least time between two writes of a detail: a person sees no difference, a disk does.
const EVERY: Duration = Duration::from_millis(400);
/// A detail is one line in a list.
const DETAIL_MAX: usize = 200;

/// Takes details in as they come; only the newest is kept.
#[derive(Debug, Clone)]
pub(super) struct Details(watch::Sender<String>);

impl Details {
    /// Shows this from now on.
    pub(super) fn show(&self, text: String) {
        self.0.send_replace(text);
    }
}

impl Control {
    /// Runs `work` and meanwhile saves the details it shows, now and then.
    pub(super) async fn with_details<T, F: Future<Output = T>>(
        &self,
        workspace: &Workspace,
        step: Step,
        work: impl FnOnce(Details) -> F,
    ) -> T {
        let (details, mut shown) = watch::channel(String::new());
        let work = work(Details(details));
        let save = async {
            while shown.changed().await.is_ok() {
                let text = shown.borrow_and_update().clone();
                if let Err(error) = self.set_detail(workspace, Some(step), text).await {
                    tracing::debug!(workspace.id = %workspace.id, error = %error, "cannot save a detail");
                }
                tokio::time::sleep(EVERY).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            done = work => done,
            () = save => std::future::pending().await,
        }
    }

    /// Saves the detail of a step, if its start is still under way.
    pub(super) async fn set_detail(
        &self,
        workspace: &Workspace,
        step: Option<Step>,
        text: String,
    ) -> Result<(), Error> {
        let text: String = text.chars().filter(|c| !c.is_control()).take(DETAIL_MAX).collect();
        let mut tx = self.inner.store.begin().await?;
        let Some(mut present) = tx.workspace_for_update(workspace.id).await? else { return Ok(()) };
        let is_same = present.run == workspace.run && present.phase == workspace.phase;
        let record = present.steps.iter_mut().find(|record| Some(record.step) == step);
        let Some(record) = record.filter(|record| is_same && is_open(&record.state)) else { return Ok(()) };
        if record.detail.as_ref() == Some(&text) {
            return Ok(());
        }
        record.detail = Some(text);
        tx.save_workspace(&present).await?;
        announce(&mut tx, &present);
        Ok(tx.commit().await?)
    }

    /// Adds a line to the workspace's log.
    pub(super) async fn say(&self, workspace: &Workspace, step: Option<Step>, text: impl Into<String>) {
        let line = NewLine { time: self.now(), step, text: text.into() };
        self.inner.logs.write(workspace.id, workspace.run, line).await;
    }
}

fn is_open(state: &StepState) -> bool {
    matches!(state, StepState::Pending | StepState::Running { .. })
}
