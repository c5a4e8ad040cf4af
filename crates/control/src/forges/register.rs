//! Registering a forge.

use domain::{
    Caller, Forge, ForgeAuth, ForgeId, ForgeState, KeyOwner, RedirectPath, Scope, SignUp, TeamId, TeamSlug,
    Timestamp,
};
use forge::ForgeSecrets;
use forge::scope::default_scopes;
use store::Tx;
use vault::{OAuth1Key, Secret};

use super::reach::check_reach;
use super::settings::{
    SecretChange, SecretChanges, apply, default_auth, parse_kind, parse_name, parse_web_url,
};
use super::{ForgeFacts, NewForge, manages};
use crate::control::Control;
use crate::error::Error;
use crate::people::note;
use crate::seal::{CellKind, Sealer};

/// More are forgotten ones.
const FORGES_MAX: usize = 500;

/// The secrets of a forge on their way into the store.
pub(super) struct FreshSecrets {
    pub(super) changes: SecretChanges,
    /// The private half of a new OAuth 1.0a key.
    pub(super) consumer_key: Option<Secret<String>>,
}

impl Control {
    /// Registers a forge. Administrators register those of the platform, admins of a team the team's.
    ///
    /// It is pending until its registrar has linked an account there.
    ///
    /// # Errors
    ///
    /// `invalid` with the field that will not do.
    pub async fn create_forge(&self, caller: &Caller, wish: NewForge) -> Result<ForgeFacts, Error> {
        caller.scope(Scope::All)?;
        let team = self.team_named(caller, wish.team.as_deref()).await?;
        let now = self.now();
        let id = ForgeId::generate(now, &*self.inner.entropy);
        let mut forge = self.fresh_forge(id, &wish.kind, wish.web_url.as_deref(), wish.name.as_deref())?;
        forge.team = team;
        forge.created_by = Some(caller.user);
        let changes = apply(&mut forge, wish.settings, self.inner.settings.plain_http)?;
        check_reach(caller, None, &forge)?;
        let secrets = self.complete_auth(&mut forge, changes).await?;
        // Certificates and proxy that cannot be used are found now and not by the first person who links.
        self.open_provider(&forge, trial(ForgeSecrets::default(), &secrets))?;

        let sealer = self.sealer(owner(&forge)).await?;
        let mut tx = self.inner.store.begin().await?;
        if !manages(&mut tx, caller, team).await? {
            return Err(Error::Forbidden { why: "only an administrator may register forges here".into() });
        }
        if tx.forges().await?.len() >= FORGES_MAX {
            return Err(Error::Conflict {
                code: "too_many_forges",
                what: format!("there are {FORGES_MAX} forges already"),
                mend: "remove those that nobody uses any more".into(),
            });
        }
        tx.insert_forge(&forge).await?;
        put_secrets(&mut tx, &sealer, &forge, &secrets).await?;
        let said = format!("{} at {}", forge.kind, forge.web_url);
        note(&mut tx, caller.user, now, ("forge.create", forge.id.to_string()), said).await?;
        tx.nudge(format!("forge {}", forge.id));
        tx.commit().await?;
        self.facts(forge).await
    }

    /// A forge with everything at its defaults.
    pub(super) fn fresh_forge(
        &self,
        id: ForgeId,
        kind: &str,
        web_url: Option<&str>,
        name: Option<&str>,
    ) -> Result<Forge, Error> {
        let now = self.now();
        let kind = parse_kind(kind)?;
        let web_url = parse_web_url(web_url, kind, self.inner.settings.plain_http)?;
        Ok(Forge {
            id,
            team: None,
            kind,
            name: parse_name(name, &web_url)?,
            web_url,
            api_url: None,
            git_url: None,
            ssh: None,
            auth: default_auth(kind),
            redirect: RedirectPath::Own,
            scopes: default_scopes(kind),
            ca_pem: None,
            client_certificate: None,
            proxy: None,
            sign_in: false,
            sign_up: SignUp::Closed,
            state: ForgeState::Pending,
            version: None,
            from_file: false,
            created_at: now,
            created_by: None,
            updated_at: now,
        })
    }

