//! One release of difference: what is not known is left aside, what is not sent has a default.

use wire::agent::{CloneEvent, CloneRequest, ExecRequest, OpenTerminal};
use wire::frame::{Exit, TerminalControl};

#[test]
fn fields_nobody_knows_are_left_aside() {
    let exec: ExecRequest = serde_json::from_str(r#"{"command":["a"],"new":{"x":1}}"#).unwrap();
    let control: TerminalControl = serde_json::from_str(r#"{"type":"ack","sequence":5,"new":1}"#).unwrap();
    let event: CloneEvent = serde_json::from_str(r#"{"event":"line","text":"t","new":1}"#).unwrap();

    assert_eq!(exec.command, ["a"]);
    assert_eq!(control, TerminalControl::Ack { sequence: 5 });
    assert_eq!(event, CloneEvent::Line { text: "t".into() });
}

#[test]
fn what_an_older_side_does_not_send_has_a_default() {
    let exec: ExecRequest = serde_json::from_str(r#"{"command":["a"]}"#).unwrap();
    let terminal: OpenTerminal = serde_json::from_str("{}").unwrap();
    let exit: Exit = serde_json::from_str(r#"{"exit_code":3}"#).unwrap();
    let clone: CloneRequest =
        serde_json::from_str(r#"{"url":"u","folder":"/f","through_server":false}"#).unwrap();

    assert!(exec.env.is_empty() && exec.timeout_s.is_none());
    assert!(terminal.command.is_none());
    assert_eq!(exit, Exit { exit_code: 3, timed_out: false, problem: None });
    assert!(clone.reference.is_none());
}

#[test]
fn a_control_message_of_a_newer_side_is_an_error_and_not_another_message() {
    assert!(serde_json::from_str::<TerminalControl>(r#"{"type":"teleport"}"#).is_err());
}
