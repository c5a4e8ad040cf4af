//! Following a log.

use std::time::Duration;

use control::LogLine;
use domain::WorkspaceId;
use futures_util::StreamExt;
use store::NewLine;

use crate::sim::{LIMIT, Server, World, is_running, phase_of};

async fn take(lines: &mut (impl futures_util::Stream<Item = LogLine> + Unpin), count: usize) -> Vec<LogLine> {
    let taken = lines.take(count).collect::<Vec<_>>();
    tokio::time::timeout(LIMIT, taken).await.expect("as many lines as were written")
}

/// Lines written while they are followed.
const LINES: usize = 3000;

/// What a finished start said: looking at the repository, and one phase of the clone.
async fn whole_log(server: &Server, id: WorkspaceId) -> Vec<LogLine> {
    let read = async || server.control.log_so_far(&server.admin, id, 0, 1000).await.unwrap();
    testkit::wait_until(LIMIT, async || read().await.len() >= 2).await;
    read().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_every_line_once_and_in_order_while_they_are_written() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    let before = whole_log(&server, id).await.len();
    let writer = world.store.log_writer();
    let clock = world.clock.clone();

    let write = async {
        for number in 0..LINES {
            let line = NewLine { time: domain::Clock::now(&clock), step: None, text: number.to_string() };
            writer.write(id, 1, line).await;
            if number % 97 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    let follow = async {
        let mut lines = server.control.log(&server.admin, id, 0).await.unwrap();
        take(&mut lines, before + LINES).await
    };
    let late = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mut lines = server.control.log(&server.admin, id, 0).await.unwrap();
        take(&mut lines, before + LINES).await
    };
    let ((), seen, seen_late) = tokio::join!(write, follow, late);

    let sequences: Vec<u64> = seen.iter().map(|line| line.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let texts: Vec<String> = seen.iter().skip(before).map(|line| line.text.clone()).collect();
    assert!(texts.iter().enumerate().all(|(number, text)| *text == number.to_string()));
    assert!(seen == seen_late, "both followers see the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_goes_on_behind_the_last_line_seen() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    let all = whole_log(&server, id).await;

    let after = all[0].sequence;
    let mut lines = server.control.log(&server.admin, id, after).await.unwrap();
    let rest = take(&mut lines, all.len() - 1).await;

    assert_eq!(rest, all[1..]);
    assert!(all.iter().any(|line| line.text.starts_with("Receiving objects 100%")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_with_the_next_run_and_ends_with_the_workspace() {
    let world = World::new().await;
    let server = world.server().await;
    let wish = control::NewWorkspace { rootfs: Some("debian".into()), ..Default::default() };
    let id = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
    server.until(id, is_running).await;
    let mut lines = server.control.log(&server.admin, id, 0).await.unwrap();
    assert_eq!(take(&mut lines, 1).await[0].text, "preparing image docker.io/library/debian:latest");

    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;
    server.control.start_workspace(&server.admin, id).await.unwrap();
    server.until(id, is_running).await;
    let next = take(&mut lines, 1).await;
    server.control.delete_workspace(&server.admin, id).await.unwrap();
    let end = tokio::time::timeout(LIMIT, lines.next()).await.expect("the stream ends");

    assert_eq!(next[0].text, "preparing image docker.io/library/debian:latest");
    assert_eq!(end, None);
}
