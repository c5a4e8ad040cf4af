use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::{Unpacked, unpack};
use crate::DriverError;
use crate::image::attributes::Ownership;
use crate::image::caps::Caps;
use crate::image::staging::Staging;
use crate::image::tape::Tape;
use crate::image::tree::Tree;

/// Name, kind, target, mode.
type Line = (Vec<u8>, EntryType, Vec<u8>, u32);

fn stream(lines: &[Line]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (name, kind, target, mode) in lines {
        let mut header = Header::new_ustar();
        let old = header.as_old_mut();
        old.name.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        old.linkname.iter_mut().zip(target).for_each(|(to, from)| *to = *from);
        let size = u64::from(*kind == EntryType::Regular);
        header.set_entry_type(*kind);
        header.set_size(size);
        header.set_mode(*mode);
        header.set_uid(u64::from(*mode));
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        stream.extend_from_slice(header.as_bytes());
        stream.resize(stream.len() + if size > 0 { 512 } else { 0 }, b'x');
    }
    stream
}

/// Unpacks in a folder with a canary and asserts that the canary lives.
fn unpacked(stream: &[u8], ownership: Ownership) -> (TempDir, Result<Unpacked, DriverError>) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("canary")).unwrap();
    fs::write(folder.path().join("canary/bird"), "alive").unwrap();
    let staging = Staging::new(folder.path()).unwrap();
    let tree = Tree::open(&staging.files(), &staging.trash()).unwrap();

    let result =
        unpack(&mut Tape::new(stream, &Caps::default()), tree, ownership, &Caps::default(), &|| Ok(()));

    drop(staging);
    assert_eq!(names(folder.path()), ["canary"]);
    assert_eq!(names(&folder.path().join("canary")), ["bird"]);
    assert_eq!(fs::read_to_string(folder.path().join("canary/bird")).unwrap(), "alive");
    (folder, result)
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_stops_between_entries_when_told_to() {
    let folder = TempDir::new().unwrap();
    let staging = Staging::new(folder.path()).unwrap();
    let tree = Tree::open(&staging.files(), &staging.trash()).unwrap();
    let lines = stream(&[(b"a".to_vec(), EntryType::Regular, Vec::new(), 0o644)]);
    let stop = || Err(DriverError::Cancelled);

    let result = unpack(
        &mut Tape::new(lines.as_slice(), &Caps::default()),
        tree,
        Ownership::Ours,
        &Caps::default(),
        &stop,
    );

    assert!(matches!(result, Err(DriverError::Cancelled)));
    assert!(names(&staging.files()).is_empty());
}

#[test]
fn an_entry_that_replaces_the_way_to_itself_is_a_bad_image() {
    let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Symlink, EntryType::Fifo];
    let ways: [&[Line]; 2] = [
        &[(b"a".to_vec(), EntryType::Symlink, b".".to_vec(), 0)],
        &[
            (b"a".to_vec(), EntryType::Directory, Vec::new(), 0o755),
            (b"a/a".to_vec(), EntryType::Symlink, b"..".to_vec(), 0),
        ],
    ];
    for (way, path) in ways.into_iter().zip([b"a/a".to_vec(), b"a/a/a".to_vec()]) {
        for kind in kinds {
            let lines = [way, &[(path.clone(), kind, b"b".to_vec(), 0o755)]].concat();

            let (_folder, result) = unpacked(&stream(&lines), Ownership::Ours);

            match result {
                Err(DriverError::Image { what, .. }) => assert!(what.contains("its own folder"), "{what}"),
                // A folder stays a folder.
                other => assert!(kind == EntryType::Directory && other.is_ok(), "{kind:?}: {other:?}"),
            }
        }
    }
}

/// Names of which some lead out, some are links, some are marks.
fn any_path() -> impl Strategy<Value = Vec<u8>> {
    let parts = [
        "a",
        "b",
        "c",
        ".",
        "..",
        "",
        ".wh.a",
        ".wh.b",
        ".wh..wh..opq",
        ".wh..wh.x",
        ".wh.",
        "canary",
        "bird",
    ];
    let part = prop::sample::select(parts.to_vec());
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/").into_bytes());
    prop_oneof![8 => path, 1 => prop::collection::vec(1_u8.., 1..100), 1 => Just(b"/".to_vec())]
}

fn any_line() -> impl Strategy<Value = Line> {
    let out = prop::sample::select(vec![
        "../../../canary/bird",
        "../../../canary",
        "/canary",
        "/proc/self/root",
        "/",
    ]);
    let target = prop_oneof![3 => any_path(), 1 => out.prop_map(|path| path.as_bytes().to_vec())];
    let kinds = [
        EntryType::Regular,
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
    ];
    (any_path(), prop::sample::select(kinds.to_vec()), target, 0..0o10000_u32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_layer_gets_out(lines in prop::collection::vec(any_line(), 0..16)) {
        for ownership in [Ownership::of_this_process(), Ownership::Ours] {
            let (_folder, result) = unpacked(&stream(&lines), ownership);

            // An ordinary user may be shut out by modes and may not link to others' files; nothing else is
            // ever the machine's fault.
            let root = rustix::process::geteuid().is_root();
            let fine = matches!(result, Ok(_) | Err(DriverError::Image { .. })) || !root;
            prop_assert!(fine, "{:?}", result);
        }
    }
}
