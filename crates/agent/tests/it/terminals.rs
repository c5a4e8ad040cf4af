use wire::agent::OpenTerminal;
use wire::frame::{Frame, Kind, TerminalControl};

use crate::bench::{bench, connect, is_alive, until};
use crate::flow::{Viewer, open, program};

#[tokio::test]
async fn a_shell_answers_what_is_typed() {
    let bench = bench().await;
    let info = open(&bench, OpenTerminal::default()).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;

    viewer.type_keys("echo $((6*7)) $TERM\n").await;
    viewer.until_seen("42 xterm-256color").await;
    viewer.type_keys("exit 3\n").await;

    assert_eq!(viewer.until_exit().await, 3);
    let listed = bench.client.terminals().await.unwrap();
    assert_eq!((listed[0].id, listed[0].exit_code), (info.id, Some(3)));
}

#[tokio::test]
async fn a_terminal_is_described_as_it_was_opened() {
    let bench = bench().await;

    let task = open(&bench, OpenTerminal { title: Some("build".into()), ..program("sleep 1000") }).await;
    let plain =
        open(&bench, OpenTerminal { columns: Some(132), rows: Some(50), ..program("sleep 1000") }).await;

    assert_eq!((task.id, &*task.title, task.is_task), (1, "build", true));
    assert_eq!((plain.id, &*plain.title, plain.is_task), (2, "sh", false));
    assert_eq!((plain.columns, plain.rows, plain.viewers), (132, 50, 0));
    let _viewer = Viewer::attach(&bench.client, plain.id, None).await;
    assert_eq!(bench.client.terminals().await.unwrap()[1].viewers, 1);
}

#[tokio::test]
async fn the_program_learns_of_a_new_size() {
    let bench = bench().await;
    let info = open(&bench, program("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done")).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.until_seen("24 80").await;

    viewer.control(&TerminalControl::Resize { columns: 101, rows: 37 }).await;

    viewer.until_seen("37 101").await;
    let listed = bench.client.terminals().await.unwrap();
    assert_eq!((listed[0].columns, listed[0].rows), (101, 37));
}

#[tokio::test]
#[expect(unsafe_code, reason = "a signal's disposition cannot be set otherwise")]
async fn an_interrupt_works_even_if_the_agent_was_started_with_it_ignored() {
    // SAFETY: no handler is installed, and nothing here relies on the signal.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    let bench = bench().await;
    let info =
        open(&bench, OpenTerminal { command: Some(vec!["/bin/sh".into()]), ..Default::default() }).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;

    viewer.type_keys("sh -c 'echo job $((40+2)); exec sleep 1000'\n").await;
    viewer.until_seen("job 42").await;
    viewer.type_keys("\x03").await;
    viewer.type_keys("echo still $((1+1)) here\n").await;

    viewer.until_seen("still 2 here").await;
}

#[tokio::test]
async fn a_signal_can_be_sent_to_what_runs_in_the_foreground() {
    let bench = bench().await;
    let info =
        open(&bench, program("trap 'echo term; exit 9' TERM; echo ready; while :; do sleep 0.05; done"))
            .await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.until_seen("ready").await;

    viewer.control(&TerminalControl::Signal { name: "TERM".into() }).await;

    viewer.until_seen("term").await;
    assert_eq!(viewer.until_exit().await, 9);
}

#[tokio::test]
async fn closing_ends_every_process_in_it() {
    let bench = bench().await;
    // One that ignores the hang-up is killed after a while.
    let info =
        open(&bench, program("trap '' HUP; sh -c 'trap \"\" HUP; sleep 1000' & echo $! $$; wait")).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.until_seen("\n").await;
    let pids: Vec<String> = viewer.text().split_whitespace().map(str::to_owned).collect();

    bench.client.close_terminal(info.id).await.unwrap();

    assert!(bench.client.close_terminal(info.id).await.unwrap_err().is_not_found());
    assert!(bench.client.terminals().await.unwrap().is_empty());
    for pid in pids {
        until("the process is gone", || async { !is_alive(&pid) }).await;
    }
}

