//! Going over from one host of the server to another, and signing out of all.

use std::time::Duration;

use control::{Control, Settings};
use domain::{Caller, SignedDuration};
use vault::TokenHash;

use crate::sim::{Server, World};
use crate::teams::{a_team, person};

const PASSWORD: &str = "correct horse battery";
const HOST: &str = "acme.hearth.test:8090";
const COOKIE: &str = "what the team's host gave the browser";

async fn server(world: &World) -> Server {
    let public_url = "http://hearth.test:8090".parse().unwrap();
    let server = world.server_with(Settings { public_url, ..world.settings() }).await;
    let eve = person(&server, "eve").await;
    a_team(&server, "acme", &eve).await;
    server
}

async fn signed_in(control: &Control) -> Caller {
    let signed_in = control.sign_in("eve", PASSWORD.to_owned().into(), "a browser").await.unwrap();
    control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap()
}

async fn code(control: &Control, caller: &Caller) -> String {
    let code = control.begin_handoff(caller, &TokenHash::of(COOKIE), HOST, "/new#https://a.test/b").await;
    code.unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_browser_comes_over_and_signs_out_of_both_hosts() {
    let world = World::new().await;
    let server = server(&world).await;
    let control = &server.control;
    let main = signed_in(control).await;
    let apart = signed_in(control).await;
    let code = code(control, &main).await;

    let over = control.take_handoff(&code, COOKIE, "ACME.hearth.test:8090", "a browser").await.unwrap();

    assert_eq!(over.return_to, "/new#https://a.test/b");
    assert_eq!(over.signed_in.user.id, main.user);
    let token = over.signed_in.token.expose().to_owned();
    let there = control.caller_of_session(&token).await.unwrap().unwrap();
    assert_ne!(there.via, main.via);
    let cut = tokio::spawn(control.revoked(&main));
    control.sign_out(&there).await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), cut).await.expect("cut at once").unwrap();
    assert_eq!(control.caller_of_session(&token).await.unwrap(), None);
    let left = control.sessions(&apart).await.unwrap();
    assert_eq!(left.len(), 1, "another sign-in stays");
}

#[tokio::test]
async fn a_code_works_once_at_its_host_in_its_browser_for_a_minute() {
    let world = World::new().await;
    let server = server(&world).await;
    let control = &server.control;
    let caller = signed_in(control).await;
    let take = async |code: &str, cookie: &str, host: &str| {
        control.take_handoff(code, cookie, host, "x").await.map(drop).map_err(|error| error.code())
    };

    for (cookie, host) in [("another browser", HOST), (COOKIE, "other.hearth.test:8090"), ("", HOST)] {
        let code = code(control, &caller).await;
        assert_eq!(take(&code, cookie, host).await, Err("unauthenticated"));
        assert_eq!(take(&code, COOKIE, HOST).await, Err("unauthenticated"), "used up");
    }
    let once = code(control, &caller).await;
    assert_eq!(take(&once, COOKIE, HOST).await, Ok(()));
    assert_eq!(take(&once, COOKIE, HOST).await, Err("unauthenticated"));
    let late = code(control, &caller).await;
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(take(&late, COOKIE, HOST).await, Err("unauthenticated"));
    let orphan = code(control, &caller).await;
    control.sign_out(&caller).await.unwrap();
    assert_eq!(take(&orphan, COOKIE, HOST).await, Err("unauthenticated"));
    assert_eq!(take("hhandoff_guessed", COOKIE, HOST).await, Err("unauthenticated"));
}

#[tokio::test]
async fn a_browser_is_sent_to_this_servers_hosts_and_paths_only() {
    let world = World::new().await;
    let server = server(&world).await;
    let control = &server.control;
    let caller = signed_in(control).await;
    let begin = async |host: &str, path: &str| {
        let begun = control.begin_handoff(&caller, &TokenHash::of(COOKIE), host, path).await;
        begun.map(drop).map_err(|error| error.code())
    };

    for host in [HOST, "hearth.test:8090", "ACME.hearth.test:8090"] {
        assert_eq!(begin(host, "/").await, Ok(()), "{host}");
    }
    // Whoever listens there instead would get the code.
    for host in
        ["acme.hearth.test", "acme.hearth.test:9999", "hearth.test:80", "hearth.test", "acme.hearth.test:"]
    {
        assert_eq!(begin(host, "/").await, Err("invalid"), "{host}");
    }
    for host in [
        "nobody.hearth.test:8090",
        "evil.test:8090",
        "acme.hearth.test.evil.test:8090",
        "a.acme.hearth.test:8090",
        "hearth.test:8090@evil.test:8090",
        "hearth.test:@evil.test:8090",
        "acme.hearth.test:8090/x",
        "hearth.test:8090\\@evil.test",
        "hearth.test:8090#.evil.test",
        "evil.test:8090?.hearth.test",
        "",
    ] {
        assert_eq!(begin(host, "/").await, Err("invalid"), "{host}");
    }
    for path in ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", ""] {
        assert_eq!(begin(HOST, path).await, Err("invalid"), "{path}");
    }
    let no_browser = control.begin_handoff(&server.admin, &TokenHash::of(COOKIE), HOST, "/").await;
    assert_eq!(no_browser.err().unwrap().code(), "forbidden");
}
