use proptest::prelude::*;

use super::*;

#[test]
fn a_character_in_pieces_stays_whole() {
    let mut decoder = Decoder::default();

    let texts: Vec<String> = "a🚀ü".bytes().map(|byte| decoder.push(&[byte])).collect();

    assert_eq!(texts, ["a", "", "", "", "🚀", "", "ü"]);
    assert_eq!(decoder.finish(), "");
}

#[test]
fn what_is_no_text_is_replaced_and_the_rest_is_kept() {
    let mut decoder = Decoder::default();

    assert_eq!(decoder.push(b"a\xffb\xf0\x9f"), "a\u{fffd}b");
    assert_eq!(decoder.push(b"x\xe2"), "\u{fffd}x");
    assert_eq!(decoder.finish(), "\u{fffd}");
}

#[test]
fn a_reset_joins_nothing() {
    let mut decoder = Decoder::default();

    decoder.push(b"\xf0\x9f");
    decoder.reset();

    assert_eq!(decoder.push(b"a"), "a");
}

#[test]
fn control_sequences_are_latin_1() {
    assert_eq!(control_bytes("\r\u{1b}[A\u{9b}\u{ff}"), b"\r\x1b[A\x9b\xff");
    assert_eq!(control_bytes("€"), "€".as_bytes());
}

proptest! {
    #[test]
    fn however_bytes_are_split_the_text_is_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
        let cut = cut.min(bytes.len());
        let mut decoder = Decoder::default();

        let mut text = decoder.push(&bytes[..cut]);
        text += &decoder.push(&bytes[cut..]);
        text += &decoder.finish();

        prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces_are_short_and_lose_nothing(pattern in "[a€🚀]{1,9}", count in 0_usize..9000) {
        let text = pattern.repeat(count);

        prop_assert!(pieces(&text).all(|piece| piece.len() <= PIECE_MAX));
        prop_assert_eq!(pieces(&text).collect::<String>(), text);
    }
}
