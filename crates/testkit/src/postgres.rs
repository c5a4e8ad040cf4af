//! A real PostgreSQL server in a temporary folder, gone when the test ends.
//!
//! Each call of [`postgres`] starts a server of its own, which costs about a second, nearly all of it
//! `initdb`; each [`Postgres::database`] after that costs some fifty milliseconds. Because nextest runs
//! every test in a process of its own, a crate puts what it checks on PostgreSQL into one test function
//! that walks through a list with a fresh database each.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::wait::wait_until;

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Files in memory: there, making a database takes a quarter of the time it takes on a disk.
const IN_MEMORY: &str = "/dev/shm";
/// Each database takes about eight megabytes; with less room than this the disk is used.
const ROOM: u64 = 2 << 30;
/// How the folders begin.
const PREFIX: &str = "hearth-postgres-";
/// The file in each folder that is locked as long as the folder is in use.
const LOCK: &str = "lock";
/// PostgreSQL refuses to run as root; Debian's package brings this user along.
const USER: &str = "postgres";
/// A hundred times what a start takes on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// An immediate stop only has to end processes; past this they are killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A running server. Dropping it stops it and removes its files.
pub struct Postgres {
    server: Child,
    folder: TempDir,
    /// Held as long as the folder is in use.
    _lock: File,
    programs: PathBuf,
    databases: AtomicU32,
}

/// Starts a PostgreSQL server.
///
/// `None` where it is not installed, after printing why: the caller returns and counts as skipped.
///
/// # Panics
///
/// When it is installed but does not start; and when it is not installed but the environment says
/// `CI=true`, because there nothing may be skipped.
pub async fn postgres() -> Option<Postgres> {
    let Some(programs) = newest_version() else {
        let why = format!("no PostgreSQL under `{VERSIONS}`; install the Debian package `postgresql`");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        report(&format!("skipped: {why}"));
        return None;
    };
    let (folder, lock) = make_folder();
    let data = folder.path().join("data");
    let made = as_user(&programs.join("initdb"))
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
        .arg("--pgdata")
        .arg(&data)
        .current_dir(folder.path())
        .output()
        .expect("initdb");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let log = File::create(folder.path().join("log")).expect("a log file");
    let server = as_user(&programs.join("postgres"))
        .arg("-D")
        .arg(&data)
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"])
        .args(["-c", "synchronous_commit=off", "-c", "max_connections=200", "-c", "shared_buffers=16MB"])
        .args(["-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=64MB"])
        .arg("-k")
        .arg(folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("postgres");
    let postgres = Postgres { server, folder, _lock: lock, programs, databases: AtomicU32::new(0) };
    wait_until(START_LIMIT, async || postgres.answers()).await;
    Some(postgres)
}

impl Postgres {
    /// Makes an empty database and gives its URL.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("create database {name}")).await;
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.path().display())
    }

    /// Ends every connection to the server but its own, as a restart of the server or a network would.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn cut_connections(&self) {
        self.run("select pg_terminate_backend(pid) from pg_stat_activity where datname like 'test\\_%'")
            .await;
    }

    async fn run(&self, sql: &str) {
        let mut client = tokio::process::Command::from(self.client("psql"));
        let done = client.args(["-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", sql]).output().await;
        let done = done.expect("psql");
        assert!(done.status.success(), "`{sql}`: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn answers(&self) -> bool {
        self.client("pg_isready").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-h").arg(self.folder.path()).args(["-U", "postgres"]).env_remove("PGPORT");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let stopped = as_user(&self.programs.join("pg_ctl"))
            .args(["stop", "--mode=immediate", "--silent", "--wait"])
            .arg(format!("--timeout={}", STOP_LIMIT.as_secs()))
            .arg("--pgdata")
            .arg(&data)
            .current_dir("/")
            .stderr(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            self.server.kill().ok();
        }
        self.server.wait().ok();
    }
}

fn newest_version() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok);
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()?;
    let programs = Path::new(VERSIONS).join(newest.to_string()).join("bin");
    programs.join("initdb").exists().then_some(programs)
}

/// A command that runs as an ordinary user and ends with this process, even when that is killed.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=QUIT");
    if is_root() {
        command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--reset-env"]);
    }
    command.arg(program);
    command
}

/// Makes a folder in memory or on disk, after removing what killed tests left there.
fn make_folder() -> (TempDir, File) {
    let room = rustix::fs::statvfs(IN_MEMORY).map_or(0, |shm| shm.f_bavail.saturating_mul(shm.f_frsize));
    let parent = if room < ROOM { std::env::temp_dir() } else { PathBuf::from(IN_MEMORY) };
    let others = fs::read_dir(&parent).into_iter().flatten().filter_map(Result::ok);
    for other in others.filter(|other| other.file_name().to_string_lossy().starts_with(PREFIX)) {
        let unused = File::open(other.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if unused {
            fs::remove_dir_all(other.path()).ok();
        }
    }
    let folder = TempDir::with_prefix_in(PREFIX, parent).expect("a temporary folder");
    // Locked under another name, so that nobody finds it unlocked.
    let lock = File::create(folder.path().join("new")).expect("a lock file");
    lock.lock().expect("a fresh lock");
    fs::rename(folder.path().join("new"), folder.path().join(LOCK)).expect("own folder");
    give_away(folder.path());
    (folder, lock)
}

/// Makes the folder usable for the user the server runs as.
fn give_away(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("own folder");
    if is_root() {
        let users = fs::read_to_string("/etc/passwd").expect("the list of users");
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let ids = fields
            .filter(|fields| fields.first() == Some(&USER))
            .find_map(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
        let (user, group): (u32, u32) = ids.expect("PostgreSQL's package makes the user `postgres`");
        chown(folder, Some(user), Some(group)).expect("root may give folders away");
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[expect(clippy::print_stderr, reason = "the only way to tell who runs the tests")]
fn report(text: &str) {
    eprintln!("{text}");
}
