//! Calls about Git inside a workspace: its settings, what it asks, the dotfiles.

use http::Method;
use wire::agent::{Ask, AskAnswer, CloneEvent, DotfilesRequest, GitSettings};

use super::{AgentClient, Lines};
use crate::error::LinkError;

impl AgentClient {
    /// Sets Git and SSH in the workspace up. An agent of an earlier release does not know the call.
    pub async fn set_git(&self, settings: &GitSettings) -> Result<(), LinkError> {
        self.call(Method::PUT, "/v1/git").with_json(settings).quick().done().await
    }

    /// Clones and installs a person's dotfiles. The last item is `Done` or `Failed`; dropping the stream
    /// stops it.
    pub async fn install_dotfiles(&self, request: &DotfilesRequest) -> Result<Lines<CloneEvent>, LinkError> {
        let response = self.call(Method::POST, "/v1/dotfiles").with_json(request).send().await?;
        Ok(Lines::new(response.into_body()))
    }

    /// What Git and SSH inside ask, for as long as the stream is held.
    pub async fn asks(&self) -> Result<Lines<Ask>, LinkError> {
        let response = self.call(Method::POST, "/v1/asks").send().await?;
        Ok(Lines::new(response.into_body()))
    }

    /// Answers what was asked; whoever asked may have given up meanwhile.
    pub async fn answer(&self, id: u64, answer: &AskAnswer) -> Result<(), LinkError> {
        self.call(Method::POST, &format!("/v1/asks/{id}")).with_json(answer).quick().done().await
    }
}
