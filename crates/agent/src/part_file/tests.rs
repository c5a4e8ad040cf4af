use std::cell::Cell;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::*;

struct Fixed(u64);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0.to_ne_bytes()[..buffer.len()]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_name_is_known_again_and_no_other_is() {
    for random in [0, 7, u64::MAX] {
        assert!(is_one(OsStr::new(&name(&Fixed(random)))));
    }
    for other in ["", ".hearth", ".hearth-.part", "a.part", ".hearth-0123456789abcdeg.part", ".hearth-0.part"]
    {
        assert!(!is_one(OsStr::new(other)), "{other}");
    }
}

#[test]
fn a_draft_takes_its_place_or_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "old").unwrap();
    let count = Cell::new(0);
    let draft = |openness| {
        count.set(count.get() + 1);
        let draft = Draft::beside(&path, name(&Fixed(count.get())), openness).unwrap();
        draft.file().write_all(b"new").unwrap();
        draft
    };

    let given_up = draft(Openness::Own);
    assert_eq!(given_up.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()).len(), 2);
    drop(given_up);
    let refused = draft(Openness::Usual).appear(OsStr::new("file")).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names(folder.path()).len()), ("old", 1));

    draft(Openness::Own).replace(OsStr::new("file")).unwrap();
    draft(Openness::Usual).appear(OsStr::new("second")).unwrap();

    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(names(folder.path()), ["file", "second"]);
}
