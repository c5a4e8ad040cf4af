//! A real `hearth up` in a folder of its own, and the command line that talks to it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything here may take before the test gives up. Machines are shared; only a hang is a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The executable under test, built beside the tests (`cargo xtask test` does).
///
/// # Panics
///
/// When it has not been built.
pub fn hearth() -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a path");
    let folder = tests.parent().and_then(Path::parent).expect("tests lie in target/…/deps");
    let path = folder.join("hearth");
    assert!(path.exists(), "`{}` is not built; run `cargo xtask test`", path.display());
    path
}

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `hearth serve` instead of `hearth up`: nothing is allowed that is not configured.
    pub serve: bool,
    /// Each is one `--set`, as `section.key=value`.
    pub settings: Vec<String>,
    /// Additional variables of its environment.
    pub environment: Vec<(String, String)>,
    /// The text of a configuration file.
    pub config: Option<String>,
}

impl Options {
    /// `hearth up` with these settings.
    pub fn set(settings: &[&str]) -> Self {
        Self { settings: settings.iter().map(|&setting| setting.to_owned()).collect(), ..Self::default() }
    }
}

/// A running server and its data folder. Dropping it kills the server and removes its workspaces.
pub struct Server {
    options: Options,
    data: PathBuf,
    /// Removes everything when the test ends.
    _folder: tempfile::TempDir,
    child: Option<Child>,
    /// Where it answers.
    pub url: String,
    /// The one-time address that makes the first account, while there is none.
    pub setup_url: Option<String>,
}

impl Server {
    /// Starts a server in a fresh folder on a free port.
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// The same, started in this way.
    pub fn start_with(options: Options) -> Self {
        // A short path: a Unix socket's may have 108 bytes.
        let folder =
            tempfile::Builder::new().prefix("hearth-").tempdir_in("/tmp").expect("a temporary folder");
        let data = folder.path().join("data");
        if let Some(text) = &options.config {
            std::fs::write(data.with_extension("toml"), text).expect("a configuration file");
        }
        let mut server =
            Self { options, data, _folder: folder, child: None, url: String::new(), setup_url: None };
        server.run();
        server
    }

    /// Starts the server process again after [`Server::kill`] or [`Server::stop`], and waits until it is ready.
    pub fn run(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        let is_fresh = !self.data.exists();
        let mut command = Command::new(hearth());
        let verb = if self.options.serve { "serve" } else { "up" };
        command.args([verb, "--listen", "127.0.0.1:0"]).env("HEARTH_DATA_DIR", &self.data);
        for setting in &self.options.settings {
            command.args(["--set", setting]);
        }
        if self.options.config.is_some() {
            command.arg("--config").arg(self.data.with_extension("toml"));
        }
        command.envs(self.options.environment.iter().cloned());
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data.with_extension("log"))
            .expect("a log file");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("hearth starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.next().and_then(Result::ok).unwrap_or_else(|| {
            panic!("the server ended before it was ready:\n{}", self.log());
        });
        ready.strip_prefix("Hearth is ready at ").expect("the ready line").clone_into(&mut self.url);
        let reader = lines;
        self.child = Some(child);
        // The set-up line, if any, follows at once; a thread keeps the pipe from filling.
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in reader.map_while(Result::ok) {
                drop(tell.send(line));
            }
        });
        // A fresh folder has one; of a database that is elsewhere nobody knows.
        let is_elsewhere = format!("{:?}", self.options).contains("postgres");
        let patience =
            if is_fresh && !is_elsewhere { Duration::from_secs(10) } else { Duration::from_millis(500) };
        self.setup_url = told
            .recv_timeout(patience)
            .ok()
            .and_then(|line| line.strip_prefix("First visit: ").map(str::to_owned));
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// What it is started with from now on.
    pub fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// The configuration file, if it was started with one.
    pub fn config_file(&self) -> PathBuf {
        self.data.with_extension("toml")
    }

    /// Asks the server to end, and waits for it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("terminate");
            assert!(child.wait().expect("wait").success(), "{}", self.log());
        }
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }

    /// Runs `hearth …` as the user who runs the server.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        Command::new(hearth())
            .args(arguments)
            .env("HEARTH_DATA_DIR", &self.data)
            .env_remove("HEARTH_SERVER")
            .stdin(Stdio::null())
            .output()
            .expect("hearth runs")
    }

    /// The same, with `--json`, expecting success.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let output = self.cli(&all);
        assert!(output.status.success(), "hearth {arguments:?}: {}\n{}", text(&output.stderr), self.log());
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs a command in a workspace and answers its trimmed output, expecting success.
    pub fn exec(&self, workspace: &str, command: &[&str]) -> String {
        let mut all = vec!["exec", workspace, "--"];
        all.extend(command);
        let output = self.cli(&all);
        assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    /// The local socket, for tests that speak HTTP themselves.
    pub fn socket(&self) -> PathBuf {
        self.data.join("hearth.sock")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut log = self.log();
            let from = log.len().saturating_sub(8000);
            log = log.split_off(log.ceil_char_boundary(from));
            eprintln!("--- server log ---\n{log}");
        }
        let sandboxes = std::fs::read_dir(self.data.join("sandboxes"));
        if self.child.is_none() && sandboxes.into_iter().flatten().next().is_none() {
            return;
        }
        if self.child.is_none() {
            self.run();
        }
        let list = self.cli(&["--json", "list"]);
        let list: Value = serde_json::from_slice(&list.stdout).unwrap_or_default();
        for workspace in list["items"].as_array().into_iter().flatten() {
            if let Some(id) = workspace["id"].as_str() {
                drop(self.cli(&["delete", id]));
            }
        }
        self.kill();
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until `condition` answers something.
///
/// # Panics
///
/// When it has not after [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {}s for {what}", PATIENCE.as_secs());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Reads everything a child printed.
pub fn read_all(mut from: impl Read) -> String {
    let mut bytes = vec![];
    drop(from.read_to_end(&mut bytes));
    text(&bytes)
}
