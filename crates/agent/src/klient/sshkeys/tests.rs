use std::sync::mpsc;
use std::time::Duration;

use domain::{Clock, Entropy, Timestamp};
use wire::agent::AgentConfig;

use super::*;
use crate::{Agent, Outside};

struct Never;

impl Clock for Never {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Entropy for Never {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// As of what is stored: a change that was answered must not be replaced by one whose caller has gone.
#[tokio::test]
async fn a_change_waits_for_one_whose_caller_has_gone() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().display().to_string();
    let config = AgentConfig {
        workspace: "ws_00000000000000000000000000".into(),
        server: "unix:/nonexistent".into(),
        token: "hearth_agent_secret".into(),
        ca_pem: None,
        folder: home.clone(),
        env: vec![("HOME".into(), home)],
    };
    let agent = Agent::new(&config, Outside { clock: Arc::new(Never), entropy: Arc::new(Never) });
    let keys = Keys { parts: agent.parts.clone(), turn: Arc::default() };
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let with = |line: &'static [u8]| move |lines: &[Vec<u8>]| Ok([lines, &[line.to_vec()]].concat());
    let mut given_up = Box::pin(keys.change(None, move |lines| {
        started.send(()).unwrap();
        held.recv().unwrap();
        with(b"first")(lines)
    }));
    tokio::select! {
        _ = &mut given_up => panic!("it is held"),
        started = has_started => started.unwrap(),
    }
    drop(given_up);

    let mut second = Box::pin(keys.change(None, with(b"second")));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut second).await.is_err(), "it waits");
    let_go.send(()).unwrap();
    assert!(second.await.unwrap());

    let kept = std::fs::read_to_string(root.path().join(".ssh/authorized_keys")).unwrap();
    assert_eq!(kept, "first\nsecond\n");
}
