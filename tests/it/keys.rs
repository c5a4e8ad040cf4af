//! Keys are replaced while a full database serves traffic and the server is killed in between.
//!
//! The hundred thousand secrets are put into the database by Hearth's own crates: setting them one by one over
//! the API would take longer than the rest of the suite.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use blackbox::server::{PATIENCE, Server, hearth, text, wait_for};
use domain::{KeyOwner, TeamId, Timestamp};
use serde_json::Value;
use store::Store;
use testkit::SeededEntropy;
use vault::{DataKey, FileKey, Place};

const SECRETS: usize = 100_000;
const CANARY: &str = "canary-of-a-sealed-secret";

struct Seeded {
    owner: KeyOwner,
    team: TeamId,
}

impl Seeded {
    fn row(&self, number: usize) -> String {
        format!("{}/SECRET_{number}", self.team)
    }
}

async fn store(server: &Server) -> Store {
    Store::open(&format!("sqlite:{}", server.data().join("hearth.db").display())).await.unwrap()
}

fn platform_key(server: &Server) -> FileKey {
    FileKey::open(server.data().join("platform-key"), Arc::new(SeededEntropy::new(1))).unwrap()
}

async fn seed(server: &Server, team: TeamId) -> Seeded {
    let seeded = Seeded { owner: KeyOwner::Team(team), team };
    let (store, platform) = (store(server).await, platform_key(server));
    let row = store.read().await.unwrap().current_data_key(seeded.owner).await.unwrap().unwrap();
    let owner = seeded.owner.to_string();
    let key = DataKey::unwrap(row.id, &owner, &row.wrapped, &platform).await.unwrap();
    for batch in 0..SECRETS / 5000 {
        let mut tx = store.begin().await.unwrap();
        for number in batch * 5000..(batch + 1) * 5000 {
            let row = seeded.row(number);
            let place = Place { table: "team", column: "secret", owner: &owner, row: &row };
            let sealed = key.seal(&place, format!("{CANARY}-{number}").as_bytes());
            tx.put_sealed("team.secret", &row, seeded.owner, &sealed, Timestamp::UNIX_EPOCH).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    seeded
}

/// Opens every secret with the keys that are there now.
async fn read_all(server: &Server, seeded: &Seeded) {
    let (store, platform) = (store(server).await, platform_key(server));
    let mut tx = store.read().await.unwrap();
    let row = tx.current_data_key(seeded.owner).await.unwrap().unwrap();
    let owner = seeded.owner.to_string();
    let key = DataKey::unwrap(row.id, &owner, &row.wrapped, &platform).await.unwrap();
    for number in 0..SECRETS {
        let row = seeded.row(number);
        let found = tx.sealed("team.secret", &row).await.unwrap().unwrap();
        let place = Place { table: "team", column: "secret", owner: &owner, row: &row };
        let plain = key.open(&place, &found.value).unwrap();
        assert_eq!(plain.expose().as_slice(), format!("{CANARY}-{number}").as_bytes());
    }
}

fn status(server: &Server) -> Value {
    server.json(&["admin", "keys", "status"])
}

fn set_secret(server: &Server, name: &str) -> bool {
    let mut child = std::process::Command::new(hearth())
        .args(["team", "secret", "set", "acme", name])
        .env("HEARTH_DATA_DIR", server.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), CANARY.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_secrets_get_new_keys_under_traffic_and_across_a_kill() {
    let mut server = Server::start();
    let team: TeamId = server.json(&["team", "create", "acme"])["id"].as_str().unwrap().parse().unwrap();
    assert!(set_secret(&server, "FIRST"));
    server.stop();
    let seeded = seed(&server, team).await;
    server.run();

    let begun = server.json(&["admin", "keys", "rotate", "--level", "data", "--no-wait"]);
    assert!(begun["sealed_by_retired"].as_u64().unwrap() > 50_000, "{begun}");
    let (stop, served) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                assert!(set_secret(&server, "UNDER_TRAFFIC"), "a request failed during the rotation");
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
        wait_for("some traffic in the middle of the rotation", || {
            let left = status(&server)["sealed_by_retired"].as_u64().unwrap();
            (served.load(Ordering::SeqCst) >= 3 && left < 90_000).then_some(())
        });
        stop.store(true, Ordering::SeqCst);
    });
    let left = status(&server)["sealed_by_retired"].as_u64().unwrap();
    server.kill();
    server.run();

    let begun = std::time::Instant::now();
    let done = loop {
        let status = status(&server);
        if status["rotation"].is_null() {
            break status;
        }
        assert!(begun.elapsed() < 3 * PATIENCE, "the rotation does not end: {status}");
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    };
    assert_eq!(done["sealed_by_retired"], 0, "{done} (at the kill {left} were left)");
    let rotated = server.json(&["admin", "keys", "rotate", "--level", "platform"]);
    assert_eq!(rotated["wrapped_by_older"], 0, "{rotated}");
    server.stop();

    read_all(&server, &seeded).await;
    for entry in std::fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = text(&std::fs::read(&path).unwrap());
            assert!(!text.contains(CANARY), "a plaintext is in `{}`", path.display());
        }
    }
    assert!(!server.log().contains(CANARY));
    server.run();
    assert!(text(&server.cli(&["team", "secret", "list", "acme"]).stdout).contains("UNDER_TRAFFIC"));
}
