use domain::{SignedDuration, Timestamp};

use super::Checks;

#[test]
fn nobody_checks_more_than_six_times_a_minute() {
    let mut checks = Checks::default();
    let mut now = Timestamp::UNIX_EPOCH;
    for _ in 0..6 {
        assert!(checks.take(now).is_ok());
        now += SignedDuration::from_secs(5);
    }

    let wait = checks.take(now).unwrap_err();

    assert_eq!(wait.as_secs(), 30);
    now += SignedDuration::from_secs(30);
    assert!(checks.take(now).is_ok());
    assert!(checks.take(now).is_err());
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut checks = Checks::default();
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(5);
    for _ in 0..6 {
        assert!(checks.take(now).is_ok());
    }

    assert!(checks.take(Timestamp::UNIX_EPOCH).is_ok());
}
