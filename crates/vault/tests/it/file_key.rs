//! The key file on a real disk, with two servers at it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use domain::DataKeyId;
use proptest::prelude::*;
use vault::{DataKey, FileKey, Place, PlatformKey, PlatformKeyError, Secret, Wrapped};

use crate::tool::System;

const PLACE: Place<'static> = Place { table: "t", column: "c", owner: "usr_1", row: "r" };

fn make(path: &Path) -> FileKey {
    FileKey::create(path, Arc::new(System)).unwrap()
}

fn open(path: &Path) -> Result<FileKey, PlatformKeyError> {
    FileKey::open(path, Arc::new(System))
}

fn id(number: u8) -> DataKeyId {
    DataKeyId::from_bytes([number; 16])
}

#[tokio::test]
async fn a_data_key_comes_back_from_its_wrapping() {
    let folder = tempfile::tempdir().unwrap();
    let platform = make(&folder.path().join("new/platform.key"));
    let key = DataKey::generate(id(1), &System);
    let sealed = key.seal(&PLACE, b"token");

    let wrapped = key.wrap(&platform, "usr_1").await.unwrap();
    let stored = Wrapped::from_bytes(wrapped.as_bytes().to_vec());
    let again = open(platform.path()).unwrap();
    let key = DataKey::unwrap(id(1), "usr_1", &stored, &again).await.unwrap();

    assert_eq!(key.open(&PLACE, &sealed).unwrap().expose(), b"token");
    assert_eq!(platform.wrapped_by(&wrapped), "1");
    again.health().await.unwrap();
}

#[tokio::test]
async fn a_wrapped_key_is_of_use_to_its_owner_under_its_id_only() {
    let folder = tempfile::tempdir().unwrap();
    let platform = make(&folder.path().join("key"));
    let wrapped = DataKey::generate(id(1), &System).wrap(&platform, "usr_1").await.unwrap();

    for (id, owner) in [(id(2), "usr_1"), (id(1), "usr_2")] {
        let error = DataKey::unwrap(id, owner, &wrapped, &platform).await.err().unwrap();
        assert!(matches!(error, PlatformKeyError::Refused { .. }), "{error:?}");
        assert!(!error.is_transient() && !error.mend().is_empty());
    }
}

#[tokio::test]
async fn after_a_rotation_old_keys_unwrap_and_new_ones_are_of_the_new_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let (here, there) = (make(&path), open(&path).unwrap());
    let key = DataKey::generate(id(1), &System);
    let old = key.wrap(&here, "usr_1").await.unwrap();

    assert_eq!(here.rotate().await.unwrap(), "2");
    let new = key.wrap(&here, "usr_1").await.unwrap();

    // The other server has not been told.
    assert_eq!((there.wrapped_by(&old), there.wrapped_by(&new)), ("1".into(), "2".into()));
    DataKey::unwrap(id(1), "usr_1", &new, &there).await.unwrap();
    DataKey::unwrap(id(1), "usr_1", &old, &there).await.unwrap();
    assert_eq!(there.version().await.unwrap(), "2");
    let again = DataKey::rewrap(id(1), "usr_1", &old, &there).await.unwrap();
    assert_eq!(there.wrapped_by(&again), "2");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_rotate_at_once_lose_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    make(&path);

    let servers = (0..8).map(|number| {
        let server = open(&path).unwrap();
        tokio::spawn(async move {
            server.rotate().await.unwrap();
            DataKey::generate(id(number), &System).wrap(&server, "usr_1").await.unwrap()
        })
    });
    let mut wrapped = Vec::new();
    for server in servers.collect::<Vec<_>>() {
        wrapped.push(server.await.unwrap());
    }

    let platform = open(&path).unwrap();
    assert_eq!(platform.version().await.unwrap(), "9");
    for (number, wrapped) in (0..).zip(&wrapped) {
        DataKey::unwrap(id(number), "usr_1", wrapped, &platform).await.unwrap();
    }
}

#[tokio::test]
async fn a_version_that_is_gone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let platform = make(&path);
    platform.rotate().await.unwrap();
    let wrapped = DataKey::generate(id(1), &System).wrap(&platform, "usr_1").await.unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().next().unwrap()).unwrap();
    let error = DataKey::unwrap(id(1), "usr_1", &wrapped, &platform).await.err().unwrap();

    assert_eq!(error.to_string(), "version 2 of the platform key is not in the key file");
}

#[test]
fn a_file_that_others_may_read_is_refused_with_the_command_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    make(&path);

    for (mode, fine) in [(0o640, false), (0o604, false), (0o620, false), (0o400, true), (0o600, true)] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match open(&path) {
            Ok(_) => assert!(fine, "{mode:o}"),
            Err(error) => {
                assert!(!fine, "{mode:o}: {error}");
                assert!(error.mend().contains("chmod 600"), "{}", error.mend());
            }
        }
    }
}

#[test]
fn a_key_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    make(&path);
    let before = std::fs::read(&path).unwrap();

    let error = FileKey::create(&path, Arc::new(System)).err().unwrap();

    assert!(matches!(error, PlatformKeyError::Refused { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_link_to_the_file_survives_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("key"), folder.path().join("link"));
    make(&path);
    symlink(&path, &link).unwrap();

    open(&link).unwrap().rotate().await.unwrap();

    assert!(link.is_symlink() && !path.is_symlink());
    assert_eq!(open(&path).unwrap().version().await.unwrap(), "2");
}

#[tokio::test]
async fn a_file_that_is_not_there_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let platform = make(&path);

    std::fs::rename(&path, folder.path().join("away")).unwrap();
    let error = platform.health().await.unwrap_err();
    std::fs::rename(folder.path().join("away"), &path).unwrap();

    assert!(error.is_transient(), "{error:?}");
    platform.health().await.unwrap();
}

#[test]
fn text_that_is_no_key_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    make(&path);
    std::fs::write(&path, "1 c2VjcmV0\n").unwrap();

    let error = open(&path).err().unwrap();

    let cause = std::error::Error::source(&error).unwrap();
    let shown = format!("{error:?} {error} {cause} {}", error.mend());
    assert!(shown.contains("line 1") && !shown.contains("c2VjcmV0"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_bytes_never_unwrap(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "(file:)?[0-9]{0,2}:?[A-Za-z0-9+/]{0,90}") {
        let folder = tempfile::tempdir().unwrap();
        let platform = make(&folder.path().join("key"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

        for bytes in [bytes, text.into_bytes()] {
            let wrapped = Wrapped::from_bytes(bytes);
            let _version = platform.wrapped_by(&wrapped);
            let unwrapped: Result<Secret<[u8; 32]>, _> = runtime.block_on(platform.unwrap(&wrapped, b""));
            prop_assert!(unwrapped.is_err());
        }
    }
}
