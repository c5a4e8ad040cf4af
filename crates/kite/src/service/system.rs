//! What `kite.systemInfo` says of a machine.

use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// The state of a machine. Mixed units are those of Kite's other implementations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemInfo {
    /// `RUNNING`.
    pub state: String,
    /// KiB in use on the disk.
    pub disk_usage: u64,
    /// KiB the disk has.
    pub disk_total: u64,
    /// Bytes of memory in use, without buffers and cached files.
    pub memory_usage: u64,
    /// Bytes of memory there are.
    pub total_memory_limit: u64,
    /// The home folder.
    pub home_dir: String,
    /// The operating system, as `uname -a` says it.
    pub uname: String,
}

/// Where [`SystemInfo`] comes from.
pub trait System: Send + Sync {
    /// Looks at the machine. May block.
    ///
    /// # Errors
    ///
    /// The machine could not be asked; the caller learns no more than that.
    fn read(&self) -> io::Result<SystemInfo>;
}

/// The Linux machine that this runs on.
#[derive(Debug, Clone)]
pub struct Linux {
    /// A folder of the disk in question.
    pub disk: PathBuf,
    /// The home folder.
    pub home: PathBuf,
}

impl Default for Linux {
    /// The disk of `/`, and the home folder of whoever runs this.
    fn default() -> Self {
        Self { disk: PathBuf::from("/"), home: std::env::home_dir().unwrap_or_default() }
    }
}

impl System for Linux {
    fn read(&self) -> io::Result<SystemInfo> {
        let disk = rustix::fs::statvfs(&self.disk)?;
        let kibibytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize) / 1024;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let (memory_usage, total_memory_limit) = memory_of(&memory);
        let uname = rustix::system::uname();
        let parts = [uname.sysname(), uname.nodename(), uname.release(), uname.version(), uname.machine()];
        Ok(SystemInfo {
            state: "RUNNING".to_owned(),
            disk_usage: kibibytes(disk.f_blocks.saturating_sub(disk.f_bfree)),
            disk_total: kibibytes(disk.f_blocks),
            memory_usage,
            total_memory_limit,
            home_dir: self.home.to_string_lossy().into_owned(),
            uname: parts.map(|part| part.to_string_lossy().into_owned()).join(" "),
        })
    }
}

/// Bytes in use and bytes there are, out of the text of `/proc/meminfo`.
fn memory_of(text: &str) -> (u64, u64) {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or_default().saturating_mul(1024)
    };
    let total = bytes("MemTotal");
    let free = bytes("MemFree").saturating_add(bytes("Buffers")).saturating_add(bytes("Cached"));
    (total.saturating_sub(free), total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_use_leaves_out_what_could_be_freed() {
        let text = "MemTotal:    1000 kB\nMemFree:  100 kB\nMemAvailable: 7 kB\nBuffers: 50 kB\nCached: 250 kB\nSwapCached: 9 kB\n";

        assert_eq!(memory_of(text), (600 * 1024, 1000 * 1024));
        assert_eq!(memory_of("nonsense"), (0, 0));
    }

    #[test]
    fn this_machine_has_a_disk_and_memory() {
        let info = Linux::default().read().unwrap();

        assert!(info.disk_total > 0 && info.disk_usage <= info.disk_total);
        assert!(info.total_memory_limit > info.memory_usage);
        assert!(info.uname.starts_with("Linux "));
    }
}
