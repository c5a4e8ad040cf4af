//! Terminals under load: floods, slow viewers, connections that break.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use link::{AgentClient, FrameReceiver, FrameSender};
use wire::agent::{OpenTerminal, TerminalInfo};
use wire::frame::{Kind, TerminalControl};

use crate::bench::{Bench, LIMIT, bench, connect, until};

/// How often a viewer tells how far it is, as the page does.
const ACK_EVERY: u64 = 128 << 10;

pub(crate) fn program(script: &str) -> OpenTerminal {
    OpenTerminal { command: Some(vec!["/bin/sh".into(), "-c".into(), script.into()]), ..Default::default() }
}

pub(crate) async fn open(bench: &Bench, request: OpenTerminal) -> TerminalInfo {
    bench.client.open_terminal(&request).await.unwrap()
}

/// A viewer as the page has it: counts bytes, tells what it has shown.
pub(crate) struct Viewer {
    pub(crate) sender: FrameSender,
    receiver: FrameReceiver,
    pub(crate) seen: Vec<u8>,
    pub(crate) position: u64,
    pub(crate) resets: u32,
    told: u64,
    pub(crate) exit: Option<i32>,
}

impl Viewer {
    pub(crate) async fn attach(client: &AgentClient, id: u32, since: Option<u64>) -> Self {
        let (sender, mut receiver) = client.attach(id, since).await.unwrap().split();
        let hello = receiver.next().await.unwrap().unwrap();
        let TerminalControl::Hello { sequence, reset } = serde_json::from_slice(&hello.payload).unwrap()
        else {
            panic!("the first frame is a greeting");
        };
        let (resets, told) = (u32::from(reset), sequence);
        Self { sender, receiver, seen: vec![], position: sequence, resets, told, exit: None }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    pub(crate) async fn type_keys(&self, keys: &'static str) {
        self.sender.input(keys.into()).await.unwrap();
    }

    pub(crate) async fn control(&self, control: &TerminalControl) {
        self.sender.control(control).await.unwrap();
    }

    /// Takes one frame; false at the end, however it came.
    async fn step(&mut self) -> bool {
        let next = tokio::time::timeout(LIMIT, self.receiver.next()).await.expect("output in time");
        let Some(Ok(frame)) = next else { return false };
        match frame.kind {
            Kind::Output => {
                self.position += u64::try_from(frame.payload.len()).unwrap();
                self.seen.extend_from_slice(&frame.payload);
                if self.position - self.told >= ACK_EVERY {
                    self.acknowledge().await;
                }
            }
            Kind::Control => match serde_json::from_slice(&frame.payload).unwrap() {
                TerminalControl::Exit { exit_code } => self.exit = Some(exit_code),
                TerminalControl::Hello { sequence, reset } => {
                    assert!(reset);
                    self.resets += 1;
                    self.position = sequence;
                }
                other => panic!("unexpected {other:?}"),
            },
            other => panic!("unexpected {other:?}"),
        }
        true
    }

    pub(crate) async fn acknowledge(&mut self) {
        self.told = self.position;
        // Lost with the connection, like everything else then.
        drop(self.sender.control(&TerminalControl::Ack { sequence: self.position }).await);
    }

    pub(crate) async fn until_seen(&mut self, text: &str) {
        while !self.text().contains(text) {
            assert!(self.step().await, "ended before `{text}`: {}", self.text());
        }
    }

    pub(crate) async fn until_exit(&mut self) -> i32 {
        while self.step().await {}
        self.exit.expect("the end of the process")
    }
}

/// What `seq 1 last` prints.
fn numbers(last: u32) -> String {
    use std::fmt::Write;
    (1..=last).fold(String::new(), |mut text, number| {
        writeln!(text, "{number}").unwrap();
        text
    })
}

#[tokio::test]
async fn every_number_is_seen_once_however_often_the_connection_breaks() {
    const LAST: u32 = 120_000;
    let bench = bench().await;
    // More than the ring holds in all; the viewer keeps up, so that nothing is lost.
    let info = open(&bench, program(&format!("stty -onlcr; seq 1 {LAST}; echo end"))).await;
    let mut all: Vec<u8> = vec![];
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut breaks = 0;

    let exit = loop {
        let client = connect(&bench.agent).await;
        let since = u64::try_from(all.len()).unwrap();
        let mut viewer = Viewer::attach(&client, info.id, Some(since)).await;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let after = random % 60_000;
        let mut is_open = true;
        while is_open && viewer.position - since < after && viewer.exit.is_none() {
            is_open = viewer.step().await;
        }
        client.close();
        breaks += 1;
        assert_eq!((viewer.resets, viewer.position - since), (0, u64::try_from(viewer.seen.len()).unwrap()));
        all.extend(viewer.seen);
        if let Some(exit) = viewer.exit {
            break exit;
        }
    };

    let expected = numbers(LAST) + "end\n";
    assert!(all == expected.as_bytes(), "{} bytes instead of {}", all.len(), expected.len());
    assert_eq!(exit, 0);
    assert!(breaks > 10, "only {breaks} connections");
}

#[tokio::test]
async fn an_interrupt_stops_a_flood_at_once() {
    let bench = bench().await;
    let info =
        open(&bench, OpenTerminal { command: Some(vec!["/bin/sh".into()]), ..Default::default() }).await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.type_keys("yes this is a flood\n").await;
    while viewer.position < 4 << 20 {
        assert!(viewer.step().await);
    }

    let begin = Instant::now();
    viewer.type_keys("\x03").await;
    viewer.type_keys("echo back $((20+3))\n").await;
    viewer.seen.clear();
    while !viewer.seen.ends_with(b"$ ") || !viewer.text().contains("back 23") {
        assert!(viewer.step().await);
        let surplus = viewer.seen.len().saturating_sub(4096);
        viewer.seen.drain(..surplus);
    }

    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_viewer_that_does_not_acknowledge_holds_the_program_up() {
    let bench = bench().await;
    let info = open(&bench, program("read go; yes")).await;
    let (sender, receiver) = bench.client.attach(info.id, None).await.unwrap().split();
    sender.input("\n".into()).await.unwrap();
    let next = || async { bench.client.terminals().await.unwrap()[0].next_sequence };

    let mut last = 0;
    let held = async {
        loop {
            let now = next().await;
            if now >= 512 << 10 && now == last {
                return now;
            }
            last = now;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let held = tokio::time::timeout(LIMIT, held).await.unwrap();

    assert!((512 << 10..600 << 10).contains(&held), "{held}");
    // After five silent seconds it no longer counts, and the others are not held up for its sake.
    until("the program goes on", || async { next().await > held + (8 << 20) }).await;
    drop(receiver);
}

#[tokio::test]
async fn a_viewer_that_missed_too_much_starts_afresh() {
    let bench = bench().await;
    let info = open(&bench, program("stty -onlcr; seq 1 600000; sleep 1000")).await;
    let expected = numbers(600_000);
    let total = u64::try_from(expected.len()).unwrap();
    until("all is written", || async { bench.client.terminals().await.unwrap()[0].next_sequence == total })
        .await;

    let mut viewer = Viewer::attach(&bench.client, info.id, Some(10)).await;
    viewer.until_seen("600000\n").await;

    assert_eq!(viewer.resets, 1);
    assert_eq!((viewer.position, viewer.seen.len()), (total, 2 << 20));
    assert!(viewer.seen == expected.as_bytes()[expected.len() - (2 << 20)..]);
}

#[tokio::test]
async fn a_program_in_full_screen_is_asked_to_paint_again_for_a_viewer_that_starts_afresh() {
    let bench = bench().await;
    let script = "trap 'stty size' WINCH; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo ready; while :; do sleep 0.05; done";
    let info = open(&bench, program(script)).await;
    until("the beginning is gone", || async {
        bench.client.terminals().await.unwrap()[0].next_sequence > 3_000_000
    })
    .await;
    let mut viewer = Viewer::attach(&bench.client, info.id, None).await;
    viewer.until_seen("ready").await;

    viewer.control(&TerminalControl::Resize { columns: 80, rows: 24 }).await;

    viewer.until_seen("24 80").await;
}
