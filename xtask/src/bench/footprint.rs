//! What idle processes keep in memory, and how large the files are.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::docker::Docker;
use super::hearth::Hearth;
use super::report::Report;
use crate::project::{self, Profile};

/// How long everything rests before it is looked at.
const REST: Duration = Duration::from_secs(5);

/// Measures a fresh server with one idle workspace, its agent, the server that did all the other
/// measurements, and the peer's daemon.
pub(super) fn measure(used: &Hearth, docker: &Docker, report: &mut Report) -> Result<()> {
    println!("footprint");
    let fresh = Hearth::start()?;
    let workspace = fresh.create(&json!({"name": "idle", "rootfs": "host"}))?;
    fresh.exec(&workspace, &["true"])?;
    let container = docker.resting_container()?;
    std::thread::sleep(REST);

    let mut rows = vec![
        ("hearth server, fresh, one idle workspace", resident(fresh.pid())?, Some(40_000_000)),
        ("hearth server after all of the above", resident(used.pid())?, None),
    ];
    if let Some(agent) = agents().last() {
        rows.push(("hearth-agent, idle", resident(*agent)?, Some(6_000_000)));
    }
    if let Some(daemon) = docker.pid() {
        let all = descendants(daemon).into_iter().filter_map(|pid| resident(pid).ok()).sum();
        rows.push(("dockerd, containerd and shim, one idle container", all, None));
    }
    docker.remove(&container)?;
    fresh.delete(&workspace)?;
    report.sizes("Memory at rest", "Resident set size after five idle seconds.", &rows);

    let size = |path: std::path::PathBuf| {
        fs::metadata(&path)
            .map(|file| file.len())
            .with_context(|| format!("cannot look at `{}`", path.display()))
    };
    let files = [
        ("hearth, with agent and UI inside", size(Profile::Release.hearth())?, None),
        ("hearth-agent", size(project::embedded_agent())?, Some(6_000_000)),
    ];
    report.sizes("Files", "What one installs, and the part of it that travels into every workspace.", &files);
    Ok(())
}

/// Resident bytes of one process.
pub(super) fn resident(pid: u32) -> Result<u64> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("no process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is not a number")?;
    Ok(kib << 10)
}

/// Agents of this machine, oldest first.
fn agents() -> Vec<u32> {
    let is_agent = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"/.hearth/agent"))
    };
    processes().into_iter().filter(is_agent).collect()
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return vec![] };
    let mut pids: Vec<u32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// A process and all that came from it, as far as parents are still known, and its shims.
fn descendants(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    for pid in processes() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, in parentheses, may hold anything; the parent is the second field after it.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        let is_shim = stat.contains("(containerd-shim)");
        if parent.is_some_and(|parent: u32| family.contains(&parent)) || is_shim {
            family.push(pid);
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_memory_is_a_sensible_number() {
        let bytes = resident(std::process::id()).unwrap();

        assert!((1 << 20..1 << 33).contains(&bytes), "{bytes}");
    }

    #[test]
    fn we_descend_from_our_parent() {
        let parent = std::os::unix::process::parent_id();

        assert!(descendants(parent).contains(&std::process::id()));
    }
}
