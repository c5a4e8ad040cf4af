//! What happens to somebody's work when the place in a team is lost.

use domain::{Event, Phase, TeamId, Timestamp, UserId, WorkspaceId};
use store::Tx;

use crate::control::Control;
use crate::error::Error;
use crate::workspace::happen;

/// Workspaces read at once.
const PAGE: u32 = 200;

impl Control {
    /// Stops what somebody still runs in a team, and ends their streams after the commit. Answers what was
    /// stopped and how it is now, for whoever performs effects.
    pub(super) async fn end_standing(
        &self,
        tx: &mut Tx,
        team: TeamId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<(WorkspaceId, Phase)>, Error> {
        let mut stopped = Vec::new();
        let mut after = None;
        loop {
            let page = tx.workspaces_of_team(team, Some(user), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for id in page.into_iter().map(|workspace| workspace.id) {
                // Locked before it is judged: a start under way is waited for, and a later one finds
                // that its owner does not belong to the team.
                let Some(mut workspace) = tx.workspace_for_update(id).await? else { continue };
                if may_run(&workspace.phase) {
                    happen(tx, &mut workspace, &Event::StopRequested, now).await?;
                    stopped.push((id, workspace.phase));
                }
            }
        }
        Self::cut(tx, user);
        Ok(stopped)
    }
}

/// Whether it runs, or would without anybody asking.
fn may_run(phase: &Phase) -> bool {
    match phase {
        Phase::Queued
        | Phase::Preparing
        | Phase::Creating
        | Phase::Starting { .. }
        | Phase::Initialising { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => true,
        Phase::Stopped | Phase::Failed(_) | Phase::Deleting | Phase::Deleted => false,
    }
}
