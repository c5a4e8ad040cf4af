//! A server, a GitLab that keeps the same time, and people who go from one to the other.

use std::sync::Arc;

use control::{
    CallbackInput, CallbackOutcome, Control, ForgeChange, ForgeSettings, LinkWish, NewForge, NewUser,
    Settings,
};
use domain::{Caller, ForgeId, ForgeState, Role};
use testkit::gitlab::{Application, GitlabDouble, NewApplication, Options, User};
use url::Url;
use vault::Secret;

use crate::sim::{Server, World};

pub(crate) const PASSWORD: &str = "correct horse battery";
/// Everything the forge's registration asks for, and a little more.
pub(crate) const SCOPES: &[&str] =
    &["api", "read_user", "openid", "email", "profile", "read_repository", "write_repository"];

/// Settings of a server that reaches loopback, under a name of its own.
pub(crate) fn settings(world: &World, server: &str) -> Settings {
    Settings {
        server: server.into(),
        public_url: "http://hearth.example.com".parse().unwrap(),
        network: outbound::Policy::with_loopback(),
        ..world.settings()
    }
}

/// A server with loops.
pub(crate) async fn serve(world: &World) -> Server {
    world.server_with(settings(world, "one")).await
}

/// A GitLab whose clock is the world's.
pub(crate) async fn gitlab(world: &World) -> GitlabDouble {
    GitlabDouble::start(options(world)).await
}

pub(crate) fn options(world: &World) -> Options {
    Options { clock: Arc::new(world.clock.clone()), ..Options::default() }
}

/// Somebody with a session.
pub(crate) async fn person(server: &Server, name: &str, role: Role) -> Caller {
    let wish = NewUser { name: name.into(), password: PASSWORD.to_owned().into(), role, email: None };
    server.control.create_user(&server.admin, wish).await.unwrap();
    session(&server.control, name).await
}

pub(crate) async fn session(control: &Control, name: &str) -> Caller {
    let signed_in = control.sign_in(name, PASSWORD.to_owned().into(), "a browser").await.unwrap();
    control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap()
}

pub(crate) fn new_gitlab(url: &str) -> NewForge {
    NewForge {
        kind: "gitlab".into(),
        name: Some("Our GitLab".into()),
        web_url: Some(url.into()),
        team: None,
        settings: ForgeSettings { sign_in: Some(true), ..ForgeSettings::default() },
    }
}

/// Registers a GitLab and an application there; nobody has signed in yet.
pub(crate) async fn register(
    control: &Control,
    admin: &Caller,
    gitlab: &GitlabDouble,
) -> (ForgeId, Application) {
    let wish = NewForge {
        settings: ForgeSettings {
            sign_in: Some(true),
            ca_pem: gitlab.ca_pem().map(Into::into),
            ..ForgeSettings::default()
        },
        ..new_gitlab(gitlab.url())
    };
    let made = control.create_forge(admin, wish).await.unwrap();
    let application = gitlab.add_application(NewApplication::new(&made.redirect_uri, SCOPES));
    set_application(control, admin, made.forge.id, &application).await;
    (made.forge.id, application)
}

pub(crate) async fn set_application(
    control: &Control,
    admin: &Caller,
    id: ForgeId,
    application: &Application,
) {
    let settings = ForgeSettings {
        client_id: Some(application.client_id.clone()),
        client_secret: Some(Secret::new(application.secret.clone())),
        ..ForgeSettings::default()
    };
    change(control, admin, id, settings).await;
}

pub(crate) async fn change(control: &Control, admin: &Caller, id: ForgeId, settings: ForgeSettings) {
    control.update_forge(admin, id, ForgeChange { settings, ..ForgeChange::default() }).await.unwrap();
}

/// A GitLab that is registered and verified by an administrator who has linked the account `root` there.
pub(crate) struct Ready {
    pub(crate) gitlab: GitlabDouble,
    pub(crate) forge: ForgeId,
    pub(crate) application: Application,
    /// An administrator with a session.
    pub(crate) admin: Caller,
}

pub(crate) async fn ready(world: &World, server: &Server) -> Ready {
    ready_at(gitlab(world).await, server).await
}

