//! Forges as rows, and the outside world, for tests of providers.

use std::sync::Arc;

use domain::{
    Clock, Forge, ForgeAuth, ForgeId, ForgeKind, ForgeState, RedirectPath, SignUp, SignedDuration, Timestamp,
};
use forge::{Callback, ForgeSecrets, Outside, Provider};
use outbound::Policy;
use testkit::SeededEntropy;
use url::Url;
use vault::Secret;

/// Where tests let browsers be sent back to; nothing listens there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/oauth/callback/forge";

/// The machine's clock: servers that are processes of their own cannot be told another time.
struct SystemClock(SignedDuration);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the servers asked have the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now() + self.0
    }
}

/// The world as it is, this machine included.
pub(crate) fn outside() -> Outside {
    outside_at(SignedDuration::ZERO)
}

/// The world with a clock that is wrong by this much.
pub(crate) fn outside_at(skew: SignedDuration) -> Outside {
    Outside {
        policy: Policy::with_loopback(),
        resolver: None,
        clock: Arc::new(SystemClock(skew)),
        entropy: Arc::new(SeededEntropy::new(42)),
    }
}

/// A forge at this address with an application of this id.
pub(crate) fn row(kind: ForgeKind, url: &str, client_id: &str, scopes: &[&str]) -> Forge {
    let now = Timestamp::UNIX_EPOCH;
    Forge {
        id: ForgeId::generate(now, &SeededEntropy::new(1)),
        team: None,
        kind,
        name: "Example".into(),
        web_url: Url::parse(url).unwrap(),
        api_url: None,
        git_url: None,
        ssh: None,
        auth: ForgeAuth::Oauth2 { client_id: client_id.into() },
        redirect: RedirectPath::Own,
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        sign_in: true,
        sign_up: SignUp::Closed,
        state: ForgeState::Pending,
        version: None,
        from_file: false,
        created_at: now,
        created_by: None,
        updated_at: now,
    }
}

/// Opens it.
pub(crate) fn open(forge: &Forge, secret: &str) -> Arc<dyn Provider> {
    open_in(forge, secret, &outside())
}

/// Opens it in another world.
pub(crate) fn open_in(forge: &Forge, secret: &str, outside: &Outside) -> Arc<dyn Provider> {
    let secrets = ForgeSecrets { client_secret: Some(Secret::new(secret.into())), ..ForgeSecrets::default() };
    forge::open(forge, secrets, outside).ok().unwrap()
}

/// What came back with the browser.
pub(crate) fn callback(url: &Url) -> Callback {
    Callback::parse(url.query().unwrap_or_default())
}
