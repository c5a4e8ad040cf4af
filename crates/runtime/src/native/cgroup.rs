//! Control groups: limits and usage, on version 1, version 2 and a machine that has some of each.
//!
//! Every controller is looked for by itself. Groups are made below the server's own, so whatever limits
//! the administrator gave the server hold for all its sandboxes together.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Limits, WorkspaceId};

use super::cgroup_find::{self, Hierarchy};
use super::failed::{Context, Failed};
use crate::SandboxUsage;

/// Period of the processor quota, microseconds: the kernel's own default.
const PERIOD: u64 = 100_000;
/// What guard, init and carrier take of a group's memory: 31 MB were seen, nearly all of it the fixed
/// buffers of pasta. Comes on top, so that a workspace gets what it was promised.
const OVERHEAD_BYTES: u64 = 36 << 20;
/// One process each for guard, init and carrier.
const OVERHEAD_PIDS: u64 = 3;
/// A group is busy for a moment after its last process ended.
const REMOVAL_TRIES: u32 = 100;
const REMOVAL_PAUSE: Duration = Duration::from_millis(10);

/// What a group can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Controller {
    /// Bounds and counts processor time.
    Cpu,
    /// Counts processor time where that is a controller of its own (version 1).
    CpuCount,
    /// Bounds and counts memory.
    Memory,
    /// Bounds and counts processes.
    Pids,
}

/// Where this server can make groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    hierarchies: Vec<Hierarchy>,
}

impl Groups {
    /// Looks at what the machine has and what of it this process may use, by making and removing a group.
    ///
    /// `data` gives the name: two servers on one machine never touch each other's groups.
    pub(super) fn find(data: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        data.hash(&mut hasher);
        let mut hierarchies = cgroup_find::hierarchies(&format!("hearth-{:016x}", hasher.finish()));
        hierarchies.retain_mut(Hierarchy::is_usable);
        Self { hierarchies }
    }

    /// Whether a controller is at hand.
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.hierarchies.iter().any(|hierarchy| hierarchy.controllers.contains(&controller))
    }

    /// `cgroup v1`, `cgroup v2`, `cgroup v1+v2 (hybrid)` or `no cgroups`.
    pub(super) fn summary(&self) -> &'static str {
        let any =
            |version_2: bool| self.hierarchies.iter().any(|hierarchy| hierarchy.is_version_2 == version_2);
        match (any(false), any(true)) {
            (true, true) => "cgroup v1+v2 (hybrid)",
            (true, false) => "cgroup v1",
            (false, true) => "cgroup v2",
            (false, false) => "no cgroups",
        }
    }

    /// Makes the groups of one sandbox with its limits. What is there from before is used.
    pub(super) fn make(&self, id: WorkspaceId, limits: &Limits) -> Result<Vec<PathBuf>, Failed> {
        let mut made = Vec::new();
        for hierarchy in &self.hierarchies {
            let group = hierarchy.parent.join(id.to_string());
            make_below(hierarchy, &group)?;
            let limited = limit(hierarchy, &group, limits);
            made.push(group);
            if let Err(failed) = limited {
                remove(&made);
                return Err(failed);
            }
        }
        Ok(made)
    }

    /// The groups of all sandboxes that are there, whether or not anybody knows the sandbox.
    pub(super) fn all(&self) -> Vec<(WorkspaceId, PathBuf)> {
        let mut all = Vec::new();
        for hierarchy in &self.hierarchies {
            let Ok(entries) = fs::read_dir(&hierarchy.parent) else { continue };
            for entry in entries.flatten() {
                if let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                    all.push((id, entry.path()));
                }
            }
        }
        all
    }
}

/// The parent may be taken away at any time by the last sandbox that leaves.
fn make_below(hierarchy: &Hierarchy, group: &Path) -> Result<(), Failed> {
    let mut tries = 0;
    loop {
        hierarchy.make_parent()?;
        match make_folder(group) {
            Err(failed) if failed.errno == libc::ENOENT && tries < 10 => tries += 1,
            made => return made,
        }
    }
}