    /// Makes the key pair that OAuth 1.0a needs where there is none yet.
    pub(super) async fn complete_auth(
        &self,
        forge: &mut Forge,
        changes: SecretChanges,
    ) -> Result<FreshSecrets, Error> {
        let mut consumer_key = None;
        if let ForgeAuth::Oauth1 { public_key, .. } = &mut forge.auth
            && public_key.is_empty()
        {
            let (public, private) = fresh_consumer_key().await?;
            *public_key = public;
            consumer_key = Some(private);
        }
        Ok(FreshSecrets { changes, consumer_key })
    }

    /// The team that a text names, by id or address; the platform where there is no text.
    async fn team_named(&self, caller: &Caller, text: Option<&str>) -> Result<Option<TeamId>, Error> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
        let mut tx = self.inner.store.read().await?;
        let found = match (text.parse::<TeamId>(), text.parse::<TeamSlug>()) {
            (Ok(id), _) => tx.team(id).await?,
            (_, Ok(slug)) => tx.team_by_slug(&slug).await?,
            _ => None,
        };
        // Who is not in the team does not learn that there is one.
        match found {
            Some(team) if manages(&mut tx, caller, Some(team.id)).await? => Ok(Some(team.id)),
            _ => Err(Error::missing("team", text.chars().take(80).collect::<String>())),
        }
    }
}

/// Whose keys seal the forge's secrets.
pub(super) fn owner(forge: &Forge) -> KeyOwner {
    forge.team.map_or(KeyOwner::Platform, KeyOwner::Team)
}

/// Puts what is new into the sealed cells, and takes away what is to go.
pub(super) async fn put_secrets(
    tx: &mut Tx,
    sealer: &Sealer,
    forge: &Forge,
    secrets: &FreshSecrets,
) -> Result<(), Error> {
    let row = forge.id.to_string();
    for (kind, change) in [
        (CellKind::ForgeClientSecret, &secrets.changes.client_secret),
        (CellKind::ForgeClientKey, &secrets.changes.client_key),
    ] {
        match change {
            SecretChange::Keep => {}
            SecretChange::Remove => {
                tx.delete_sealed(kind.as_str(), &row).await?;
            }
            SecretChange::Put(secret) => sealer.put(tx, kind, &row, secret).await?,
        }
    }
    match &secrets.consumer_key {
        Some(key) => sealer.put(tx, CellKind::ForgeConsumerKey, &row, key).await?,
        None if !matches!(forge.auth, ForgeAuth::Oauth1 { .. }) => {
            tx.delete_sealed(CellKind::ForgeConsumerKey.as_str(), &row).await?;
        }
        None => {}
    }
    Ok(())
}

/// What the secrets will be, to try whether a provider can be made with them.
pub(super) fn trial(stored: ForgeSecrets, secrets: &FreshSecrets) -> ForgeSecrets {
    let copy = |secret: &Secret<String>| Secret::new(secret.expose().clone());
    let after = |stored, change: &SecretChange| match change {
        SecretChange::Keep => stored,
        SecretChange::Remove => None,
        SecretChange::Put(secret) => Some(copy(secret)),
    };
    ForgeSecrets {
        client_secret: after(stored.client_secret, &secrets.changes.client_secret),
        client_key: after(stored.client_key, &secrets.changes.client_key),
        consumer_key: secrets.consumer_key.as_ref().map(copy).or(stored.consumer_key),
    }
}

/// A moment for `updated_at` that is later than the last one, whatever the clock says: providers in memory are
/// known by it.
pub(super) fn next_update(last: Timestamp, now: Timestamp) -> Timestamp {
    let least = last.checked_add(domain::SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX);
    now.max(least)
}

async fn fresh_consumer_key() -> Result<(String, Secret<String>), Error> {
    let bad = |source: Box<dyn std::error::Error + Send + Sync>| Error::Internal {
        what: "cannot make an RSA key for OAuth 1.0a".into(),
        source,
    };
    let made = tokio::task::spawn_blocking(|| {
        let key = OAuth1Key::generate()?;
        Ok::<_, vault::InvalidOAuth1Key>((key.public_pem()?, key.to_pem()?))
    });
    made.await.map_err(|error| bad(error.into()))?.map_err(|error| bad(error.into()))
}
