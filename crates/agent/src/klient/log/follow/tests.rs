use std::io::Write;

use proptest::prelude::*;

use super::*;

fn backlog(content: &[u8], count: u64) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    let from = last_lines(&file, content.len() as u64, count).unwrap();
    content[usize::try_from(from).unwrap()..].to_vec()
}

#[test]
fn the_last_lines_are_found_from_the_end() {
    assert_eq!(backlog(b"a\nb\nc\n", 2), b"b\nc\n");
    assert_eq!(backlog(b"a\nb\nc", 2), b"b\nc");
    assert_eq!(backlog(b"a\nb\n", 5), b"a\nb\n");
    assert_eq!(backlog(b"a\nb\n", 0), b"");
    assert_eq!(backlog(b"", 5), b"");
    assert_eq!(backlog(b"\n\n\n", 2), b"\n\n");
}

#[test]
fn lines_longer_than_a_block_are_found_too() {
    let line = "x".repeat(150_000);

    assert_eq!(backlog(format!("first\n{line}\n{line}\n").as_bytes(), 2).len(), 300_002);
}

#[test]
fn when_a_file_is_replaced_the_old_one_is_read_to_its_end_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "one\n").unwrap();
    let follow = Follow::open(&path, 5).unwrap();
    let mut old = File::options().append(true).open(&path).unwrap();
    std::fs::rename(&path, folder.path().join("log.1")).unwrap();
    std::fs::write(&path, "three\n").unwrap();
    old.write_all(b"two\ncut").unwrap();

    let mut lines = vec![];
    while let Progress { lines: more, at_end: false } = follow.reader().advance() {
        lines.extend(more);
    }

    assert_eq!(lines, ["one", "two", "cut", "three"]);
}

#[test]
fn when_a_file_is_cut_short_it_is_read_from_its_beginning() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one\ntwo\n").unwrap();
    let follow = Follow::open(file.path(), 0).unwrap();

    std::fs::write(file.path(), "new\n").unwrap();

    let mut lines = vec![];
    while let Progress { lines: more, at_end: false } = follow.reader().advance() {
        lines.extend(more);
    }
    assert_eq!(lines, ["new"]);
}

proptest! {
    #[test]
    fn as_many_lines_as_were_asked_for(text in "[a\n]{0,200}", count in 1_u64..20) {
        let found = String::from_utf8(backlog(text.as_bytes(), count)).unwrap();

        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let skipped = all.len().saturating_sub(usize::try_from(count).unwrap());
        prop_assert_eq!(found, all[skipped..].concat());
    }
}
