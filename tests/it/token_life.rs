//! Tokens of people's links, with several servers on one database, and servers that die at the wrong moment.

use std::path::Path;
use std::time::{Duration, Instant};

use blackbox::forge::Forge;
use blackbox::gitlab::Gitlab;
use blackbox::person::Person;
use blackbox::server::{Options, PATIENCE, Server};
use domain::SignedDuration;
use serde_json::{Value, json};
use testkit::doorkeeper::Profile;
use testkit::gitlab::{Fault, GitlabDouble, Matcher, NewApplication, Visibility};
use testkit::{gitlab, postgres};

/// How many servers share the database.
const SERVERS: usize = 8;
/// How long a token lives where many ask: they are through with it long before the next is due.
const LIFE_S: u32 = 40;
/// More than [`LIFE_S`].
const LAPSED: Duration = Duration::from_secs(41);

/// A server of several: all read the same secrets, so they need the same key.
fn of_several(database: &str, key: &Path, public_url: Option<&str>) -> Options {
    let mut settings = vec![
        format!("database.url={database}"),
        format!("keys.file={}", key.display()),
        "outbound.allow=127.0.0.0/8".to_owned(),
    ];
    settings.extend(public_url.map(|url| format!("server.public_url={url}")));
    Options { serve: true, settings, ..Options::default() }
}

