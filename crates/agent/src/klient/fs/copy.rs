//! Copying files and folders, with permissions and links. Files with several names become several files.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::listing::all_names;
use super::read;
use super::trouble::cannot_with;
use super::turns::Wanted;
use crate::problem::Problem;

/// Bytes between two looks whether anybody still waits.
const STRETCH: u64 = 16 << 20;

/// Copies `from` to `to`, where nothing may be. A copy that does not end well is removed again.
pub(super) fn copy(from: &Path, to: &Path, wanted: &Wanted) -> Result<(), Problem> {
    let is_folder = std::fs::symlink_metadata(from).map_err(cannot_with("copy", from))?.is_dir();
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(Problem::exists("copy to", to.display()));
    }
    if is_folder && is_inside(to, from).map_err(cannot_with("copy to", to))? {
        return Err(Problem::invalid(
            format!("cannot copy `{}` into itself, to `{}`", from.display(), to.display()),
            "Choose a place outside of it.",
        ));
    }
    let mut begun = false;
    let copied = copy_tree(from, to, &mut begun, wanted);
    if copied.is_err() && begun {
        // Ours: nothing was here before.
        drop(if is_folder { std::fs::remove_dir_all(to) } else { std::fs::remove_file(to) });
    }
    copied
}

/// Whether a path that is not there yet would be inside a folder.
fn is_inside(path: &Path, folder: &Path) -> io::Result<bool> {
    let above = std::fs::canonicalize(path.parent().unwrap_or(path))?;
    Ok(above.starts_with(std::fs::canonicalize(folder)?))
}

enum Todo {
    Copy(PathBuf, PathBuf),
    /// A folder's permissions come last, because they may forbid to write in it.
    Seal(PathBuf, Permissions),
}

/// Copies, and says with `begun` that something of it is at `to`.
fn copy_tree(from: &Path, to: &Path, begun: &mut bool, wanted: &Wanted) -> Result<(), Problem> {
    let mut todo = vec![Todo::Copy(from.to_owned(), to.to_owned())];
    while let Some(next) = todo.pop() {
        wanted.check()?;
        let (from, to) = match next {
            Todo::Copy(from, to) => (from, to),
            Todo::Seal(folder, permissions) => {
                std::fs::set_permissions(&folder, permissions).map_err(cannot_with("copy to", &folder))?;
                continue;
            }
        };
        let source = match std::fs::symlink_metadata(&from) {
            Ok(source) => source,
            // Gone since its folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !todo.is_empty() => continue,
            Err(error) => return Err(cannot_with("copy", &from)(error)),
        };
        let kind = source.file_type();
        if kind.is_dir() {
            let found = all_names(&from).map_err(cannot_with("copy", &from))?;
            make_folder(&to).map_err(cannot_with("copy to", &to))?;
            *begun = true;
            todo.push(Todo::Seal(to.clone(), permissions(&source)));
            todo.extend(found.names.iter().map(|one| Todo::Copy(from.join(&one.name), to.join(&one.name))));
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&from).map_err(cannot_with("copy", &from))?;
            std::os::unix::fs::symlink(target, &to).map_err(cannot_with("copy to", &to))?;
            *begun = true;
        } else if kind.is_file() {
            copy_file(&from, &to, begun, wanted)?;
        } else {
            return Err(Problem::invalid(
                format!("cannot copy `{}`: it is a device, a pipe or a socket", from.display()),
                "Leave it out: copy what is beside it by itself.",
            ));
        }
    }
    Ok(())
}

/// A folder that only its user can enter until it is complete.
fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

fn copy_file(from: &Path, to: &Path, begun: &mut bool, wanted: &Wanted) -> Result<(), Problem> {
    let source = read::open(from)?;
    let permissions = permissions(&source.metadata().map_err(cannot_with("copy", from))?);
    let fails = cannot_with("copy to", to);
    let mut copy: File =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(&fails)?;
    *begun = true;
    // The kernel copies by itself where it can.
    while io::copy(&mut (&source).take(STRETCH), &mut copy).map_err(&fails)? > 0 {
        wanted.check()?;
    }
    copy.set_permissions(permissions).map_err(fails)
}

/// What the copy may: the same, but nobody else's program becomes one that runs with our rights.
fn permissions(of: &Metadata) -> Permissions {
    let is_ours = of.uid() == rustix::process::geteuid().as_raw();
    Permissions::from_mode(of.mode() & if is_ours { 0o7777 } else { 0o777 })
}
