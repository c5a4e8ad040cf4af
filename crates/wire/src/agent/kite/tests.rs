use proptest::prelude::*;

use super::*;

fn join(frames: impl IntoIterator<Item = Frame>) -> Result<Vec<String>, PieceError> {
    let mut joiner = Joiner::new(Kind::Input);
    frames.into_iter().filter_map(|frame| joiner.push(frame).transpose()).collect()
}

#[test]
fn a_message_of_any_length_comes_back_whole() {
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, KITE_MESSAGE_MAX] {
        let message = "x".repeat(length);

        let frames: Vec<_> = pieces(Kind::Input, message.clone()).collect();

        assert!(frames.iter().all(|frame| frame.payload.len() <= PIECE));
        assert_eq!(frames.len(), length / PIECE + 1, "{length}");
        assert_eq!(join(frames).unwrap(), [message], "{length}");
    }
}

#[test]
fn characters_may_be_cut_in_the_middle() {
    let message = format!("x{}", "🔥".repeat(PIECE));

    assert_eq!(join(pieces(Kind::Input, message.clone())).unwrap(), [message]);
}

#[test]
fn what_is_too_long_of_the_wrong_kind_or_no_text_is_refused() {
    let endless =
        std::iter::repeat_n(Frame::new(Kind::Input, vec![b'x'; PIECE]), KITE_MESSAGE_MAX / PIECE + 1);

    assert_eq!(join(endless), Err(PieceError::TooLong));
    assert_eq!(join([Frame::new(Kind::Exit, "{}")]), Err(PieceError::Kind(Kind::Exit)));
    assert_eq!(join([Frame::new(Kind::Input, vec![0xff])]), Err(PieceError::NotText));
}

#[test]
fn what_was_read_is_said_in_four_bytes() {
    assert_eq!(bytes_read(&read_frame(70_000)), Some(70_000));
    assert_eq!(bytes_read(&Frame::new(Kind::Control, "{}")), None);
    assert_eq!(bytes_read(&Frame::new(Kind::Input, vec![0; 4])), None);
    assert_eq!(
        cost(&Frame::new(Kind::Input, vec![0; 4])),
        Frame::new(Kind::Input, vec![0; 4]).to_bytes().len()
    );
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let kind = prop_oneof![8 => Just(Kind::Input), 1 => Just(Kind::Output), 1 => Just(Kind::Start)];
    let payload = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..32),
        2 => ".{0,16}".prop_map(String::into_bytes),
        1 => Just(vec![b'x'; PIECE]),
        1 => Just(vec![b'x'; PIECE + 1]),
    ];
    (kind, payload).prop_map(|(kind, payload)| Frame::new(kind, payload))
}

proptest! {
    #[test]
    fn frames_of_any_kind_and_content_never_panic_nor_exceed_the_limit(
        frames in proptest::collection::vec(any_frame(), 0..96)
    ) {
        let mut joiner = Joiner::new(Kind::Input);
        for frame in frames {
            match joiner.push(frame) {
                Ok(Some(message)) => prop_assert!(message.len() <= KITE_MESSAGE_MAX),
                Ok(None) => prop_assert!(joiner.pending.len() <= KITE_MESSAGE_MAX),
                Err(_) => return Ok(()),
            }
        }
    }

    #[test]
    fn messages_keep_their_order_and_borders(messages in proptest::collection::vec(".{0,300}", 0..12)) {
        let frames = messages.iter().flat_map(|message| pieces(Kind::Input, message.clone()));
        prop_assert_eq!(join(frames).unwrap(), messages);
    }
}
