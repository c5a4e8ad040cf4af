use futures_util::{SinkExt, StreamExt};
use kite::Function;
use serde::Serialize;
use serde_json::{Value, json};

use crate::bench::{Bench, LIMIT, bench, is_alive, until};
use crate::klient::{Recorder, a_while, call, client, raw, try_call};

/// The argument of `os.exec`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    cmd: &'static str,
    args: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    envs: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    stdin: Value,
    work_dir: Option<&'static str>,
    stdout: Function,
    stderr: Function,
    exit: Function,
    detached: bool,
}

fn script(recorder: &Recorder, script: &str) -> Start {
    Start {
        cmd: "sh",
        args: vec!["-c".into(), script.into()],
        envs: Value::Null,
        stdin: Value::Null,
        work_dir: None,
        stdout: recorder.function("out"),
        stderr: recorder.function("err"),
        exit: recorder.function("exit"),
        detached: false,
    }
}

fn line(text: &str) -> Vec<Value> {
    vec![text.into()]
}

async fn until_exit(recorder: &Recorder) -> (Vec<String>, Value) {
    let mut lines = vec![];
    loop {
        match recorder.next().await {
            ("exit", mut arguments) => return (lines, arguments.remove(0)),
            (_, arguments) => lines.push(arguments[0].as_str().unwrap().to_owned()),
        }
    }
}

#[tokio::test]
async fn a_command_line_is_run_and_its_output_is_the_answer() {
    let bench = bench().await;
    let peer = client(&bench).await;

    let answer = call(&peer, "exec", json!({"command": "echo $((6*7)); echo no >&2; pwd >&2; exit 5"})).await;

    let pwd = bench.folder().canonicalize().unwrap().display().to_string();
    assert_eq!(
        answer,
        json!({"stdout": "42\n", "stderr": format!("no\n{pwd}\n"), "exitStatus": 5, "truncated": false})
    );
}

#[tokio::test]
async fn an_answer_has_a_bounded_part_of_a_flood() {
    let bench = bench().await;
    let peer = client(&bench).await;

    // Zero bytes take the most space in JSON.
    let answer =
        call(&peer, "exec", json!({"command": "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"}))
            .await;

    assert_eq!(answer["truncated"], true);
    assert_eq!(answer["stdout"].as_str().unwrap().len(), 320 << 10);
    assert_eq!(answer["stderr"].as_str().unwrap().len(), 320 << 10);
}

#[tokio::test]
async fn an_asynchronous_command_runs_once_and_on_without_its_caller() {
    let bench = bench().await;
    let peer = client(&bench).await;

    let answer =
        call(&peer, "exec", json!({"command": "echo run >> ran; exec sleep 1000", "async": true})).await;
    let pid = answer["pid"].as_i64().unwrap();
    peer.close();
    peer.closed().await;

    let ran = bench.path("ran");
    until("it ran", || async { std::fs::read_to_string(&ran).is_ok_and(|text| text == "run\n") }).await;
    assert!(is_alive(&pid.to_string()));
    let other = client(&bench).await;
    assert_eq!(call(&other, "os.kill", json!({"pid": pid})).await, true);
    until("it has ended", || async { !is_alive(&pid.to_string()) }).await;
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "run\n");
}

/// What was measured on the original: the process id first, lines in any order, the exit strictly last.
#[tokio::test]
async fn on_the_wire_the_answer_comes_first_and_the_exit_last() {
    let bench = bench().await;
    let mut stream = raw(&bench).await;
    let message = json!({
        "arguments": [{
            "kite": {"id": "1", "username": "alice", "environment": "e", "name": "cli", "version": "1.0.13", "region": "r", "hostname": "h"},
            "withArgs": [{"cmd": "sh", "args": ["-c", "echo one; echo two >&2; exit 5"], "stdout": "[Function]", "stderr": "[Function]", "exit": "[Function]"}],
            "responseCallback": "[Function]",
        }],
        "callbacks": {
            "1": ["0", "withArgs", "0", "stdout"], "2": ["0", "withArgs", "0", "stderr"],
            "3": ["0", "withArgs", "0", "exit"], "4": ["0", "responseCallback"],
        },
        "links": [],
        "method": "os.exec",
    });

    stream.send(message.to_string()).await.unwrap();
    let mut answers = vec![];
    for _ in 0..4 {
        let text = tokio::time::timeout(LIMIT, stream.next()).await.unwrap().unwrap().unwrap();
        answers.push(serde_json::from_str::<Value>(&text).unwrap());
    }

    assert_eq!(answers[0]["method"], 4);
    assert!(answers[0]["arguments"][0]["result"]["pid"].as_i64().unwrap() > 0);
    let mut lines: Vec<_> = answers[1..3]
        .iter()
        .map(|answer| (answer["method"].as_u64().unwrap(), answer["arguments"].clone()))
        .collect();
    lines.sort_by_key(|(method, _)| *method);
    assert_eq!(lines, [(1, json!(["one"])), (2, json!(["two"]))]);
    assert_eq!((&answers[3]["method"], &answers[3]["arguments"]), (&json!(3), &json!([5])));
}

