use std::sync::Arc;

use domain::{Clock, Entropy, Timestamp};
use testkit::SeededEntropy;

use super::*;

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn pauses(random: u8) -> Vec<u128> {
    let outside = Outside { clock: Arc::new(Fixed(0)), entropy: Arc::new(Fixed(random)) };
    let mut pauses = Pauses::new(LONGEST);
    (0..9).map(|_| pauses.next(&outside).as_millis()).collect()
}

#[test]
fn pauses_double_up_to_the_longest() {
    assert_eq!(pauses(255), [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
}

#[test]
fn chance_shortens_a_pause_down_to_the_shortest() {
    assert_eq!(pauses(0), [10; 9]);
    let half = pauses(128);
    assert!((2500..=2520).contains(&half[8]), "{half:?}");
}

/// When an agent's tries fall, in milliseconds since its server went away, up to the first after it came back.
fn tries(seed: u64, longest: Duration, back: u64) -> Vec<u64> {
    let outside = Outside { clock: Arc::new(Fixed(0)), entropy: Arc::new(SeededEntropy::new(seed)) };
    let mut pauses = Pauses::new(longest);
    let mut tries: Vec<u64> = vec![];
    while tries.last().is_none_or(|last| *last < back) {
        let pause = u64::try_from(pauses.next(&outside).as_millis()).unwrap();
        tries.push(tries.last().unwrap_or(&0) + pause);
    }
    tries
}

#[test]
fn two_thousand_agents_of_a_server_that_comes_back_come_one_by_one_and_soon() {
    const AGENTS: u64 = 2000;
    for (longest, back, latest) in
        [(LONGEST, 2000, 5000), (LONGEST, 60_000, 5000), (LONGEST_LOCAL, 2000, 500)]
    {
        let all: Vec<_> = (0..AGENTS).map(|seed| tries(seed, longest, back)).collect();
        let returns: Vec<_> = all.iter().map(|tries| tries.last().unwrap() - back).collect();

        assert!(returns.iter().all(|after| *after <= latest), "{longest:?}, {back}");
        // In no tenth of the time that they have come half of them.
        for tenth in 0..10 {
            let window = tenth * latest / 10..(tenth + 1) * latest / 10;
            let count = returns.iter().filter(|after| window.contains(after)).count();
            assert!(count < 1000, "{longest:?}, {back}: {count} of {AGENTS} within {window:?}");
        }
    }
}
