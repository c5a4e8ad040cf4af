use std::collections::BTreeMap;

use domain::{KiteVia, TeamId, WorkspaceId};
use kite::Kite;
use proptest::prelude::*;

use super::*;
use crate::policy::{Range, Viewer};
use crate::query::Query;
use crate::writes::Write;

const SILENCE: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(25);
const T0: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn a_book() -> Book {
    Book::new("here".into(), SILENCE, GRACE)
}

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn an_entry(id: &str, owner: u8, generation: u64) -> Entry {
    Entry {
        kite: Kite {
            id: id.into(),
            username: format!("user{owner}"),
            environment: "dev".into(),
            name: "math".into(),
            version: "1.0.0".into(),
            region: "eu".into(),
            hostname: "vm".into(),
        },
        url: "http://127.0.0.1:1/kite".into(),
        owner: user(owner),
        place: Place::Service { team: None },
        via: KiteVia::Socket,
        credential: "key".into(),
        key: "kid".into(),
        generation,
        registered_at: T0,
        seen_at: T0,
        connected: true,
        server: "here".into(),
        calls: None,
        errors: None,
        tokens: 0,
    }
}

fn an_agent(id: WorkspaceId, owner: u8, generation: u64) -> Entry {
    let place = Place::Workspace { id, team: TeamId::NIL };
    Entry { place, via: KiteVia::Agent, ..an_entry(&id.to_string(), owner, generation) }
}

fn at(seconds: i64) -> Timestamp {
    T0 + SignedDuration::from_secs(seconds)
}

struct Owners(Vec<UserId>);

impl Viewer for Owners {
    fn may(&self, _: domain::KiteAction, entry: &Entry) -> bool {
        self.0.contains(&entry.owner)
    }

    fn range(&self) -> Range {
        Range::Of { owners: self.0.clone(), teams: vec![] }
    }
}

#[test]
fn the_end_of_an_old_connection_leaves_the_new_registration() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    book.admit(an_entry("a", 1, 2), Proof::Heartbeats, now).unwrap();

    assert!(!book.end("a", 1));

    assert_eq!(book.index.get("a").unwrap().generation, 2);
    assert!(book.end("a", 2));
    assert!(book.index.get("a").is_none());
}

#[test]
fn an_id_is_its_first_owners_until_it_is_gone() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();

    assert_eq!(book.admit(an_entry("a", 2, 2), Proof::Heartbeats, now), Err(Conflict::Taken));
    book.end("a", 1);

    assert_eq!(book.admit(an_entry("a", 2, 3), Proof::Heartbeats, now), Ok(()));
}

#[test]
fn a_workspace_keeps_its_id_when_it_comes_to_another_owner_and_against_services() {
    let (mut book, now, id) = (a_book(), Instant::now(), WorkspaceId::from_bytes([7; 16]));
    book.admit(an_agent(id, 1, 1), Proof::Connection, now).unwrap();

    assert_eq!(book.admit(an_entry(&id.to_string(), 1, 2), Proof::Heartbeats, now), Err(Conflict::Taken));
    assert_eq!(book.admit(an_agent(id, 2, 3), Proof::Connection, now), Ok(()));
    assert_eq!(book.index.get(&id.to_string()).unwrap().owner, user(2));
}

#[test]
fn one_owner_cannot_fill_the_registry() {
    let (mut book, now) = (a_book(), Instant::now());
    for number in 0..MAX_SERVICES_OF_OWNER {
        book.admit(an_entry(&number.to_string(), 1, 1), Proof::Heartbeats, now).unwrap();
    }

    assert_eq!(book.admit(an_entry("more", 1, 1), Proof::Heartbeats, now), Err(Conflict::TooMany));
    assert_eq!(
        book.admit(an_entry("0", 1, 2), Proof::Heartbeats, now),
        Ok(()),
        "replacing takes no more room"
    );
    assert_eq!(book.admit(an_entry("more", 2, 1), Proof::Heartbeats, now), Ok(()));
}

#[test]
fn a_heartbeat_of_a_replaced_registration_keeps_nothing_alive() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    book.admit(an_entry("a", 1, 2), Proof::Heartbeats, now).unwrap();

    assert!(!book.beat("a", Some(1), now + Duration::from_secs(20), at(20)));

    assert_eq!(book.pass(now + SILENCE, at(30)).len(), 1);
}

