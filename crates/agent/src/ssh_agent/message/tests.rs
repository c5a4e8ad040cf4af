use proptest::prelude::*;

use super::*;

fn message(kind: u8, parts: &[&[u8]], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    for part in parts {
        put(&mut bytes, part);
    }
    bytes.extend(rest);
    bytes
}

#[test]
fn the_three_messages_are_read() {
    assert_eq!(parse(&[REQUEST_IDENTITIES]), Request::Identities);
    let sign = message(SIGN_REQUEST, &[b"key", b"data"], &4_u32.to_be_bytes());
    assert_eq!(parse(&sign), Request::Sign { key: b"key", data: b"data", flags: 4 });
    let bind = message(EXTENSION, &[SESSION_BIND], b"contents");
    assert_eq!(parse(&bind), Request::Bind(b"contents"));
    let query = message(EXTENSION, &[b"query"], b"");
    assert_eq!(parse(&query), Request::UnknownExtension);
}

#[test]
fn what_would_change_keys_is_not_understood() {
    for kind in [1, 9, 17, 18, 19, 20, 21, 22, 23, 25, 26] {
        assert_eq!(parse(&message(kind, &[b"ssh-ed25519"], b"")), Request::Other, "{kind}");
    }
}

#[test]
fn a_list_of_keys_has_the_form_of_the_protocol() {
    let answer = Answer::Identities(vec![Identity { blob: vec![1, 2], comment: "me".into() }]);

    assert_eq!(answer.to_bytes(), b"\0\0\0\x11\x0c\0\0\0\x01\0\0\0\x02\x01\x02\0\0\0\x02me");
    assert_eq!(Answer::Failure.to_bytes(), [0, 0, 0, 1, 5]);
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Request::Sign { key, data, .. } = parse(&bytes) {
            prop_assert!(key.len() + data.len() + 13 == bytes.len());
        }
    }

    #[test]
    fn a_sign_request_cut_anywhere_is_refused(
        key in proptest::collection::vec(any::<u8>(), 0..60),
        data in proptest::collection::vec(any::<u8>(), 0..60),
        flags: u32,
        cut in 1_usize..140,
    ) {
        let whole = message(SIGN_REQUEST, &[&key, &data], &flags.to_be_bytes());
        let expected = Request::Sign { key: key.as_slice(), data: data.as_slice(), flags };
        prop_assert_eq!(parse(&whole), expected);
        let shorter = &whole[..whole.len().saturating_sub(cut)];
        prop_assert_eq!(parse(shorter), Request::Other);
        let longer = [whole.as_slice(), &[0]].concat();
        prop_assert_eq!(parse(&longer), Request::Other);
    }
}
