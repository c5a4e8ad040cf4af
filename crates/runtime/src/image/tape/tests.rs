use std::io::Read;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::{Entry, Kind, Tape};
use crate::DriverError;
use crate::image::caps::Caps;

/// Every entry with its body.
fn read(stream: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, DriverError> {
    let mut tape = Tape::new(stream, &Caps::default());
    let mut entries = Vec::new();
    while let Some(entry) = tape.next()? {
        let mut body = Vec::new();
        tape.read_to_end(&mut body).map_err(super::unreadable)?;
        entries.push((entry, body));
    }
    tape.finish()?;
    Ok(entries)
}

fn header(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    for (to, from) in header.as_old_mut().name.iter_mut().zip(name) {
        *to = *from;
    }
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o640);
    header.set_uid(1);
    header.set_gid(2);
    header.set_mtime(3);
    header.set_cksum();
    header
}

fn with(name: &str, kind: EntryType, body: &[u8]) -> Vec<u8> {
    let mut stream = header(name.as_bytes(), kind, body.len() as u64).as_bytes().to_vec();
    stream.extend_from_slice(body);
    stream.resize(stream.len().next_multiple_of(512), 0);
    stream
}

fn pax(records: &str, then: &[u8]) -> Vec<u8> {
    [with("x", EntryType::XHeader, records.as_bytes()), then.to_vec()].concat()
}

#[test]
fn a_plain_entry_is_read() {
    let entries = read(&with("a/b", EntryType::Regular, b"hello")).unwrap();

    let (entry, body) = &entries[0];
    assert_eq!(
        (entry.path.as_slice(), &entry.kind, body.as_slice()),
        (&b"a/b"[..], &Kind::File, &b"hello"[..])
    );
    assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime_s), (0o640, 1, 2, 3));
}

#[test]
fn long_names_of_gnu_and_pax_are_joined() {
    let long = "n".repeat(300);
    let gnu = [
        with("././@LongLink", EntryType::GNULongName, format!("{long}\0").as_bytes()),
        with("short", EntryType::Regular, b"x"),
    ];
    let record = format!("310 path={long}\n");
    let pax = pax(&record, &with("short", EntryType::Regular, b"x"));

    for stream in [gnu.concat(), pax] {
        let entries = read(&stream).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].0.path, long.as_bytes());
    }
}

#[test]
fn pax_records_count_for_the_next_entry_only() {
    let first = pax("15 path=renamed\n", &with("a", EntryType::Regular, b""));

    let entries = read(&[first, with("b", EntryType::Regular, b"")].concat());

    // A wrong length (16 would be right) is damage, not a guess.
    assert!(entries.is_err());
    let first = pax("16 path=renamed\n", &with("a", EntryType::Regular, b""));
    let names: Vec<_> = read(&[first, with("b", EntryType::Regular, b"")].concat()).unwrap();
    assert_eq!((names[0].0.path.as_slice(), names[1].0.path.as_slice()), (&b"renamed"[..], &b"b"[..]));
}

#[test]
fn the_size_of_pax_wins_over_the_header() {
    let mut stream = pax("10 size=5\n", &header(b"a", EntryType::Regular, 0).as_bytes()[..]);
    stream.extend_from_slice(b"hello");
    stream.resize(stream.len().next_multiple_of(512), 0);
    stream.extend(with("b", EntryType::Regular, b""));

    let entries = read(&stream).unwrap();

    assert_eq!(entries[0].1, b"hello");
    assert_eq!(entries[1].0.path, b"b");
}

#[test]
fn global_headers_and_unknown_kinds_do_not_disturb() {
    let stream = [
        with("g", EntryType::XGlobalHeader, b"16 path=renamed\n"),
        with("label", EntryType::new(b'V'), b""),
        with("odd", EntryType::new(b'Z'), b"with a body"),
        with("a", EntryType::Regular, b"x"),
    ];

    let entries = read(&stream.concat()).unwrap();

    let kinds: Vec<&Kind> = entries.iter().map(|(entry, _)| &entry.kind).collect();
    assert_eq!(kinds, [&Kind::Nothing, &Kind::Nothing, &Kind::File]);
    assert_eq!(entries[2].0.path, b"a");
}

#[test]
fn a_link_has_no_body_whatever_its_size_says() {
    let mut link = header(b"link", EntryType::Symlink, 512);
    link.set_link_name("target").unwrap();
    link.set_cksum();

    let entries = read(&[link.as_bytes().to_vec(), with("a", EntryType::Regular, b"x")].concat()).unwrap();

    assert_eq!(entries[0].0.kind, Kind::Symlink(b"target".to_vec()));
    assert_eq!(entries[1].0.path, b"a");
}

