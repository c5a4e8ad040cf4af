//! What every child starts with: who the user is, a clean environment, and a folder.

use std::path::{Path, PathBuf};

use wire::agent::AgentConfig;

/// What a shell has on a plain Debian.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Shells that refuse to be one.
const NO_SHELLS: [&str; 3] = ["nologin", "false", "true"];

/// What children start with. Nothing of the agent's own environment is passed on.
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
    folder: PathBuf,
    home: PathBuf,
    shell: String,
}

impl Environment {
    /// Looks the user up and lays the configured variables over the agent's own set.
    pub(crate) fn new(config: &AgentConfig) -> Self {
        let user = User::current();
        let mut environment = Self {
            variables: vec![],
            folder: config.folder.clone().into(),
            home: user.home,
            shell: user.shell,
        };
        let home = environment.home.to_string_lossy().into_owned();
        let shell = environment.shell.clone();
        for (name, value) in [
            ("HOME", home.as_str()),
            ("USER", &user.name),
            ("LOGNAME", &user.name),
            ("SHELL", &shell),
            ("PATH", PATH),
            ("LANG", "C.UTF-8"),
            ("HEARTH", "1"),
            ("HEARTH_WORKSPACE_ID", &config.workspace),
        ] {
            environment.set(name, value);
        }
        for (name, value) in &config.env {
            environment.set(name, value);
            match name.as_str() {
                "HOME" => environment.home = value.into(),
                "SHELL" => environment.shell.clone_from(value),
                _ => {}
            }
        }
        environment
    }

    /// Every variable, with `TERM` as given unless it is configured.
    pub(crate) fn variables(&self, term: &str) -> Vec<(String, String)> {
        let mut variables = self.variables.clone();
        if !variables.iter().any(|(name, _)| name == "TERM") {
            variables.push(("TERM".into(), term.into()));
        }
        variables
    }

    /// The value that children get for a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The workspace's folder, or the home folder as long as that does not exist.
    pub(crate) fn folder(&self) -> &Path {
        if self.folder.is_dir() {
            &self.folder
        } else if self.home.is_dir() {
            &self.home
        } else {
            Path::new("/")
        }
    }

    /// The workspace's folder, there or not: what relative paths begin at.
    pub(crate) fn workspace_folder(&self) -> &Path {
        &self.folder
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The user's login shell.
    pub(crate) fn shell(&self) -> &str {
        &self.shell
    }

    /// Sets a variable that every child gets.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        // Neither can stand in an environment, and one odd variable must not keep a shell from starting.
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return;
        }
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, present)) => value.clone_into(present),
            None => self.variables.push((name.to_owned(), value.to_owned())),
        }
    }
}

struct User {
    name: String,
    home: PathBuf,
    shell: String,
}

impl User {
    /// Reads `/etc/passwd` by itself: a static executable has no other source, and an image needs none.
    fn current() -> Self {
        let uid = rustix::process::getuid().as_raw().to_string();
        let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| {
            match fields.as_slice() {
                [name, _, id, _, _, home, shell] if *id == uid => Some((*name, *home, *shell)),
                _ => None,
            }
        });
        let (name, home, shell) = found.unwrap_or(("hearth", "/", ""));
        let is_usable = Path::new(shell).is_file()
            && !NO_SHELLS.iter().any(|refusing| Path::new(shell).ends_with(refusing));
        let fallback = if Path::new("/bin/bash").is_file() { "/bin/bash" } else { "/bin/sh" };
        Self {
            name: name.to_owned(),
            home: home.into(),
            shell: if is_usable { shell } else { fallback }.to_owned(),
        }
    }
}
