//! What a sandbox uses, counted process by process: for machines without control groups.

use std::fs;
use std::path::Path;

use super::process::read_small;
use crate::SandboxUsage;

/// Adds up a process and everything below it. Time of processes that ended is counted with whoever
/// collected them, so it is not lost.
pub(super) fn of_descendants(root: i32) -> SandboxUsage {
    let (ticks, page) = units();
    let mut total = SandboxUsage::default();
    let mut waiting = vec![root];
    while let Some(pid) = waiting.pop() {
        let Some(one) = read_one(pid) else { continue };
        total.cpu_micros += one.ticks.saturating_mul(1_000_000) / ticks;
        total.memory_bytes += one.pages.saturating_mul(page);
        total.pids = total.pids.saturating_add(one.threads);
        waiting.extend(children(pid));
    }
    total
}

/// Clock ticks per second and bytes per page.
fn units() -> (u64, u64) {
    use nix::unistd::{SysconfVar, sysconf};
    let ask = |what, usual| {
        sysconf(what)
            .ok()
            .flatten()
            .and_then(|value| u64::try_from(value).ok())
            .filter(|value| *value > 0)
            .unwrap_or(usual)
    };
    (ask(SysconfVar::CLK_TCK, 100), ask(SysconfVar::PAGE_SIZE, 4096))
}

struct One {
    ticks: u64,
    pages: u64,
    threads: u32,
}

fn read_one(pid: i32) -> Option<One> {
    let stat = read_small(Path::new(&format!("/proc/{pid}/stat")))?;
    // Fields after the name, see proc_pid_stat(5): 12 to 15 are times, 18 is the number of threads, 22 pages.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = (11..15).filter_map(number).sum();
    Some(One { ticks, pages: number(21)?, threads: u32::try_from(number(17)?).unwrap_or(u32::MAX) })
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
