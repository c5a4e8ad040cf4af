//! What the workspace uses, as seen from inside.

use rustix::fs::statvfs;
use wire::agent::AgentUsage;

use crate::agent::Parts;

/// Looks now.
pub(crate) fn read(parts: &Parts) -> AgentUsage {
    let disk = statvfs(parts.environment.folder()).ok();
    AgentUsage {
        processes: count_processes(),
        last_activity_at: parts.activity.last(),
        disk_free_bytes: disk.as_ref().map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        disk_total_bytes: disk.as_ref().map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
    }
}

/// Processes but for our own: this one and, where it is the first of all, the one that started it.
fn count_processes() -> u32 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let own = std::process::id();
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let count = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own && !(*pid == 1 && parent == 1))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
