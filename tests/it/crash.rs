//! The server is killed again and again while workspaces start, stop, fork and are deleted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use blackbox::leftovers;
use blackbox::server::{Server, wait_for};
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 200;
/// How many workspaces live through it.
const WORKSPACES: usize = 20;

/// A small generator with a printed seed: the same seed kills at the same moments of the same plan.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }
}

/// One request over the local socket; `None` when the server is not there, which is the point here.
fn call(socket: &std::path::Path, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
    use std::io::{Read, Write};

    let mut stream = std::os::unix::net::UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    write!(
        stream,
        "{method} /api/v1{path} HTTP/1.1\r\nhost: hearth.local\r\nconnection: close\r\n{kind}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = vec![];
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let (head, content) = text.split_once("\r\n\r\n")?;
    let content = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        content.lines().filter(|line| line.starts_with(['{', '['])).collect::<String>()
    } else {
        content.to_owned()
    };
    Some((status, serde_json::from_str(&content).unwrap_or_default()))
}

fn list(server: &Server) -> Option<Vec<Value>> {
    let (status, page) = call(&server.socket(), "GET", "/workspaces?limit=100", None)?;
    (status == 200).then(|| page["items"].as_array().cloned().unwrap_or_default())
}

#[test]
fn a_server_killed_at_random_moments_loses_and_leaves_nothing() {
    let seed = std::env::var("HEARTH_CRASH_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(1, |age| age.subsec_nanos()).into());
    eprintln!("HEARTH_CRASH_SEED={seed}");
    let mut dice = Dice(u64::max(seed, 1));
    let mut server = Server::start();
    let socket = server.socket();
    let done = AtomicBool::new(false);

    std::thread::scope(|scope| {
        let mut plan = Dice(dice.roll(u64::MAX) | 1);
        let (done, socket) = (&done, &socket);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let known = call(socket, "GET", "/workspaces?limit=100", None)
                    .map(|(_, page)| page["items"].as_array().cloned().unwrap_or_default());
                let Some(known) = known else {
                    std::thread::park_timeout(Duration::from_millis(10));
                    continue;
                };
                if known.len() < WORKSPACES {
                    drop(call(socket, "POST", "/workspaces", Some(&json!({}))));
                    continue;
                }
                let index = usize::try_from(plan.roll(known.len() as u64)).unwrap_or(0);
                let id = known[index]["id"].as_str().unwrap_or_default().to_owned();
                let (method, path) = match plan.roll(10) {
                    0..=3 => ("POST", format!("/workspaces/{id}/stop")),
                    4..=7 => ("POST", format!("/workspaces/{id}/start")),
                    8 => ("POST", format!("/workspaces/{id}/fork")),
                    _ => ("DELETE", format!("/workspaces/{id}")),
                };
                drop(call(socket, method, &path, None));
            }
        });
        for _ in 0..KILLS {
            std::thread::park_timeout(Duration::from_millis(dice.roll(350)));
            server.kill();
            server.run();
        }
        done.store(true, Ordering::Relaxed);
    });

    // Everything comes to rest where its owner wants it.
    let rested = wait_for("every workspace to reach its desired state", || {
        let known = list(&server)?;
        known.iter().all(|workspace| workspace["phase"] == workspace["desired"]).then_some(known)
    });
    assert!(!rested.is_empty());
    for workspace in &rested {
        if workspace["phase"] == "running" {
            let id = workspace["id"].as_str().unwrap();
            wait_for("a command to run", || {
                let run = json!({"command": ["true"]});
                let (status, result) =
                    call(&server.socket(), "POST", &format!("/workspaces/{id}/exec"), Some(&run))?;
                (status == 200 && result["exit_code"] == 0).then_some(())
            });
        }
    }

    let ids: Vec<String> =
        rested.iter().filter_map(|workspace| workspace["id"].as_str().map(str::to_owned)).collect();
    for id in &ids {
        call(&server.socket(), "DELETE", &format!("/workspaces/{id}"), None).expect("the server answers");
    }
    wait_for("every workspace to be gone", || list(&server)?.is_empty().then_some(()));
    server.stop();
    wait_for("nothing to be left over", || {
        let found = leftovers::of(server.data());
        found.is_empty().then_some(()).or_else(|| {
            eprintln!("{found:#?}");
            None
        })
    });
    assert_eq!(leftovers::cgroups(&ids), Vec::<String>::new());
}
