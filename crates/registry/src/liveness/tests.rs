use proptest::prelude::*;

use super::*;

const LIMIT: Duration = Duration::from_secs(30);

fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn names(ids: &[Arc<str>]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn a_kite_that_falls_silent_is_gone_once_its_time_is_up() {
    let start = Instant::now();
    let mut liveness = Liveness::new(LIMIT);
    liveness.expect("a", start);
    liveness.expect("b", start);

    assert!(liveness.beat("a", at(start, 20)));

    assert_eq!(names(&liveness.gone(at(start, 29))), Vec::<String>::new());
    assert_eq!(names(&liveness.gone(at(start, 30))), ["b"]);
    assert_eq!(names(&liveness.gone(at(start, 50))), ["a"]);
    assert!(!liveness.beat("a", at(start, 51)));
}

#[test]
fn a_restart_gives_another_time_than_a_heartbeat() {
    let start = Instant::now();
    let mut liveness = Liveness::new(LIMIT);

    liveness.expect_within("back", start, Duration::from_secs(25));
    liveness.expect_within("away", start, Duration::from_secs(25));
    liveness.beat("back", at(start, 24));

    assert_eq!(names(&liveness.gone(at(start, 25))), ["away"]);
    assert_eq!(names(&liveness.gone(at(start, 54))), ["back"]);
}

#[test]
fn nothing_is_expected_of_what_was_forgotten() {
    let start = Instant::now();
    let mut liveness = Liveness::new(LIMIT);
    liveness.expect("a", start);

    liveness.forget("a");
    liveness.forget("never");

    assert!(liveness.gone(at(start, 1000)).is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Expect(u8),
    ExpectWithin(u8, u64),
    Beat(u8),
    Forget(u8),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0u8..5).prop_map(Step::Expect),
        (0u8..5, 1u64..40).prop_map(|(id, seconds)| Step::ExpectWithin(id, seconds)),
        (0u8..5).prop_map(Step::Beat),
        (0u8..5).prop_map(Step::Forget),
        (1u64..45).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn it_agrees_with_a_map_of_deadlines(steps in steps()) {
        let start = Instant::now();
        let mut liveness = Liveness::new(LIMIT);
        let mut model: HashMap<String, u64> = HashMap::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Expect(id) => {
                    liveness.expect(&id.to_string(), at(start, now));
                    model.insert(id.to_string(), now + 30);
                }
                Step::ExpectWithin(id, limit) => {
                    liveness.expect_within(&id.to_string(), at(start, now), Duration::from_secs(limit));
                    model.insert(id.to_string(), now + limit);
                }
                Step::Beat(id) => {
                    let was_there = liveness.beat(&id.to_string(), at(start, now));
                    prop_assert_eq!(was_there, model.contains_key(&id.to_string()));
                    model.entry(id.to_string()).and_modify(|deadline| *deadline = now + 30);
                }
                Step::Forget(id) => {
                    liveness.forget(&id.to_string());
                    model.remove(&id.to_string());
                }
                Step::Wait(seconds) => now += seconds,
            }
            let mut gone = names(&liveness.gone(at(start, now)));
            gone.sort();
            let mut expected: Vec<String> =
                model.iter().filter(|(_, deadline)| **deadline <= now).map(|(id, _)| id.clone()).collect();
            expected.sort();
            model.retain(|_, deadline| *deadline > now);
            prop_assert_eq!(gone, expected);
        }
    }
}