/// Ends whatever is in these groups and removes them. Failing that, the next sweep tries again.
pub(super) fn remove(groups: &[PathBuf]) {
    for group in groups {
        for attempt in 0..REMOVAL_TRIES {
            match fs::remove_dir(group) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
                _ => break,
            }
            if attempt == 0 {
                kill_all(group);
            }
            std::thread::sleep(REMOVAL_PAUSE);
        }
        if let Some(parent) = group.parent() {
            // Works only for the last one; the parent is made again when needed.
            let _kept = fs::remove_dir(parent);
        }
    }
}

fn kill_all(group: &Path) {
    if fs::write(group.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let pids = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in pids.lines().filter_map(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?)) {
        // Gone already is what was wanted.
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// What the processes in these groups use.
pub(super) fn usage(groups: &[PathBuf]) -> SandboxUsage {
    let mut usage = SandboxUsage::default();
    for group in groups {
        let number =
            |file: &str| -> Option<u64> { fs::read_to_string(group.join(file)).ok()?.trim().parse().ok() };
        let field = |file: &str, name: &str| -> Option<u64> {
            let text = fs::read_to_string(group.join(file)).ok()?;
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        if let Some(micros) = field("cpu.stat", "usage_usec ") {
            usage.cpu_micros = usage.cpu_micros.max(micros);
        }
        if let Some(nanos) = number("cpuacct.usage") {
            usage.cpu_micros = usage.cpu_micros.max(nanos / 1000);
        }
        if let Some(bytes) = number("memory.current").or_else(|| number("memory.usage_in_bytes")) {
            // Cache that nobody uses goes first when memory runs short: it is not in use.
            let idle = field("memory.stat", "total_inactive_file ")
                .or_else(|| field("memory.stat", "inactive_file "))
                .unwrap_or(0);
            usage.memory_bytes = bytes.saturating_sub(idle);
        }
        if let Some(pids) = number("pids.current") {
            usage.pids = u32::try_from(pids).unwrap_or(u32::MAX);
        }
    }
    usage
}

fn limit(hierarchy: &Hierarchy, group: &Path, limits: &Limits) -> Result<(), Failed> {
    let quota = u64::from(limits.cpu_millis) * PERIOD / 1000;
    let memory = limits.memory_bytes.saturating_add(OVERHEAD_BYTES).to_string();
    let pids = u64::from(limits.pids).saturating_add(OVERHEAD_PIDS).to_string();
    for controller in &hierarchy.controllers {
        match (controller, hierarchy.is_version_2) {
            (Controller::Cpu, true) => set(group, "cpu.max", &format!("{quota} {PERIOD}"))?,
            (Controller::Cpu, false) => {
                set(group, "cpu.cfs_period_us", &PERIOD.to_string())?;
                set(group, "cpu.cfs_quota_us", &quota.to_string())?;
            }
            (Controller::Memory, true) => {
                set(group, "memory.max", &memory)?;
                // Swapped out is not given back; absent where the machine has no swap accounting.
                let _absent = set(group, "memory.swap.max", "0");
            }
            (Controller::Memory, false) => {
                set(group, "memory.limit_in_bytes", &memory)?;
                let _absent = set(group, "memory.memsw.limit_in_bytes", &memory);
            }
            (Controller::Pids, _) => set(group, "pids.max", &pids)?,
            (Controller::CpuCount, _) => {}
        }
    }
    Ok(())
}

fn set(group: &Path, file: &str, value: &str) -> Result<(), Failed> {
    let path = group.join(file);
    fs::write(&path, value).context(|| format!("cannot write `{value}` to `{}`", path.display()))
}

/// Makes a group; one that is there is fine.
pub(super) fn make_folder(group: &Path) -> Result<(), Failed> {
    match fs::create_dir(group) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.context(|| format!("cannot make the control group `{}`", group.display())),
    }
}

/// Whether this looks like the inside of a container.
pub(super) fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
}
