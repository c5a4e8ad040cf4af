//! Randomness for tests, and programs of this machine.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use domain::Entropy;

/// Real random numbers.
pub(crate) struct System;

impl Entropy for System {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// Runs a program with something on its standard input; `None`, with a word about it, when it is not installed.
pub(crate) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Output> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: cannot run {program}: {error}");
            return None;
        }
    };
    // It may end without reading all.
    let _lost = child.stdin.take().unwrap().write_all(input);
    Some(child.wait_with_output().unwrap())
}

/// The output of a program that must succeed.
pub(crate) fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
