//! How kites and their keys look in the API.

use control::{KiteFacts, KiteKeyFacts, KiteShareFacts, RegistryKeyFacts};
use domain::TeamId;
use wire::api::{KiteKeyView, KiteShareView, KiteVia, KiteView, RegistryKeyView, TeamRef, UserRef};

use super::TeamNames;
use crate::app::App;
use crate::error::ApiError;

/// A kite.
pub(crate) async fn kite(app: &App, teams: &mut TeamNames, facts: KiteFacts) -> Result<KiteView, ApiError> {
    Ok(KiteView {
        id: facts.id,
        username: facts.username,
        environment: facts.environment,
        name: facts.name,
        version: facts.version,
        region: facts.region,
        hostname: facts.hostname,
        url: facts.url,
        owner: UserRef { id: facts.owner, name: facts.owner_name.to_string() },
        team: team(app, teams, facts.team).await?,
        workspace: facts.workspace,
        via: match facts.via {
            domain::KiteVia::Agent => KiteVia::Agent,
            domain::KiteVia::Socket => KiteVia::Socket,
            domain::KiteVia::Http => KiteVia::Http,
        },
        connected: facts.connected,
        registered_at: facts.registered_at,
        last_seen_at: facts.seen_at,
        calls: facts.calls,
        errors: facts.errors,
        tokens: facts.tokens,
        may_call: facts.may_call,
    })
}

/// A kite key, without the key.
pub(crate) async fn kite_key(
    app: &App,
    teams: &mut TeamNames,
    facts: KiteKeyFacts,
) -> Result<KiteKeyView, ApiError> {
    Ok(KiteKeyView {
        id: facts.id,
        name: facts.name,
        team: team(app, teams, facts.team).await?,
        created_at: facts.created_at,
        expires_at: facts.expires_at,
        last_used_at: facts.last_used_at,
        kites: facts.kites,
    })
}

/// Whom a kite is shared with.
pub(crate) fn kite_share(facts: KiteShareFacts) -> KiteShareView {
    KiteShareView { user: UserRef { id: facts.user, name: facts.user_name.into() }, since: facts.since }
}

/// A key of the registry.
pub(crate) fn registry_key(facts: RegistryKeyFacts) -> RegistryKeyView {
    RegistryKeyView {
        id: facts.id,
        public_key: facts.public_key,
        created_at: facts.created_at,
        retired_at: facts.retired_at,
        kite_keys: facts.kite_keys,
    }
}

async fn team(app: &App, teams: &mut TeamNames, id: Option<TeamId>) -> Result<Option<TeamRef>, ApiError> {
    match id {
        Some(id) => teams.name(app, id).await.map(Some),
        None => Ok(None),
    }
}
