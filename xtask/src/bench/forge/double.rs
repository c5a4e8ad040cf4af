//! A double of GitLab with demonstration data, as a process of its own.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::secrets::example;
use crate::service::Service;
use crate::shell;

/// The running double and what it says about itself.
pub(super) struct Double {
    _service: Service,
    /// Its address, without a slash at the end.
    pub(super) url: String,
    /// Whether it plays a release and which.
    pub(super) version: String,
    /// The OAuth application's id.
    pub(super) client_id: String,
    /// The OAuth application's secret.
    pub(super) client_secret: String,
    /// Password of the user `dev`.
    pub(super) password: String,
    /// A personal access token of that user.
    pub(super) token: String,
    /// The page of that user's private project.
    pub(super) project: String,
}

impl Double {
    /// Starts it; its application may send browsers to `redirect_uri`.
    pub(super) fn start(redirect_uri: &str) -> Result<Self> {
        let mut command = shell::command(example("gitlab_double"));
        command.args(["--port", "0", "--redirect", redirect_uri]);
        let mut service = Service::start("the double of GitLab", &mut command)?;
        // The line about SSH is one of the last.
        let said = service.wait_for(Duration::from_secs(30), |said| {
            said.lines().any(|line| line.starts_with("SSH ")).then(|| said.to_owned())
        })?;
        let word = |line: &str| word_behind(&said, line).with_context(|| format!("no `{line}` in:\n{said}"));
        let version = word("GitLab ")?;
        Ok(Self {
            url: word(&format!("GitLab {version} at "))?,
            version,
            client_id: word("application ")?,
            client_secret: word("  secret ")?,
            password: word("user           dev      password ")?,
            token: word("token of dev ")?,
            project: private_project(&said).context("the double has no private project")?,
            _service: service,
        })
    }
}

/// The first word behind what a line begins with.
fn word_behind(said: &str, start: &str) -> Option<String> {
    let rest = said.lines().find_map(|line| line.strip_prefix(start))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The address of the project that only its members may read, which stands first.
fn private_project(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.starts_with("project "))?;
    line.split_whitespace().last().filter(|url| url.ends_with("/group/sub/project")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "GitLab 18.1.1-ee at http://127.0.0.1:7980\n\
                        user           root     password one\n\
                        user           dev      password two\n\
                        project        1        http://127.0.0.1:7980/group/sub/project\n\
                        project        2        http://127.0.0.1:7980/group/open\n\
                        application    abc\n\x20 secret       def\ntoken of dev   glpat-x\n";

    #[test]
    fn what_the_double_says_is_read() {
        assert_eq!(word_behind(SAID, "GitLab 18.1.1-ee at ").as_deref(), Some("http://127.0.0.1:7980"));
        assert_eq!(word_behind(SAID, "user           dev      password ").as_deref(), Some("two"));
        assert_eq!(word_behind(SAID, "  secret ").as_deref(), Some("def"));
        assert_eq!(private_project(SAID).as_deref(), Some("http://127.0.0.1:7980/group/sub/project"));
        assert_eq!(word_behind(SAID, "SSH "), None);
    }
}
