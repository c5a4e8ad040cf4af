use futures_util::{SinkExt, StreamExt};
use kite::{Callback, Function, Peer};
use link::KiteStream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::agent::OpenTerminal;

use crate::bench::{Bench, LIMIT, bench, is_alive, until};
use crate::flow::{Viewer, open};
use crate::klient::{Recorder, call, client, raw, try_call};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connect {
    remote: Remote,
    session: String,
    size_x: u32,
    size_y: u32,
    mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Remote {
    output: Function,
    session_ended: Function,
}

/// What the answer has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    session: String,
    input: Callback,
    control_sequence: Callback,
    set_size: Callback,
    close: Callback,
    terminate: Callback,
}

/// A terminal as a client has it.
struct Screen {
    server: Server,
    recorder: Recorder,
    text: String,
}

impl Screen {
    async fn connect(peer: &Peer, mode: &'static str, session: &str) -> Self {
        Self::try_connect(peer, mode, session).await.unwrap()
    }

    async fn try_connect(peer: &Peer, mode: &'static str, session: &str) -> Result<Self, kite::Error> {
        let recorder = Recorder::new();
        let remote =
            Remote { output: recorder.function("output"), session_ended: recorder.function("ended") };
        let connect = Connect { remote, session: session.into(), size_x: 80, size_y: 24, mode };
        let server = peer.call("webterm.connect", (connect,)).await?;
        Ok(Self { server, recorder, text: String::new() })
    }

    async fn type_keys(&self, keys: &str) {
        self.server.input.call((keys,)).await.unwrap();
    }

    /// Takes one call; false if it was the end.
    async fn step(&mut self) -> bool {
        match self.recorder.next().await {
            ("output", arguments) => {
                let [Value::String(text)] = arguments.as_slice() else { panic!("{arguments:?}") };
                assert!(text.len() <= 16 << 10 && !text.is_empty(), "{} bytes", text.len());
                self.text += text;
                true
            }
            (name, arguments) => {
                assert_eq!((name, arguments), ("ended", vec![]));
                false
            }
        }
    }

    async fn until_seen(&mut self, text: &str) {
        // Looks at nothing twice, as there may be megabytes.
        let mut from = 0;
        while !self.text[from..].contains(text) {
            from = self.text.floor_char_boundary(self.text.len().saturating_sub(text.len()));
            assert!(self.step().await, "ended before `{text}`: {}", self.text);
        }
    }

    async fn until_ended(&mut self) {
        while self.step().await {}
    }
}

async fn running(bench: &Bench) -> Vec<u32> {
    let all = bench.client.terminals().await.unwrap();
    all.iter().filter(|terminal| terminal.exit_code.is_none()).map(|terminal| terminal.id).collect()
}

#[tokio::test]
async fn a_terminal_is_typed_into_sized_and_ends() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;
    assert_eq!(screen.server.session, "1");

    screen.server.set_size.call((100, 30)).await.unwrap();
    screen.type_keys("stty size; echo $TERM-$((6*7))").await;
    screen.server.control_sequence.call(("\r",)).await.unwrap();
    screen.until_seen("30 100\r\nxterm-256color-42").await;
    for refused in [json!([0, 30]), json!([100]), json!(["a", "b"]), json!([3000, 30]), json!([])] {
        screen.server.set_size.call(refused).await.unwrap();
    }
    screen.type_keys("stty size | tr ' ' x\r").await;
    screen.until_seen("30x100").await;
    screen.type_keys("exit 3\r").await;
    screen.until_ended().await;

    assert_eq!(bench.client.terminals().await.unwrap()[0].exit_code, Some(3));
    let none = peer.call::<Value>("webterm.getSessions", ()).await.unwrap_err();
    assert_eq!((none.kind.as_str(), none.message.as_str()), ("genericError", "no sessions available"));
}

