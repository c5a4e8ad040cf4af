//! What can go wrong between Hearth and a forge, and that everything of it has a name and a mend.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use blackbox::forge::Forge;
use blackbox::gitlab::Gitlab;
use blackbox::person::Person;
use blackbox::server::Server;
use serde_json::{Value, json};
use testkit::doorkeeper::{Doorkeeper, Profile};
use testkit::gitlab::{GitlabDouble, NewApplication, Options};
use testkit::peers::or_skip;
use url::Url;

fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}

fn query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_renewed_secret_and_a_deleted_application_are_the_forges_trouble() {
    let Some(gitlab) = Gitlab::start(Profile::Modern).await else { return };
    let (forge, ada) = (&gitlab.forge, &gitlab.ada);
    let state = async || forge.shown(ada).await["state"].clone();

    forge.change(ada, json!({"client_secret": "not the secret"})).await;
    forge.check(ada).await.expect("application", "failed");
    let (_, mend) = gitlab.link(ada, "root").await.failed("application_refused");
    assert!(mend.contains("secret"), "{mend}");
    assert_eq!(state().await, "pending", "it has never worked");

    forge.change(ada, json!({"client_secret": gitlab.application.secret})).await;
    gitlab.link(ada, "root").await.succeeded();
    assert_eq!(state().await, "verified");
    let grace = Person::made_by(ada, &gitlab.server, "grace").await;
    let renewed = gitlab.peer.renew_secret(&gitlab.application.id).await;
    gitlab.link(&grace, "developer").await.failed("application_refused");
    let shown = forge.shown(ada).await;
    assert_eq!(shown["state"], "faulty");
    assert!(shown["fault"].as_str().is_some_and(|fault| !fault.is_empty()), "{shown}");
    assert_eq!(forge.link_of(ada).await["state"], "active", "it is not the link's fault");

    forge.change(ada, json!({"client_secret": renewed.secret})).await;
    gitlab.link(ada, "root").await.succeeded();
    gitlab.link(&grace, "developer").await.succeeded();
    assert_eq!(state().await, "verified");
    gitlab.peer.delete_application(&gitlab.application.id).await;
    let page = gitlab.peer.consent(&forge.begin_link(&grace).await, "developer").await;
    assert!(page.is_err(), "GitLab shows an error page and sends nobody back");
    let url = format!("{}/group/project", gitlab.peer.url());
    grace.post("/contexts", json!({"url": url})).await.refused(502, "forge");
    assert_eq!(state().await, "faulty");
    assert_eq!(forge.link_of(&grace).await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_registered_wrongly_leaves_people_on_the_forges_page_and_nothing_here() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::Modern).await) else { return };
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let forge = Forge::register(&ada, "gitlab", peer.url(), json!({})).await;

    let elsewhere = peer.application("http://127.0.0.1:1/oauth/callback", &forge.scopes).await;
    forge.give(&ada, &elsewhere.id, &elsewhere.secret).await;
    let page = peer.consent(&forge.begin_link(&ada).await, "root").await.unwrap_err();
    assert!(page.text.contains("redirect"), "{}", page.text);

    let narrow = peer.application(&forge.redirect_uri, "read_user").await;
    forge.give(&ada, &narrow.id, &narrow.secret).await;
    let page = peer.consent(&forge.begin_link(&ada).await, "root").await.unwrap_err();
    assert!(page.text.contains("scope"), "{}", page.text);

    assert_eq!(forge.shown(&ada).await["state"], "pending");
    assert!(forge.link_of(&ada).await.is_null());
    assert_eq!(peer.token_requests().await.exchanged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_ends_once_in_the_browser_and_session_that_began_it() {
    let Some(gitlab) = Gitlab::verified(Profile::Modern).await else { return };
    let (forge, ada) = (&gitlab.forge, &gitlab.ada);
    let grace = Person::made_by(ada, &gitlab.server, "grace").await;

    let back = gitlab.peer.deny(&forge.begin_link(&grace).await, "developer").await.unwrap();
    grace.come_back(&back).await.failed("denied");

    let back = gitlab.consent(&forge.begin_link(&grace).await, "developer").await;
    Person::stranger(&gitlab.server).come_back(&back).await.failed("other_browser");
    grace.come_back(&back).await.failed("attempt_over");

    let back = gitlab.consent(&forge.begin_link(&grace).await, "developer").await;
    let shared =
        Url::parse(&format!("{}/oauth/callback?{}", gitlab.server.url, back.query().unwrap())).unwrap();
    grace.come_back(&shared).await.failed("other_address");

    let back = gitlab.consent(&forge.begin_link(&grace).await, "developer").await;
    grace.come_back(&with(&back, "iss", "https://evil.example.com")).await.failed("unexpected_answer");
    grace.come_back(&with(&back, "state", "made-up")).await.failed("attempt_over");
    grace.come_back(&Url::parse(&forge.redirect_uri).unwrap()).await.failed("state_missing");
    assert!(forge.link_of(&grace).await.is_null());

    // What has worked once works no second time, not even with a state of its own.
    let first = gitlab.consent(&forge.begin_link(&grace).await, "developer").await;
    grace.come_back(&first).await.succeeded();
    grace.come_back(&first).await.failed("attempt_over");
    let next = Url::parse(&forge.begin_link(&grace).await).unwrap();
    grace.come_back(&with(&first, "state", &query(&next, "state"))).await.failed("sign_in_needed");
    assert_eq!(forge.link_of(&grace).await["state"], "active");

    let back = gitlab.consent(&forge.begin_link(&grace).await, "developer").await;
    grace.delete("/session").await.ok();
    grace.come_back(&back).await.failed("session_gone");
    assert_eq!(gitlab.peer.token_requests().await.exchanged, 2, "one for each who has linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_waited_too_long_is_told() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    let root = gitlab.add_user("root");
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let forge = Forge::register(&ada, "gitlab", gitlab.url(), json!({})).await;
    let scopes: Vec<&str> = forge.scopes.split(' ').collect();
    let application = gitlab.add_application(NewApplication::new(&forge.redirect_uri, &scopes));
    forge.give(&ada, &application.client_id, &application.secret).await;
    let back = gitlab.approve(&root, &forge.begin_link(&ada).await, &forge.redirect_uri).await.unwrap();

    gitlab.set_clock_skew(domain::SignedDuration::from_mins(11));
    let (detail, mend) = ada.come_back(&back).await.failed("sign_in_needed");

    assert!(!detail.is_empty() && mend.contains("again"), "{detail}: {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_nobody_knows_is_explained_and_then_trusted() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::InternalCa).await) else { return };
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let forge = Forge::register(&ada, "gitlab", peer.url(), json!({"sign_in": true})).await;
    let application = peer.application(&forge.redirect_uri, &forge.scopes).await;
    forge.give(&ada, &application.id, &application.secret).await;

    let check = forge.check(&ada).await;
    let (detail, mend) = check.expect("tls", "failed");
    assert!(detail.contains("issuer") && mend.contains("authorit"), "{detail}: {mend}");
    assert!(!check.ok);
    let back = peer.consent(&forge.begin_link(&ada).await, "root").await.unwrap();
    ada.come_back(&back).await.failed("tls");

    let refused = ada.patch(&format!("/forges/{}", forge.id), json!({"ca_pem": "no certificate"})).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    forge.change(&ada, json!({"ca_pem": peer.ca_pem()})).await;
    forge.check(&ada).await.expect("tls", "ok");
    let back = peer.consent(&forge.begin_link(&ada).await, "root").await.unwrap();
    ada.come_back(&back).await.succeeded();
    let check = forge.check(&ada).await;
    check.expect("authorise", "ok");
    assert_eq!(forge.shown(&ada).await["state"], "verified");
}

/// Something that answers every request with the same, for as long as the test runs.
struct Answerer {
    url: String,
    stop: Arc<AtomicBool>,
}

impl Answerer {
    fn start(answer: fn(&mut dyn Write) -> std::io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                    while head.next().is_some_and(|line| !line.is_empty()) {}
                    // Whoever hangs up has had enough.
                    drop(answer(&mut stream));
                });
            }
        });
        Self { url, stop }
    }
}

