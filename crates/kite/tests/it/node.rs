//! The transports against those that people have: `sockjs-client` and `ws` as clients, `sockjs` and `ws` as
//! servers, and `kite.js` on top of them.

use std::process::Stdio;

use kite::client::{Dialer, Transports};
use kite::server::Settings;
use kite::{Context, Service};
use testkit::peers::{self, Skip};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::keeper::{Running, a_kite, anywhere};
use crate::server::stand::{LIMIT, Stand, assert_echoes};

const MIB: usize = 1 << 20;

/// A script that may use the packages; `None` where they are missing.
fn node(package: &str, script: &str, arguments: &[&str]) -> Option<Command> {
    let modules = peers::node_modules().filter(|modules| modules.join(package).is_dir());
    let modules = peers::or_skip(modules.ok_or_else(|| Skip::missing(package)))?;
    let mut command = Command::new(peers::node());
    command.arg("-e").arg(script).arg("--").args(arguments).env("NODE_PATH", modules);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Some(command)
}

/// Runs a client's script, which says `ok` in the end.
async fn says_ok(mut client: Command) -> String {
    let run = tokio::time::timeout(LIMIT, client.output()).await.unwrap().unwrap();
    let (told, complaints) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && told.starts_with("ok"), "{told} {complaints}");
    told.into_owned()
}

/// Starts a server's script, which says its port first.
async fn says_port(mut server: Command) -> (Child, u16) {
    let mut child = server.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    let Some(port) = line.as_deref().and_then(|line| line.parse().ok()) else {
        let mut complaints = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaints).await.unwrap();
        panic!("{line:?} {complaints}");
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, port)
}

#[tokio::test]
async fn sockjs_client_speaks_with_us_by_every_transport() {
    let stand = Stand::start(Settings::default()).await;

    for transport in ["websocket", "xhr-streaming", "eventsource", "xhr-polling"] {
        let script = include_str!("node/sockjs_client.js");
        let Some(client) = node("sockjs-client", script, &[&stand.url("/kite"), transport]) else { return };

        assert_eq!(says_ok(client).await.trim(), format!("ok {transport}"));
    }
}

#[tokio::test]
async fn sockjs_client_is_told_why_it_is_closed() {
    let stand = Stand::start(Settings::default()).await;

    for transport in ["websocket", "xhr-streaming", "eventsource", "xhr-polling"] {
        let script = include_str!("node/sockjs_closed.js");
        let Some(client) = node("sockjs-client", script, &[&stand.url("/kite"), transport]) else { return };

        assert_eq!(says_ok(client).await.trim(), "ok 3000 Go away!", "{transport}");
    }
}

#[tokio::test]
async fn ws_speaks_with_us_and_is_told_what_it_may_not_send() {
    let stand = Stand::start(Settings::default()).await;
    let script = include_str!("node/ws_client.js");
    let url = stand.url("/kite").replace("http", "ws");

    let Some(client) = node("ws", script, &[&url]) else { return };

    assert_eq!(says_ok(client).await.trim(), "ok 1003");
}

#[tokio::test]
async fn we_speak_with_the_server_of_sockjs() {
    let Some(server) = node("sockjs", include_str!("node/sockjs_server.js"), &[]) else { return };
    let (_server, port) = says_port(server).await;

    for transports in [Transports::Auto, Transports::SockJsWebSocket, Transports::XhrPolling] {
        let dialer = Dialer::new(&format!("http://127.0.0.1:{port}/kite")).unwrap().by(transports);
        assert_echoes(dialer.connect(MIB).await.unwrap()).await;
    }
}

#[tokio::test]
async fn we_speak_with_the_server_of_ws() {
    let Some(server) = node("ws", include_str!("node/ws_server.js"), &[]) else { return };
    let (_server, port) = says_port(server).await;

    let dialer = Dialer::new(&format!("ws://127.0.0.1:{port}/any/path")).unwrap();

    assert_echoes(dialer.connect(MIB).await.unwrap()).await;
}

#[tokio::test]
async fn kite_js_calls_a_service_by_every_transport() {
    let (running, address) = Running::start(anywhere()).await;

    for (scheme, transports) in
        [("ws", ""), ("http", "websocket"), ("http", "xhr-streaming"), ("http", "xhr-polling")]
    {
        let url = format!("{scheme}://{address}/kite");
        let Some(client) = node("kite.js", include_str!("node/kite_client.js"), &[&url, transports]) else {
            return;
        };

        assert_eq!(says_ok(client).await.trim(), "ok 25", "{scheme} {transports}");
    }
    running.end().await;
}

#[tokio::test]
async fn we_call_a_server_of_kite_js_by_every_transport_it_has() {
    for (kind, transports) in [
        ("ws", vec![Transports::Auto, Transports::WebSocket]),
        ("sockjs", vec![Transports::Auto, Transports::SockJsWebSocket, Transports::XhrPolling]),
    ] {
        let Some(server) = node("kite.js", include_str!("node/kite_server.js"), &[kind]) else { return };
        let (_server, port) = says_port(server).await;
        for transports in transports {
            let dialer = Dialer::new(&format!("http://127.0.0.1:{port}/kite")).unwrap().by(transports);
            let peer = dialer.dial(&Service::client(a_kite("caller")), Context::default()).await.unwrap();

            assert_eq!(peer.call::<u64>("square", 5).await.unwrap(), 25, "{kind} {transports:?}");
            peer.close();
        }
    }
}
