//! Kite keys and tokens: nothing that was not signed by the registry is taken, and nothing makes the reader fall over.
#![no_main]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kite::token::{Expected, KeySet, KiteKeyClaims, SigningKey, TokenClaims};
use libfuzzer_sys::fuzz_target;

/// The registry's key; made anew each time, as what it signs is not in any corpus.
fn keys() -> &'static (String, KeySet) {
    static KEYS: OnceLock<(String, KeySet)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = SigningKey::generate().expect("a key");
        (key.id().to_owned(), KeySet::new([key.public().clone()]))
    })
}

fn refuse(text: &str) {
    let expected = Expected { issuer: "hearth", audience: "/a/b/c/d/e/f/g", now: Timestamp::UNIX_EPOCH };
    let (_, keys) = keys();
    let refusal = keys.verify::<TokenClaims>(text, &expected).err().expect("nobody signed it");
    assert!(!refusal.public().is_empty());
    keys.verify::<KiteKeyClaims>(text, &expected).err().expect("nobody signed it");
}

fuzz_target!(|text: &str| {
    refuse(text);
    // Lines are the parts of a text that is built soundly. `KID` stands for the name of the key.
    let parts: Vec<String> =
        text.splitn(3, '\n').map(|part| URL_SAFE_NO_PAD.encode(part.replace("KID", &keys().0))).collect();
    refuse(&parts.join("."));
});