#[test]
fn what_a_restart_finds_is_listed_for_a_while_and_goes_if_it_does_not_come_back() {
    let (mut book, now) = (a_book(), Instant::now());
    let rows = vec![an_entry("back", 1, 1), an_entry("away", 1, 2), an_entry("beats", 1, 3)];
    book.restore(rows, now, at(0));
    assert!(!book.index.get("back").unwrap().connected);

    book.admit(an_entry("back", 1, 4), Proof::Heartbeats, now + Duration::from_secs(20)).unwrap();
    assert!(book.beat("beats", None, now + Duration::from_secs(20), at(20)));
    book.pass(now + GRACE, at(25));

    assert!(book.index.get("back").unwrap().connected);
    assert!(book.index.get("beats").unwrap().connected);
    assert!(book.index.get("away").is_none());
}

#[test]
fn rows_of_another_server_are_listed_as_long_as_it_writes_that_it_sees_them() {
    let (mut book, now) = (a_book(), Instant::now());
    let there = |seen_at| Entry { server: "there".into(), seen_at, ..an_entry("a", 1, 1) };
    book.compare(vec![there(at(0))], now, at(10));
    assert!(book.index.get("a").unwrap().connected);

    book.compare(vec![there(at(60))], now, at(100));
    book.pass(now, at(200));
    assert!(book.index.get("a").is_some());
    book.pass(now, at(211));

    assert!(book.index.get("a").is_none());
}

#[test]
fn of_two_servers_the_one_with_the_newer_registration_has_it() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("newer-here", 1, 1), Proof::Heartbeats, now).unwrap();
    book.admit(an_entry("newer-there", 1, 1), Proof::Heartbeats, now).unwrap();
    let there =
        |id: &str, registered_at| Entry { server: "there".into(), registered_at, ..an_entry(id, 1, 9) };
    while book.next_write().is_some() {}

    book.compare(vec![there("newer-here", at(-10)), there("newer-there", at(10))], now, at(10));

    assert_eq!(book.index.get("newer-here").unwrap().generation, 1);
    assert_eq!(book.index.get("newer-there").unwrap().server, "there");
    let Some(Write::Save(saved)) = book.next_write() else { panic!("the newer one is written") };
    assert_eq!(saved.iter().map(|entry| entry.kite.id.as_str()).collect::<Vec<_>>(), ["newer-here"]);
}

#[test]
fn one_that_is_silent_is_left_to_the_server_it_moved_to_whatever_the_clocks_say() {
    let there = || Entry { server: "there".into(), registered_at: at(-10), ..an_entry("a", 1, 9) };
    for (silent_for, server) in [(10, "here"), (16, "there")] {
        let (mut book, now) = (a_book(), Instant::now());
        book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
        while book.next_write().is_some() {}

        book.compare(vec![there()], now + Duration::from_secs(silent_for), at(10));

        assert_eq!(book.index.get("a").unwrap().server, server, "{silent_for}");
        assert_eq!(book.next_write().is_some(), server == "here", "{silent_for}");
    }
}

#[test]
fn one_that_is_silent_is_not_stored_again_after_another_server_took_it_for_dead() {
    for (silent_for, is_stored) in [(10, true), (16, false)] {
        let (mut book, now) = (a_book(), Instant::now());
        book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
        while book.next_write().is_some() {}

        book.compare(vec![], now + Duration::from_secs(silent_for), at(150));

        assert_eq!(matches!(book.next_write(), Some(Write::Save(_))), is_stored, "{silent_for}");
    }
}

#[test]
fn what_another_server_took_over_is_not_written_here() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    let there = Entry { server: "there".into(), registered_at: at(1), ..an_entry("a", 1, 9) };

    book.compare(vec![there], now, at(2));

    assert!(book.next_write().is_none(), "what was to be saved is another server's by now");
}

