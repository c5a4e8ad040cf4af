//! The private folder that the sockets lie in.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Below the home folder.
const FOLDER: &str = ".config/hearth/run";
/// Longest path of a socket, without the zero at its end (unix(7)).
const PATH_MAX: usize = 107;

/// Where it is unless that cannot be.
pub(super) fn usual(home: &Path) -> PathBuf {
    home.join(FOLDER)
}

/// Makes the folder, private to this user, for sockets with names of at most `name_max` bytes.
pub(super) fn make(home: &Path, workspace: &str, name_max: usize) -> io::Result<PathBuf> {
    let other = std::env::temp_dir().join(format!("hearth-{workspace}"));
    let fits = |folder: &PathBuf| folder.as_os_str().len() + 1 + name_max <= PATH_MAX;
    let mut last = io::Error::new(io::ErrorKind::InvalidFilename, "the path of the home folder is too long");
    for folder in [usual(home), other].into_iter().filter(fits) {
        match private(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes `folder`, or makes sure that what is there is ours alone.
fn private(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to somebody else"));
    }
    if found.mode() & 0o777 != 0o700 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{make, usual};

    #[test]
    fn the_folder_is_private_and_one_that_was_open_is_closed() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(usual(home.path())).unwrap();
        std::fs::set_permissions(usual(home.path()), std::fs::Permissions::from_mode(0o777)).unwrap();

        let folder = make(home.path(), "ws_1", 10).unwrap();

        assert_eq!(folder, usual(home.path()));
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_link_or_a_long_path_sends_it_elsewhere() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir_all(usual(home.path()).parent().unwrap()).unwrap();
        symlink(other.path(), usual(home.path())).unwrap();
        let name = format!("test-{}", std::process::id());

        let elsewhere = std::env::temp_dir().join(format!("hearth-{name}"));
        assert_eq!(make(home.path(), &name, 10).unwrap(), elsewhere);
        let long = home.path().join("x".repeat(90));
        assert_eq!(make(&long, &name, 10).unwrap(), elsewhere);
        std::fs::remove_dir(elsewhere).unwrap();
    }
}
