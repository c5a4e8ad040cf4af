//! A project's real bare repository, read and changed with the git program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use domain::Timestamp;

/// A bare repository on disk.
#[derive(Debug, Clone)]
pub(crate) struct Repository(PathBuf);

/// A commit as git tells it; dates with the offset of whoever made it.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: (String, String, String),
    pub(crate) committer: (String, String, String),
    pub(crate) message: String,
}

/// A tag; of an annotated one the object and its message too.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) message: Option<String>,
    pub(crate) commit: Commit,
}

/// An entry of a tree: mode, kind, id, path.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) mode: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) path: String,
}

/// Who writes a commit the server makes.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) at: Timestamp,
}

/// `git log`'s fields, each ended by a NUL, each commit by a record separator.
const FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x1e";

/// What GitLab's Gitaly sets as well.
const CONFIG: &str = "[http]\n\treceivepack = true\n[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n\
                      [receive]\n\tadvertisePushOptions = true\n";

/// git with an environment of its own.
pub(crate) fn command() -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("HOME", "/nonexistent")])
        .envs([
            ("GIT_CONFIG_COUNT", "3"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "*"),
        ])
        .envs([("GIT_CONFIG_KEY_1", "gc.auto"), ("GIT_CONFIG_VALUE_1", "0")])
        .envs([("GIT_CONFIG_KEY_2", "core.quotePath"), ("GIT_CONFIG_VALUE_2", "false")]);
    command
}

