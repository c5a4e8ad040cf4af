use proptest::prelude::*;

use super::*;

fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Lines::default();
    let mut all = vec![];
    for piece in pieces {
        lines.buffer().extend_from_slice(piece);
        all.extend(std::iter::from_fn(|| lines.next()));
    }
    all.extend(std::iter::from_fn(|| lines.finish()));
    all
}

#[test]
fn ends_of_lines_are_left_out_and_a_last_line_needs_none() {
    assert_eq!(lines_of(&[b"one\ntwo\r\n\nthree"]), ["one", "two", "", "three"]);
    assert_eq!(lines_of(&[b"one\n"]), ["one"]);
    assert_eq!(lines_of(&[b""]), Vec::<String>::new());
}

#[test]
fn a_character_may_come_in_pieces() {
    assert_eq!(lines_of(&[b"gr\xc3", b"\xbc\xc3\x9f", b"e \xf0\x9f", b"\x9a\x80\n"]), ["grüße 🚀"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(lines_of(&[b"a\xff\xfeb\nc\xf0\x9f"]), ["a\u{fffd}\u{fffd}b", "c\u{fffd}"]);
}

#[test]
fn a_long_line_is_cut_between_characters() {
    let long = "€".repeat(100_000);

    let lines = lines_of(&[long.as_bytes(), b"\nshort\n"]);

    assert_eq!(lines.last().unwrap(), "short");
    let pieces = &lines[..lines.len() - 1];
    assert!(
        pieces
            .iter()
            .all(|piece| piece.len() <= LINE_MAX && piece.len() > LINE_MAX - 4 || piece.len() < LINE_MAX)
    );
    assert_eq!(pieces.concat(), long);
}

proptest! {
    #[test]
    fn however_output_is_split_the_lines_are_the_same(
        bytes in proptest::collection::vec(prop_oneof![3 => Just(b'\n'), 20 => any::<u8>()], 0..400),
        cut in 0_usize..400,
    ) {
        let cut = cut.min(bytes.len());

        let split = lines_of(&[&bytes[..cut], &bytes[cut..]]);

        prop_assert_eq!(&split, &lines_of(&[&bytes]));
        prop_assert!(split.iter().all(|line| !line.contains('\n')));
    }
}
