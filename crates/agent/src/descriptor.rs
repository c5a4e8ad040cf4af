//! The first thing the agent does: take its configuration from a descriptor and shut the doors.

#![expect(unsafe_code, reason = "a descriptor by number has no owner that the compiler knows of")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::FromRawFd;

use wire::agent::AgentConfig;

/// The descriptor the configuration is read from.
const CONFIG: i32 = 3;
/// Longest configuration accepted; certificates are the longest thing in it.
const CONFIG_MAX: u64 = 1 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing can be read there.
    #[error(
        "cannot read the configuration from file descriptor {CONFIG}; `hearth` starts this program, people do not"
    )]
    Read(#[source] io::Error),
    /// It is not what it should be.
    #[error("the configuration on file descriptor {CONFIG} is not the JSON document it should be")]
    Parse(#[source] serde_json::Error),
}

/// Reads the configuration from descriptor 3 and closes it.
///
/// Call it once, before anything else opens files.
///
/// # Errors
///
/// [`ConfigError`] when nothing is there or it cannot be read; there is no other place to look.
pub fn read_config() -> Result<AgentConfig, ConfigError> {
    // SAFETY: nothing in this process owns descriptor 3: it is the caller's first act, and what was
    // inherited belongs to nobody. If it is not open, reading says so.
    let file = unsafe { File::from_raw_fd(CONFIG) };
    let mut bytes = Vec::new();
    let read = (&file).take(CONFIG_MAX).read_to_end(&mut bytes);
    if let Err(error) = read {
        // Not open: dropping the file would close what does not exist.
        std::mem::forget(file);
        return Err(ConfigError::Read(error));
    }
    drop(file);
    serde_json::from_slice(&bytes).map_err(ConfigError::Parse)
}

/// Closes every descriptor but standard input, output and error, so that no child gets one that this
/// process was started with.
///
/// Call it before anything else opens files.
pub fn close_inherited() {
    // SAFETY: no owned descriptor exists yet above 2 (see above), so none is closed under its owner.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
}

/// Keeps other processes of the same user from reading this one's memory, where the credential is.
///
/// # Errors
///
/// When the kernel refuses, which it has no reason for.
pub fn hide_from_others() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
