//! Whether git runs us for a push. Only words depend on it: that the account may only read can then be said
//! before the forge says less.

use std::path::Path;

/// How far up to look: git, its transport helper, a shell, an editor's wrapper.
const DEPTH: usize = 8;
/// git's own options that take a second argument.
const WITH_VALUE: [&str; 6] = ["-c", "-C", "--git-dir", "--work-tree", "--namespace", "--config-env"];

/// Looks at the processes above this one.
pub(super) fn is_push() -> bool {
    let mut process = "self".to_owned();
    for _ in 0..DEPTH {
        let Some(parent) = parent_of(&process) else { return false };
        let arguments = std::fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&arguments);
        let arguments: Vec<&str> = text.split_terminator('\0').collect();
        if pushes(&arguments) {
            return true;
        }
        process = parent;
    }
    false
}

/// The parent's id, the fourth field of proc_pid_stat(5); the second may have anything in it.
fn parent_of(process: &str) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1).filter(|parent| *parent != "0").map(str::to_owned)
}

/// Whether these arguments are those of a `git push`.
fn pushes(arguments: &[&str]) -> bool {
    let Some((program, rest)) = arguments.split_first() else { return false };
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if matches!(name, "git-push" | "git-send-pack") {
        return true;
    }
    if name != "git" {
        return false;
    }
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        if WITH_VALUE.contains(argument) {
            rest.next();
        } else if !argument.starts_with('-') {
            return matches!(*argument, "push" | "send-pack");
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::pushes;

    #[test]
    fn a_push_is_told_from_what_only_mentions_one() {
        assert!(pushes(&["git", "push", "origin"]));
        assert!(pushes(&["/usr/bin/git", "-C", "push-here", "--no-pager", "push"]));
        assert!(pushes(&["/usr/lib/git-core/git-push"]));
        assert!(!pushes(&["git", "fetch", "origin", "push"]));
        assert!(!pushes(&["git", "-c", "push", "fetch"]));
        assert!(!pushes(&["sh", "-c", "git push"]));
        assert!(!pushes(&[]));
    }
}
