//! A whole server: store in a temporary folder, control, agents, the edge on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control::{Control, NewUser, NewWorkspace, Outside, Settings};
use domain::{Caller, Role, Scope, WorkspaceId};
use http::Method;
use runtime::Support;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{FakeClock, SeededEntropy, wait_until};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vault::Secret;

use crate::driver::InProcess;
use crate::http::Call;
use crate::images::OneImage;

/// Generous: the machine may be busy with other builds.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) control: Control,
    pub(crate) driver: Arc<InProcess>,
    pub(crate) web: web::App,
    /// The first administrator.
    pub(crate) admin: Person,
    pub(crate) stop: CancellationToken,
    /// The time on the server.
    pub(crate) clock: FakeClock,
    public_url: String,
    _folder: TempDir,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) caller: Caller,
    /// The session cookie's value.
    pub(crate) session: String,
}

impl TestApp {
    /// A server that was set up, with its reconcilers running.
    pub(crate) async fn start() -> Self {
        Self::start_as("http://hearth.test/", |app| app).await
    }

    /// The same, reached by people at `public_url` and with the edge changed by `with`.
    pub(crate) async fn start_as(public_url: &str, with: impl FnOnce(web::App) -> web::App) -> Self {
        let support = Support { usable: true, summary: "in this process".into(), lacks: Vec::new() };
        Self::start_on(support, public_url, with).await
    }

    /// The same, on a machine that gives `support`.
    pub(crate) async fn start_on(
        support: Support,
        public_url: &str,
        with: impl FnOnce(web::App) -> web::App,
    ) -> Self {
        Self::start_in(support, outbound::Policy::public_only(), public_url, with).await
    }

    /// A server that may reach forges on this machine.
    pub(crate) async fn start_beside_forges(public_url: &str) -> Self {
        let support = Support { usable: true, summary: "in this process".into(), lacks: Vec::new() };
        Self::start_in(support, outbound::Policy::with_loopback(), public_url, |app| app).await
    }

    async fn start_in(
        support: Support,
        network: outbound::Policy,
        public_url: &str,
        with: impl FnOnce(web::App) -> web::App,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::default();
        let store =
            store::Store::open(&format!("sqlite:{}/hearth.db", folder.path().display())).await.unwrap();
        let driver = InProcess::new(&folder.path().join("disks"), clock.clone(), support);
        let agents = link::Agents::new();
        let key = vault::FileKey::create(folder.path().join("platform-key"), Arc::new(SeededEntropy::new(5)));
        let outside = Outside {
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(7)),
            driver: driver.clone(),
            outbound: outbound::Client::new(network.clone()),
            images: Some(Arc::new(OneImage)),
            platform_key: Arc::new(key.unwrap()),
        };
        let settings = Settings {
            public_url: public_url.parse().unwrap(),
            network,
            ..Settings::new(folder.path(), folder.path().join("agent"))
        };
        let control = Control::new(store, agents.clone(), outside, settings);
        let stop = CancellationToken::new();
        let (running, cancel) = (control.clone(), stop.clone());
        tokio::spawn(async move { running.run(cancel).await.unwrap() });

        let web =
            with(web::App::new(control.clone(), agents, public_url.parse().unwrap())).with_stop(stop.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(web::serve(listener, web::router(web.clone()), stop.clone()));

        let admin = set_up(&control).await;
        let public_url = public_url.to_owned();
        Self { address, control, driver, web, admin, stop, clock, public_url, _folder: folder }
    }

    /// A new member, signed in.
    pub(crate) async fn member(&self, name: &str) -> Person {
        let wish = NewUser {
            name: name.into(),
            password: Secret::new(PASSWORD.into()),
            role: Role::Member,
            email: None,
        };
        self.control.create_user(&self.admin.caller, wish).await.unwrap();
        self.sign_in(name).await
    }

    /// Somebody of this name, made at the first need.
    pub(crate) async fn member_named(&self, name: &str) -> domain::UserId {
        match self.control.person(&self.admin.caller, name).await {
            Ok(id) => id,
            Err(_) => self.member(name).await.caller.user,
        }
    }

    /// A new session of somebody who exists.
    pub(crate) async fn sign_in(&self, name: &str) -> Person {
        let signed_in = self.control.sign_in(name, Secret::new(PASSWORD.into()), "test").await.unwrap();
        person(&self.control, signed_in.token.expose()).await
    }

    /// A fresh API token of somebody.
    pub(crate) async fn token(&self, person: &Person, scopes: &[Scope]) -> String {
        let scopes = scopes.iter().copied().collect();
        let (_, token) = self.control.create_token(&person.caller, "test", scopes, None).await.unwrap();
        token.expose().to_owned()
    }

    /// An empty workspace that runs.
    pub(crate) async fn running_workspace(&self, owner: &Person) -> WorkspaceId {
        self.running(owner, NewWorkspace::default()).await
    }

    /// The workspace that was wished for, once it runs.
    pub(crate) async fn running(&self, owner: &Person, wish: NewWorkspace) -> WorkspaceId {
        let id = self.control.create_workspace(&owner.caller, wish).await.unwrap().id;
        wait_until(LIMIT, async || {
            let workspace = self.control.workspace(&owner.caller, id).await.unwrap();
            assert!(!matches!(workspace.phase, domain::Phase::Failed(_)), "{workspace:?}");
            matches!(workspace.phase, domain::Phase::Running { .. })
        })
        .await;
        id
    }

    /// Where people reach the server, as it believes.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.call(Method::POST, path).json(body)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn set_up(control: &Control) -> Person {
    let token = control.new_setup_token().await.unwrap();
    let wish = control::SetUp {
        token: token.expose().to_owned(),
        name: "admin".into(),
        password: Secret::new(PASSWORD.into()),
        email: None,
        user_agent: "test".into(),
    };
    let signed_in = control.set_up(wish).await.unwrap();
    person(control, signed_in.token.expose()).await
}

async fn person(control: &Control, session: &str) -> Person {
    let caller = control.caller_of_session(session).await.unwrap().unwrap();
    Person { caller, session: session.to_owned() }
}
