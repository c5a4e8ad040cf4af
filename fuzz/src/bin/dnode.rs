//! Kite's messages: no text may make the reader fall over, and what was read is written and read again alike.
#![no_main]

use kite::Limits;
use kite::dnode::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for limits in [Limits::strangers(), Limits::default()] {
        if let Ok(message) = Message::parse(text, &limits) {
            let written = message.to_text();
            // A text with escapes may be shorter than what is written for it, and the limit is one on bytes.
            let again = Message::parse(&written, &Limits::default()).expect("what was written is read");
            assert_eq!(again, message);
        }
    }
});
