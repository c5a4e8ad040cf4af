//! A server that behaves like GitLab: OAuth and OpenID Connect, REST, Git over HTTP and SSH, webhooks.
//!
//! For tests and demonstrations. State is in memory, repositories are real and lie in a temporary folder,
//! and everything ends when the double is dropped. It speaks for many releases ([`Version`]) and breaks on
//! demand ([`Fault`], [`HookFault`]). What it does not play is refused as GitLab refuses unknown paths; it
//! never makes an answer up. Independent clients check that it tells the truth (`tests/it/gitlab_peers.rs`).
//!
//! ```no_run
//! # async fn example() {
//! use testkit::gitlab::{GitlabDouble, NewApplication, Options, Visibility};
//!
//! let gitlab = GitlabDouble::start(Options::version("18.1.1-ee")).await;
//! let user = gitlab.add_user("dev");
//! let project = gitlab.add_project("group/sub/project", Visibility::Private, &user);
//! let application = gitlab.add_application(NewApplication::new("http://localhost/callback", &["api"]));
//! # }
//! ```

mod api;
mod faults;
mod git_http;
mod hooks;
mod identity;
mod instance;
mod oauth;
mod options;
mod params;
mod repository;
mod requests;
mod sample;
mod seed;
mod server;
mod ssh;
mod tls;
mod version;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use domain::SignedDuration;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::instance::{Instance, LIMIT};
use crate::wait_until;

pub use faults::{Fault, HookFault, Matcher};
pub use options::{HookPolicy, KeyPolicy, Options};
pub use requests::{Authorization, Recorded};
pub use seed::{Application, Demo, Issue, MergeRequest, NewApplication, NewUser, Project, User};
pub use tls::{Tls, authority};
pub use version::{Feature, Version};
pub use world::{AccessLevel, Visibility};

/// A running instance; dropping it ends it.
pub struct GitlabDouble {
    instance: Arc<Instance>,
    address: SocketAddr,
    server: JoinHandle<()>,
    ssh: Result<ssh::Sshd, String>,
}

impl GitlabDouble {
    /// Starts an instance without users or projects.
    ///
    /// # Panics
    ///
    /// When the port is taken or a temporary folder cannot be made.
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let prefix = options.path_prefix.clone().unwrap_or_default();
        let prefix = prefix.trim_end_matches('/');
        let wants_ssh = options.ssh;
        let instance = Instance::new(options, format!("{scheme}://{address}{prefix}"));
        std::fs::create_dir_all(instance.repositories()).expect("a folder");
        let router = routes(&instance, prefix);
        let server = tokio::spawn(server::serve(listener, router, Arc::clone(&instance)));
        let ssh = if wants_ssh {
            ssh::Sshd::start(&instance).await
        } else {
            Err("skipped: Git over SSH was not asked for".to_owned())
        };
        Self { instance, address, server, ssh }
    }

    /// The address with the prefix, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.instance.url
    }

    /// The loopback address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The release it plays.
    pub fn version(&self) -> &Version {
        self.instance.version()
    }

    /// The certificate authority behind its HTTPS, as PEM.
    pub fn ca_pem(&self) -> Option<&str> {
        self.instance.options.tls.as_ref().map(Tls::ca_pem)
    }

    /// The port of the SSH server.
    ///
    /// # Errors
    ///
    /// `skipped: why` where it does not run.
    pub fn ssh_port(&self) -> Result<u16, &str> {
        self.ssh.as_ref().map(|sshd| sshd.port).map_err(String::as_str)
    }

    /// The user name to use with SSH. A real GitLab has a system account `git`; the double runs as whoever
    /// runs the test, so this is that account. URLs the API gives already contain it.
    ///
    /// # Errors
    ///
    /// `skipped: why` where SSH does not run.
    pub fn ssh_user(&self) -> Result<&str, &str> {
        self.ssh.as_ref().map(|sshd| sshd.user.as_str()).map_err(String::as_str)
    }

    /// The SSH server's host key as a line of `known_hosts`.
    ///
    /// # Errors
    ///
    /// `skipped: why` where SSH does not run.
    pub fn ssh_known_host(&self) -> Result<&str, &str> {
        self.ssh.as_ref().map(|sshd| sshd.known_host.as_str()).map_err(String::as_str)
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.instance.requests.all()
    }

    /// How many refresh tokens have been exchanged for new pairs.
    pub fn refreshes(&self) -> u64 {
        self.instance.world().refreshes
    }

    /// Lets the next `times` requests that meet the matcher go wrong. Faults added first are used up first.
    pub fn fault(&self, matcher: Matcher, fault: Fault, times: u32) {
        self.instance.faults.add(matcher, fault, times);
    }

    /// Lets the next `times` deliveries of hooks go wrong.
    pub fn hook_fault(&self, fault: HookFault, times: u32) {
        self.instance.faults.add_hook(fault, times);
    }

    /// Forgets all faults that are not used up.
    pub fn clear_faults(&self) {
        self.instance.faults.clear();
    }

    /// Sets the instance's clock off by this much: `Date`, `created_at`, ends of tokens, signatures.
    pub fn set_clock_skew(&self, skew: SignedDuration) {
        self.instance.set_skew(skew);
    }

    /// Signs `id_token`s with a new key from now on; the former one is no longer published.
    pub fn rotate_signing_key(&self) {
        self.instance.signing.rotate();
    }

    /// Waits until no delivery of a hook is under way.
    ///
    /// # Panics
    ///
    /// When that takes a minute.
    pub async fn hooks_idle(&self) {
        wait_until(LIMIT, async || self.instance.sender.is_idle()).await;
    }
}

impl Drop for GitlabDouble {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn routes(instance: &Arc<Instance>, prefix: &str) -> Router {
    let all = Router::new()
        .merge(oauth::routes())
        .merge(git_http::pages())
        .nest("/api/v4", api::routes(instance))
        .fallback(git_http::serve)
        .with_state(Arc::clone(instance));
    if prefix.is_empty() { all } else { Router::new().nest(prefix, all).fallback(not_here) }
}

/// What a web server in front of GitLab says about paths outside its prefix.
async fn not_here() -> impl axum::response::IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html")], "<html><body>404 Not Found</body></html>")
}
