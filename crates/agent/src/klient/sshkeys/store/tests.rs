use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;

use super::*;

/// Somebody who is not root, with a home of their own; only root can give them one.
fn nobody(root: &Path) -> Option<Account> {
    let home = root.join("home");
    std::fs::create_dir(&home).unwrap();
    if let Err(error) = chown(&home, Some(65534), Some(65534)) {
        println!("skipped: only root can give a folder away ({error})");
        return None;
    }
    Some(Account { name: "nobody".into(), user: 65534, group: 65534, home })
}

fn draft() -> String {
    ".hearth-0000000000000007.part".into()
}

fn owner_and_mode(path: PathBuf) -> (u32, u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap();
    (found.uid(), found.gid(), found.permissions().mode() & 0o7777)
}

#[test]
fn what_root_writes_for_somebody_is_theirs() {
    let root = tempfile::tempdir().unwrap();
    let Some(account) = nobody(root.path()) else { return };

    assert!(Store::open(&account, false).unwrap().is_none());
    let store = Store::make(&account, false).unwrap();
    store.write(&[b"one".to_vec(), b"two".to_vec()], draft()).unwrap();

    assert_eq!(store.read().unwrap(), [b"one", b"two"]);
    assert_eq!(owner_and_mode(account.home.join(".ssh")), (65534, 65534, 0o700));
    assert_eq!(owner_and_mode(account.home.join(".ssh/authorized_keys")), (65534, 65534, 0o600));
}

#[test]
fn root_is_not_led_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let Some(account) = nobody(root.path()) else { return };
    let elsewhere = root.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("authorized_keys"), "secret\n").unwrap();
    symlink(&elsewhere, account.home.join(".ssh")).unwrap();

    assert!(Store::open(&account, false).is_err());
    assert!(Store::make(&account, false).is_err());
    std::fs::remove_file(account.home.join(".ssh")).unwrap();
    let store = Store::make(&account, false).unwrap();
    symlink(elsewhere.join("authorized_keys"), account.home.join(".ssh/authorized_keys")).unwrap();

    assert!(store.read().is_err());
    store.write(&[b"one".to_vec()], draft()).unwrap();
    assert_eq!(std::fs::read_to_string(elsewhere.join("authorized_keys")).unwrap(), "secret\n");
    assert_eq!(store.read().unwrap(), [b"one"]);
}

#[test]
fn a_file_that_is_too_long_is_neither_read_nor_written() {
    let root = tempfile::tempdir().unwrap();
    let own = Account { name: String::new(), user: 0, group: 0, home: root.path().to_owned() };
    let store = Store::make(&own, true).unwrap();
    let path = root.path().join(".ssh/authorized_keys");
    store.write(&[b"one".to_vec()], draft()).unwrap();

    let refused = store.write(&[vec![b'x'; 1 << 20]], draft()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(store.read().unwrap(), [b"one"]);
    store.write(&[vec![b'x'; (1 << 20) - 1]], draft()).unwrap();
    assert_eq!(store.read().unwrap().len(), 1);

    std::fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(store.read().unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    store.write(&[], draft()).unwrap();
    assert!(store.read().unwrap().is_empty());
}

#[test]
fn a_link_of_ones_own_that_leads_nowhere_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let own = Account { name: String::new(), user: 0, group: 0, home: root.path().to_owned() };
    let path = root.path().join(".ssh/authorized_keys");
    std::fs::create_dir(root.path().join(".ssh")).unwrap();

    for target in ["nowhere", "authorized_keys"] {
        symlink(target, &path).unwrap();
        let store = Store::make(&own, true).unwrap();
        assert!(store.read().unwrap().is_empty());
        store.write(&[b"one".to_vec()], draft()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        assert!(!path.is_symlink());
        std::fs::remove_file(&path).unwrap();
    }
}
