//! Why a call to an agent did not work.

use wire::agent::AgentProblem;

/// Why a call to an agent did not work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    /// The connection is gone; the agent comes back by itself if it can.
    #[error("the connection to the workspace's agent is gone")]
    Gone,
    /// The agent answered, and said no.
    #[error("the agent answered {status}: {}", problem.detail)]
    Agent {
        /// HTTP status.
        status: u16,
        /// What it said.
        problem: AgentProblem,
    },
    /// The other end does not speak as agreed.
    #[error("the agent does not speak the protocol: {0}")]
    Protocol(String),
}

impl LinkError {
    /// What the agent said, if it was the agent that refused.
    pub fn problem(&self) -> Option<&AgentProblem> {
        match self {
            Self::Agent { problem, .. } => Some(problem),
            Self::Gone | Self::Protocol(_) => None,
        }
    }

    /// Whether the agent says that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Agent { status: 404, .. })
    }
}

impl From<hyper::Error> for LinkError {
    /// Every fault of a connection that was up means the same to a caller: it is gone.
    fn from(error: hyper::Error) -> Self {
        tracing::debug!(error = %error, "agent call broke off");
        Self::Gone
    }
}