#[tokio::test]
async fn a_process_gets_its_input_variables_and_folder() {
    let bench = bench().await;
    std::fs::create_dir(bench.path("inner")).unwrap();
    let peer = client(&bench).await;
    let recorder = Recorder::new();
    let start = Start {
        envs: json!({"COLOUR": "grün"}),
        // Its padding may be left out, as of the contents of files.
        stdin: "8J+agAo".into(),
        work_dir: Some("inner"),
        ..script(&recorder, "cat; echo $COLOUR; basename $(pwd); printf 'no end'")
    };
    call(&peer, "os.exec", start).await;

    assert_eq!(
        until_exit(&recorder).await,
        (vec!["🚀".into(), "grün".into(), "inner".into(), "no end".into()], 0.into())
    );

    let start =
        Start { envs: json!(["COLOUR=blau=hell"]), ..script(&recorder, "echo $COLOUR; kill -TERM $$") };
    call(&peer, "os.exec", start).await;
    assert_eq!(until_exit(&recorder).await, (vec!["blau=hell".into()], 143.into()));
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();

    let missing = try_call(&peer, "os.exec", Start { cmd: "no-such-program", ..script(&recorder, "") })
        .await
        .unwrap_err();
    let nowhere = try_call(&peer, "os.exec", Start { work_dir: Some("nowhere"), ..script(&recorder, "") })
        .await
        .unwrap_err();
    let input =
        try_call(&peer, "os.exec", Start { stdin: "???".into(), ..script(&recorder, "") }).await.unwrap_err();
    let nothing = try_call(&peer, "os.exec", json!({"cmd": ""})).await.unwrap_err();

    assert_eq!((missing.kind.as_str(), missing.code.as_str()), ("osError", "not_started"));
    assert!(missing.message.contains("no-such-program"), "{missing}");
    assert_eq!((nowhere.kind.as_str(), nowhere.code.as_str()), ("osError", "not_found"));
    assert_eq!(input.kind, "argumentError");
    assert_eq!(nothing.code, "invalid");
    assert!(recorder.is_empty());
}

#[tokio::test]
async fn output_that_is_left_open_does_not_keep_the_exit_back() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();

    call(&peer, "os.exec", script(&recorder, "sleep 1000 & printf 'begun %s' $!")).await;

    let (lines, code) = until_exit(&recorder).await;
    assert_eq!(code, 0);
    let pid = lines[0].strip_prefix("begun ").unwrap();
    assert!(is_alive(pid));
    call(&peer, "exec", json!({"command": format!("kill {pid}")})).await;
}

#[tokio::test]
async fn what_goes_on_writing_in_the_background_does_not_keep_the_exit_back() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();

    let chatter = "(while sleep 0.05; do echo more; done) & echo begun $!; exit 3";
    call(&peer, "os.exec", script(&recorder, chatter)).await;

    let (lines, code) = until_exit(&recorder).await;
    assert_eq!(code, 3);
    let pid = lines[0].strip_prefix("begun ").unwrap();
    call(&peer, "exec", json!({"command": format!("kill {pid}")})).await;
}

#[tokio::test]
async fn a_background_flood_loses_nothing_of_what_was_said_before() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();
    recorder.stop();

    let flood = "echo $$; seq 1 5000; (exec yes $(printf '%01000d' 0)) & echo last $!";
    call(&peer, "os.exec", script(&recorder, flood)).await;
    a_while().await;
    a_while().await;
    recorder.go_on();

    let (lines, code) = until_exit(&recorder).await;
    assert_eq!(code, 0);
    let said: Vec<_> = lines.iter().filter(|line| line.len() < 1000).collect();
    assert_eq!(said.len(), 5002, "each line once");
    assert!(said[1..5001].iter().enumerate().all(|(at, line)| **line == (at + 1).to_string()));
    let pid = said[5001].strip_prefix("last ").unwrap();
    call(&peer, "exec", json!({"command": format!("kill {pid}")})).await;
}

