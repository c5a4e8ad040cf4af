//! A server and the OAuth server that GitLab is made of, who know each other.

use serde_json::{Value, json};
use testkit::doorkeeper::{Application, Doorkeeper, Profile};
use testkit::peers::or_skip;
use url::Url;

use crate::forge::Forge;
use crate::person::{Landing, Person};
use crate::server::{Options, Server};

/// Both, and the administrator who has registered one at the other.
pub struct Gitlab {
    /// The server under test.
    pub server: Server,
    /// The other one.
    pub peer: Doorkeeper,
    /// Its registration here.
    pub forge: Forge,
    /// Ours there.
    pub application: Application,
    /// Administrator here; nobody has linked an account yet.
    pub ada: Person,
}

impl Gitlab {
    /// Starts both; people may sign in with it. `None` where the other one is not installed.
    pub async fn start(profile: Profile) -> Option<Self> {
        Self::start_with(profile, Options::default()).await
    }

    /// The same, with the server under test started in this way.
    pub async fn start_with(profile: Profile, options: Options) -> Option<Self> {
        let peer = or_skip(Doorkeeper::start(profile).await)?;
        let server = Server::start_with(options);
        let ada = Person::first(&server, "ada").await;
        let mut more = json!({"sign_in": true});
        if let Some(pem) = peer.ca_pem() {
            more["ca_pem"] = pem.into();
        }
        let forge = Forge::register(&ada, "gitlab", peer.url(), more).await;
        let application = peer.application(&forge.redirect_uri, &forge.scopes).await;
        forge.give(&ada, &application.id, &application.secret).await;
        Some(Self { server, peer, forge, application, ada })
    }

    /// The same, verified by the administrator, who is `root` there.
    pub async fn verified(profile: Profile) -> Option<Self> {
        let gitlab = Self::start(profile).await?;
        gitlab.link(&gitlab.ada, "root").await.succeeded();
        Some(gitlab)
    }

    /// Consents there as this user.
    pub async fn consent(&self, authorize_url: &str, user: &str) -> Url {
        let back = self.peer.consent(authorize_url, user).await;
        back.unwrap_or_else(|page| panic!("{}: {}", page.status, page.text))
    }

    /// Links this account of the forge.
    pub async fn link(&self, person: &Person, user: &str) -> Landing {
        let to = self.forge.begin_link(person).await;
        person.come_back(&self.consent(&to, user).await).await
    }

    /// Signs in with this account of the forge, in this browser.
    pub async fn sign_in(&self, browser: &Person, user: &str) -> Landing {
        let to = self.forge.begin_sign_in(browser).await;
        browser.come_back(&self.consent(&to, user).await).await
    }

    /// Signs in with this account of the forge in a fresh browser.
    pub async fn come_in(&self, user: &str) -> Person {
        let browser = Person::stranger(&self.server);
        let landing = self.sign_in(&browser, user).await;
        assert_eq!(landing.place(), "/new#x");
        browser
    }

    /// Lets people in for the first time by this rule.
    pub async fn sign_up(&self, rule: &str, domains: &[&str]) -> Value {
        self.forge.change(&self.ada, json!({"sign_up": rule, "sign_up_domains": domains})).await
    }

    /// Waits until as many pairs of tokens of ours are alive there. Some are taken back by jobs, which take
    /// their time.
    pub async fn living(&self, expected: u64) {
        let begun = std::time::Instant::now();
        loop {
            let living = self.peer.living_tokens(&self.application.id).await;
            if living == expected {
                return;
            }
            let waited = begun.elapsed();
            assert!(waited < 2 * crate::server::PATIENCE, "{living} pairs are alive, and not {expected}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
