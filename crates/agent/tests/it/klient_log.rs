use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use kite::{Arguments, Function, Functions, Peer};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bench::{Bench, bench, until};
use crate::klient::{Recorder, a_while, call, client, try_call};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tail {
    path: String,
    watch: Function,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_offset: Option<u64>,
}

#[derive(Deserialize)]
struct Tailing {
    stop: kite::Callback,
}

async fn tail(peer: &Peer, path: &str, recorder: &Recorder, line_offset: Option<u64>) -> kite::Callback {
    let argument = Tail { path: path.into(), watch: recorder.function("line"), line_offset };
    peer.call::<Tailing>("log.tail", (argument,)).await.unwrap().stop
}

async fn log() -> (Bench, Peer, std::path::PathBuf) {
    let bench = bench().await;
    let peer = client(&bench).await;
    let path = bench.folder().join("log");
    (bench, peer, path)
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_ref()).unwrap();
}

async fn lines(recorder: &Recorder, count: usize) -> Vec<String> {
    let mut lines = vec![];
    for _ in 0..count {
        let (_, arguments) = recorder.next().await;
        assert_eq!(arguments.len(), 1);
        lines.push(arguments[0].as_str().unwrap().to_owned());
    }
    lines
}

#[tokio::test]
async fn the_last_lines_come_first_and_then_every_new_one() {
    let (_bench, peer, path) = log().await;
    for number in 0..100 {
        append(&path, format!("line {number}\n"));
    }
    let (few, usual, none) = (Recorder::new(), Recorder::new(), Recorder::new());

    tail(&peer, "log", &few, Some(2)).await;
    tail(&peer, "log", &usual, None).await;
    tail(&peer, "log", &none, Some(0)).await;
    assert_eq!(lines(&few, 2).await, ["line 98", "line 99"]);
    assert_eq!(lines(&usual, 10).await[0], "line 90");
    append(&path, "new\r\nmore \u{ff}\n");
    append(&path, b"bytes \xff\nhalf");

    for recorder in [&few, &usual, &none] {
        assert_eq!(lines(recorder, 3).await, ["new", "more \u{ff}", "bytes \u{fffd}"]);
    }
    a_while().await;
    assert!(few.is_empty(), "half a line waits for its end");
    append(&path, " and half\n");
    assert_eq!(lines(&few, 1).await, ["half and half"]);
}

#[tokio::test]
async fn rotation_and_truncation_lose_nothing() {
    let (bench, peer, path) = log().await;
    append(&path, "one\n");
    let recorder = Recorder::new();
    tail(&peer, "log", &recorder, Some(5)).await;
    assert_eq!(lines(&recorder, 1).await, ["one"]);

    for round in 0..3 {
        let old = bench.folder().join(format!("log.{round}"));
        std::fs::rename(&path, &old).unwrap();
        append(&old, format!("late {round}\n"));
        append(&path, format!("new {round}\n"));
        assert_eq!(lines(&recorder, 2).await, [format!("late {round}"), format!("new {round}")]);
    }
    append(&path, "something long enough to be cut\n");
    lines(&recorder, 1).await;
    std::fs::write(&path, "cut\n").unwrap();
    assert_eq!(lines(&recorder, 1).await, ["cut"]);

    std::fs::remove_file(&path).unwrap();
    a_while().await;
    append(&path, "back\n");
    assert_eq!(lines(&recorder, 1).await, ["back"]);
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let (_bench, peer, path) = log().await;
    append(&path, "one\n");
    let recorder = Recorder::new();
    let stop = tail(&peer, "log", &recorder, Some(1)).await;
    lines(&recorder, 1).await;

    stop.call(()).await.unwrap();
    // Calls are answered in order, so that the stop has arrived.
    call(&peer, "fs.getInfo", json!({ "path": "log" })).await;
    a_while().await;
    append(&path, "two\n");
    tokio::time::sleep(Duration::from_millis(1200)).await;

    assert!(recorder.is_empty());
}

#[tokio::test]
async fn a_slow_reader_holds_the_reading_and_gets_everything_in_the_end() {
    let (bench, peer, path) = log().await;
    let line = |number: usize| format!("{number:0>50000}");
    for number in 0..1000 {
        append(&path, line(number) + "\n");
    }
    let slow = Recorder::new();
    slow.stop();
    let before = memory();

    tail(&peer, "log", &slow, Some(1000)).await;
    a_while().await;

    // Other calls on other connections go on meanwhile.
    let other = client(&bench).await;
    call(&other, "fs.getInfo", json!({ "path": "log" })).await;
    a_while().await;
    assert!(memory() < before + (20 << 20), "of 50 MB, what is not taken is not read");
    slow.go_on();
    for number in 0..1000 {
        let (_, arguments) = slow.next().await;
        assert!(arguments[0] == line(number), "{number}");
    }
}

/// Bytes of memory of this process.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn a_long_line_comes_in_pieces() {
    let (_bench, peer, path) = log().await;
    append(&path, "");
    let recorder = Recorder::new();
    tail(&peer, "log", &recorder, None).await;

    append(&path, "é".repeat(100_000) + "\n");

    let pieces = lines(&recorder, 4).await;
    assert!(pieces.iter().all(|piece| piece.len() <= 64 << 10));
    assert_eq!(pieces.concat(), "é".repeat(100_000));
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let (bench, peer, _) = log().await;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        bench.folder().join("fifo"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let group = Functions::new();

    for (path, code) in
        [("gone", "not_found"), (".", "is_folder"), ("fifo", "invalid"), ("/dev/zero", "invalid")]
    {
        let watch = group.add(|_: Arguments| std::future::ready(()));
        let error = try_call(&peer, "log.tail", Tail { path: path.into(), watch, line_offset: None }).await;
        let error = error.unwrap_err();
        assert_eq!((&*error.kind, &*error.code), ("fsError", code), "{path}");
    }
    let error = try_call(&peer, "log.tail", json!({ "path": "gone" })).await.unwrap_err();
    assert_eq!(error.kind, "argumentError", "without somebody to tell");
}

#[tokio::test]
async fn following_ends_with_its_connection() {
    let (bench, peer, path) = log().await;
    append(&path, "one\n");
    let recorder = Recorder::new();
    tail(&peer, "log", &recorder, Some(1)).await;
    lines(&recorder, 1).await;
    let opened = || {
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|target| *target == path)
            .count()
    };
    assert_eq!(opened(), 1);

    peer.close();

    until("the file is closed", || async { opened() == 0 }).await;
    drop(bench);
}
