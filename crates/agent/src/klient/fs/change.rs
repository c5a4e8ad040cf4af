//! Making, moving and removing, and who may do what.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::copy;
use super::listing::all_names;
use super::path::Roots;
use super::trouble::{cannot, cannot_with};
use super::turns::Wanted;
use crate::problem::Problem;

/// How many names are tried for one that is free.
const TRIES: u32 = 10_000;

/// Makes a folder.
pub(super) fn make_folder(path: &Path, recursive: bool) -> Result<(), Problem> {
    let made = if recursive { std::fs::create_dir_all(path) } else { std::fs::create_dir(path) };
    made.map_err(cannot_with("make the folder", path))
}

/// A path as it stands, or with a number before its ending: the first that is free.
pub(super) fn unique(path: &Path) -> Result<PathBuf, Problem> {
    let is_free = |path: &Path| match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(cannot("look for", path, &error)),
    };
    if is_free(path)? {
        return Ok(path.to_owned());
    }
    let (Some(stem), ending) = (path.file_stem(), path.extension()) else {
        return Err(Problem::exists("use", path.display()));
    };
    for number in 1..=TRIES {
        let mut name = stem.to_owned();
        name.push(format!("_{number}"));
        if let Some(ending) = ending {
            name.push(".");
            name.push(ending);
        }
        let candidate = path.with_file_name(name);
        if is_free(&candidate)? {
            return Ok(candidate);
        }
    }
    Err(Problem::exists("find a free name like", path.display()))
}

/// Sets permission bits. Of a link, those of what it leads to.
pub(super) fn set_permissions(path: &Path, mode: u32) -> Result<(), Problem> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(cannot_with("change the permissions of", path))
}

/// Sets permission bits of a folder and everything in it. Links, and what they lead to, stay as they are.
pub(super) fn set_permissions_below(path: &Path, mode: u32, wanted: &Wanted) -> Result<(), Problem> {
    const VERB: &str = "change the permissions of";
    if std::fs::symlink_metadata(path).map_err(cannot_with(VERB, path))?.is_symlink() {
        return Err(Problem::invalid(
            format!("cannot {VERB} all in `{}`: it is a link", path.display()),
            "Name the folder that it leads to.",
        ));
    }
    // A folder one may not enter with the new permissions is changed after what is in it, any other
    // before, in case one could not enter it with the old.
    let enterable = mode & 0o700 == 0o700;
    let mut open = vec![(path.to_owned(), false)];
    while let Some((path, is_left)) = open.pop() {
        wanted.check()?;
        let is_folder = match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => continue,
            Ok(found) => found.is_dir(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot(VERB, &path, &error)),
        };
        if is_folder && !is_left {
            if enterable {
                set_permissions(&path, mode)?;
            }
            let found = match all_names(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found.map_err(cannot_with(VERB, &path))?,
            };
            open.push((path.clone(), true));
            open.extend(found.names.iter().map(|found| (path.join(&found.name), false)));
        } else if !(is_folder && enterable) {
            match set_permissions(&path, mode) {
                // It may have gone meanwhile, which is no reason to stop.
                Err(problem) if std::fs::symlink_metadata(&path).is_ok() => return Err(problem),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Removes a file, a link, or a folder: an empty one, or with all in it.
pub(super) fn remove(roots: &Roots, path: &Path, recursive: bool) -> Result<(), Problem> {
    check_not_a_root(roots, "remove", path)?;
    let fails = cannot_with("remove", path);
    let removed = if !std::fs::symlink_metadata(path).map_err(&fails)?.is_dir() {
        std::fs::remove_file(path)
    } else if recursive {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_dir(path)
    };
    removed.map_err(fails)
}

/// Gives something another name, which may be that of a file that then goes. To another file system it is
/// copied, and removed here.
pub(super) fn rename(roots: &Roots, old: &Path, new: &Path, wanted: &Wanted) -> Result<(), Problem> {
    check_not_a_root(roots, "move", old)?;
    match std::fs::rename(old, new) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy::copy(old, new, wanted)?;
            remove(roots, old, true)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(Problem::invalid(
            format!("cannot move `{}`: `{}` is inside it", old.display(), new.display()),
            "Choose a place outside of it.",
        )),
        Err(error) if std::fs::symlink_metadata(old).is_ok() => Err(cannot("move to", new, &error)),
        moved => moved.map_err(cannot_with("move", old)),
    }
}

/// Refuses what the workspace stands on: its folder, its home, and all folders above them.
fn check_not_a_root(roots: &Roots, verb: &str, path: &Path) -> Result<(), Problem> {
    // By its real place, whatever `..` and links are on the way; of a link, the link itself.
    let real = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            std::fs::canonicalize(folder).unwrap_or_else(|_| folder.into()).join(name)
        }
        _ => std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
    };
    let stands_on = |root: &Path| {
        root.starts_with(&real) || std::fs::canonicalize(root).is_ok_and(|root| root.starts_with(&real))
    };
    if stands_on(roots.folder()) || stands_on(roots.home()) {
        return Err(Problem::invalid(
            format!("cannot {verb} `{}`: the workspace stands on it", path.display()),
            "Take what is in it, or delete the whole workspace.",
        ));
    }
    Ok(())
}
