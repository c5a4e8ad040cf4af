//! `cargo xtask gitlab-double`: a GitLab to look at, with demonstration data, until Ctrl-C.

use anyhow::Result;
use clap::Args;

use crate::shell;

/// How the double is set up.
#[derive(Debug, Args)]
pub(crate) struct Double {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 7980)]
    port: u16,
    /// The release to play, such as 12.10.0, 15.11.13 or 19.0.0-ee.
    #[arg(long, default_value = "18.1.1-ee")]
    version: String,
    /// A relative URL root, such as /gitlab.
    #[arg(long)]
    prefix: Option<String>,
    /// Serve HTTPS; the certificate authority is printed.
    #[arg(long)]
    https: bool,
    /// Serve Git over SSH as well, with the system's sshd.
    #[arg(long)]
    ssh: bool,
    /// The redirect URI of the demonstration's OAuth application.
    #[arg(long)]
    redirect: Option<String>,
}

impl Double {
    /// Builds and runs it.
    ///
    /// # Errors
    ///
    /// When it cannot be built or its port is taken.
    pub(crate) fn run(self) -> Result<()> {
        let mut command = shell::cargo();
        command.args(["run", "--quiet", "--package", "testkit", "--example", "gitlab_double", "--"]);
        command.arg("--port").arg(self.port.to_string()).arg("--version").arg(self.version);
        for (name, value) in [("--prefix", self.prefix), ("--redirect", self.redirect)] {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        }
        command.args(self.https.then_some("--https"));
        command.args(self.ssh.then_some("--ssh"));
        shell::run(&mut command)
    }
}
