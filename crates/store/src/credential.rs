//! What the agent of each workspace proves itself with.

use domain::WorkspaceId;
use vault::TokenHash;

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

statements! { "agent_credentials", key "workspace";
    SET = "insert into agent_credentials (workspace, hash) values ($1, $2) \
           on conflict (workspace) do update set hash = excluded.hash";
    GET = "select workspace, hash from agent_credentials where workspace = $1";
}

impl Tx {
    /// Gives a workspace's agent a credential; the one before is void.
    pub async fn set_agent_credential(
        &mut self,
        workspace: WorkspaceId,
        hash: &TokenHash,
    ) -> Result<(), StoreError> {
        self.execute(SET, [workspace.into(), hash.as_bytes().into()]).await.map(drop)
    }

    /// The credential of a workspace's agent.
    pub async fn agent_credential(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<TokenHash>, StoreError> {
        let row = self.row(GET, [workspace.into()]).await?;
        row.map(|row| row.token_hash("hash")).transpose()
    }
}
