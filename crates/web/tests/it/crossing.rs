//! From the main host to a team's own and back out of both.

use domain::TeamRole;
use http::Method;
use serde_json::json;
use url::Url;

use crate::app::{Person, TestApp};
use crate::forge_world::{cookie, path_of, session};
use crate::http::{Answer, Call};

const MAIN: &str = "hearth.localhost:8090";
const ACME: &str = "acme.hearth.localhost:8090";
/// The page somebody wants to see on the team's host.
const PAGE: &str = "/new?tab=git#https://code.example.com/a/b";

async fn start() -> (TestApp, Person) {
    start_as("http://hearth.localhost:8090/").await
}

async fn start_as(public_url: &str) -> (TestApp, Person) {
    let app = TestApp::start_as(public_url, |app| app).await;
    for slug in ["acme", "other"] {
        let wish = control::NewTeam { slug: slug.into(), name: None };
        app.control.create_team(&app.admin.caller, wish).await.unwrap();
    }
    let ada = app.member("ada").await;
    app.control.set_member(&app.admin.caller, "acme", ada.caller.user, TeamRole::Member).await.unwrap();
    (app, ada)
}

fn get(app: &TestApp, host: &str, path: &str) -> Call {
    app.get(path).header("host", host)
}

/// The address an answer leads to, seen from `host`.
fn location(answer: &Answer, host: &str) -> Url {
    Url::parse(&format!("http://{host}/")).unwrap().join(answer.header("location")).unwrap()
}

/// `PAGE`, as a value in a query.
fn page() -> String {
    url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect()
}

/// Enters on a team's host: the cookie there, and where the browser is sent.
async fn enter(app: &TestApp, host: &str, return_to: &str) -> (String, Url) {
    let answer = get(app, host, &format!("/auth/enter?return_to={return_to}")).send().await.expect(303);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    (cookie, location(&answer, host))
}

/// Crosses on the main host with a session.
async fn cross(app: &TestApp, to: &Url, session: &str) -> Answer {
    let call = get(app, MAIN, &path_of(to)).header("cookie", &format!("hearth_session={session}"));
    call.header("sec-fetch-site", "same-site").send().await
}

fn arrive(app: &TestApp, host: &str, code: &Url, cookie: &str) -> Call {
    get(app, host, &path_of(code)).header("cookie", cookie)
}