#[tokio::test]
async fn a_command_that_is_waited_for_counts_and_can_be_ended() {
    let bench = bench().await;
    let (peer, other) = (client(&bench).await, client(&bench).await);
    let pids = bench.path("pids");
    let command = json!({"command": format!("echo $$ >> {pids}; exec sleep 1000")});
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (peer, command) = (peer.clone(), command.clone());
            tokio::spawn(async move {
                peer.request("exec").args((command,)).timeout(LIMIT * 40).send::<Value>().await
            })
        })
        .collect();
    let running = || std::fs::read_to_string(&pids).unwrap_or_default();
    for _ in 0..8 {
        a_while().await;
        if running().lines().count() == 200 {
            break;
        }
    }
    until("all run", || async { running().lines().count() == 200 }).await;

    let refused = try_call(&other, "exec", json!({"command": "true"})).await.unwrap_err();
    let pid: i64 = running().lines().next().unwrap().parse().unwrap();
    assert_eq!(call(&other, "os.kill", json!({"pid": pid})).await, true);
    until("it has ended", || async { !is_alive(&pid.to_string()) }).await;
    until("there is room again", || async {
        try_call(&other, "exec", json!({"command": "true"})).await.is_ok()
    })
    .await;

    assert_eq!(refused.code, "too_many");
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 1);
    peer.close();
}

async fn progress(bench: &Bench) -> u64 {
    let text = tokio::fs::read_to_string(bench.path("progress")).await.unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

#[tokio::test]
async fn a_slow_caller_holds_the_process_up_and_gets_every_line() {
    const MIB: usize = 50;
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();
    let write = format!(
        "i=0; while [ $i -lt {MIB} ]; do head -c 1048576 /dev/zero | tr '\\0' x | fold -w 1023; echo; i=$((i+1)); echo $i > progress; done"
    );

    let before = resident_kib();
    recorder.stop();
    call(&peer, "os.exec", script(&recorder, &write)).await;
    let mut last = u64::MAX;
    let held = loop {
        a_while().await;
        a_while().await;
        let now = progress(&bench).await;
        if now == last && now > 0 {
            break now;
        }
        last = now;
    };
    // What the client's own queue, the two ends of the link and the agent hold together.
    assert!(held < 16, "{held} MiB are somewhere");
    assert!(resident_kib() < before + (64 << 10), "{before} KiB became {}", resident_kib());
    recorder.go_on();

    let (mut letters, mut code) = (0, Value::Null);
    while code.is_null() {
        match recorder.next().await {
            ("exit", mut arguments) => code = arguments.remove(0),
            (_, arguments) => letters += arguments[0].as_str().unwrap().len(),
        }
    }
    assert_eq!((letters, code), (MIB << 20, 0.into()));
}

/// Memory of this process, which has both ends in it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_process_ends_with_its_connection_unless_it_is_detached() {
    let bench = bench().await;
    let (peer, other) = (client(&bench).await, client(&bench).await);
    let recorder = Recorder::new();
    let attached = script(&recorder, "trap '' TERM HUP; sleep 1000 & echo $!; wait");
    let attached = call(&peer, "os.exec", attached).await["pid"].to_string();
    let (_, inner) = recorder.next().await;
    let detached =
        Start { detached: true, ..script(&recorder, "echo begun; while :; do echo more; sleep 0.05; done") };
    let detached = call(&peer, "os.exec", detached).await["pid"].to_string();
    assert_eq!(recorder.next().await, ("out", line("begun")));
    let theirs = call(&other, "os.exec", script(&Recorder::new(), "sleep 1000")).await["pid"].to_string();

    peer.close();

    until("the process is gone", || async { !is_alive(&attached) }).await;
    until("and what it started", || async { !is_alive(inner[0].as_str().unwrap()) }).await;
    a_while().await;
    assert!(is_alive(&detached));
    assert!(is_alive(&theirs));
    call(&other, "os.kill", json!({"pid": detached.parse::<i64>().unwrap()})).await;
    until("it is ended by another", || async { !is_alive(&detached) }).await;
}

