//! What the numbers were measured on.

use std::fs;

use crate::shell;

/// One line each: what, and what it is.
pub(super) fn describe() -> Vec<(&'static str, String)> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = value_of(&cpus, "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = value_of(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal");
    let memory =
        memory.and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() >> 20;
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("unknown")
        .trim_matches('"');
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    vec![
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("machine", format!("{cores} cores of {model}, {memory} GiB of memory")),
        ("system", format!("{system}, Linux {}, {}", kernel.trim(), cgroups())),
        ("load before", load),
        (
            "hearth",
            format!("{} at {}", env!("CARGO_PKG_VERSION"), said("git", &["describe", "--always", "--dirty"])),
        ),
        ("bubblewrap", said("bwrap", &["--version"])),
    ]
}

/// The first value of a `key : value` line.
fn value_of(text: &str, key: &str) -> Option<String> {
    let is_key = |line: &&str| line.split(':').next().is_some_and(|start| start.trim() == key);
    text.lines().find(is_key)?.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    shell::read(shell::command(program).args(arguments))
        .map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}

fn cgroups() -> &'static str {
    let exists = |path: &str| std::path::Path::new(path).exists();
    match (exists("/sys/fs/cgroup/cgroup.controllers"), exists("/sys/fs/cgroup/unified")) {
        (true, _) => "cgroup v2",
        (false, true) => "cgroup v1 and v2 (hybrid)",
        (false, false) => "cgroup v1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_key() {
        let text = "model\t\t: 17\nmodel name\t: Some CPU\n";

        assert_eq!(value_of(text, "model name").as_deref(), Some("Some CPU"));
        assert_eq!(value_of(text, "name"), None);
    }
}
