//! Looks for what a server may have left behind on the machine.

use std::fs;
use std::path::Path;

/// Everything on this machine that still belongs to the data folder: processes, mounts, control groups.
/// Empty when nothing was left.
pub fn of(data: &Path) -> Vec<String> {
    let shown = data.display().to_string();
    let mut found = vec![];
    for process in entries("/proc") {
        let Ok(pid) = process.parse::<u32>() else { continue };
        if pid == std::process::id() {
            continue;
        }
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let mounts = String::from_utf8_lossy(&read("mountinfo")).into_owned();
        if mounts.contains(&shown) || command.contains(&shown) {
            found.push(format!("process {pid}: {command}"));
        }
    }
    for folder in ["sandboxes", "run"] {
        for entry in entries(data.join(folder)) {
            found.push(format!("folder {folder}/{entry}"));
        }
    }
    found
}

/// Control groups below Hearth's own that name one of `ids`.
pub fn cgroups(ids: &[String]) -> Vec<String> {
    let mut found = vec![];
    let mut pending = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = pending.pop() {
        for name in entries(&folder) {
            let path = folder.join(&name);
            if !path.is_dir() || path.is_symlink() {
                continue;
            }
            if ids.iter().any(|id| name.contains(id.as_str())) {
                found.push(path.display().to_string());
            }
            pending.push(path);
        }
    }
    found
}

/// How many network namespaces processes of this machine are in.
pub fn network_namespaces() -> usize {
    let mut seen = std::collections::BTreeSet::new();
    for process in entries("/proc").iter().filter(|name| name.parse::<u32>().is_ok()) {
        if let Ok(namespace) = fs::read_link(format!("/proc/{process}/ns/net")) {
            seen.insert(namespace);
        }
    }
    seen.len()
}

fn entries(folder: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