#[tokio::test]
async fn text_and_control_sequences_arrive_byte_for_byte() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;
    screen.type_keys("stty raw -echo; echo rea''dy; head -c 17 | od -An -tx1; stty sane\r").await;
    screen.until_seen("ready").await;

    screen.type_keys("🚀ü€").await;
    screen.server.control_sequence.call(("\u{1b}[A\r\u{9b}\u{ff}\u{0}x",)).await.unwrap();

    screen.until_seen("f0 9f 9a 80 c3 bc e2 82 ac 1b 5b 41 0d 9b ff 00").await;
    screen.type_keys("echo again-$((1+1)); cat\r").await;
    screen.until_seen("again-2").await;
    screen.type_keys("Grüße, 🚀🎉 𝔘𝔫𝔦\r").await;
    screen.until_seen("Grüße, 🚀🎉 𝔘𝔫𝔦\r\nGrüße, 🚀🎉 𝔘𝔫𝔦\r\n").await;
}

#[tokio::test]
async fn characters_cut_by_the_program_stay_whole_and_what_is_no_text_is_replaced() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;

    screen.type_keys("clear; for b in 360 237 232 200; do printf \"\\\\$b\"; sleep 0.05; done; printf 'bad:\\377:end\\n'\r").await;

    screen.until_seen("🚀bad:\u{fffd}:end").await;
}

