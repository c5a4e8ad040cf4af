//! Installing dotfiles that bring no script: each becomes a link at its place in the home folder.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::git_config::is_only_ours;

/// What begins with a dot and is about the repository.
const NOT_LINKED: [&str; 6] =
    [".git", ".github", ".gitlab-ci.yml", ".gitmodules", ".gitattributes", ".gitignore"];
/// Where files come from that nobody has changed.
const SKELETON: &str = "/etc/skel";
/// Folders within folders that are followed.
const DEPTH: usize = 16;

/// Links every file below the folder's entries that begin with a dot, and says which were left alone because
/// something else was there.
pub(super) fn make(folder: &Path, home: &Path) -> io::Result<Vec<String>> {
    let mut said = Vec::new();
    let mut linked = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with('.') && !NOT_LINKED.contains(&text.as_ref()) {
            link(folder, Path::new(&name), home, DEPTH, &mut linked, &mut said)?;
        }
    }
    said.sort();
    said.insert(0, format!("Linked {linked} files of the dotfiles into the home folder"));
    Ok(said)
}

fn link(
    folder: &Path,
    path: &Path,
    home: &Path,
    depth: usize,
    linked: &mut u32,
    said: &mut Vec<String>,
) -> io::Result<()> {
    let (from, to) = (folder.join(path), home.join(path));
    if std::fs::symlink_metadata(&from)?.is_dir() {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        // A link at the folder's place leads where we do not want to write.
        if std::fs::symlink_metadata(&to).is_ok_and(|found| !found.is_dir()) {
            said.push(format!("`~/{}` is left as it is", path.display()));
            return Ok(());
        }
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(&from)? {
            link(folder, &path.join(entry?.file_name()), home, depth, linked, said)?;
        }
        return Ok(());
    }
    if std::fs::symlink_metadata(&to).is_ok() {
        if std::fs::read_link(&to).is_ok_and(|target| target == from) {
            return Ok(());
        }
        if !is_untouched(&to, path) {
            said.push(format!("`~/{}` is left as it is", path.display()));
            return Ok(());
        }
        std::fs::remove_file(&to)?;
    }
    symlink(from, to)?;
    *linked += 1;
    Ok(())
}

/// Whether a file is the one that new home folders get, or has only what we wrote.
fn is_untouched(file: &Path, path: &Path) -> bool {
    if !std::fs::symlink_metadata(file).is_ok_and(|found| found.is_file()) {
        return false;
    }
    is_only_ours(file)
        || match (std::fs::read(file), std::fs::read(Path::new(SKELETON).join(path))) {
            (Ok(present), Ok(skeleton)) => present == skeleton,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::make;

    #[test]
    fn dotfiles_become_links_and_what_is_there_stays() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| folder.path().join(name);
        for name in [".git", ".config/editor"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in [".git/HEAD", ".config/editor/theme", ".vimrc", ".zshrc", "README.md", ".gitignore"] {
            fs::write(at(name), "theirs").unwrap();
        }
        fs::write(home.path().join(".zshrc"), "mine").unwrap();

        let said = make(folder.path(), home.path()).unwrap();
        let again = make(folder.path(), home.path()).unwrap();

        let text = |name: &str| fs::read_to_string(home.path().join(name)).unwrap_or_default();
        assert_eq!((text(".vimrc"), text(".config/editor/theme")), ("theirs".into(), "theirs".into()));
        assert_eq!(text(".zshrc"), "mine");
        assert!(!home.path().join(".git").exists() && !home.path().join(".gitignore").exists());
        assert_eq!(
            said,
            ["Linked 2 files of the dotfiles into the home folder", "`~/.zshrc` is left as it is"]
        );
        assert_eq!(again[0], "Linked 0 files of the dotfiles into the home folder");
    }
}
