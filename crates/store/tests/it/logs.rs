//! Logs: chunks, numbers, replay, and the batching writer.

use domain::{Step, WorkspaceId};
use store::{LogLine, NewLine, Store, StoreError, log_topic};

use crate::database::Database;
use crate::fixture::{ENTROPY, line, saved_workspace, saved_workspaces, t, t0};

async fn append(store: &Store, id: WorkspaceId, run: u32, lines: &[NewLine]) -> u64 {
    let mut tx = store.begin().await.unwrap();
    let last = tx.append_log(id, run, lines).await.unwrap();
    tx.commit().await.unwrap();
    last
}

async fn read(store: &Store, id: WorkspaceId, run: Option<u32>, after: u64) -> Vec<LogLine> {
    store.read().await.unwrap().log(id, run, after, 100_000).await.unwrap()
}

fn lines(range: std::ops::Range<u64>) -> Vec<NewLine> {
    range.map(|number| line(&format!("line {number}"))).collect()
}

pub(crate) async fn a_log_can_be_replayed_from_any_line(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let new = |number: u64| NewLine {
        time: t(i64::try_from(number).unwrap()),
        step: number.is_multiple_of(2).then_some(Step::Clone),
        text: format!("{number}: \0 \u{1b}[1m ✓"),
    };
    let mut expected = Vec::new();
    let mut last = 0;
    for size in [1, 3, 1, 7] {
        let batch: Vec<_> = (last + 1..=last + size).map(new).collect();
        expected.extend((last + 1..).zip(batch.clone()));
        last = append(&store, id, 1, &batch).await;
    }
    assert_eq!(last, 12);

    for after in 0..=last + 1 {
        let seen = read(&store, id, None, after).await;
        let expected: Vec<_> = expected
            .iter()
            .filter(|(sequence, _)| *sequence > after)
            .map(|(sequence, line)| LogLine {
                sequence: *sequence,
                time: line.time,
                step: line.step,
                text: line.text.clone(),
            })
            .collect();
        assert_eq!(seen, expected, "after {after}");
    }
    let limited = store.read().await.unwrap().log(id, Some(1), 2, 4).await.unwrap();
    assert_eq!(limited.iter().map(|line| line.sequence).collect::<Vec<_>>(), [3, 4, 5, 6]);
}

pub(crate) async fn numbers_go_on_through_every_run(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;

    assert_eq!(append(&store, id, 1, &lines(0..2)).await, 2);
    assert_eq!(append(&store, id, 2, &lines(2..5)).await, 5);
    assert_eq!(append(&store, id, 1, &lines(5..6)).await, 6);

    let numbers = |lines: Vec<LogLine>| lines.into_iter().map(|line| line.sequence).collect::<Vec<_>>();
    assert_eq!(numbers(read(&store, id, None, 0).await), [3, 4, 5]);
    assert_eq!(numbers(read(&store, id, Some(1), 0).await), [1, 2, 6]);
    assert_eq!(read(&store, id, Some(3), 0).await, []);
}

pub(crate) async fn a_long_log_is_kept_in_few_chunks_and_read_in_pages(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let kilobyte = "x".repeat(1024);
    let long: Vec<_> = (0..3000).map(|number| line(&format!("{number} {kilobyte}"))).collect();
    append(&store, id, 1, &long).await;
    append(&store, id, 1, &[line(&"y".repeat(300_000)), line("end")]).await;

    let seen = read(&store, id, None, 0).await;

    assert_eq!(seen.len(), 3002);
    assert!(seen.iter().zip(1..).all(|(line, sequence)| line.sequence == sequence));
    assert_eq!(seen[3001].text, "end");
    let chunks = database.texts("select cast(count(*) as text) from log_chunks").await;
    assert!(chunks[0].parse::<u32>().unwrap() < 60, "{chunks:?}");
}

pub(crate) async fn two_writers_never_get_the_same_numbers(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;

    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { append(&store, id, 1, &lines(0..3)).await })
        })
        .collect();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }

    ends.sort_unstable();
    assert_eq!(ends, (1..=10).map(|number| number * 3).collect::<Vec<_>>());
    assert_eq!(read(&store, id, None, 0).await.len(), 30);
}

pub(crate) async fn a_log_needs_a_workspace_and_the_transaction_goes_on(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let mut tx = store.begin().await.unwrap();

    let gone = tx.append_log(WorkspaceId::generate(t0(), &*ENTROPY), 1, &lines(0..1)).await;
    tx.append_log(id, 1, &lines(0..1)).await.unwrap();
    tx.commit().await.unwrap();

    assert!(matches!(gone, Err(StoreError::Conflict { what: "workspace" })));
    assert_eq!(read(&store, id, None, 0).await.len(), 1);
}

pub(crate) async fn a_writer_puts_many_lines_into_few_transactions(database: Database) {
    let store = database.open().await;
    let ids = saved_workspaces(&store, 20).await;
    let mut nudges = store.nudges();
    let before = store.write_counts();
    let writer = store.log_writer();

    for number in 0..100 {
        for id in &ids {
            writer.write(*id, 1, line(&format!("line {number}"))).await;
        }
    }
    writer.flush().await.unwrap();

    for id in &ids {
        let texts: Vec<_> = read(&store, *id, Some(1), 0).await.into_iter().map(|line| line.text).collect();
        assert_eq!(texts, (0..100).map(|number| format!("line {number}")).collect::<Vec<_>>());
    }
    let chunks: u32 =
        database.texts("select cast(count(*) as text) from log_chunks").await[0].parse().unwrap();
    assert!(chunks <= 20 * 20, "2000 lines went into {chunks} chunks");
    if let (Some(before), Some(after)) = (before, store.write_counts()) {
        let transactions = after.transactions - before.transactions;
        assert!(transactions <= 20, "2000 lines took {transactions} transactions");
    }
    assert!(ids.contains(&nudges.try_recv().unwrap().strip_prefix("log:").unwrap().parse().unwrap()));
    assert_eq!(&*log_topic(ids[0]), format!("log:{}", ids[0]));
}

pub(crate) async fn a_writer_drops_lines_of_a_workspace_that_is_gone_and_no_others(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let writer = store.log_writer();

    writer.write(WorkspaceId::generate(t0(), &*ENTROPY), 1, line("lost")).await;
    writer.write(id, 1, line("kept")).await;
    writer.flush().await.unwrap();

    assert_eq!(read(&store, id, None, 0).await.len(), 1);
}

pub(crate) async fn lines_taken_in_are_written_after_the_writer_is_dropped(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    let writer = store.log_writer();

    writer.write(id, 1, line("last words")).await;
    drop(writer);

    testkit::wait_until(std::time::Duration::from_secs(10), async || {
        read(&store, id, None, 0).await.len() == 1
    })
    .await;
}

pub(crate) async fn earlier_runs_can_be_forgotten(database: Database) {
    let store = database.open().await;
    let id = saved_workspace(&store).await;
    for run in 1..=3 {
        append(&store, id, run, &lines(0..2)).await;
    }

    let mut tx = store.begin().await.unwrap();
    tx.forget_log_before(id, 3).await.unwrap();
    let next = tx.append_log(id, 3, &lines(0..1)).await.unwrap();

    assert_eq!(next, 7);
    assert_eq!(tx.log(id, Some(1), 0, 9).await.unwrap(), []);
    assert_eq!(tx.log(id, None, 0, 9).await.unwrap().len(), 3);
}
