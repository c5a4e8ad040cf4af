//! Who speaks Kite with agents: the registry's service, and what tells it whose seat a connection is.

use domain::WorkspaceId;
use kite::{Connection, Context, Service};

use crate::text_plane::TextPlane;

/// Serves the text planes of admitted connections.
pub(crate) struct Front {
    service: Service,
    context: Box<dyn Fn(WorkspaceId) -> Context + Send + Sync>,
}

impl Front {
    pub(crate) fn new(
        service: Service,
        context: impl Fn(WorkspaceId) -> Context + Send + Sync + 'static,
    ) -> Self {
        Self { service, context: Box::new(context) }
    }

    /// Serves one connection; the future ends with it. It was admitted, so whatever comes over it is the
    /// workspace's agent.
    pub(crate) fn serve(&self, workspace: WorkspaceId, text: TextPlane) -> Connection {
        self.service.serve(text, (self.context)(workspace)).1
    }
}