#[tokio::test]
async fn a_browser_comes_over_by_three_redirects_and_signs_out_of_both_hosts() {
    let (app, ada) = start().await;
    let options = get(&app, ACME, "/api/v1/session/options").send().await.expect(200).json();
    assert_eq!(options["team"], "acme");
    let main = get(&app, MAIN, "/api/v1/session/options").send().await.expect(200).json();
    assert_eq!(main["team"], json!(null));

    let (cookie, to_main) = enter(&app, ACME, &page()).await;
    assert_eq!((to_main.host_str(), to_main.path()), (Some("hearth.localhost"), "/auth/cross"));
    assert!(
        !to_main.as_str().contains(cookie.split_once('=').unwrap().1),
        "only its hash travels: {to_main}"
    );
    let crossed = cross(&app, &to_main, &ada.session).await.expect(303);
    let to_team = location(&crossed, MAIN);
    assert!(to_team.as_str().starts_with("http://acme.hearth.localhost:8090/auth/arrive?code="), "{to_team}");
    let arrived = arrive(&app, ACME, &to_team, &cookie).send().await.expect(303);

    assert_eq!(arrived.header("location"), PAGE);
    for answer in [&crossed, &arrived] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let there = session(&arrived).unwrap();
    assert_ne!(there, ada.session);
    let me = get(&app, ACME, "/api/v1/me").session(&there).send().await.expect(200).json();
    assert_eq!(me["name"], "ada");
    let out = app.call(Method::DELETE, "/api/v1/session").header("host", ACME).session(&there);
    out.send().await.expect(204);
    get(&app, MAIN, "/api/v1/me").session(&ada.session).send().await.problem(401, "unauthenticated");
    get(&app, ACME, "/api/v1/me").session(&there).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn signing_out_on_the_main_host_ends_the_sessions_on_the_others() {
    let (app, ada) = start().await;
    let (cookie, to_main) = enter(&app, ACME, "/").await;
    let code = location(&cross(&app, &to_main, &ada.session).await.expect(303), MAIN);
    let there = session(&arrive(&app, ACME, &code, &cookie).send().await.expect(303)).unwrap();

    let out = app.call(Method::DELETE, "/api/v1/session").header("host", MAIN).session(&ada.session);
    out.send().await.expect(204);

    get(&app, ACME, "/api/v1/me").session(&there).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_cookie_on_the_way_is_for_one_host_and_shared_by_its_tabs() {
    for (public, name, is_secure) in [
        ("http://hearth.localhost:8090/", "hearth_crossing", false),
        ("https://hearth.localhost:8090/", "__Host-hearth_crossing", true),
    ] {
        let (app, ada) = start_as(public).await;
        let first = get(&app, ACME, "/auth/enter").send().await.expect(303);
        let parts = cookie(&first, name).unwrap();
        for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
            assert!(parts.iter().any(|own| own == part), "no {part} in {parts:?}");
        }
        assert_eq!(parts.iter().any(|part| part == "Secure"), is_secure, "{parts:?}");
        assert!(!parts.iter().any(|part| part.starts_with("Domain")), "{parts:?}");

        // A second tab, meanwhile, and one whose cookie somebody else has planted.
        let second = get(&app, ACME, "/auth/enter").header("cookie", &parts[0]).send().await.expect(303);
        assert_eq!(cookie(&second, name).unwrap()[0], parts[0]);
        let planted = get(&app, ACME, "/auth/enter").header("cookie", &format!("{name}=short"));
        assert_ne!(cookie(&planted.send().await.expect(303), name).unwrap()[0], format!("{name}=short"));
        for answer in [first, second] {
            let code = location(&cross(&app, &location(&answer, ACME), &ada.session).await.expect(303), MAIN);
            let arrived = arrive(&app, ACME, &code, &parts[0]).send().await.expect(303);
            assert_eq!(cookie(&arrived, "hearth_session").unwrap().iter().any(|p| p == "Secure"), is_secure);
        }
    }
}

#[tokio::test]
async fn without_a_session_one_signs_in_on_the_main_host_first() {
    let (app, ada) = start().await;
    let (cookie, to_main) = enter(&app, ACME, &page()).await;

    let answer = get(&app, MAIN, &path_of(&to_main)).send().await.expect(303);

    let sign_in = location(&answer, MAIN);
    assert_eq!((sign_in.host_str(), sign_in.path()), (Some("hearth.localhost"), "/sign-in"));
    let (_, return_to) = sign_in.query_pairs().next().unwrap();
    assert_eq!(return_to, path_of(&to_main), "afterwards it goes on where it was");
    let again = Url::parse("http://x/").unwrap().join(&return_to).unwrap();
    let code = location(&cross(&app, &again, &ada.session).await.expect(303), MAIN);
    let arrived = arrive(&app, ACME, &code, &cookie).send().await.expect(303);
    assert_eq!(arrived.header("location"), PAGE);
}

/// Asserts that nobody was signed in, by a page that says why.
#[track_caller]
fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.headers.get("set-cookie").is_none(), "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(text.matches("<p>").count(), 2, "what is wrong, and what to do: {text}");
}

#[tokio::test]
async fn a_code_is_good_once_in_its_browser_at_its_host() {
    let (app, ada) = start().await;
    let code = async || {
        let (cookie, to_main) = enter(&app, ACME, "/").await;
        (cookie, location(&cross(&app, &to_main, &ada.session).await.expect(303), MAIN))
    };

    // In another browser: the code is used up by that.
    let (cookie, one) = code().await;
    let (of_another, _) = enter(&app, ACME, "/").await;
    refused(&arrive(&app, ACME, &one, &of_another).send().await, 401);
    refused(&arrive(&app, ACME, &one, &cookie).send().await, 401);
    let (_, one) = code().await;
    refused(&get(&app, ACME, &path_of(&one)).send().await, 401);
    // At another host.
    for host in ["other.hearth.localhost:8090", MAIN, "acme.hearth.localhost"] {
        let (cookie, one) = code().await;
        refused(&arrive(&app, host, &one, &cookie).send().await, 401);
    }
    // Twice.
    let (cookie, one) = code().await;
    arrive(&app, ACME, &one, &cookie).send().await.expect(303);
    refused(&arrive(&app, ACME, &one, &cookie).send().await, 401);
    // Too late, or after the session behind it has ended.
    let (cookie, one) = code().await;
    app.clock.advance(domain::SignedDuration::from_secs(61));
    refused(&arrive(&app, ACME, &one, &cookie).send().await, 401);
    let (cookie, one) = code().await;
    app.control.sign_out(&ada.caller).await.unwrap();
    refused(&arrive(&app, ACME, &one, &cookie).send().await, 401);
}

#[tokio::test]
async fn looking_ahead_uses_no_code_up() {
    let (app, ada) = start().await;
    let (cookie, to_main) = enter(&app, ACME, "/").await;
    let code = location(&cross(&app, &to_main, &ada.session).await.expect(303), MAIN);

    let ahead = arrive(&app, ACME, &code, &cookie).header("sec-purpose", "prefetch;prerender").send().await;
    let head = app.call(Method::HEAD, &path_of(&code)).header("host", ACME).header("cookie", &cookie);
    let head = head.send().await;

    refused(&ahead, 400);
    assert_eq!((head.status.as_u16(), session(&head)), (400, None));
    arrive(&app, ACME, &code, &cookie).send().await.expect(303);
}

