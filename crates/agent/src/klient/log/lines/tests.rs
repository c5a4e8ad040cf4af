use proptest::prelude::*;

use super::*;

#[test]
fn a_line_comes_with_its_newline_and_without_it() {
    let mut lines = Lines::default();

    assert_eq!(lines.take(b"one\r\ntwo"), ["one"]);
    assert_eq!(lines.take(b" and a half\n\n"), ["two and a half", ""]);
    assert_eq!(lines.take(b"bad \xff byte\n"), ["bad \u{fffd} byte"]);
    assert_eq!(lines.take(b"left"), Vec::<String>::new());
    assert_eq!(lines.end().as_deref(), Some("left"));
    assert_eq!(lines.end(), None);
}

#[test]
fn a_long_line_comes_in_pieces_that_cut_no_character() {
    let mut lines = Lines::default();
    let long = "x".to_owned() + &"😀".repeat(50_000);
    let mut pieces = Vec::new();
    for bytes in long.as_bytes().chunks(1000) {
        pieces.extend(lines.take(bytes));
        assert!(lines.begun.len() <= LONGEST);
    }

    pieces.extend(lines.take(b"\n"));

    assert_eq!(pieces.len(), 4);
    assert!(pieces.iter().all(|piece| piece.len() <= LONGEST));
    assert_eq!(pieces.concat(), long);
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300),
        cuts in proptest::collection::vec(1_usize..20, 1..50),
    ) {
        let mut whole = Lines::default();
        let mut expected = whole.take(&bytes);
        expected.extend(whole.end());

        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            found.extend(lines.take(piece));
            rest = after;
        }
        found.extend(lines.end());

        prop_assert_eq!(found, expected);
    }
}
