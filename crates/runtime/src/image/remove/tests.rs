use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use tempfile::TempDir;

use super::remove_tree;

#[test]
fn a_folder_goes_with_all_it_holds_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    // Names that the moving itself would choose.
    fs::create_dir_all(tree.join("1/2/3")).unwrap();
    fs::create_dir_all(tree.join("a/1")).unwrap();
    fs::write(tree.join("a/file"), "x").unwrap();
    fs::write(folder.path().join("bird"), "alive").unwrap();
    symlink(folder.path(), tree.join("a/b/out")).unwrap();
    symlink("nowhere", tree.join("loose")).unwrap();
    for locked in ["a/b/c", "a/b", "1"] {
        fs::set_permissions(tree.join(locked), fs::Permissions::from_mode(0o000)).unwrap();
    }

    remove_tree(&tree).unwrap();

    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["bird"]);
}

#[test]
fn what_is_not_there_is_removed_already() {
    remove_tree(Path::new("/nowhere/at/all")).unwrap();
}

#[test]
fn no_depth_is_too_deep() {
    let folder = TempDir::new().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let mut at = openat(rustix::fs::CWD, &tree, OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..3_000 {
        mkdirat(&at, "d", Mode::RWXU).unwrap();
        at = openat(&at, "d", OFlags::PATH, Mode::empty()).unwrap();
    }
    drop(at);

    remove_tree(&tree).unwrap();

    assert!(!tree.exists());
}
