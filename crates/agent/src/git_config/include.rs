//! Having the user's own files include ours: first of all, so that what stands after it wins.

use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What git's files get. Our file is named the way git expands it.
const FOR_GIT: &str = "# Hearth sets git up there; what you write below wins.\n[include]\n\tpath = ~/.config/hearth/gitconfig\n";
/// How an earlier release wrote it, anywhere in the file.
const PATH_FOR_GIT: &str = "~/.config/hearth/gitconfig";
/// What SSH's file gets.
const FOR_SSH: &str = "# Hearth: hosts that SSH reaches through the server. All below is yours.\nInclude ~/.config/hearth/ssh_config\n";
const LINE_FOR_SSH: &str = "Include ~/.config/hearth/ssh_config";

/// Has git read our file: from `~/.gitconfig`, or, where that is a link into somebody's dotfiles, from the
/// other file that git reads.
pub(super) fn git(home: &Path) -> io::Result<()> {
    let files = [home.join(".gitconfig"), home.join(".config/git/config")];
    if files.iter().any(|file| says(file, PATH_FOR_GIT)) {
        return Ok(());
    }
    let Some(file) = files.iter().find(|file| !is_link(file)) else {
        return Err(io::Error::other(
            "both of git's own files are links; add an include of Hearth's by hand",
        ));
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    prepend(file, FOR_GIT, 0o644)
}

/// Whether a file of git's has nothing in it but our include, so that another can take its place.
pub(crate) fn is_only_ours(file: &Path) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text == FOR_GIT)
}

/// Has SSH read our file.
pub(super) fn ssh(home: &Path) -> io::Result<()> {
    let folder = home.join(".ssh");
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = folder.join("config");
    if std::fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|line| line == LINE_FOR_SSH)) {
        return Ok(());
    }
    if is_link(&file) {
        return Err(io::Error::other("`~/.ssh/config` is a link; add an include of Hearth's file by hand"));
    }
    prepend(&file, FOR_SSH, 0o600)
}

fn says(file: &Path, words: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(words))
}

fn is_link(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_ok_and(|found| found.is_symlink())
}

/// Puts `head` before what is in the file, and keeps all of that and its permissions.
fn prepend(file: &Path, head: &str, mode: u32) -> io::Result<()> {
    let (present, mode) = match std::fs::metadata(file) {
        Ok(found) => (std::fs::read(file)?, found.permissions().mode() & 0o7777),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), mode),
        Err(error) => return Err(error),
    };
    let draft = PathBuf::from(format!("{}.hearth", file.display()));
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    io::Write::write_all(&mut opened, &[head.as_bytes(), &present].concat())?;
    opened.set_permissions(std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(draft, file)
}
