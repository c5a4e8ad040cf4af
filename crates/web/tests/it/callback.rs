//! Round trips through a forge: what begins them, and every way they can end.

use http::Method;
use serde_json::json;
use testkit::doorkeeper::{Doorkeeper, Profile};
use testkit::oidc_provider::OidcProvider;
use testkit::peers::or_skip;
use url::Url;

use crate::app::TestApp;
use crate::forge_world::{ForgeWorld, Trip, cookie, path_of, session, told, trip};
use crate::http::Answer;

/// A page deep inside, with something behind the `#` that no server sees.
const PAGE: &str = "/new?tab=git#https://code.example.com/a/b/-/tree/x%2Fy";

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_of_a_round_trip_is_for_this_host_this_browser_and_ten_minutes() {
    for (public, name, is_secure) in [
        ("http://hearth.test/", "hearth_attempt", false),
        ("https://hearth.test/", "__Host-hearth_attempt", true),
    ] {
        let world = ForgeWorld::start_at(public, "own").await;
        let forge = world.forge.to_string();
        let sign_in = world.app.post("/api/v1/session/forge", &json!({"forge": forge}));
        let link =
            world.app.post("/api/v1/me/links", &json!({"forge": forge})).session(&world.app.admin.session);

        for answer in [sign_in.send().await.expect(201), link.send().await.expect(201)] {
            let parts = cookie(&answer, name).unwrap();
            let token = parts[0].strip_prefix(&format!("{name}=")).unwrap();
            assert!(token.len() > 40, "{parts:?}");
            for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
                assert!(parts.iter().any(|own| own == part), "no {part} in {parts:?}");
            }
            assert_eq!(parts.iter().any(|part| part == "Secure"), is_secure, "{parts:?}");
            assert!(!parts.iter().any(|part| part.starts_with("Domain")), "{parts:?}");
            assert!(!String::from_utf8_lossy(&answer.body).contains(token));
        }
        let trip = world.begin_sign_in("/").await;
        let back = world.agree(&trip, &world.root).await;
        let over = world.come_back(&trip, &back, None).send().await.expect(303);
        let gone = cookie(&over, name).unwrap();
        assert!(gone.contains(&format!("{name}=")) && gone.contains(&"Max-Age=0".to_owned()), "{gone:?}");
        assert_eq!(gone.iter().any(|part| part == "Secure"), is_secure, "{gone:?}");
        assert_eq!(cookie(&over, "hearth_session").unwrap().iter().any(|part| part == "Secure"), is_secure);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_through_every_address_that_applications_are_registered_with() {
    for (redirect, path) in [
        ("own", "/oauth/callback/forge_"),
        ("shared", "/oauth/callback"),
        ("dashed", "/-/oauth/gitlab/callback"),
        ("connector", "/api/v1/connectors/gitlab/callback"),
    ] {
        let world = ForgeWorld::start_at(crate::forge_world::PUBLIC, redirect).await;
        let before = world.app.admin.session.clone();
        let trip = world.begin_sign_in(PAGE).await;
        let back = world.agree(&trip, &world.root).await;
        assert!(back.path().starts_with(path), "{back}");

        // The forge's page sends the browser, and the browser is signed in already.
        let over = world.come_back(&trip, &back, Some(&world.app.admin)).send().await.expect(303);

        assert_eq!(over.header("location"), PAGE, "{redirect}");
        assert_eq!(over.header("cache-control"), "no-store");
        assert_eq!(over.header("referrer-policy"), "no-referrer");
        assert!(over.body.is_empty());
        let fresh = session(&over).unwrap();
        assert!(fresh.len() > 40 && fresh != before, "a session is never taken from the browser");
        assert_eq!(
            world.app.get("/api/v1/me").session(&fresh).send().await.expect(200).json()["name"],
            "admin"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_plant_a_session_before_somebody_signs_in() {
    let world = ForgeWorld::start().await;
    let planted = "hsession_0123456789012345678901234567890123456789012";
    let trip = world.begin_sign_in("/").await;
    let back = world.agree(&trip, &world.root).await;

    let call = world.get(&back).header("cookie", &format!("hearth_session={planted}; {}", trip.cookie));
    let over = call.send().await.expect(303);

    assert_ne!(session(&over).unwrap(), planted);
    world.app.get("/api/v1/me").session(planted).send().await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_ahead_uses_nothing_up() {
    let world = ForgeWorld::start().await;
    let trip = world.begin_sign_in("/").await;
    let back = world.agree(&trip, &world.root).await;

    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "Prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "preview"),
    ] {
        let ahead = world.come_back(&trip, &back, None).header(name, value).send().await.expect(400);
        assert!(ahead.headers.get("set-cookie").is_none(), "{ahead:?}");
        assert!(ahead.header("content-type").starts_with("text/html"), "{ahead:?}");
    }
    let head = world.app.call(Method::HEAD, &path_of(&back)).header("cookie", &trip.cookie).send().await;
    assert_eq!((head.status.as_u16(), session(&head)), (400, None));

    let over = world.come_back(&trip, &back, None).send().await.expect(303);
    assert!(session(&over).is_some(), "{over:?}");
}

/// Asserts that a round trip came to nothing, with that code, and that nobody is signed in by it.
#[track_caller]
fn refused(answer: &Answer, page: &str, code: &str) {
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(answer.header("location").starts_with(page), "{answer:?}");
    assert_eq!(told(answer, "link_error").as_deref(), Some(code), "{answer:?}");
    for text in ["detail", "mend"] {
        assert!(told(answer, text).is_some_and(|text| !text.is_empty()), "no `{text}`: {answer:?}");
    }
    assert_eq!(session(answer), None, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_begun_here_ends_nowhere() {
    let world = ForgeWorld::start().await;
    let admin = &world.app.admin;
    let go = async || {
        let trip = world.begin_sign_in("/").await;
        let back = world.agree(&trip, &world.root).await;
        (trip, back)
    };

    // A second time.
    let (trip, back) = go().await;
    world.come_back(&trip, &back, None).send().await.expect(303);
    refused(&world.come_back(&trip, &back, None).send().await, "/sign-in?", "attempt_over");
    let again = world.come_back(&trip, &back, Some(admin)).send().await;
    refused(&again, "/settings/integrations?", "attempt_over");

    // In another browser, with no cookie or with its own.
    let (trip, back) = go().await;
    refused(&world.get(&back).send().await, "/sign-in?", "other_browser");
    refused(&world.come_back(&trip, &back, None).send().await, "/sign-in?", "attempt_over");
    let (_, back) = go().await;
    let own = world.begin_sign_in("/").await;
    refused(&world.come_back(&own, &back, None).send().await, "/sign-in?", "other_browser");

    // At an address that the attempt does not belong to.
    for path in
        ["/oauth/callback", "/-/oauth/gitlab/callback", "/oauth/callback/forge_00000000000000000000000000"]
    {
        let (trip, mut back) = go().await;
        back.set_path(path);
        refused(&world.come_back(&trip, &back, None).send().await, "/sign-in?", "other_address");
    }

    // Without a state, with somebody else's, or with two.
    let (trip, back) = go().await;
    let mut without = back.clone();
    without.set_query(Some("code=x"));
    refused(&world.come_back(&trip, &without, None).send().await, "/sign-in?", "state_missing");
    without.set_query(None);
    refused(&world.come_back(&trip, &without, None).send().await, "/sign-in?", "state_missing");
    without.set_query(Some("code=x&state=hstate_wrong"));
    refused(&world.come_back(&trip, &without, None).send().await, "/sign-in?", "attempt_over");

    // Too late.
    world.app.clock.advance(domain::SignedDuration::from_mins(11));
    refused(&world.come_back(&trip, &back, None).send().await, "/sign-in?", "attempt_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_out_meanwhile_links_nothing() {
    let world = ForgeWorld::start().await;
    let (ada, eve) = (world.app.member("ada").await, world.app.member("eve").await);
    let user = world.gitlab.add_user("ada");
    let trip = world.begin_link(&ada, PAGE).await;
    let back = world.agree(&trip, &user).await;
    refused(&world.come_back(&trip, &back, None).send().await, "/new?", "session_gone");

    let trip = world.begin_link(&ada, PAGE).await;
    let back = world.agree(&trip, &user).await;
    let other = world.come_back(&trip, &back, Some(&eve)).send().await;

    refused(&other, "/new?tab=git&link_error=session_gone&", "session_gone");
    assert!(other.header("location").ends_with("#https://code.example.com/a/b/-/tree/x%2Fy"), "{other:?}");
    for person in [&ada, &eve] {
        let list = world.app.get("/api/v1/me/integrations").session(&person.session).send().await.expect(200);
        assert_eq!(list.json()["items"][0]["link"], json!(null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_anywhere_but_to_a_page_of_this_site() {
    let world = ForgeWorld::start().await;
    for return_to in [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "evil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/..//evil.example",
        "/a\r\nset-cookie: x=y",
        "/%0d%0aset-cookie:%20x=y",
        "/\t/evil.example",
        "http://hearth.test@evil.example/",
        "//hearth.test@evil.example/",
        "/\u{2028}",
    ] {
        let body = json!({"forge": world.forge.to_string(), "return_to": return_to});
        let sign_in = world.app.post("/api/v1/session/forge", &body).send().await;
        assert_eq!(sign_in.problem(422, "invalid")["field"], "return_to", "{return_to:?}");
        assert!(sign_in.headers.get("set-cookie").is_none());
        let link = world.app.post("/api/v1/me/links", &body).session(&world.app.admin.session).send().await;
        assert_eq!(link.problem(422, "invalid")["field"], "return_to", "{return_to:?}");
    }
    for return_to in ["/", "/a?next=//evil.example#//evil.example", "/a:b@evil.example", PAGE] {
        let over = world.sign_in(&world.root, return_to).await.expect(303);
        assert_eq!(over.header("location"), return_to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forge_says_is_told_as_text_and_nothing_else() {
    let world = ForgeWorld::start().await;
    let trip = world.begin_link(&world.app.admin, PAGE).await;
    let asked = Url::parse(&trip.authorize_url).unwrap();
    let value = |name: &str| {
        asked.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
    };
    let mut back = Url::parse(&value("redirect_uri")).unwrap();
    back.query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair(
            "error_description",
            "<script>alert(1)</script>\r\nset-cookie: x=y #\"'&mend=click //evil.example",
        )
        .append_pair("state", &value("state"));

    let answer = world.come_back(&trip, &back, Some(&world.app.admin)).send().await;

    refused(&answer, "/new?tab=git&", "denied");
    let location = answer.header("location");
    assert!(location.ends_with("#https://code.example.com/a/b/-/tree/x%2Fy"), "{location}");
    assert!(!location.contains(['<', '>', '"', '\'', ' ', '\r', '\n']), "{location}");
    assert_eq!(location.matches('#').count(), 1, "{location}");
    assert_eq!(location.matches("mend=").count(), 1, "{location}");
    assert!(answer.body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_code_or_token_is_in_a_header_of_any_answer_but_its_cookie() {
    let world = ForgeWorld::start().await;
    let trip = world.begin_sign_in("/").await;
    let back = world.agree(&trip, &world.root).await;
    let of = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let (code, state) = (of("code"), of("state"));

    let good = world.come_back(&trip, &back, None).send().await.expect(303);
    let bad = world.come_back(&trip, &back, None).send().await.expect(303);

    let token = session(&good).unwrap();
    let browser = trip.cookie.split_once('=').unwrap().1.to_owned();
    for answer in [&good, &bad] {
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap();
            assert!(!value.contains(&code) && !value.contains(&state) && !value.contains(&browser), "{name}");
            assert!(name == "set-cookie" || !value.contains(&token), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_old_still_leads_to_the_integrations() {
    let app = TestApp::start().await;

    let answer = app.get("/Home/my-account").header("cookie", "hearth_attempt=x").send().await.expect(302);

    assert_eq!(answer.header("location"), "/settings/integrations");
    assert!(answer.headers.get("set-cookie").is_none(), "a round trip under way goes on: {answer:?}");
}

/// Registers a real peer, links the administrator, signs in, and answers the last redirect.
async fn at_a_peer<Registered, Consented>(
    kind: &str,
    url: &str,
    register: impl FnOnce(String) -> Registered,
    consent: impl Fn(String) -> Consented,
) -> (TestApp, Answer)
where
    Registered: Future<Output = (String, String)>,
    Consented: Future<Output = Url>,
{
    let app = TestApp::start_beside_forges(crate::forge_world::PUBLIC).await;
    #[expect(clippy::disallowed_methods, reason = "a real server cannot be told another time")]
    app.clock.set(domain::Timestamp::now());
    let app_session = app.sign_in("admin").await.session;
    let wish = json!({"kind": kind, "web_url": url, "sign_in": true});
    let made = app.post("/api/v1/forges", &wish).session(&app_session).send().await.expect(201).json();
    let (id, secret) = register(made["redirect_uri"].as_str().unwrap().to_owned()).await;
    let path = format!("/api/v1/forges/{}", made["id"].as_str().unwrap());
    let keys = json!({"client_id": id, "client_secret": secret});
    app.call(Method::PATCH, &path).json(&keys).session(&app_session).send().await.expect(200);
    let back_with = async |trip: Trip, session: &str| {
        let back = consent(trip.authorize_url).await;
        let cookies = format!("{}; hearth_session={session}", trip.cookie);
        app.get(&path_of(&back))
            .header("cookie", &cookies)
            .header("sec-fetch-site", "cross-site")
            .send()
            .await
    };

    let body = json!({"forge": made["id"], "return_to": PAGE});
    let begun = app.post("/api/v1/me/links", &body).session(&app_session).send().await.expect(201);
    let linked = back_with(trip(&begun), &app_session).await.expect(303);
    assert_eq!(told(&linked, "linked").as_deref(), made["id"].as_str(), "{linked:?}");
    let begun = app.post("/api/v1/session/forge", &body).send().await.expect(201);
    let over = back_with(trip(&begun), "none").await.expect(303);
    (app, over)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_gitlab_embeds_signs_people_in() {
    let Some(peer) = or_skip(Doorkeeper::start(Profile::Modern).await) else { return };

    let register = async |redirect_uri: String| {
        let application = peer.application(&redirect_uri, &SCOPES_OF_GITLAB.join(" ")).await;
        (application.id, application.secret)
    };
    let consent =
        async |url: String| peer.consent(&url, "root").await.unwrap_or_else(|page| panic!("{}", page.text));
    let (app, over) = at_a_peer("gitlab", peer.url(), register, consent).await;

    assert_eq!(over.header("location"), PAGE, "{over:?}");
    let me = app.get("/api/v1/me").session(&session(&over).unwrap()).send().await.expect(200).json();
    assert_eq!(me["name"], "admin");
}

const SCOPES_OF_GITLAB: &[&str] =
    &["api", "read_user", "openid", "email", "profile", "read_repository", "write_repository"];

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_provider_signs_people_in() {
    let Some(provider) = or_skip(OidcProvider::start(&[]).await) else { return };

    let register = async |redirect_uri: String| {
        let client = provider.client(&redirect_uri).await;
        (client.id, client.secret)
    };
    let consent = async |url: String| {
        provider.consent(&url, "grace").await.unwrap_or_else(|page| panic!("{}", page.text))
    };
    let (app, over) = at_a_peer("open_id", provider.url(), register, consent).await;

    assert_eq!(over.header("location"), PAGE, "{over:?}");
    let me = app.get("/api/v1/me").session(&session(&over).unwrap()).send().await.expect(200).json();
    assert_eq!(me["name"], "admin");
}
