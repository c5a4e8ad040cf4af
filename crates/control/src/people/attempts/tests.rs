use std::time::Duration;

use domain::{SignedDuration, Timestamp};

use super::{Attempts, BURST, NAMES};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds)
}

fn exhausted(name: &str) -> Attempts {
    let mut attempts = Attempts::default();
    for _ in 0..BURST {
        attempts.take(name, at(0)).unwrap();
    }
    attempts
}

#[test]
fn the_tries_run_out_and_come_back_one_by_one() {
    let mut attempts = exhausted("ada");

    assert_eq!(attempts.take("ada", at(0)), Err(Duration::from_secs(10)));
    assert_eq!(attempts.take("ada", at(4)), Err(Duration::from_secs(6)));
    assert_eq!(attempts.take("ada", at(10)), Ok(()));
    assert!(attempts.take("ada", at(10)).is_err());
}

#[test]
fn one_name_does_not_hinder_another() {
    let mut attempts = exhausted("ada");

    assert_eq!(attempts.take("grace", at(0)), Ok(()));
}

#[test]
fn the_right_password_gives_everything_back() {
    let mut attempts = exhausted("ada");

    attempts.succeeded("ada");

    assert_eq!(attempts.take("ada", at(0)), Ok(()));
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut attempts = exhausted("ada");

    assert!(attempts.take("ada", at(-100_000)).is_err());
    assert_eq!(attempts.take("ada", at(-100_000 + 10)), Ok(()));
}

#[test]
fn any_number_of_names_needs_bounded_memory() {
    let mut attempts = Attempts::default();

    for number in 0..i64::try_from(NAMES).unwrap() + 500 {
        attempts.take(&format!("name{number}"), at(number / 1000)).unwrap();
    }

    assert!(attempts.names.len() <= NAMES);
}