/// Byte for byte what kite.js sends, and what it must be able to read.
#[tokio::test]
async fn the_original_conversation_works_on_the_wire() {
    let bench = bench().await;
    let mut stream = raw(&bench).await;
    let kite = r#"{"id":"8ab3","username":"alice","environment":"browser-environment","name":"cli","version":"1.0.13","region":"browser-region","hostname":"browser-hostname"}"#;
    let connect = format!(
        r#"{{"arguments":[{{"kite":{kite},"withArgs":[{{"remote":{{"output":"[Function]","sessionEnded":"[Function]"}},"session":"","sizeX":80,"sizeY":24,"mode":"noscreen"}}],"responseCallback":"[Function]"}}],"callbacks":{{"46":["0","withArgs","0","remote","output"],"47":["0","withArgs","0","remote","sessionEnded"],"48":["0","responseCallback"]}},"links":[],"method":"webterm.connect"}}"#
    );

    stream.send(connect).await.unwrap();
    let answer = receive(&mut stream).await;
    let id = |name: &str| {
        let callbacks = answer["callbacks"].as_object().unwrap();
        let path = json!([0, "result", name]);
        callbacks
            .iter()
            .find(|(_, at)| **at == path)
            .unwrap_or_else(|| panic!("{name} in {answer}"))
            .0
            .clone()
    };
    for (name, arguments) in [
        ("setSize", r"[100,30]"),
        ("input", r#"["stty size; echo \ud83d\ude80; exit"]"#),
        ("controlSequence", r#"["\r"]"#),
    ] {
        let id = id(name);
        stream
            .send(format!(r#"{{"arguments":{arguments},"callbacks":{{}},"links":[],"method":{id}}}"#))
            .await
            .unwrap();
    }
    let mut text = String::new();
    let last = loop {
        let message = receive(&mut stream).await;
        match message["method"].as_u64() {
            Some(46) => text += message["arguments"][0].as_str().unwrap(),
            _ => break message,
        }
    };

    assert_eq!(answer["method"], 48);
    assert_eq!(answer["arguments"][0]["error"], Value::Null);
    assert_eq!(answer["arguments"][0]["result"]["session"], "");
    assert_eq!(answer["callbacks"].as_object().unwrap().len(), 5);
    assert!(id("close") != id("terminate"));
    assert!(text.contains("30 100\r\n🚀\r\n"), "{text}");
    assert_eq!((&last["method"], &last["arguments"]), (&json!(47), &json!([])));
}

async fn receive(stream: &mut KiteStream) -> Value {
    let text = tokio::time::timeout(LIMIT, stream.next()).await.unwrap().unwrap().unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_session_is_a_terminal_of_the_agent_and_outlives_its_client() {
    let bench = bench().await;
    let first = client(&bench).await;
    let mut screen = Screen::connect(&first, "create", "").await;
    screen.type_keys("kept=yes; echo begun-$((1+1))\r").await;
    screen.until_seen("begun-2").await;
    assert_eq!(bench.client.terminals().await.unwrap()[0].viewers, 1);

    first.close();
    until("it is left", || async { bench.client.terminals().await.unwrap()[0].viewers == 0 }).await;
    let second = client(&bench).await;
    assert_eq!(second.call::<Value>("webterm.getSessions", ()).await.unwrap(), json!(["1"]));
    let mut screen = Screen::connect(&second, "resume", "1").await;
    screen.until_seen("begun-2").await;
    screen.type_keys("echo kept: $kept\r").await;
    screen.until_seen("kept: yes").await;
    let mut viewer = Viewer::attach(&bench.client, 1, None).await;
    viewer.until_seen("kept: yes").await;

    // Leaving is not ending.
    screen.server.close.call(()).await.unwrap();
    until("it is left", || async { bench.client.terminals().await.unwrap()[0].viewers == 1 }).await;
    viewer.type_keys("echo still-$((2+1))\n").await;
    viewer.until_seen("still-3").await;
    assert!(screen.recorder.is_empty() || !screen.text.contains("still-3"));
}

#[tokio::test]
async fn a_full_screen_program_is_painted_again_for_whoever_resumes_it() {
    let bench = bench().await;
    let first = client(&bench).await;
    let program = "printf '\\033[?1049h'; trap 'echo painted $(stty size)' WINCH; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo rea''dy; while :; do sleep 0.05; done";
    std::fs::write(bench.path("full"), program).unwrap();
    let mut screen = Screen::connect(&first, "create", "").await;
    screen.type_keys("sh full\r").await;
    screen.until_seen("ready").await;
    first.close();

    let second = client(&bench).await;
    let mut screen = Screen::connect(&second, "resume", "1").await;

    screen.until_seen("painted 24 80").await;
}

#[tokio::test]
async fn two_clients_share_a_session_and_a_third_takes_it_over() {
    let bench = bench().await;
    let (one, two, three) = (client(&bench).await, client(&bench).await, client(&bench).await);
    let mut first = Screen::connect(&one, "create", "pairing").await;
    let mut second = Screen::connect(&two, "shared", "pairing").await;
    assert_eq!((&*first.server.session, &*second.server.session), ("pairing", "pairing"));

    first.type_keys("echo from-$((1+0))\r").await;
    second.until_seen("from-1").await;
    second.type_keys("echo from-$((1+1))\r").await;
    first.until_seen("from-2").await;
    second.until_seen("from-2").await;
    let mut third = Screen::connect(&three, "attach", "pairing").await;

    first.until_ended().await;
    second.until_ended().await;
    third.type_keys("echo from-$((1+2))\r").await;
    third.until_seen("from-3").await;
    assert!(!first.text.contains("from-3"));
    assert_eq!(running(&bench).await, [1]);
}

#[tokio::test]
async fn sessions_are_named_listed_and_killed() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let opened = open(&bench, OpenTerminal::default()).await;
    let mut named = Screen::connect(&peer, "create", "build 1").await;
    let mut plain = Screen::connect(&peer, "create", "77").await;
    let _hidden = Screen::connect(&peer, "noscreen", "").await;

    assert_eq!(opened.id, 1);
    assert_eq!(named.server.session, "build 1");
    assert_eq!(plain.server.session, "3");
    let all: Value = peer.call("webterm.getSessions", ()).await.unwrap();
    assert_eq!(all, json!(["1", "build 1", "3"]));
    assert_eq!(call(&peer, "webterm.rename", json!({"oldName": "3", "newName": "tests"})).await, true);
    assert_eq!(bench.client.terminals().await.unwrap()[2].title, "tests");
    for (old, new, code) in [
        ("tests", "build 1", "name"),
        ("tests", "", "name"),
        ("tests", "12", "name"),
        ("tests", "two\nlines", "name"),
        ("3", "other", "not_found"),
    ] {
        let error =
            try_call(&peer, "webterm.rename", json!({"oldName": old, "newName": new})).await.unwrap_err();
        assert_eq!((error.kind.as_str(), error.code.as_str()), ("webterm", code), "{old} {new}");
    }
    for mode in ["resume", "shared"] {
        assert_eq!(Screen::try_connect(&peer, mode, "nowhere").await.err().unwrap().code, "not_found");
        assert_eq!(Screen::try_connect(&peer, mode, "").await.err().unwrap().code, "not_found");
    }
    assert_eq!(Screen::try_connect(&peer, "other", "").await.err().unwrap().kind, "argumentError");

    assert_eq!(call(&peer, "webterm.killSession", json!({"session": "tests"})).await, true);
    plain.until_ended().await;
    assert!(try_call(&peer, "webterm.killSession", json!({"session": "tests"})).await.is_err());
    assert_eq!(peer.call::<Value>("webterm.killSessions", ()).await.unwrap(), true);
    named.until_ended().await;
    assert_eq!(running(&bench).await, [4]);
}

#[tokio::test]
async fn a_terminal_without_a_session_ends_with_its_connection() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "noscreen", "").await;
    assert_eq!(screen.server.session, "");
    screen.type_keys("echo pid=$$=\r").await;
    while !screen.text.contains("=\r\n") {
        assert!(screen.step().await);
    }
    let pid = screen.text.rsplit("pid=").next().unwrap().split('=').next().unwrap().to_owned();

    peer.close();

    until("its shell is gone", || async { !is_alive(&pid) }).await;
    until("it is forgotten", || async { bench.client.terminals().await.unwrap().is_empty() }).await;
}

#[tokio::test]
async fn terminating_ends_every_process_in_it() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;
    screen.type_keys("sh -c 'trap \"\" HUP; echo pid=$$=; sleep 1000'\r").await;
    while !screen.text.contains("=\r\n") {
        assert!(screen.step().await);
    }
    let pid = screen.text.rsplit("pid=").next().unwrap().split('=').next().unwrap().to_owned();

    screen.server.terminate.call(()).await.unwrap();
    screen.until_ended().await;

    until("it is gone", || async { !is_alive(&pid) }).await;
    assert!(bench.client.terminals().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_left_behind_and_starts_afresh() {
    const BYTES: u64 = 12 << 20;
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;
    screen.type_keys("echo rea''dy\r").await;
    screen.until_seen("ready").await;
    screen.recorder.stop();

    screen
        .type_keys(&format!("stty -onlcr; head -c {BYTES} /dev/zero | tr '\\0' x; echo; echo do''ne\r"))
        .await;
    // Held up for five seconds first, as with any viewer that says nothing.
    until("all is written", || async { bench.client.terminals().await.unwrap()[0].next_sequence > BYTES })
        .await;
    screen.recorder.go_on();
    screen.until_seen("done").await;

    assert!(screen.text.contains("\u{1b}c"), "no fresh start");
    assert!(screen.text.len() < 9 << 20, "{} bytes were kept", screen.text.len());
}

#[tokio::test]
async fn a_program_that_does_not_read_cannot_keep_itself_from_being_ended() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let mut screen = Screen::connect(&peer, "create", "").await;
    screen.type_keys("stty raw -echo; echo rea''dy; exec sleep 1000\r").await;
    screen.until_seen("ready").await;

    let text = "x".repeat(15 << 10);
    for _ in 0..200 {
        screen.type_keys(&text).await;
    }
    screen.server.terminate.call(()).await.unwrap();

    screen.until_ended().await;
}

#[tokio::test]
async fn typing_is_work() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let screen = Screen::connect(&peer, "create", "").await;
    let before = bench.client.usage().await.unwrap().last_activity_at.unwrap();

    screen.server.set_size.call((90, 30)).await.unwrap();
    until("it is sized", || async { bench.client.terminals().await.unwrap()[0].columns == 90 }).await;
    assert_eq!(bench.client.usage().await.unwrap().last_activity_at.unwrap(), before);
    screen.type_keys("true").await;

    until("it counts", || async { bench.client.usage().await.unwrap().last_activity_at.unwrap() > before })
        .await;
}
