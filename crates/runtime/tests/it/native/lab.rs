//! A driver in a folder of its own, and a way to run scripts in its sandboxes without an agent.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{Limits, Rootfs, SnapshotId, WorkspaceId};
use outbound::{Client, Policy};
use runtime::native::{Launcher, NativeDriver, NativeSettings};
use runtime::{BindMount, Boot, Driver, ImageStore, SandboxSpec};
use tempfile::TempDir;

/// How long anything that should happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Lab {
    pub(crate) driver: NativeDriver,
    pub(crate) images: ImageStore,
    folder: TempDir,
}

/// What a script in a sandbox did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) output: String,
}

impl Lab {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("hearth-lab-").tempdir().unwrap();
        let (driver, images) = open(folder.path()).await;
        let lab = Self { driver, images, folder };
        assert!(lab.driver.support().usable, "{:#?}", lab.driver.support());
        lab
    }

    /// The same data folder under a new driver, as after the server was killed.
    pub(crate) async fn reopened(mut self) -> Self {
        (self.driver, self.images) = open(self.folder.path()).await;
        self
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder of the machine that every sandbox of this lab sees as `/.hearth/run`.
    pub(crate) fn shared(&self) -> PathBuf {
        self.folder.path().join("shared")
    }

    pub(crate) fn boot(&self, script: &str) -> Boot {
        let mount = |host: &Path, inside: &str, read_only| BindMount {
            host: host.to_owned(),
            inside: inside.into(),
            read_only,
        };
        let own = std::env::current_exe().unwrap();
        Boot {
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: [("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"), ("HOME", "/home/hearth")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            mounts: vec![mount(&self.shared(), "/.hearth/run", false), mount(&own, "/.hearth/tests", true)],
            descriptor_3: b"the secret".to_vec(),
        }
    }

    pub(crate) async fn created(&self) -> WorkspaceId {
        self.created_with(|_| {}).await
    }

    pub(crate) async fn created_with(&self, change: impl FnOnce(&mut SandboxSpec)) -> WorkspaceId {
        let mut spec = a_spec();
        change(&mut spec);
        self.driver.create(&spec).await.unwrap();
        spec.id
    }

    pub(crate) async fn started(&self, script: &str) -> WorkspaceId {
        let id = self.created().await;
        self.driver.start(id, self.boot(script)).await.unwrap();
        id
    }

    /// Runs a script to its end in a sandbox that is stopped before and after.
    pub(crate) async fn run(&self, id: WorkspaceId, script: &str) -> Outcome {
        let name = format!("{}-{}", id, next_number());
        let to = format!("/.hearth/run/{name}");
        let script = format!(
            "( {script}\n) > {to}.out 2>&1 3<&-; echo $? > {to}.new; mv {to}.new {to}.status; exit 0"
        );
        self.driver.start(id, self.boot(&script)).await.unwrap();
        tokio::time::timeout(PATIENCE * 3, self.driver.ended(id)).await.expect("the script ends").unwrap();
        let read = |kind: &str| std::fs::read_to_string(self.shared().join(format!("{name}.{kind}")));
        Outcome {
            status: read("status").unwrap().trim().parse().unwrap(),
            output: read("out").unwrap().trim_end().to_owned(),
        }
    }

    /// Runs a script in a sandbox of its own and gives what it printed; it must succeed.
    pub(crate) async fn output_of(&self, script: &str) -> String {
        let id = self.created().await;
        let outcome = self.run(id, script).await;
        assert_eq!(outcome.status, 0, "{}", outcome.output);
        self.driver.remove(id).await.unwrap();
        outcome.output
    }

    /// Waits until a file of the shared folder has this many lines.
    pub(crate) async fn lines(&self, name: &str, count: usize) -> Vec<String> {
        let path = self.shared().join(name);
        let mut lines = Vec::new();
        until(&format!("{count} lines in {name}"), || {
            lines = std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
            lines.len() >= count
        })
        .await;
        lines
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A test that failed must not leave sandboxes to the next one. Their guards are named on disk.
        let Ok(entries) = std::fs::read_dir(self.data().join("sandboxes")) else { return };
        for entry in entries.flatten() {
            let Ok(text) = std::fs::read_to_string(entry.path().join("state.json")) else { continue };
            let Ok(state) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
            let pid = state["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(pid) = pid.filter(|pid| is_ours(*pid)) {
                let _gone =
                    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
            }
        }
    }
}

/// Whether a process is a launcher of these tests: ids are used again.
fn is_ours(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sandbox")
}

async fn open(folder: &Path) -> (NativeDriver, ImageStore) {
    use std::os::unix::fs::PermissionsExt;
    let (data, shared) = (folder.join("data"), folder.join("shared"));
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).unwrap();
    let images = ImageStore::open(data.clone(), Client::new(Policy::with_loopback())).unwrap();
    let settings = NativeSettings {
        data,
        launcher: Launcher { program: launcher(), arguments: Vec::new() },
        images: images.clone(),
    };
    (NativeDriver::open(settings).await.unwrap(), images)
}

/// The launcher: beside this executable when that was copied for another user.
fn launcher() -> PathBuf {
    let beside = std::env::current_exe().unwrap().with_file_name("sandbox");
    if beside.exists() { beside } else { env!("CARGO_BIN_EXE_sandbox").into() }
}

pub(crate) fn a_spec() -> SandboxSpec {
    SandboxSpec {
        id: a_workspace(),
        hostname: "lab".into(),
        rootfs: Rootfs::Host,
        base: None,
        limits: Limits { cpu_millis: 1000, memory_bytes: 512 << 20, pids: 200 },
    }
}

pub(crate) fn a_workspace() -> WorkspaceId {
    format!("ws_{}", digits()).parse().unwrap()
}

pub(crate) fn a_snapshot() -> SnapshotId {
    format!("snap_{}", digits()).parse().unwrap()
}

/// Digits of an id that no other test of this or another process uses.
fn digits() -> String {
    format!("0{:012}{:013}", std::process::id(), next_number())
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Waits for a condition; fails naming it when it does not come.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Says why a test does not run here.
pub(crate) fn skip(why: &str) {
    println!("skipped: {why}");
}

/// Whether this process can give sandboxes ids of their own.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