#[test]
fn what_another_server_dropped_goes_and_what_nobody_has_any_more_is_removed() {
    let (mut book, now) = (a_book(), Instant::now());
    let there = Entry { server: "there".into(), ..an_entry("a", 1, 1) };
    book.compare(vec![there], now, at(0));

    book.compare(vec![an_entry("left", 1, 5)], now, at(1));

    assert!(book.index.get("a").is_none());
    let Some(Write::Remove(gone)) = book.next_write() else { panic!("something is removed") };
    assert!(gone.contains(&Registration { id: "left".into(), generation: 5 }), "{gone:?}");
}

#[test]
fn what_changes_twice_before_it_is_written_is_written_as_it_is_then() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    book.admit(an_entry("a", 1, 2), Proof::Heartbeats, now).unwrap();
    book.admit(an_entry("b", 1, 3), Proof::Heartbeats, now).unwrap();
    book.end("b", 3);

    let Some(Write::Remove(gone)) = book.next_write() else { panic!("removals first") };
    let Some(Write::Save(saved)) = book.next_write() else { panic!("then what is there") };

    assert_eq!(gone.len(), 2, "the replaced one and the ended one");
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0].generation, 2);
    assert!(book.next_write().is_none());
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    let write = book.next_write().unwrap();

    book.writes.put_back(write);

    assert!(matches!(book.next_write(), Some(Write::Save(_))));
}

#[test]
fn that_a_kite_was_seen_is_written_once_a_minute() {
    let (mut book, now) = (a_book(), Instant::now());
    book.admit(an_entry("a", 1, 1), Proof::Heartbeats, now).unwrap();
    while book.next_write().is_some() {}

    for second in [10, 20, 59] {
        book.beat("a", Some(1), now, at(second));
        assert!(book.writes.is_empty(), "{second}");
    }
    book.beat("a", Some(1), now, at(60));

    let Some(Write::Touch(seen)) = book.next_write() else { panic!("it is touched") };
    assert_eq!(seen[0].at, at(60));
}

#[test]
fn a_query_looks_at_no_more_than_it_has_to() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counting<'a>(&'a AtomicUsize, Range);
    impl Viewer for Counting<'_> {
        fn may(&self, _: domain::KiteAction, _: &Entry) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            true
        }
        fn range(&self) -> Range {
            self.1.clone()
        }
    }

    let (mut book, now) = (a_book(), Instant::now());
    for number in 0..1000_u16 {
        let owner = u8::try_from(number % 100).unwrap();
        book.admit(an_entry(&number.to_string(), owner, 1), Proof::Heartbeats, now).unwrap();
    }
    let looked_at = AtomicUsize::new(0);
    let look = |query: Option<serde_json::Value>, range: Range| {
        looked_at.store(0, Ordering::Relaxed);
        let query = query.map(|query| Query::parse(&query).unwrap());
        let found = book.index.select(query.as_ref(), &Counting(&looked_at, range), domain::KiteAction::See);
        (found.len(), looked_at.load(Ordering::Relaxed))
    };
    let mine = || Range::Of { owners: vec![user(5)], teams: vec![] };

    assert_eq!(look(Some(serde_json::json!({"id": "7"})), Range::Everything), (1, 1));
    assert_eq!(look(Some(serde_json::json!({"username": "user3"})), Range::Everything), (10, 10));
    assert_eq!(look(Some(serde_json::json!({"name": "math"})), mine()), (10, 10));
    assert_eq!(look(Some(serde_json::json!({"username": "nobody"})), mine()), (0, 0));
    assert_eq!(look(None, mine()), (10, 10));
}

/// What a kite, its connection and the server may do.
#[derive(Debug, Clone)]
enum Step {
    Register { id: u8, owner: u8 },
    Beat { id: u8, of_current: bool },
    Close { id: u8, of_current: bool },
    Restart,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..4, 0u8..2).prop_map(|(id, owner)| Step::Register { id, owner }),
        4 => (0u8..4, any::<bool>()).prop_map(|(id, of_current)| Step::Beat { id, of_current }),
        2 => (0u8..4, any::<bool>()).prop_map(|(id, of_current)| Step::Close { id, of_current }),
        1 => Just(Step::Restart),
        4 => (1u64..20).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..80)
}

/// The naive truth about one id.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    owner: u8,
    generation: u64,
    connected: bool,
    deadline: u64,
}

