//! A server that is killed under two thousand connections and comes back.
//!
//! The connections go through a proxy whose address stays, and everything is seen from outside, in the list
//! of kites that an administrator gets.

mod agents;
mod kites;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use blackbox::person::Person;
use blackbox::server::Server;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::kites::front::Front;

/// How many come back.
const STAYING: usize = 2000;
/// How many end together with the server and do not come back.
const LOST: usize = 50;
/// Whose they are: one owner has at most a thousand.
const OWNERS: usize = 4;
/// How long the server is away, so that clients are well within their pauses.
const AWAY: Duration = Duration::from_secs(2);
/// All should be back within ten seconds; the machine may be busy with other tests.
const BACK: Duration = Duration::from_secs(45);
/// Registrations of a server before its restart have 25 s to come back.
const CLEARED: Duration = Duration::from_mins(1);
/// What many connections at once are.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Kills the server, calls `leave`, starts it again, and watches `staying` come back: spread out, each once, and
/// nobody else.
async fn watch_them_return(
    front: &Front,
    server: &mut Server,
    admin: &Person,
    staying: &HashSet<String>,
    leave: impl FnOnce(),
) {
    let before = listed(admin).await;
    assert_eq!(before.len(), STAYING + LOST);
    assert_eq!(before.connected.len(), STAYING + LOST);
    assert!(before.ids.is_superset(staying));
    front.lead_nowhere();
    server.kill();
    leave();
    front.came();
    tokio::time::sleep(AWAY).await;
    server.run();
    front.lead_to(server);
    let ready = Instant::now();

    let mut half = None;
    loop {
        let seen = listed(admin).await;
        assert!(seen.ids.is_subset(&before.ids), "somebody unknown is listed");
        let back = seen.connected.intersection(staying).count();
        if back >= STAYING / 2 {
            half.get_or_insert_with(|| ready.elapsed());
        }
        if back == STAYING {
            break;
        }
        assert!(ready.elapsed() < BACK, "only {back} are back");
        tokio::time::sleep(AT_ONCE).await;
    }
    let came = front.came();
    let attempts = came.len();
    let busiest = densest(came, AT_ONCE);
    eprintln!(
        "{STAYING} were back {:?} after the server was ready, half of them after {:?}; \
         {attempts} handshakes, at most {busiest} in {AT_ONCE:?}",
        ready.elapsed(),
        half.unwrap_or_default(),
    );
    assert!(busiest <= STAYING / 3, "{busiest} at once are a herd");
    assert!(attempts <= 2 * STAYING, "{attempts} handshakes for {STAYING}");

    loop {
        let seen = listed(admin).await;
        assert_eq!(seen.connected, *staying, "somebody did not stay");
        if seen.ids == *staying {
            break;
        }
        assert!(ready.elapsed() < CLEARED, "{} stale entries are left", seen.len() - STAYING);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    eprintln!("no stale entry {:?} after the server was ready", ready.elapsed());
    // There is no sandbox to be removed with each workspace.
    server.kill();
}

/// The list of kites, in which nobody stands twice.
struct Listed {
    ids: HashSet<String>,
    connected: HashSet<String>,
}

impl Listed {
    fn len(&self) -> usize {
        self.ids.len()
    }
}

async fn listed(admin: &Person) -> Listed {
    let page = admin.get("/kites").await.ok();
    let items = page["items"].as_array().unwrap();
    let id = |kite: &Value| kite["id"].as_str().unwrap().to_owned();
    let ids: HashSet<String> = items.iter().map(id).collect();
    assert_eq!(ids.len(), items.len(), "a kite is listed twice");
    Listed { ids, connected: items.iter().filter(|kite| kite["connected"] == true).map(id).collect() }
}

/// The most of them within any time this long.
fn densest(mut times: Vec<Instant>, window: Duration) -> usize {
    times.sort();
    let within = |(first, from): (usize, &Instant)| times.partition_point(|at| *at < *from + window) - first;
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// Whether so many descriptors may be open at once; says so where they may not.
fn may_open(count: usize) -> bool {
    let count = count as u64;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    if most < count {
        eprintln!("skipped: only {most} descriptors are allowed, and {count} are needed");
    }
    most >= count
}
