use std::sync::Arc;

use domain::{Clock, Entropy, Timestamp};

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
    assert_eq!(pauses(0), [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
}

#[test]
fn chance_shortens_a_pause_by_up_to_a_half() {
    assert_eq!(pauses(255), [25, 50, 100, 200, 400, 800, 1600, 2500, 2500]);
}
