use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_walk_that_nobody_waits_for_has_its_turn_until_it_has_ended() {
    let turns = Turns::new();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let mut walk = Box::pin(turns.walk(move |wanted| {
        started.send(()).unwrap();
        held.recv().unwrap();
        wanted.check()
    }));
    tokio::select! {
        _ = &mut walk => panic!("it is held"),
        started = has_started => started.unwrap(),
    }

    drop(walk);

    assert_eq!(turns.walks.available_permits(), WALKS - 1);
    let_go.send(()).unwrap();
    let begin = Instant::now();
    while turns.walks.available_permits() < WALKS {
        assert!(begin.elapsed() < Duration::from_secs(30), "the turn does not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
