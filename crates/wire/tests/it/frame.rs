use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use wire::frame::{Frame, FrameError, Kind, PAYLOAD_MAX};

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let kind = prop::sample::select(vec![
        Kind::Start,
        Kind::Input,
        Kind::Control,
        Kind::Output,
        Kind::ErrorOutput,
        Kind::Exit,
    ]);
    let frame = (kind, prop::collection::vec(any::<u8>(), 0..2000))
        .prop_map(|(kind, payload)| Frame::new(kind, payload));
    prop::collection::vec(frame, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn frames_survive_however_the_bytes_are_cut(frames in frames(), cuts in prop::collection::vec(1_usize..700, 1..40)) {
        let mut bytes = BytesMut::new();
        for frame in &frames {
            frame.encode(&mut bytes);
        }

        let mut buffer = BytesMut::new();
        let mut decoded = vec![];
        let mut cuts = cuts.into_iter().cycle();
        while !bytes.is_empty() {
            let length = cuts.next().unwrap().min(bytes.len());
            buffer.extend_from_slice(&bytes.split_to(length));
            while let Some(frame) = Frame::decode(&mut buffer).unwrap() {
                decoded.push(frame);
            }
        }

        prop_assert!(buffer.is_empty());
        prop_assert_eq!(decoded, frames);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_and_what_is_decoded_is_what_was_there(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut buffer = BytesMut::from(&bytes[..]);
        let mut again = BytesMut::new();

        let refusal = loop {
            match Frame::decode(&mut buffer) {
                Ok(Some(frame)) => frame.encode(&mut again),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };

        // Nothing is lost or made up: what was decoded and what is left are the bytes that came.
        again.extend_from_slice(&buffer);
        prop_assert_eq!(&again[..], &bytes[..]);
        match refusal {
            Some(FrameError::Kind(kind)) => prop_assert!(!(1..=6).contains(&kind)),
            Some(FrameError::TooLong(length)) => prop_assert!(length > PAYLOAD_MAX),
            None => {}
        }
    }
}

#[test]
fn a_frame_that_is_not_all_there_is_waited_for() {
    let whole = Frame::new(Kind::Output, "hello").to_bytes();

    for length in 0..whole.len() {
        let mut buffer = BytesMut::from(&whole[..length]);
        assert_eq!(Frame::decode(&mut buffer), Ok(None));
        assert_eq!(buffer.len(), length, "nothing is taken off");
    }
}

#[test]
fn the_longest_payload_passes_and_one_byte_more_does_not() {
    let longest = Frame::new(Kind::Output, vec![7; PAYLOAD_MAX]);
    let mut buffer = BytesMut::from(&longest.to_bytes()[..]);
    assert_eq!(Frame::decode(&mut buffer), Ok(Some(longest)));

    // Refused by its header alone, before a megabyte is waited for.
    let mut header = BytesMut::new();
    header.put_u8(Kind::Output as u8);
    header.put_u32(u32::try_from(PAYLOAD_MAX + 1).unwrap());
    assert_eq!(Frame::decode(&mut header), Err(FrameError::TooLong(PAYLOAD_MAX + 1)));
}

#[test]
fn an_unknown_kind_is_refused_at_its_first_byte() {
    for kind in [0, 7, 255] {
        let mut buffer = BytesMut::from(&[kind][..]);
        assert_eq!(Frame::decode(&mut buffer), Err(FrameError::Kind(kind)));
    }
}

#[test]
fn the_bytes_are_kind_length_payload() {
    let frame = Frame::new(Kind::Exit, "ab");

    assert_eq!(frame.to_bytes(), Bytes::from_static(&[6, 0, 0, 0, 2, b'a', b'b']));
}