#[tokio::test]
async fn terminals_outlive_the_connection() {
    let bench = bench().await;
    let info =
        open(&bench, OpenTerminal { command: Some(vec!["/bin/sh".into()]), ..Default::default() }).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.type_keys("kept=yes\n").await;
    viewer.until_seen("kept=yes").await;

    bench.client.close();
    let client = connect(&bench.agent).await;
    let mut viewer = Viewer::attach(&client, info.id, Some(viewer.position)).await;
    viewer.type_keys("echo kept: $kept\n").await;

    viewer.until_seen("kept: yes").await;
    until("the first viewer is forgotten", || async { client.terminals().await.unwrap()[0].viewers == 1 })
        .await;
}

#[tokio::test]
async fn an_ended_terminal_can_still_be_read() {
    let bench = bench().await;
    let info = open(&bench, program("echo last words; exit 4")).await;
    until("it has ended", || async { bench.client.terminals().await.unwrap()[0].exit_code.is_some() }).await;

    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;

    assert_eq!(viewer.until_exit().await, 4);
    assert!(viewer.text().contains("last words"));
}

#[tokio::test]
async fn old_ended_terminals_are_forgotten_and_running_ones_never() {
    let bench = bench().await;
    let running = open(&bench, program("sleep 1000")).await;

    for _ in 0..25 {
        let info = open(&bench, program("exit 0")).await;
        until("it has ended", || async {
            let listed = bench.client.terminals().await.unwrap();
            listed.iter().any(|terminal| terminal.id == info.id && terminal.exit_code.is_some())
        })
        .await;
    }

    let listed = bench.client.terminals().await.unwrap();
    assert_eq!(listed.len(), 21);
    assert_eq!(listed[0].id, running.id);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let bench = bench().await;

    let missing = OpenTerminal { command: Some(vec!["no-such-program".into()]), ..Default::default() };
    let missing = bench.client.open_terminal(&missing).await.unwrap_err();
    let nowhere = OpenTerminal { folder: Some("nowhere".into()), ..Default::default() };
    let nowhere = bench.client.open_terminal(&nowhere).await.unwrap_err();

    assert!(missing.to_string().contains("no-such-program"), "{missing}");
    assert!(nowhere.is_not_found());
    assert!(bench.client.attach(99, None).await.err().unwrap().is_not_found());
    assert!(bench.client.terminals().await.unwrap().is_empty());
}

#[tokio::test]
async fn output_of_a_waiting_shell_is_no_activity_and_typing_is() {
    let bench = bench().await;
    let info =
        open(&bench, OpenTerminal { command: Some(vec!["/bin/sh".into()]), ..Default::default() }).await;
    let viewer = Viewer::attach(&bench.client, info.id, None).await;
    let opened = bench.client.usage().await.unwrap().last_activity_at.unwrap();

    let control = Frame::json(Kind::Control, &TerminalControl::Resize { columns: 90, rows: 30 });
    viewer.sender.send(control).await.unwrap();
    until("the size is known", || async { bench.client.terminals().await.unwrap()[0].columns == 90 }).await;
    assert_eq!(bench.client.usage().await.unwrap().last_activity_at.unwrap(), opened);

    viewer.type_keys("true\n").await;
    until("typing counts", || async {
        bench.client.usage().await.unwrap().last_activity_at.unwrap() > opened
    })
    .await;
}

#[tokio::test]
async fn two_viewers_see_the_same() {
    let bench = bench().await;
    let info =
        open(&bench, OpenTerminal { command: Some(vec!["/bin/cat".into()]), ..Default::default() }).await;
    let mut first = Viewer::attach(&bench.client, info.id, None).await;
    let mut second = Viewer::attach(&bench.client, info.id, None).await;

    first.type_keys("from the first\n").await;
    second.until_seen("from the first\r\nfrom the first\r\n").await;
    second.type_keys("from the second\n").await;
    first.until_seen("from the second\r\nfrom the second\r\n").await;
    second.until_seen("from the second\r\nfrom the second\r\n").await;

    assert_eq!(first.text(), second.text());
}