async fn project_page(person: &Person, url: &str) -> blackbox::person::Answer {
    person.post("/contexts", json!({"url": url})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_servers_on_one_database_renew_a_token_once() {
    let Some(postgres) = postgres().await else { return };
    let database = postgres.database().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("platform-key");
    let options = of_several(&database, &key, None);
    let Some(gitlab) = Gitlab::start_with(Profile::ShortTtl(LIFE_S), options).await else { return };
    gitlab.peer.add_project("group/sub/project", "private").await;
    let url = format!("{}/group/sub/project", gitlab.peer.url());
    gitlab.link(&gitlab.ada, "root").await.succeeded();
    let token = gitlab.ada.token(&["workspaces:read"]).await;
    let more: Vec<Server> = (1..SERVERS)
        .map(|_| Server::start_with(of_several(&database, &key, Some(&gitlab.server.url))))
        .collect();
    let people: Vec<Person> =
        more.iter().chain([&gitlab.server]).map(|server| Person::with_token(server, &token)).collect();
    for person in &people {
        assert_eq!(project_page(person, &url).await.ok()["repository"], "project");
    }

    for round in 1..=2 {
        let before = gitlab.peer.token_requests().await;
        tokio::time::sleep(LAPSED).await;
        let asked =
            people.iter().flat_map(|person| [person, person]).map(|person| project_page(person, &url));
        for answer in futures_util::future::join_all(asked).await {
            assert_eq!(answer.ok()["repository"], "project");
        }
        let after = gitlab.peer.token_requests().await;
        assert_eq!(after.refreshed, before.refreshed + 1, "round {round}");
        assert_eq!(after.refused, 0);
    }
    gitlab.living(1).await;
    assert_eq!(gitlab.forge.link_of(&gitlab.ada).await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_ends_in_one_request_to_sign_in_and_not_in_a_lost_person() {
    let Some(gitlab) = Gitlab::verified(Profile::ShortTtl(6)).await else { return };
    gitlab.peer.add_project("group/project", "private").await;
    let url = format!("{}/group/project", gitlab.peer.url());
    let signed_in = gitlab.come_in("root").await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let before = gitlab.peer.token_requests().await;

    gitlab.peer.lose_next_answer().await;
    let problem = project_page(&gitlab.ada, &url).await.refused(409, "link_needed");

    assert_eq!(problem["forge"], *gitlab.forge.id);
    assert!(problem["detail"].as_str().unwrap().contains("the answer was lost"), "{problem}");
    let after = gitlab.peer.token_requests().await;
    assert_eq!(after.refreshed, before.refreshed + 1, "the forge did its part");
    assert_eq!(gitlab.forge.link_of(&gitlab.ada).await["state"], "sign_in_needed");
    let told = async || {
        let audit = gitlab.ada.get("/audit").await.ok();
        let items = audit["items"].as_array().unwrap();
        items.iter().filter(|entry| entry["action"] == "link.sign_in_needed").count()
    };
    assert_eq!(told().await, 1);
    // Whoever came in with the forge, and may have been shut out there, is out; by password one stays.
    signed_in.get("/me").await.refused(401, "unauthenticated");
    assert_eq!(gitlab.ada.get("/me").await.status, 200);
    // Asked again, nothing goes out any more and nobody is told twice.
    project_page(&gitlab.ada, &url).await.refused(409, "link_needed");
    assert_eq!(gitlab.peer.token_requests().await, after);
    assert_eq!(told().await, 1);

    gitlab.link(&gitlab.ada, "root").await.succeeded();
    assert_eq!(project_page(&gitlab.ada, &url).await.ok()["repository"], "project");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_secret_makes_the_forge_faulty_and_the_link_goes_on_with_the_new_one() {
    let Some(gitlab) = Gitlab::verified(Profile::ShortTtl(6)).await else { return };
    gitlab.peer.add_project("group/project", "private").await;
    let url = format!("{}/group/project", gitlab.peer.url());
    let renewed = gitlab.peer.renew_secret(&gitlab.application.id).await;
    tokio::time::sleep(Duration::from_secs(7)).await;

    let problem = project_page(&gitlab.ada, &url).await.refused(502, "forge");

    assert!(problem["mend"].as_str().unwrap().contains("secret"), "{problem}");
    assert_eq!(gitlab.forge.shown(&gitlab.ada).await["state"], "faulty");
    assert_eq!(gitlab.forge.link_of(&gitlab.ada).await["state"], "active");
    // A forge in trouble is not asked again for every question.
    let before = gitlab.peer.token_requests().await;
    for _ in 0..5 {
        project_page(&gitlab.ada, &url).await.refused(502, "forge");
    }
    assert_eq!(gitlab.peer.token_requests().await, before);

    gitlab.forge.change(&gitlab.ada, json!({"client_secret": renewed.secret})).await;
    assert_eq!(project_page(&gitlab.ada, &url).await.ok()["repository"], "project");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_forge_is_left_alone_as_long_as_it_says_and_no_link_suffers() {
    let Some(gitlab) = Gitlab::verified(Profile::ShortTtl(6)).await else { return };
    gitlab.peer.add_project("group/project", "private").await;
    let url = format!("{}/group/project", gitlab.peer.url());
    tokio::time::sleep(Duration::from_secs(7)).await;
    let before = gitlab.peer.token_requests().await;
    gitlab
        .peer
        .refuse_next(429, &[("retry-after", "3"), ("content-type", "text/plain")], "Retry later\n")
        .await;

    let begun = Instant::now();
    let first = project_page(&gitlab.ada, &url).await;
    assert_ne!(first.status, 409, "{}", first.text);
    assert_eq!(gitlab.forge.link_of(&gitlab.ada).await["state"], "active");
    let second = loop {
        let answer = project_page(&gitlab.ada, &url).await;
        if answer.status == 200 {
            break answer;
        }
        assert!(matches!(answer.status, 429 | 502 | 503), "{} {}", answer.status, answer.text);
        assert!(begun.elapsed() < PATIENCE, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    };

    assert!(begun.elapsed() >= Duration::from_secs(3), "it was asked too soon");
    assert_eq!(second.ok()["repository"], "project");
    let after = gitlab.peer.token_requests().await;
    assert_eq!((after.refused, after.refreshed), (before.refused + 1, before.refreshed + 1));
}

/// A GitLab that can be slow, a private project there, and whoever has linked an account.
struct Slow {
    server: Server,
    gitlab: GitlabDouble,
    url: String,
    ada: Person,
    forge: Forge,
}

impl Slow {
    async fn start() -> Self {
        let options =
            gitlab::Options { access_token_ttl: SignedDuration::from_secs(6), ..gitlab::Options::default() };
        let gitlab = GitlabDouble::start(options).await;
        let root = gitlab.add_user("root");
        let project = gitlab.add_project("group/project", Visibility::Private, &root);
        let server = Server::start();
        let ada = Person::first(&server, "ada").await;
        let forge = Forge::register(&ada, "gitlab", gitlab.url(), json!({})).await;
        let scopes: Vec<&str> = forge.scopes.split(' ').collect();
        let application = gitlab.add_application(NewApplication::new(&forge.redirect_uri, &scopes));
        forge.give(&ada, &application.client_id, &application.secret).await;
        let to = forge.begin_link(&ada).await;
        ada.come_back(&gitlab.approve(&root, &to, &forge.redirect_uri).await.unwrap()).await.succeeded();
        Self { server, url: project.web_url.clone(), gitlab, ada, forge }
    }

    fn exchanges(&self) -> usize {
        self.gitlab.requests().iter().filter(|request| request.path.ends_with("/oauth/token")).count()
    }

    /// Kills the server while it waits for the answer to a refresh, when `is_time`.
    async fn killed_while_renewing(&mut self, fault: Fault, is_time: fn(&Self, usize, u64) -> bool) {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let (exchanges, refreshes) = (self.exchanges(), self.gitlab.refreshes());
        self.gitlab.fault(Matcher::path("/oauth/token"), fault, 1);
        let token = self.ada.token(&["workspaces:read"]).await;
        let (asker, url) = (Person::with_token(&self.server, &token), self.url.clone());
        // Nobody gets an answer.
        let asking = tokio::spawn(async move { project_page(&asker, &url).await.status });
        let begun = Instant::now();
        while !is_time(self, exchanges, refreshes) {
            assert!(begun.elapsed() < PATIENCE, "no refresh");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.server.kill();
        assert!(asking.await.is_err(), "the answer came before the end");
        self.server.run();
    }

    /// The administrator's browser after a restart: the server has another port.
    async fn ada(&self) -> Person {
        let ada = Person::stranger(&self.server);
        ada.sign_in("ada").await.ok();
        ada
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_before_the_forge_renewed_takes_the_old_token_up_again() {
    let mut slow = Slow::start().await;
    slow.killed_while_renewing(Fault::Delay(Duration::from_hours(1)), |slow, exchanges, _| {
        slow.exchanges() > exchanges
    })
    .await;
    assert_eq!(slow.gitlab.refreshes(), 0, "the forge did nothing yet");

    let ada = slow.ada().await;
    let context: Value = project_page(&ada, &slow.url).await.ok();

    assert_eq!(context["repository"], "project");
    assert_eq!(slow.gitlab.refreshes(), 1);
    assert_eq!(slow.forge.link_of(&ada).await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_the_forges_answer_and_its_own_disk_asks_to_sign_in_once() {
    let mut slow = Slow::start().await;
    let late = Fault::DelayAfterApply(Duration::from_hours(1));
    slow.killed_while_renewing(late, |slow, _, refreshes| slow.gitlab.refreshes() > refreshes).await;

    let ada = slow.ada().await;
    let problem = project_page(&ada, &slow.url).await.refused(409, "link_needed");

    assert_eq!(problem["forge"], *slow.forge.id);
    assert_eq!(slow.gitlab.refreshes(), 1);
    assert_eq!(slow.forge.link_of(&ada).await["state"], "sign_in_needed");
    let before = slow.exchanges();
    project_page(&ada, &slow.url).await.refused(409, "link_needed");
    assert_eq!(slow.exchanges(), before, "nothing is tried any more");
    let audit = ada.get("/audit").await.ok();
    let told = |entry: &&Value| entry["action"] == "link.sign_in_needed";
    assert_eq!(audit["items"].as_array().unwrap().iter().filter(told).count(), 1);
}
