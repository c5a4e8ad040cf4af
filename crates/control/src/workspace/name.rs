//! Names: unique among an owner's workspaces, numbered where nobody chose one.

use domain::{Workspace, WorkspaceName};
use store::{StoreError, Tx};

use crate::error::Error;
use crate::teams::must_belong;

/// Numbers tried before somebody has to choose a name: more than anybody may have workspaces.
const NUMBERS: u32 = 1000;

/// How a workspace gets its name.
pub(super) enum Naming {
    /// Somebody chose it.
    Chosen(WorkspaceName),
    /// This one or the first free number behind it.
    Like(WorkspaceName),
}

impl Naming {
    /// The name to begin with.
    pub(super) fn first(&self) -> WorkspaceName {
        match self {
            Self::Chosen(name) | Self::Like(name) => name.clone(),
        }
    }
}

/// Parses a name as it came in.
pub(super) fn parse_name(text: &str) -> Result<WorkspaceName, Error> {
    text.trim().parse().map_err(|bad| {
        let near = WorkspaceName::nearest(text);
        Error::invalid("name", bad, &format!("choose another name, such as `{near}`"))
    })
}

/// Inserts a workspace under the first name that is free, which it then has. Its owner must belong to its
/// team at that moment, whoever asks.
pub(super) async fn insert_named(
    tx: &mut Tx,
    workspace: &mut Workspace,
    naming: &Naming,
) -> Result<(), Error> {
    let first = naming.first();
    let mut number = 1;
    loop {
        workspace.name = if number == 1 { first.clone() } else { first.numbered(number) };
        match (tx.insert_workspace(workspace).await, naming) {
            // Asked behind the insert, which keeps the team as it is until `tx` ends.
            (Ok(()), _) => return must_belong(tx, workspace.team, workspace.owner).await,
            (Err(StoreError::Conflict { .. }), Naming::Like(_)) if number < NUMBERS => number += 1,
            (Err(StoreError::Conflict { .. }), _) => return Err(name_taken(&workspace.name)),
            (Err(error), _) => return Err(error.into()),
        }
    }
}

pub(super) fn name_taken(name: &WorkspaceName) -> Error {
    Error::Conflict {
        code: "name_taken",
        what: format!("there is a workspace named `{name}` already"),
        mend: "choose another name, or leave it out to get a numbered one".into(),
    }
}
