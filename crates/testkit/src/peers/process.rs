//! A server of somebody else's on a free loopback port, gone when the test ends.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::browser::Browser;

/// Ten times what the slowest peer takes on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How often it is asked whether it is ready.
const PAUSE: Duration = Duration::from_millis(20);
/// Where what it prints goes.
const LOG: &str = "log";

/// A running server. Dropping it kills its process group and removes its folder.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Starts the command that `command` makes for a port and a folder of its own.
    ///
    /// The server finds its listening socket, already bound, as its standard input: no other process can
    /// take the port first, and connections wait until the server accepts them.
    pub(crate) fn start(command: impl FnOnce(u16, &Path) -> Command) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let folder = TempDir::with_prefix("hearth-peer-").expect("a temporary folder");
        let log = File::create(folder.path().join(LOG)).expect("a log file");
        let wanted = command(port, folder.path());
        // Ends it even when this process is killed.
        let mut guarded = Command::new("setpriv");
        guarded.arg("--pdeathsig=KILL").arg(wanted.get_program()).args(wanted.get_args());
        for (name, value) in wanted.get_envs() {
            match value {
                Some(value) => guarded.env(name, value),
                None => guarded.env_remove(name),
            };
        }
        let child = guarded
            .current_dir(folder.path())
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("`setpriv` of util-linux is installed");
        (Self { child, folder }, port)
    }

    /// Waits until the server answers `url` with success.
    pub(crate) async fn ready(&mut self, browser: &Browser, url: &str) {
        let begun = Instant::now();
        while !browser.get(url).await.is_ok_and(|page| page.status == 200) {
            let ended = self.child.try_wait().expect("our own child");
            assert!(ended.is_none(), "the peer ended while it started: {}", self.log());
            assert!(begun.elapsed() < START_LIMIT, "the peer does not answer: {}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What it printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read(self.folder.path().join(LOG))
            .map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}
