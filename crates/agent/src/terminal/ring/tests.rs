use super::*;

#[test]
fn what_was_pushed_is_read_back_from_any_number() {
    let mut ring = Ring::default();
    ring.push(b"hello ");
    ring.push(b"world");

    assert_eq!(ring.read(0, 100).unwrap(), b"hello world");
    assert_eq!(ring.read(6, 3).unwrap(), b"wor");
    assert_eq!(ring.read(11, 100).unwrap(), b"");
    assert_eq!(ring.read(12, 100), None);
}

#[test]
fn the_oldest_bytes_go_first_and_numbers_stay() {
    let mut ring = Ring::default();
    let mut expected = Vec::new();
    for round in 0_u32..300 {
        let chunk: Vec<u8> = (0..10_007_u32).map(|i| u8::try_from((i * 7 + round) % 251).unwrap()).collect();
        ring.push(&chunk);
        expected.extend(chunk);
    }

    assert_eq!(ring.next(), u64::try_from(expected.len()).unwrap());
    assert_eq!(ring.start(), u64::try_from(expected.len() - KEPT).unwrap());
    assert_eq!(ring.read(ring.start() - 1, 1), None);
    for from in [expected.len() - KEPT, expected.len() - 1_000_000, expected.len() - 1] {
        let read = ring.read(u64::try_from(from).unwrap(), usize::MAX).unwrap();
        assert!(read == expected[from..], "from {from}");
    }
}
