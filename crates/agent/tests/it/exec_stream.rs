use std::time::Duration;

use bytes::Bytes;
use link::Duplex;
use wire::frame::{Exit, Frame, Kind, TerminalControl};

use crate::bench::{LIMIT, bench, command, is_alive, shell, until};

/// Reads to the end: standard output, standard error, how it ended.
async fn drain(stream: &mut Duplex) -> (Vec<u8>, Vec<u8>, Exit) {
    let (mut out, mut err, mut exit) = (vec![], vec![], None);
    let reading = async {
        while let Some(frame) = stream.next().await {
            let frame = frame.unwrap();
            match frame.kind {
                Kind::Output => out.extend_from_slice(&frame.payload),
                Kind::ErrorOutput => err.extend_from_slice(&frame.payload),
                Kind::Exit => exit = Some(serde_json::from_slice(&frame.payload).unwrap()),
                other => panic!("unexpected {other:?}"),
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.unwrap();
    (out, err, exit.expect("an exit frame at the end"))
}

/// The next output, as text.
async fn output(stream: &mut Duplex) -> String {
    let frame = tokio::time::timeout(LIMIT, stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(frame.kind, Kind::Output);
    String::from_utf8(frame.payload.to_vec()).unwrap()
}

#[tokio::test]
async fn output_is_streamed_and_the_exit_comes_last() {
    let bench = bench().await;

    let mut stream = bench.client.exec_stream(&shell("echo out; echo err >&2; exit 3")).await.unwrap();
    let (out, err, exit) = drain(&mut stream).await;

    assert_eq!((&*out, &*err), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(exit, Exit { exit_code: 3, timed_out: false, problem: None });
}

#[tokio::test]
async fn a_conversation_goes_back_and_forth() {
    let bench = bench().await;
    let mut stream = bench.client.exec_stream(&command(&["cat"])).await.unwrap();

    stream.send(Frame::new(Kind::Input, "one\n")).await.unwrap();
    assert_eq!(output(&mut stream).await, "one\n");
    stream.send(Frame::new(Kind::Input, "two\n")).await.unwrap();
    assert_eq!(output(&mut stream).await, "two\n");
    stream.send(Frame::new(Kind::Input, Bytes::new())).await.unwrap();
    let (.., exit) = drain(&mut stream).await;

    assert_eq!(exit.exit_code, 0);
}

#[tokio::test]
async fn megabytes_of_input_come_back_whole() {
    let bench = bench().await;
    let stream = bench.client.exec_stream(&command(&["cat"])).await.unwrap();
    let (sender, receiver) = stream.split();
    let text: Vec<u8> = (0..5_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();

    let sent = Bytes::from(text.clone());
    tokio::spawn(async move {
        sender.input(sent).await.unwrap();
        sender.end_input().await.unwrap();
    });
    let frames: Vec<Frame> = futures_util::TryStreamExt::try_collect(receiver).await.unwrap();

    let back: Vec<u8> = frames
        .iter()
        .filter(|frame| frame.kind == Kind::Output)
        .flat_map(|frame| frame.payload.to_vec())
        .collect();
    assert!(back == text);
}

#[tokio::test]
async fn a_signal_reaches_the_command() {
    let bench = bench().await;
    let mut stream = bench
        .client
        .exec_stream(&shell("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"))
        .await
        .unwrap();
    assert_eq!(output(&mut stream).await, "ready\n");

    let signal = TerminalControl::Signal { name: "INT".into() };
    stream.send(Frame::json(Kind::Control, &signal)).await.unwrap();
    let (out, _, exit) = drain(&mut stream).await;

    assert_eq!((&*out, exit.exit_code), (&b"caught\n"[..], 5));
}

#[tokio::test]
async fn a_time_out_ends_a_stream() {
    let bench = bench().await;

    let request = wire::agent::ExecRequest { timeout_s: Some(1), ..shell("echo begun; sleep 1000") };
    let mut stream = bench.client.exec_stream(&request).await.unwrap();
    let (out, _, exit) = drain(&mut stream).await;

    assert_eq!(out, b"begun\n");
    assert_eq!(exit, Exit { exit_code: 124, timed_out: true, problem: None });
}

#[tokio::test]
async fn what_goes_on_writing_in_the_background_does_not_keep_the_exit_back() {
    let bench = bench().await;
    for background in ["while sleep 0.05; do echo more; done", "exec yes"] {
        let script = shell(&format!("({background}) & echo begun $!; exit 3"));
        let mut stream = bench.client.exec_stream(&script).await.unwrap();

        let (out, _, exit) = drain(&mut stream).await;

        assert_eq!(exit.exit_code, 3);
        let out = String::from_utf8(out).unwrap();
        let pid = out.lines().find_map(|line| line.strip_prefix("begun ")).unwrap();
        bench.client.exec(&shell(&format!("kill {pid}"))).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let bench = bench().await;

    let mut stream = bench.client.exec_stream(&command(&["no-such-program"])).await.unwrap();
    let (.., exit) = drain(&mut stream).await;

    assert_eq!(exit.exit_code, 127);
    assert!(exit.problem.unwrap().contains("no-such-program"));
}

#[tokio::test]
async fn a_slow_reader_slows_the_command_down_instead_of_filling_memory() {
    let bench = bench().await;
    // Tells on standard error of its shell how far it is, by a file.
    let script = "i=0; while [ $i -lt 400 ]; do head -c 65536 /dev/zero; i=$((i+1)); echo $i > at; done";
    let mut stream = bench.client.exec_stream(&shell(script)).await.unwrap();
    let at = || {
        std::fs::read_to_string(bench.folder().join("at"))
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
    };

    // Nobody reads: it must come to a halt.
    let mut last = None;
    until("the command waits", || {
        let now = at();
        let is_still = now.is_some() && now == last;
        last = now;
        async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            is_still
        }
    })
    .await;

    let written = last.unwrap() * 65536;
    assert!(written < 4 << 20, "{written} bytes are under way");
    let (out, _, exit) = drain(&mut stream).await;
    assert_eq!((out.len(), exit.exit_code), (400 * 65536, 0));
}

#[tokio::test]
async fn a_reader_that_goes_away_takes_the_command_with_it() {
    let bench = bench().await;
    let mut stream = bench.client.exec_stream(&shell("echo $$; exec sleep 1000")).await.unwrap();
    let pid = output(&mut stream).await;
    assert!(is_alive(&pid));

    drop(stream);

    until("the command is gone", || async { !is_alive(&pid) }).await;
}

#[tokio::test]
async fn a_lost_connection_takes_the_command_with_it_and_the_reader_learns_of_it() {
    let bench = bench().await;
    let mut stream = bench.client.exec_stream(&shell("echo $$; exec sleep 1000")).await.unwrap();
    let pid = output(&mut stream).await;

    bench.client.close();

    let last = tokio::time::timeout(LIMIT, stream.next()).await.unwrap();
    assert!(matches!(last, Some(Err(link::LinkError::Gone))), "{last:?}");
    until("the command is gone", || async { !is_alive(&pid) }).await;
}

#[tokio::test]
async fn a_stream_that_does_not_begin_with_a_start_frame_is_refused() {
    let bench = bench().await;

    let mut request = command(&["true"]);
    request.command.clear();
    let error = bench.client.exec_stream(&request).await.err().unwrap();

    assert_eq!(error.problem().unwrap().code, "invalid");
}
