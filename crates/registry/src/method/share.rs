//! `share`, `unshare` and `shared`: letting others call one's kites.

use domain::{ShareSubject, Timestamp};
use kite::{Error, Request};
use serde::{Deserialize, Serialize};

use crate::authority::{full_person, person};
use crate::field::AGENT_ENVIRONMENT;
use crate::policy::Share;
use crate::registry::{Registry, Whose};

/// What is shared: a kite by its id, or all services of an environment and name, whether they are there or not.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wanted {
    id: String,
    environment: String,
    name: String,
    /// With whom: a user name.
    username: String,
}

/// One share, as its owner sees it.
#[derive(Serialize)]
pub(crate) struct Shared {
    /// The workspace's id, for its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    username: String,
    #[serde(rename = "createdAt")]
    created_at: Timestamp,
}

impl From<Share> for Shared {
    fn from(share: Share) -> Self {
        let (id, environment, name) = match share.subject {
            ShareSubject::Workspace(id) => (Some(id.to_string()), None, None),
            ShareSubject::Service { environment, name } => (None, Some(environment), Some(name)),
        };
        Self { id, environment, name, username: share.username, created_at: share.created_at }
    }
}

impl Registry {
    pub(crate) async fn share(self, request: Request) -> Result<Shared, Error> {
        let person = full_person(&request)?;
        let wanted: Wanted = request.arg()?;
        let subject = self.subject(&wanted, person.principal.user)?;
        let share = self.inner.policy.share(&person.principal, &subject, &wanted.username).await?;
        self.rights_changed(Whose::User(share.user));
        Ok(share.into())
    }

    pub(crate) async fn unshare(self, request: Request) -> Result<bool, Error> {
        let person = full_person(&request)?;
        let wanted: Wanted = request.arg()?;
        let subject = self.subject(&wanted, person.principal.user)?;
        let with = self.inner.policy.unshare(&person.principal, &subject, &wanted.username).await?;
        if let Some(user) = with {
            self.rights_changed(Whose::User(user));
        }
        Ok(with.is_some())
    }

    pub(crate) async fn shared(self, request: Request) -> Result<Vec<Shared>, Error> {
        let person = person(&request)?;
        let shares = self.inner.policy.shared(&person.principal).await?;
        Ok(shares.into_iter().map(Shared::from).collect())
    }

    /// What is meant. Whether it is the person's own is for the policy to say.
    fn subject(&self, wanted: &Wanted, user: domain::UserId) -> Result<ShareSubject, Error> {
        const HOW: &str = "say what to share: `id`, or `environment` and `name`; and with whom: `username`";
        if wanted.username.is_empty() {
            return Err(Error::argument(HOW));
        }
        if let Ok(workspace) = wanted.id.parse() {
            return Ok(ShareSubject::Workspace(workspace));
        }
        let (environment, name) = if wanted.id.is_empty() {
            (wanted.environment.clone(), wanted.name.clone())
        } else {
            let entry = self.get(&wanted.id).filter(|entry| entry.owner == user);
            let entry = entry.ok_or_else(|| Error::from(crate::policy::Refused::NotAllowed))?;
            (entry.kite.environment.clone(), entry.kite.name.clone())
        };
        if environment == AGENT_ENVIRONMENT {
            return Err(Error::argument("share a workspace's kite by its `id`, which is the workspace's"));
        }
        // Reading its own text checks the fields.
        let subject = ShareSubject::Service { environment, name };
        subject.to_string().parse().ok().filter(|read| *read == subject).ok_or_else(|| Error::argument(HOW))
    }
}