pub(crate) async fn ready_at(gitlab: GitlabDouble, server: &Server) -> Ready {
    let admin = person(server, "grace", Role::Admin).await;
    let (forge, application) = register(&server.control, &admin, &gitlab).await;
    let root = gitlab.add_user("root");
    let outcome = link(&server.control, &admin, forge, &gitlab, &root).await;
    assert!(matches!(outcome, CallbackOutcome::Linked { .. }), "{}", told(&outcome));
    let facts = server.control.forge(&admin, forge).await.unwrap();
    assert!(matches!(facts.forge.state, ForgeState::Verified { .. }));
    Ready { gitlab, forge, application, admin }
}

/// A browser on its way: where it was sent, and its cookie.
pub(crate) struct Trip {
    pub(crate) back: Url,
    pub(crate) browser: String,
}

impl Trip {
    pub(crate) fn input(&self, caller: Option<&Caller>) -> CallbackInput {
        CallbackInput {
            path: self.back.path().into(),
            query: self.back.query().unwrap_or_default().into(),
            browser: Some(self.browser.clone()),
            user_agent: "a browser".into(),
            caller: caller.cloned(),
        }
    }
}

/// Goes to the forge to link, and agrees there.
pub(crate) async fn go_and_agree(
    control: &Control,
    caller: &Caller,
    forge: ForgeId,
    gitlab: &GitlabDouble,
    user: &User,
) -> Trip {
    let wish = LinkWish { forge, scopes: None, return_to: Some("/w/x?tab=git#top".into()) };
    let begun = control.begin_link(caller, wish, None).await.unwrap();
    agree(begun, gitlab, user).await
}

/// Goes to the forge to sign in, and agrees there.
pub(crate) async fn go_and_sign_in(
    control: &Control,
    forge: ForgeId,
    gitlab: &GitlabDouble,
    user: &User,
) -> Trip {
    let begun = control.begin_sign_in(forge, Some("/new#x".into()), None).await.unwrap();
    agree(begun, gitlab, user).await
}

pub(crate) async fn agree(begun: control::Begun, gitlab: &GitlabDouble, user: &User) -> Trip {
    let back = gitlab.approve(user, begun.authorize_url.as_str(), "http://hearth.example.com/").await;
    let back = back.unwrap_or_else(|page| panic!("GitLab shows {}", page.text));
    Trip { back, browser: begun.browser.expose().clone() }
}

/// Links an account.
pub(crate) async fn link(
    control: &Control,
    caller: &Caller,
    forge: ForgeId,
    gitlab: &GitlabDouble,
    user: &User,
) -> CallbackOutcome {
    let trip = go_and_agree(control, caller, forge, gitlab, user).await;
    control.callback(trip.input(Some(caller))).await
}

/// Signs in with an account.
pub(crate) async fn sign_in(
    control: &Control,
    forge: ForgeId,
    gitlab: &GitlabDouble,
    user: &User,
) -> CallbackOutcome {
    let trip = go_and_sign_in(control, forge, gitlab, user).await;
    control.callback(trip.input(None)).await
}

/// The code of what went wrong, or what went well.
pub(crate) fn code(outcome: &CallbackOutcome) -> &'static str {
    match outcome {
        CallbackOutcome::SignedIn { .. } => "signed in",
        CallbackOutcome::Linked { .. } => "linked",
        CallbackOutcome::Failed { code, .. } => code,
    }
}

pub(crate) fn told(outcome: &CallbackOutcome) -> String {
    match outcome {
        CallbackOutcome::SignedIn { return_to, .. } | CallbackOutcome::Linked { return_to, .. } => {
            format!("{} {return_to}", code(outcome))
        }
        CallbackOutcome::Failed { return_to, code, detail, mend } => {
            format!("{code}: {detail}; {mend} ({return_to})")
        }
    }
}

/// The caller's link there.
pub(crate) async fn link_of(control: &Control, caller: &Caller, forge: ForgeId) -> control::LinkFacts {
    let all = control.integrations(caller).await.unwrap();
    all.into_iter().find(|it| it.forge.id == forge).unwrap().link.unwrap()
}

/// A member who has linked an account of the same name.
pub(crate) async fn linked(server: &Server, ready: &Ready, name: &str) -> (Caller, User) {
    let caller = person(server, name, Role::Member).await;
    let user = ready.gitlab.add_user(name);
    let outcome = link(&server.control, &caller, ready.forge, &ready.gitlab, &user).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    (caller, user)
}
