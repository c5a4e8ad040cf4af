//! SockJS: frames, bodies of several messages, and paths below an endpoint. The files are those of the crate, whose
//! modules nobody else may use.
#![no_main]

#[path = "../../../crates/kite/src/sockjs/batch.rs"]
mod batch;
#[expect(dead_code, reason = "servers alone use some of it")]
#[path = "../../../crates/kite/src/sockjs/frame.rs"]
mod frame;
#[path = "../../../crates/kite/src/sockjs/place.rs"]
mod place;

use batch::{read_batch, write_batch};
use frame::Frame;
use libfuzzer_sys::fuzz_target;
use place::locate;

/// Messages in one body.
const MANY: usize = 1000;

fuzz_target!(|text: &str| {
    locate(text);
    if let Ok(messages) = read_batch(text, MANY) {
        assert!(messages.len() <= MANY);
        let written = write_batch(messages.iter().map(String::as_str));
        assert_eq!(read_batch(&written, MANY).as_ref(), Ok(&messages));
    }
    if let Some(Frame::Close(close)) = Frame::parse(text, MANY) {
        assert_eq!(Frame::parse(&close.to_text(), MANY), Some(Frame::Close(close)));
    }
});
