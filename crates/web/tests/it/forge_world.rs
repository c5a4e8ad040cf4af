//! A server with a GitLab beside it, and browsers that go from one to the other.

use std::sync::Arc;

use domain::{ForgeId, ForgeState};
use http::Method;
use serde_json::{Value, json};
use testkit::gitlab::{Application, GitlabDouble, NewApplication, Options, User};
use url::Url;

use crate::app::{Person, TestApp};
use crate::http::{Answer, Call};

/// Where people reach the server.
pub(crate) const PUBLIC: &str = "http://hearth.test/";

const SCOPES: &[&str] =
    &["api", "read_user", "openid", "email", "profile", "read_repository", "write_repository"];

/// The two, and what they know of each other.
pub(crate) struct ForgeWorld {
    pub(crate) app: TestApp,
    pub(crate) gitlab: GitlabDouble,
    pub(crate) forge: ForgeId,
    pub(crate) application: Application,
    /// The administrator's account there, which the forge was verified with.
    pub(crate) root: User,
}

/// A browser on its way.
pub(crate) struct Trip {
    /// The cookie that it was given, `name=value`.
    pub(crate) cookie: String,
    /// Where it was sent, at the forge.
    pub(crate) authorize_url: String,
}

impl ForgeWorld {
    /// A forge that works, sends browsers back to its own address, and signs people in.
    pub(crate) async fn start() -> Self {
        Self::start_at(PUBLIC, "own").await
    }

    /// The same for a server that is reached at `public`, with a forge that sends browsers back to `redirect`.
    pub(crate) async fn start_at(public: &str, redirect: &str) -> Self {
        let app = TestApp::start_beside_forges(public).await;
        let options = Options { clock: Arc::new(app.clock.clone()), ..Options::default() };
        let gitlab = GitlabDouble::start(options).await;
        let wish = json!({
            "kind": "gitlab", "name": "Our GitLab", "web_url": gitlab.url(), "sign_in": true, "redirect": redirect,
        });
        let made =
            app.post("/api/v1/forges", &wish).session(&app.admin.session).send().await.expect(201).json();
        let application =
            gitlab.add_application(NewApplication::new(made["redirect_uri"].as_str().unwrap(), SCOPES));
        let forge: ForgeId = made["id"].as_str().unwrap().parse().unwrap();
        let root = gitlab.add_user("root");
        let world = Self { app, gitlab, forge, application, root };
        let keys =
            json!({"client_id": world.application.client_id, "client_secret": world.application.secret});
        world.change(&keys).await.expect(200);
        let linked = world.link(&world.app.admin, &world.root).await.expect(303);
        assert!(linked.header("location").contains("linked="), "{linked:?}");
        let facts = world.app.control.forge(&world.app.admin.caller, world.forge).await.unwrap();
        assert!(matches!(facts.forge.state, ForgeState::Verified { .. }), "{:?}", facts.forge.state);
        world
    }

    /// Changes the forge.
    pub(crate) async fn change(&self, body: &Value) -> Answer {
        let path = format!("/api/v1/forges/{}", self.forge);
        self.app.call(Method::PATCH, &path).json(body).session(&self.app.admin.session).send().await
    }

    /// Begins to sign in.
    pub(crate) async fn begin_sign_in(&self, return_to: &str) -> Trip {
        let body = json!({"forge": self.forge.to_string(), "return_to": return_to});
        let answer = self.app.post("/api/v1/session/forge", &body).header("sec-fetch-site", "same-origin");
        trip(&answer.send().await.expect(201))
    }

    /// Begins to link.
    pub(crate) async fn begin_link(&self, person: &Person, return_to: &str) -> Trip {
        let body = json!({"forge": self.forge.to_string(), "return_to": return_to});
        let answer =
            self.app.post("/api/v1/me/links", &body).session(&person.session).send().await.expect(201);
        trip(&answer)
    }

    /// Signs in at the forge, agrees, and answers where the browser is sent back to.
    pub(crate) async fn agree(&self, trip: &Trip, user: &User) -> Url {
        let stop = self.app.public_url().to_owned();
        let back = self.gitlab.approve(user, &trip.authorize_url, &stop).await;
        back.unwrap_or_else(|page| panic!("GitLab shows {}", page.text))
    }

    /// The whole way of linking an account.
    pub(crate) async fn link(&self, person: &Person, user: &User) -> Answer {
        let trip = self.begin_link(person, "/settings/integrations").await;
        let back = self.agree(&trip, user).await;
        self.come_back(&trip, &back, Some(person)).send().await
    }

    /// The whole way of signing in.
    pub(crate) async fn sign_in(&self, user: &User, return_to: &str) -> Answer {
        let trip = self.begin_sign_in(return_to).await;
        let back = self.agree(&trip, user).await;
        self.come_back(&trip, &back, None).send().await
    }

    /// The request that the forge's redirect makes the browser send.
    pub(crate) fn come_back(&self, trip: &Trip, back: &Url, person: Option<&Person>) -> Call {
        let session = person.map(|person| format!("; hearth_session={}", person.session)).unwrap_or_default();
        self.get(back).header("cookie", &format!("{}{session}", trip.cookie))
    }

    /// A browser without cookies opens an address of the server, sent there by another site.
    pub(crate) fn get(&self, url: &Url) -> Call {
        self.app.get(&path_of(url)).header("sec-fetch-site", "cross-site")
    }

    /// A member with an account of the same name there, linked.
    pub(crate) async fn linked(&self, name: &str) -> (Person, User) {
        let (person, user) = (self.app.member(name).await, self.gitlab.add_user(name));
        let answer = self.link(&person, &user).await.expect(303);
        assert!(answer.header("location").contains("linked="), "{answer:?}");
        (person, user)
    }
}

/// The answer that begins a round trip.
pub(crate) fn trip(answer: &Answer) -> Trip {
    let document = answer.json();
    let redirect = document.get("redirect").unwrap_or(&document);
    Trip {
        cookie: answer.header("set-cookie").split(';').next().unwrap().to_owned(),
        authorize_url: redirect["authorize_url"].as_str().unwrap().to_owned(),
    }
}

/// An address without scheme and host.
pub(crate) fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A value in the query of where an answer leads to.
pub(crate) fn told(answer: &Answer, name: &str) -> Option<String> {
    let url: Url = Url::parse("http://here/").unwrap().join(answer.header("location")).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The parts of a cookie that an answer sets.
pub(crate) fn cookie(answer: &Answer, name: &str) -> Option<Vec<String>> {
    let all = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let mut found = all.filter(|text| text.starts_with(&format!("{name}=")));
    let cookie = found.next().map(|text| text.split("; ").map(str::to_owned).collect());
    assert!(found.next().is_none(), "`{name}` is set twice");
    cookie
}

/// The session that an answer begins.
pub(crate) fn session(answer: &Answer) -> Option<String> {
    let parts = cookie(answer, "hearth_session")?;
    parts.first()?.strip_prefix("hearth_session=").map(str::to_owned)
}