#[tokio::test]
async fn nobody_is_sent_to_a_host_that_is_no_teams() {
    let (app, ada) = start().await;
    let (_, to_main) = enter(&app, ACME, "/").await;
    for host in [
        "evil.example",
        "ghost.hearth.localhost:8090",
        "acme.hearth.localhost.evil.example",
        "acme.hearth.localhost:8090@evil.example",
        "evil.example/acme.hearth.localhost:8090",
        "evil.example#acme.hearth.localhost:8090",
        "a.acme.hearth.localhost:8090",
        "",
    ] {
        let mut forged = to_main.clone();
        let others: Vec<_> = to_main.query_pairs().filter(|(name, _)| name != "host").collect();
        forged.query_pairs_mut().clear().append_pair("host", host).extend_pairs(others);
        let answer = cross(&app, &forged, &ada.session).await;
        refused(&answer, 422);
        assert!(answer.headers.get("location").is_none(), "{host}: {answer:?}");
    }
    for path in
        ["/auth/cross", "/auth/cross?host=acme.hearth.localhost:8090", "/auth/cross?host=x&browser=zz"]
    {
        let call = get(&app, MAIN, path).header("cookie", &format!("hearth_session={}", ada.session));
        refused(&call.send().await, 404);
    }
}

#[tokio::test]
async fn nobody_is_sent_from_a_teams_host_to_another_site() {
    let (app, ada) = start().await;
    for return_to in [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "/%2f%2fevil.example",
    ] {
        let text: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        let (_, to_main) = enter(&app, ACME, &text).await;
        assert_eq!(to_main.host_str(), Some("hearth.localhost"));
        refused(&cross(&app, &to_main, &ada.session).await, 422);
    }
}

#[tokio::test]
async fn an_api_token_makes_no_code() {
    let (app, ada) = start().await;
    let token = app.token(&ada, &[domain::Scope::All]).await;
    let (_, to_main) = enter(&app, ACME, "/").await;

    refused(&get(&app, MAIN, &path_of(&to_main)).bearer(&token).send().await, 403);
}

#[tokio::test]
async fn only_the_host_of_the_connection_counts() {
    let (app, _) = start().await;
    let named = |host: &'static str, name: &'static str, value: &'static str| {
        get(&app, host, "/api/v1/session/options").header(name, value)
    };

    for (name, value) in [("x-forwarded-host", ACME), ("forwarded", "host=acme.hearth.localhost:8090")] {
        let options = named(MAIN, name, value).send().await.expect(200).json();
        assert_eq!(options["team"], json!(null), "{name}");
    }
    let options = named(ACME, "x-forwarded-host", MAIN).send().await.expect(200).json();
    assert_eq!(options["team"], "acme");
    refused(&get(&app, MAIN, "/auth/enter").header("x-forwarded-host", ACME).send().await, 404);
    let two =
        format!("GET /auth/enter HTTP/1.1\r\nhost: {ACME}\r\nhost: {MAIN}\r\nconnection: close\r\n\r\n");
    let answer = crate::sockets::raw(app.address, two.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn the_host_of_a_team_that_does_not_exist_has_no_pages() {
    let (app, _) = start().await;
    let ghost = "ghost.hearth.localhost:8090";

    for path in ["/", "/workspaces/x", "/sign-in", "/auth/enter?return_to=/"] {
        let answer = get(&app, ghost, path).send().await;
        refused(&answer, 404);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains("`ghost`") && text.contains("http://hearth.localhost:8090/"), "{text}");
    }
    get(&app, ghost, "/api/v1/nothing").send().await.problem(404, "not_found");
    get(&app, ghost, "/assets/none.js").send().await.problem(404, "not_found");
    get(&app, ghost, "/healthz").send().await.expect(200);
    for host in [MAIN, ACME, "ACME.hearth.localhost:8090", "127.0.0.1:8090"] {
        get(&app, host, "/sign-in").send().await.expect(200);
    }
}

#[tokio::test]
async fn a_teams_own_page_may_do_what_the_main_hosts_may_and_its_neighbours_may_not() {
    let (app, ada) = start().await;
    let made = |host: &str, origin: &str| {
        let call = app.post("/api/v1/workspaces", &json!({})).header("host", host).header("origin", origin);
        call.header("cookie", &format!("hearth_session={}", ada.session)).send()
    };

    made(ACME, "http://acme.hearth.localhost:8090").await.expect(202);
    made(ACME, "http://other.hearth.localhost:8090").await.problem(403, "cross_site");
    made(MAIN, "http://acme.hearth.localhost:8090").await.problem(403, "cross_site");
}
