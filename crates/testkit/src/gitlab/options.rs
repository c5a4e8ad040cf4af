//! How a double is set up: release, address, encryption, limits.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Entropy, SignedDuration, Timestamp};

use super::tls::Tls;
use super::version::Version;

/// What to start; `Options::default()` is a current GitLab on plain HTTP at the root of a free port.
#[derive(Clone)]
pub struct Options {
    /// The release to play.
    pub version: Version,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// A relative URL root such as `/gitlab`.
    pub path_prefix: Option<String>,
    /// Serves HTTPS with this.
    pub tls: Option<Tls>,
    /// How long access tokens live on releases that end them. GitLab: 7200 s.
    pub access_token_ttl: SignedDuration,
    /// The `iss` GitLab calls itself, where it differs from the address it is reached at.
    pub issuer: Option<String>,
    /// Serves Git over SSH with the system's `sshd`.
    pub ssh: bool,
    /// Requests a minute each caller may make to the API before 429; GitLab's own limits are off by default.
    pub rate_limit: Option<u64>,
    /// The setting "disable admin OAuth scopes": an administrator cannot authorise an untrusted application.
    pub admin_oauth_disabled: bool,
    /// What keys of users must be like.
    pub keys: KeyPolicy,
    /// How hooks are sent.
    pub hooks: HookPolicy,
    /// Tells the time; a fake one makes tokens end at will.
    pub clock: Arc<dyn Clock>,
    /// Where tokens, secrets and keys of deliveries come from.
    pub entropy: Arc<dyn Entropy>,
}

/// What an instance demands of SSH keys.
#[derive(Debug, Clone)]
pub struct KeyPolicy {
    /// Kinds that are forbidden, such as `ssh-rsa`.
    pub forbidden: Vec<String>,
    /// Whether a key must have an `expires_at`.
    pub expiry_required: bool,
}

/// How an instance sends hooks.
#[derive(Debug, Clone)]
pub struct HookPolicy {
    /// How long a receiver may take. GitLab: 10 s.
    pub timeout: Duration,
    /// Whether project and group hooks may go to private addresses. GitLab: no; a double that could reach
    /// nothing on loopback would be of little use, so here: yes.
    pub private_addresses: bool,
    /// The largest body. GitLab: 25 MB.
    pub body_limit: usize,
    /// Whether hooks that keep failing are paused. Off by default on self-managed releases since 15.10.
    pub auto_disable: bool,
    /// A push that touches more refs than this sends no hook. GitLab: 3.
    pub push_limit: usize,
    /// A CA that receivers' certificates may come from, as PEM; nothing else is trusted.
    pub trusted_ca: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: Version::default(),
            port: 0,
            path_prefix: None,
            tls: None,
            access_token_ttl: SignedDuration::from_secs(7200),
            issuer: None,
            ssh: false,
            rate_limit: None,
            admin_oauth_disabled: false,
            keys: KeyPolicy { forbidden: vec![], expiry_required: false },
            hooks: HookPolicy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl Default for HookPolicy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            private_addresses: true,
            body_limit: 25 << 20,
            auto_disable: true,
            push_limit: 3,
            trusted_ca: None,
        }
    }
}

impl Options {
    /// The defaults, playing another release.
    pub fn version(version: &str) -> Self {
        Self { version: Version::new(version), ..Self::default() }
    }

    /// The same over HTTPS.
    #[must_use]
    pub fn https(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a server of its own has a clock of its own")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the system gives random bytes");
    }
}
