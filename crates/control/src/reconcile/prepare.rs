//! Prepare: look at the repository and get the image, before anything is made.

use domain::{Event, Rootfs, Step, Workspace};
use tokio_util::sync::CancellationToken;
use vault::Token;

use super::settle::{Done, Performed};
use crate::control::Control;
use crate::trouble::{Kind, Trouble};

impl Control {
    /// Checks what a start needs from other machines.
    pub(super) async fn prepare(
        &self,
        workspace: &Workspace,
        cancel: &CancellationToken,
    ) -> Result<Performed<'_>, Trouble> {
        let step = Some(Step::Prepare);
        if let Some(source) = workspace.source.as_ref().filter(|_| !workspace.initialised) {
            self.say(workspace, step, format!("looking at {}", source.repository)).await;
            let probed = cancel.run_until_cancelled(self.probe(workspace, source)).await;
            probed.unwrap_or_else(|| Err(Trouble::cancelled()))?;
        }
        let mut done = Done::of(Event::Prepared);
        if workspace.rootfs != Rootfs::Host {
            self.say(workspace, step, format!("preparing image {}", workspace.rootfs)).await;
        }
        if let Err(trouble) = self.prepare_rootfs(workspace, cancel).await {
            let notice = fall_back(workspace, &trouble).ok_or(trouble)?;
            self.say(workspace, step, notice.clone()).await;
            done.rootfs = Some(Rootfs::Host);
            done.notices.push(notice);
        }
        done.detail = Some(match (&workspace.source, &done.rootfs) {
            (_, Some(_)) => "the machine's own system instead of the image".into(),
            (Some(source), None) if !workspace.initialised => source.repository.to_string(),
            _ => workspace.rootfs.to_string(),
        });
        // Stored with the same commit, and only then given to an agent.
        done.credential = Some(Token::generate("hagent", &*self.inner.entropy));
        Ok(Performed::Done(done))
    }

    async fn prepare_rootfs(&self, workspace: &Workspace, cancel: &CancellationToken) -> Result<(), Trouble> {
        let prepared = self.with_details(workspace, Step::Prepare, |details| async move {
            let progress = move |line: String| details.show(line);
            self.inner.driver.prepare(&workspace.rootfs, &progress, cancel).await
        });
        Ok(cancel.run_until_cancelled(prepared).await.unwrap_or(Err(runtime::DriverError::Cancelled))?)
    }
}

/// The notice under which a workspace starts on the machine's own system instead of its image, if that
/// would help: nothing has been made from the image yet, and the image is what is wrong.
pub(super) fn fall_back(workspace: &Workspace, trouble: &Trouble) -> Option<String> {
    let is_fresh = !workspace.initialised && workspace.base.is_none();
    let is_image = workspace.rootfs != Rootfs::Host;
    if trouble.kind == Kind::Cancelled || !is_fresh || !is_image {
        return None;
    }
    Some(format!(
        "the image `{}` could not be used ({}), so this workspace runs on the machine's own system; {}",
        workspace.rootfs, trouble.reason, trouble.mend
    ))
}