impl Repository {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes an empty one with `main` as its default branch.
    pub(crate) fn create(path: &Path) -> Self {
        let made = command().args(["init", "-q", "--bare", "-b", "main"]).arg(path).output().expect("git");
        assert!(made.status.success(), "git init: {}", String::from_utf8_lossy(&made.stderr));
        let config = path.join("config");
        let known = std::fs::read_to_string(&config).expect("git wrote it");
        std::fs::write(&config, known + CONFIG).expect("own file");
        Self::at(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn output(&self, arguments: &[&str]) -> Output {
        command().arg("-C").arg(&self.0).args(arguments).output().expect("git")
    }

    /// The output of a git command, or nothing where it failed.
    pub(crate) fn git(&self, arguments: &[&str]) -> Option<String> {
        let output = self.output(arguments);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Feeds `git fast-import`.
    ///
    /// # Panics
    ///
    /// When git refuses the stream: the double wrote it.
    pub(crate) fn import(&self, stream: &str) {
        let mut child = command()
            .arg("-C")
            .arg(&self.0)
            .args(["fast-import", "--quiet", "--force"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git");
        child.stdin.take().expect("a pipe").write_all(stream.as_bytes()).expect("git reads");
        let done = child.wait_with_output().expect("git");
        assert!(done.status.success(), "git fast-import: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Every ref and what it points to.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["for-each-ref", "--format=%(objectname) %(refname)"]).unwrap_or_default();
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(id, name)| (name.to_owned(), id.to_owned())).collect()
    }

    /// The branches with their commits, by name.
    pub(crate) fn branches(&self) -> Vec<(String, String)> {
        let branches = self.refs().into_iter();
        branches.filter_map(|(name, id)| Some((name.strip_prefix("refs/heads/")?.to_owned(), id))).collect()
    }

    /// The tags, by name.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let refs = self.refs().into_iter();
        let tags = refs.filter_map(|(name, id)| Some((name.strip_prefix("refs/tags/")?.to_owned(), id)));
        let full = |(name, target): (String, String)| {
            let commit = self.commit(&format!("refs/tags/{name}"))?;
            let message = if target == commit.id { None } else { self.tag_message(&target) };
            Some(Tag { name, target, message, commit })
        };
        tags.filter_map(full).collect()
    }

    fn tag_message(&self, object: &str) -> Option<String> {
        let text = self.git(&["cat-file", "tag", object])?;
        text.split_once("\n\n").map(|(_, message)| message.trim_end().to_owned())
    }

    /// The id of the commit a branch, tag or id names.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        let wanted = format!("{name}^{{commit}}");
        let id = self.git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        Some(id.trim().to_owned())
    }

    pub(crate) fn commit(&self, name: &str) -> Option<Commit> {
        let id = self.resolve(name)?;
        self.log(&["--max-count=1", &id]).into_iter().next()
    }

    /// Commits `git log` shows for these arguments.
    pub(crate) fn log(&self, arguments: &[&str]) -> Vec<Commit> {
        let arguments: Vec<&str> = ["log", FORMAT].iter().chain(arguments).copied().collect();
        self.git(&arguments).unwrap_or_default().split('\x1e').filter_map(Commit::read).collect()
    }

    /// The entries of a folder; none where the folder does not exist.
    pub(crate) fn tree(&self, commit: &str, folder: &str, recursive: Recursion) -> Option<Vec<Entry>> {
        let at = format!("{commit}:{}", folder.trim_matches('/'));
        let mut arguments = vec!["ls-tree", "-z", "--full-tree"];
        if recursive == Recursion::Deep {
            arguments.extend(["-r", "-t"]);
        }
        arguments.push(&at);
        let prefix = folder.trim_matches('/');
        let listed = self.git(&arguments)?;
        let entry = |line: &str| {
            let (head, name) = line.split_once('\t')?;
            let mut head = head.split(' ');
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let mut next = || head.next().map(str::to_owned);
            Some(Entry { mode: next()?, kind: next()?, id: next()?, path })
        };
        Some(listed.split('\0').filter_map(entry).collect())
    }

    /// A file's id and content.
    pub(crate) fn blob(&self, commit: &str, path: &str) -> Option<(String, Vec<u8>)> {
        let at = format!("{commit}:{path}");
        let id = self.git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &at])?.trim().to_owned();
        let output = self.output(&["cat-file", "blob", &id]);
        output.status.success().then_some((id, output.stdout))
    }

    /// The files of a commit as a gzipped tar below a folder.
    pub(crate) fn archive(&self, commit: &str, folder: &str) -> Option<Vec<u8>> {
        let output = self.output(&["archive", "--format=tar.gz", &format!("--prefix={folder}"), commit]);
        output.status.success().then_some(output.stdout)
    }

    /// Names of files a commit added, modified and removed.
    pub(crate) fn changed(&self, commit: &str) -> [Vec<String>; 3] {
        let listed =
            self.git(&["diff-tree", "-r", "--root", "--no-commit-id", "--name-status", "-z", commit]);
        let listed = listed.unwrap_or_default();
        let mut parts = listed.split('\0');
        let mut changed = [vec![], vec![], vec![]];
        while let (Some(kind), Some(name)) = (parts.next(), parts.next()) {
            let place = usize::from(kind.starts_with('M')) + 2 * usize::from(kind.starts_with('D'));
            changed[place].push(name.to_owned());
        }
        changed
    }

    /// Writes one file in a commit of its own on a branch, which is made from `from` where it is new.
    pub(crate) fn write(
        &self,
        branch: &str,
        from: &str,
        file: (&str, &str),
        message: &str,
        by: &Identity,
    ) -> String {
        let parent = self.resolve(&format!("refs/heads/{branch}")).or_else(|| self.resolve(from));
        let parent = parent.map_or_else(String::new, |parent| format!("from {parent}\n"));
        let (path, content) = file;
        self.import(&format!(
            "commit refs/heads/{branch}\ncommitter {} <{}> {} +0000\ndata {}\n{message}\n{parent}\
             M 100644 inline {path}\ndata {}\n{content}\n",
            by.name,
            by.email,
            by.at.as_second(),
            message.len(),
            content.len(),
        ));
        self.resolve(&format!("refs/heads/{branch}")).expect("the branch was just written")
    }

    /// Makes a merge of `main` and a commit with this tree, on no branch yet.
    pub(crate) fn merge(&self, tree: &str, commit: &str, by: &Identity) -> String {
        let date = format!("{} +0000", by.at.as_second());
        let made = command()
            .arg("-C")
            .arg(&self.0)
            .args(["commit-tree", tree, "-p", "refs/heads/main", "-p", commit, "-m", "Merge"])
            .envs([
                ("GIT_AUTHOR_NAME", &by.name),
                ("GIT_AUTHOR_EMAIL", &by.email),
                ("GIT_AUTHOR_DATE", &date),
            ])
            .envs([("GIT_COMMITTER_NAME", &by.name), ("GIT_COMMITTER_EMAIL", &by.email)])
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git");
        assert!(made.status.success(), "git commit-tree: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    /// Takes a ref of another repository over.
    pub(crate) fn fetch(&self, other: &Self, from: &str, to: &str) {
        let source = other.path().display().to_string();
        let refspec = format!("+{from}:{to}");
        let done = self.output(&["fetch", "-q", "--no-tags", &source, &refspec]);
        assert!(done.status.success(), "git fetch: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Whether a listing goes into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recursion {
    Flat,
    Deep,
}

impl Commit {
    fn read(text: &str) -> Option<Self> {
        let mut fields = text.trim_start_matches('\n').split('\0').map(str::to_owned);
        let id = fields.next().filter(|id| !id.is_empty())?;
        let parents = fields.next()?.split_whitespace().map(str::to_owned).collect();
        let author = (fields.next()?, fields.next()?, with_milliseconds(&fields.next()?));
        let committer = (fields.next()?, fields.next()?, with_milliseconds(&fields.next()?));
        Some(Self { id, parents, author, committer, message: fields.next()? })
    }

    /// The first line of the message.
    pub(crate) fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// Git's ISO dates as Rails writes them: `2026-01-01T00:00:00.000+00:00`.
fn with_milliseconds(date: &str) -> String {
    let (time, offset) = date.split_at_checked(19).unwrap_or((date, ""));
    format!("{time}.000{}", offset.replace('Z', "+00:00"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Commit, with_milliseconds};

    proptest! {
        #[test]
        fn no_output_of_git_panics(text in "\\PC{0,20}(\\x00\\PC{0,8}){0,10}") {
            with_milliseconds(&text);
            let fields = text.split('\0').count();
            prop_assert!(Commit::read(&text).is_none_or(|_| fields >= 9));
        }
    }
}
