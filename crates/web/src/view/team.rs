//! How teams look in the API.

use std::collections::HashMap;

use control::TeamFacts;
use domain::TeamId;
use wire::api::{LimitsView, TeamRef, TeamView};

use crate::app::App;
use crate::error::ApiError;

/// A team, as the caller sees it.
pub(crate) fn team(app: &App, facts: TeamFacts) -> TeamView {
    let TeamFacts { team, role, members } = facts;
    let base = app.public_url.as_str().trim_end_matches('/');
    TeamView {
        id: team.id,
        url: format!("{base}/t/{}", team.slug),
        slug: team.slug.to_string(),
        name: team.name,
        role: role.map(Into::into),
        everybody: team.everybody,
        members,
        rootfs: team.defaults.rootfs.map(|rootfs| rootfs.to_string()),
        limits: team.defaults.limits.map(|limits| LimitsView {
            cpu_millis: limits.cpu_millis,
            memory_bytes: limits.memory_bytes,
            pids: limits.pids,
        }),
        created_at: team.created_at,
    }
}

/// Names teams, each looked up once.
#[derive(Default)]
pub(crate) struct TeamNames(HashMap<TeamId, TeamRef>);

impl TeamNames {
    /// The team of this id, named.
    pub(crate) async fn name(&mut self, app: &App, id: TeamId) -> Result<TeamRef, ApiError> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let team = app.control.team_of(id).await?;
        let named = TeamRef { id, slug: team.slug.to_string(), name: team.name };
        self.0.insert(id, named.clone());
        Ok(named)
    }
}