#[tokio::test]
async fn only_what_was_started_here_can_be_ended() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let recorder = Recorder::new();
    let mut foreign = std::process::Command::new("sleep").arg("1000").spawn().unwrap();

    let refused = try_call(&peer, "os.kill", json!({"pid": foreign.id()})).await.unwrap_err();
    for pid in [0, -1, 1, i64::from(i32::MIN)] {
        let error = try_call(&peer, "os.kill", json!({"pid": pid})).await.unwrap_err();
        assert_eq!((error.kind.as_str(), error.code.as_str()), ("osError", "not_found"), "{pid}");
    }
    let own = call(
        &peer,
        "os.exec",
        script(
            &recorder,
            "exec 2>/dev/null; trap 'echo term; exit 7' TERM; echo ready; while :; do sleep 0.05; done",
        ),
    )
    .await;
    assert_eq!(recorder.next().await, ("out", line("ready")));
    let unknown = try_call(&peer, "os.kill", json!({"pid": own["pid"], "signal": "NONE"})).await.unwrap_err();
    assert_eq!(call(&peer, "os.kill", json!({"pid": own["pid"], "signal": "SIGTERM"})).await, true);
    assert_eq!(until_exit(&recorder).await, (vec!["term".into()], 7.into()));
    let ended = try_call(&peer, "os.kill", json!({"pid": own["pid"], "signal": 15})).await.unwrap_err();

    assert_eq!((refused.kind.as_str(), refused.code.as_str()), ("osError", "not_found"));
    assert!(foreign.try_wait().unwrap().is_none());
    assert_eq!(unknown.kind, "argumentError");
    assert_eq!(ended.code, "not_found");
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[tokio::test]
async fn a_command_ends_with_the_connection_that_waits_for_it() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let waiting = peer.clone();
    let call = tokio::spawn(async move {
        try_call(&waiting, "exec", json!({"command": "echo $$ > pid; exec sleep 1000"})).await
    });
    let pid = bench.path("pid");
    until("it runs", || async { std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')) }).await;
    let pid = std::fs::read_to_string(&pid).unwrap();

    peer.close();

    assert!(call.await.unwrap().unwrap_err().is("disconnect"));
    until("it is gone", || async { !is_alive(&pid) }).await;
}

#[tokio::test]
async fn the_user_is_told() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let home = bench.root.path().join("home").display().to_string();

    let name: String = peer.call("os.currentUsername", ()).await.unwrap();
    let unknown = try_call(&peer, "os.home", json!({"username": "nobody-of-this-name"})).await.unwrap_err();

    assert!(!name.is_empty());
    assert_eq!(peer.call::<String>("os.home", ()).await.unwrap(), home);
    assert_eq!(call(&peer, "os.home", json!({"username": name})).await, home.as_str());
    assert_eq!(call(&peer, "os.home", json!({"username": "daemon"})).await, "/usr/sbin");
    assert_eq!(unknown.code, "not_found");
}

#[tokio::test]
async fn looking_is_no_work_and_calling_is() {
    let bench = bench().await;
    let peer = client(&bench).await;

    let info: Value = peer.call("klient.info", ()).await.unwrap();
    let idle: Value = peer.call("klient.usage", ()).await.unwrap();
    drop(peer.call::<String>("kite.ping", ()).await.unwrap());
    assert!(bench.client.usage().await.unwrap().last_activity_at.is_none());
    drop(peer.call::<String>("os.currentUsername", ()).await.unwrap());
    let used: Value = peer.call("klient.usage", ()).await.unwrap();

    assert_eq!((&info["providerName"], &info["os"]), (&"hearth".into(), &"linux".into()));
    assert_eq!(info["home"], bench.root.path().join("home").display().to_string());
    assert!(info["groups"].as_array().is_some_and(|groups| !groups.is_empty()));
    assert_eq!((&idle["method_calls"], &used["method_calls"]), (&0.into(), &1.into()));
    assert!(used["inactive_duration"].as_i64().unwrap() > 0);
    let system: Value = peer.call("kite.systemInfo", ()).await.unwrap();
    assert_eq!(system["homeDir"], info["home"]);
    assert!(bench.client.usage().await.unwrap().last_activity_at.is_some());
}