proptest! {
    /// None listed twice, none lost, none stale, and what is stored in the end is what is there.
    #[test]
    fn registrations_agree_with_a_naive_registry(steps in steps()) {
        let (start, mut book) = (Instant::now(), a_book());
        let mut model: BTreeMap<String, Known> = BTreeMap::new();
        let mut stored: BTreeMap<String, Entry> = BTreeMap::new();
        let (mut seconds, mut generations) = (0_u64, 0_u64);
        for step in steps {
            let now = start + Duration::from_secs(seconds);
            let wall = at(i64::try_from(seconds).unwrap());
            match step {
                Step::Register { id, owner } => {
                    generations += 1;
                    let entry = Entry { registered_at: wall, seen_at: wall, ..an_entry(&id.to_string(), owner, generations) };
                    let outcome = book.admit(entry, Proof::Heartbeats, now);
                    let is_free = model.get(&id.to_string()).is_none_or(|known| known.owner == owner);
                    prop_assert_eq!(outcome.is_ok(), is_free);
                    if is_free {
                        let known = Known { owner, generation: generations, connected: true, deadline: seconds + 30 };
                        model.insert(id.to_string(), known);
                    }
                }
                Step::Beat { id, of_current } => {
                    let id = id.to_string();
                    let known = model.get_mut(&id);
                    let generation = known.as_ref().map_or(0, |known| known.generation);
                    let said = if of_current { generation } else { generation.wrapping_sub(1) };
                    let heard = book.beat(&id, Some(said), now, wall);
                    prop_assert_eq!(heard, of_current && known.is_some());
                    if let (Some(known), true) = (known, of_current) {
                        known.connected = true;
                        known.deadline = seconds + 30;
                    }
                }
                Step::Close { id, of_current } => {
                    let id = id.to_string();
                    let generation = model.get(&id).map_or(0, |known| known.generation);
                    let said = if of_current { generation } else { generation.wrapping_sub(1) };
                    let ended = book.end(&id, said);
                    prop_assert_eq!(ended, of_current && model.contains_key(&id));
                    if ended {
                        model.remove(&id);
                    }
                }
                Step::Restart => {
                    book = a_book();
                    book.restore(stored.values().cloned().collect(), now, wall);
                    for known in model.values_mut() {
                        known.connected = false;
                        known.deadline = seconds + 25;
                    }
                }
                Step::Wait(more) => seconds += more,
            }
            let now = start + Duration::from_secs(seconds);
            book.pass(now, at(i64::try_from(seconds).unwrap()));
            model.retain(|_, known| known.deadline > seconds);
            while let Some(write) = book.next_write() {
                match write {
                    Write::Remove(gone) => for gone in gone {
                        if stored.get(&gone.id).is_some_and(|entry| entry.generation == gone.generation) {
                            stored.remove(&gone.id);
                        }
                    },
                    Write::Save(entries) => for entry in entries {
                        stored.insert(entry.kite.id.clone(), Entry::clone(&entry));
                    },
                    Write::Touch(_) => {}
                }
            }

            let everybody = Owners((0..2).map(user).collect());
            let mut listed = book.index.select(None, &everybody, domain::KiteAction::See);
            listed.sort_by(|a, b| a.kite.id.cmp(&b.kite.id));
            let listed: Vec<_> = listed.iter().map(|entry| {
                (entry.kite.id.clone(), entry.generation, entry.connected)
            }).collect();
            let expected: Vec<_> = model.iter().map(|(id, known)| {
                (id.clone(), known.generation, known.connected)
            }).collect();
            prop_assert_eq!(listed, expected);
            let stored_ids: Vec<_> = stored.iter().map(|(id, entry)| (id.clone(), entry.generation)).collect();
            let known_ids: Vec<_> = model.iter().map(|(id, known)| (id.clone(), known.generation)).collect();
            prop_assert_eq!(stored_ids, known_ids);
            for owner in 0..2 {
                let theirs = book.index.select(None, &Owners(vec![user(owner)]), domain::KiteAction::See).len();
                prop_assert_eq!(theirs, model.values().filter(|known| known.owner == owner).count());
            }
        }
    }
}