impl Drop for Answerer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(std::net::TcpStream::connect(self.url.trim_start_matches("http://")));
    }
}

fn html(out: &mut dyn Write) -> std::io::Result<()> {
    let page = "<!DOCTYPE html><html><body>Sign in to the network</body></html>";
    write!(
        out,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    )
}

fn gigabyte(out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\"")?;
    let part = vec![b'x'; 1 << 20];
    (0..1024).try_for_each(|_| out.write_all(&part))?;
    out.write_all(b"\"")
}

/// The most memory the server ever had, in KiB.
fn peak_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_down_or_no_forge_at_all_is_told_and_costs_nothing() {
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let (page, flood) = (Answerer::start(html), Answerer::start(gigabyte));
    let cases = [
        ("http://127.0.0.1:1", "unavailable"),
        (page.url.as_str(), "unexpected_answer"),
        (flood.url.as_str(), "unexpected_answer"),
    ];
    let before = peak_memory(&server);
    for (url, code) in cases {
        let forge = Forge::register(&ada, "gitlab", url, json!({})).await;
        forge.give(&ada, "an application", "a secret").await;

        // GitLab's consent page is at a fixed address; whoever comes back from there brings a code.
        let to = Url::parse(&forge.begin_link(&ada).await).unwrap();
        let state = query(&to, "state");
        let back = Url::parse(&format!("{}?code=c0de&state={state}", forge.redirect_uri)).unwrap();
        let (detail, mend) = ada.come_back(&back).await.failed(code);
        assert!(detail.contains("127.0.0.1") && !detail.contains("Sign in"), "{url}: {detail}: {mend}");
        let check = forge.check(&ada).await;
        check.expect("resolve", "ok");
        check.expect("application", "failed");
    }
    let grown = peak_memory(&server) - before;
    assert!(grown < 200 << 10, "the server grew by {grown} KiB");

    // A provider that is none cannot even be gone to.
    for url in ["http://127.0.0.1:1", &page.url, &flood.url] {
        let forge = Forge::register(&ada, "open_id", url, json!({})).await;
        forge.give(&ada, "an application", "a secret").await;
        let refused = ada.post("/me/links", json!({"forge": forge.id})).await;
        assert!(matches!(refused.status, 502 | 503), "{url}: {} {}", refused.status, refused.text);
        let problem: Value = refused.json();
        assert!(problem["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_platform_reaches_no_private_address_that_is_not_allowed() {
    let options = blackbox::server::Options { serve: true, ..blackbox::server::Options::default() };
    let server = Server::start_with(options);
    let ada = Person::first(&server, "ada").await;
    let page = Answerer::start(html);

    for url in [page.url.as_str(), "http://localhost:8080", "https://10.1.2.3", "https://169.254.169.254"] {
        let wish = json!({"kind": "gitlab", "web_url": url, "client_id": "a", "client_secret": "b"});
        let made = ada.post("/forges", wish).await;
        if made.status != 201 {
            assert_eq!(made.status, 422, "{url}: {}", made.text);
            continue;
        }
        let forge = Forge::of(&made.json());
        let (_, mend) = forge.check(&ada).await.expect("resolve", "failed");
        assert!(mend.contains("outbound") || mend.contains("never"), "{url}: {mend}");
    }
}
