//! What other tests stand on, tested itself.

mod gitlab;
mod peers;

use std::path::PathBuf;
use std::time::Duration;

use domain::{Clock, Entropy, SignedDuration, Timestamp, UserId};
use testkit::{FakeClock, SeededEntropy, wait_until};

#[test]
fn a_clock_moves_only_when_told() {
    let clock = FakeClock::default();
    let start = clock.now();

    assert_eq!(clock.now(), start);
    assert_eq!(clock.clone().advance(SignedDuration::from_secs(5)), start + SignedDuration::from_secs(5));
    assert_eq!(clock.now(), start + SignedDuration::from_secs(5));
    clock.set(start);
    assert_eq!(clock.now(), start);
    assert_eq!(clock.advance(SignedDuration::MAX), Timestamp::MAX);
}

#[test]
fn equal_seeds_give_equal_ids_and_every_draw_another() {
    let now = FakeClock::default().now();
    let draw = |seed| {
        let entropy = SeededEntropy::new(seed);
        [UserId::generate(now, &entropy), UserId::generate(now, &entropy)]
    };

    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_ne!(draw(1)[0], draw(1)[1]);
}

#[test]
fn entropy_fills_every_byte_of_any_length() {
    let entropy = SeededEntropy::new(7);

    for length in 0..40 {
        let mut seen = vec![0; length];
        for _ in 0..100 {
            let mut buffer = vec![0; length];
            entropy.fill(&mut buffer);
            seen.iter_mut().zip(buffer).for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0));
    }
}

#[tokio::test]
async fn waiting_ends_when_the_condition_holds() {
    let mut asked = 0;

    wait_until(Duration::from_secs(10), async || {
        asked += 1;
        asked == 3
    })
    .await;

    assert_eq!(asked, 3);
}

#[tokio::test]
#[should_panic(expected = "testkit/tests/it/main.rs")]
async fn waiting_in_vain_names_the_line_of_the_test() {
    wait_until(Duration::from_millis(1), async || false).await;
}

#[tokio::test]
async fn a_database_server_leaves_nothing_behind_nor_what_a_killed_test_left() {
    let Some(server) = testkit::postgres().await else { return };
    let (one, two) = (server.database().await, server.database().await);
    let folder = PathBuf::from(one.split_once("host=").unwrap().1);
    let pid = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let process = PathBuf::from("/proc").join(pid.lines().next().unwrap());

    let left = folder.parent().unwrap().join("hearth-postgres-left-by-a-killed-test");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("lock"), "").unwrap();
    let other = testkit::postgres().await;

    assert_ne!(one, two);
    assert!(process.exists());
    assert!(folder.exists());
    assert!(!left.exists());
    drop(server);
    drop(other);

    assert!(!process.exists());
    assert!(!folder.exists());
}
