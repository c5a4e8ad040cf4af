//! The kite key on disk.

use std::error::Error as _;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use kite::kontrol::{KeyFile, KeyFileError, KiteKey, KiteKeyError};
use proptest::prelude::*;

use super::double::kite_key;

fn key_of(subject: &str, id: &str) -> KiteKey {
    KiteKey::parse(kite_key(subject, id).expose()).unwrap()
}

#[test]
fn a_key_is_kept_for_its_owner_alone_and_read_again() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path().join("deep/.kite"));

    file.write(&key_of("ada", "key_1")).unwrap();

    assert_eq!(file.read().unwrap().claims().id, "key_1");
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o7777, 0o400);
    let folder = file.path().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o700);
    assert!(file.path().ends_with(".kite/kite.key"));
}

#[test]
fn a_new_key_takes_the_old_one_s_place_and_leaves_nothing_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());

    for id in ["key_1", "key_2", "key_3"] {
        file.write(&key_of("ada", id)).unwrap();
        assert_eq!(file.read().unwrap().claims().id, id);
    }

    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_key_that_cannot_be_kept_leaves_the_old_one() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());
    fs::create_dir(file.path()).unwrap();

    let error = file.write(&key_of("ada", "key_1")).err().unwrap();

    assert!(matches!(error, KeyFileError::Write { .. }));
    assert!(error.source().is_some());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_mend() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::in_folder(home.path());
    assert!(matches!(file.read(), Err(KeyFileError::Missing { .. })));
    assert!(file.read().err().unwrap().to_string().contains("make one at the registry"));

    for text in ["", "abc", "a.b.c", "\u{feff}", &"x".repeat(100_000)] {
        fs::write(file.path(), text).unwrap();
        assert!(matches!(file.read(), Err(KeyFileError::NotAKey { .. })));
    }
    fs::write(file.path(), [0xff, 0xfe]).unwrap();
    assert!(matches!(file.read(), Err(KeyFileError::Read { .. })));
    // An editor's line feed does no harm.
    fs::write(file.path(), format!("{}\n", kite_key("ada", "key_1").expose())).unwrap();
    assert_eq!(file.read().unwrap().claims().subject, "ada");
}

#[test]
fn the_usual_place_is_named_by_the_environment() {
    let usual = |variables: &[(&str, &str)]| {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        KeyFile::usual(find).map(|file| file.path().display().to_string())
    };

    assert_eq!(usual(&[("KITE_HOME", "/k"), ("HOME", "/h")]).as_deref(), Some("/k/kite.key"));
    assert_eq!(usual(&[("HOME", "/h")]).as_deref(), Some("/h/.kite/kite.key"));
    assert_eq!(usual(&[("KITE_HOME", ""), ("HOME", "/h")]).as_deref(), Some("/h/.kite/kite.key"));
    assert_eq!(usual(&[]), None);
}

#[test]
fn a_name_becomes_a_field_without_a_separator() {
    assert_eq!(key_of("ada", "key_1").username(), "ada");
    assert_eq!(key_of("team/ada 100%", "key_1").username(), "team%2Fada 100%25");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn no_text_makes_a_key_panic(text in "\\PC{0,300}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,80}", 3)) {
        prop_assert!(KiteKey::parse(&text).is_err());
        prop_assert_eq!(KiteKey::parse(&format!("x.{}.y", parts.join("."))).err(), Some(KiteKeyError::Form));
        prop_assert_eq!(KiteKey::parse(&parts.join(".")).err(), Some(KiteKeyError::Form));
    }
}
