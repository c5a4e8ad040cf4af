//! OAuth applications: made, changed, removed.

use crate::gitlab::GitlabDouble;
use crate::gitlab::world::{ApplicationRecord, TokenPair};

/// An OAuth application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// "Application ID".
    pub client_id: String,
    /// "Secret", shown once.
    pub secret: String,
}

/// What an application is made of.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// The name people read on the consent page.
    pub name: String,
    /// Where browsers may be sent back to, compared exactly.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
    /// Whether it must show its secret.
    pub confidential: bool,
    /// Whether the consent page is skipped.
    pub trusted: bool,
    /// The checkbox "Expire access tokens" of 14.3 to 14.10.
    pub expires_tokens: bool,
}

impl NewApplication {
    /// A confidential one that asks, with these scopes and one redirect URI.
    pub fn new(redirect_uri: &str, scopes: &[&str]) -> Self {
        Self {
            name: "Hearth".to_owned(),
            redirect_uris: vec![redirect_uri.to_owned()],
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            confidential: true,
            trusted: false,
            expires_tokens: true,
        }
    }
}

impl GitlabDouble {
    /// Makes an application for the whole instance.
    pub fn add_application(&self, new: NewApplication) -> Application {
        let (client_id, secret) = (self.instance.random_hex(32), self.new_secret());
        let mut world = self.instance.world();
        let record = ApplicationRecord {
            client_id: client_id.clone(),
            secret: secret.clone(),
            name: new.name,
            redirect_uris: new.redirect_uris,
            scopes: new.scopes,
            confidential: new.confidential,
            trusted: new.trusted,
            expires_tokens: new.expires_tokens,
        };
        world.applications.insert(client_id.clone(), record);
        Application { client_id, secret }
    }

    /// The prefix came with 15.8.
    fn new_secret(&self) -> String {
        let prefix = if self.instance.version().at_least(15, 8) { "gloas-" } else { "" };
        format!("{prefix}{}", self.instance.random_hex(32))
    }

    /// "Renew secret": the former one is wrong from now on; tokens live on.
    pub fn renew_secret(&self, application: &Application) -> Application {
        let secret = self.new_secret();
        if let Some(record) = self.instance.world().applications.get_mut(&application.client_id) {
            record.secret.clone_from(&secret);
        }
        Application { client_id: application.client_id.clone(), secret }
    }

    /// Removes an application with all its tokens and codes.
    pub fn delete_application(&self, application: &Application) {
        let mut world = self.instance.world();
        world.applications.remove(&application.client_id);
        world.tokens.retain(|pair| pair.client_id != application.client_id);
        world.codes.retain(|_, code| code.client_id != application.client_id);
    }

    /// How many token pairs of an application live: neither revoked nor past their time.
    pub fn living_tokens(&self, application: &Application) -> usize {
        let now = self.instance.now();
        let living = |pair: &&TokenPair| {
            pair.client_id == application.client_id
                && !pair.revoked
                && pair.expires_at.is_none_or(|end| end > now)
        };
        self.instance.world().tokens.iter().filter(living).count()
    }
}