#[test]
fn a_name_with_a_slash_at_its_end_is_a_folder() {
    assert_eq!(read(&with("old/", EntryType::Regular, b"")).unwrap()[0].0.kind, Kind::Folder);
}

#[test]
fn sparse_entries_are_refused() {
    let sparse = pax("22 GNU.sparse.major=1\n", &with("a", EntryType::Regular, b""));

    assert!(read(&sparse).unwrap_err().to_string().contains("sparse"));
    assert!(read(&with("a", EntryType::GNUSparse, b"")).unwrap_err().to_string().contains("sparse"));
}

#[test]
fn damaged_streams_are_refused() {
    let good = with("a", EntryType::Regular, b"hello");
    let mut flipped = good.clone();
    flipped[0] ^= 1;

    assert!(read(&flipped).unwrap_err().to_string().contains("check sum"));
    for cut in [1, 511, 513, 516] {
        assert!(read(&good[..cut]).unwrap_err().to_string().contains("in the middle"), "{cut}");
    }
    for records in ["path=x\n", "9 path=x", "99 path=x\n", "0 \n", "-1 a=b\n", " ", "5 a=\u{0}"] {
        assert!(read(&pax(records, &good)).is_err(), "{records:?}");
    }
}

#[test]
fn the_padding_of_the_last_entry_may_be_missing() {
    let stream = with("a", EntryType::Regular, b"hello");

    assert_eq!(read(&stream[..517]).unwrap()[0].1, b"hello");
    assert!(read(&[]).unwrap().is_empty());
    assert!(read(&[0; 512]).unwrap().is_empty());
}

#[test]
fn extension_headers_without_end_are_refused() {
    let endless = with("././@LongLink", EntryType::GNULongName, b"x").repeat(10_000);
    let huge = header(b"x", EntryType::XHeader, u64::MAX / 2);

    assert!(read(&endless).unwrap_err().to_string().contains("too long"));
    assert!(read(huge.as_bytes()).unwrap_err().to_string().contains("too long"));
}

#[test]
fn times_with_fractions_are_read() {
    let at = |time: &str| {
        let record = format!("{} mtime={time}\n", time.len() + 10);
        let (entry, _) = read(&pax(&record, &with("a", EntryType::Regular, b""))).unwrap().remove(0);
        (entry.mtime_s, entry.mtime_nanos)
    };

    assert_eq!(at("12.5"), (12, 500_000_000));
    assert_eq!(at("12.000000001999"), (12, 1));
    // What makes no sense leaves the header's time.
    assert_eq!(at("-1.5"), (3, 0));
    assert_eq!(at("999999999999999999"), (3, 0));
}

proptest! {
    #[test]
    fn what_the_tar_crate_writes_is_read(
        files in prop::collection::vec(("[a-z]{1,20}(/[a-z]{1,60}){0,6}", prop::collection::vec(any::<u8>(), 0..2000)), 0..10)
    ) {
        let mut builder = Builder::new(Vec::new());
        for (name, body) in &files {
            builder.append_data(&mut header(b"", EntryType::Regular, body.len() as u64), name, body.as_slice()).unwrap();
        }

        let entries = read(&builder.into_inner().unwrap()).unwrap();

        let got: Vec<_> = entries.iter().map(|(entry, body)| (entry.path.clone(), body.clone())).collect();
        let put: Vec<_> = files.into_iter().map(|(name, body)| (name.into_bytes(), body)).collect();
        prop_assert_eq!(got, put);
    }

    #[test]
    fn no_header_makes_it_fall_over(block in prop::collection::vec(any::<u8>(), 512), kind in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..2048)) {
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        header.set_entry_type(EntryType::new(kind));
        header.set_cksum();

        let _either = read(&[header.as_bytes().to_vec(), tail].concat());
    }

    #[test]
    fn no_pax_text_makes_it_fall_over(records in "([0-9]{1,3} )?(path|size|uid|mtime|SCHILY.xattr.user.a)?=?.{0,20}\n?", more in prop::collection::vec(any::<u8>(), 0..100)) {
        let _either = read(&pax(&records, &with("a", EntryType::Regular, &more)));
        let _either = read(&[with("x", EntryType::XHeader, &more), with("a", EntryType::Regular, b"")].concat());
    }
}
