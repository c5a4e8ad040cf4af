//! Processes seen from outside: which one is the sandbox's guard, and is it still the same one.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::sys::signal::SigSet;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags};

use super::failed::{Context, Failed};
use super::plan::State;

/// File in a sandbox's folder that its guard holds locked.
pub(super) const LOCK: &str = "lock";
/// File in a sandbox's folder that names its guard.
const STATE: &str = "state.json";

/// Blocks all signals: who wants one asks for it by descriptor.
pub(super) fn block_signals() -> Result<(), Failed> {
    SigSet::all().thread_block().context(|| "cannot block signals")
}

/// Waits for one byte; `false` if the other side ended without saying it.
pub(super) fn read_byte(fd: impl AsFd) -> Result<bool, Failed> {
    let mut byte = [0; 1];
    loop {
        match rustix::io::read(fd.as_fd(), &mut byte) {
            Err(rustix::io::Errno::INTR) => {}
            read => return read.map(|count| count == 1).context(|| "cannot read from a pipe"),
        }
    }
}

/// When a process started, in clock ticks since the machine did; `None` if there is none of that id or
/// it is dead and only waits to be collected.
pub(super) fn start_of(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from its end: state is next, start the 20th.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Which run of the machine this is.
pub(super) fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Writes the state whole or not at all.
pub(super) fn write_state(folder: &Path, state: &State) -> Result<(), Failed> {
    let (path, new) = (folder.join(STATE), folder.join("state.json.new"));
    let text = serde_json::to_vec(state).map_err(|error| Failed::because(error.to_string()))?;
    fs::write(&new, text).context(|| format!("cannot write `{}`", new.display()))?;
    fs::rename(&new, &path).context(|| format!("cannot write `{}`", path.display()))
}

/// The state as last written, however old; `None` also for one cut off by a crash of the machine.
pub(super) fn read_state(folder: &Path) -> Option<State> {
    serde_json::from_slice(&fs::read(folder.join(STATE)).ok()?).ok()
}

/// Forgets the state.
pub(super) fn remove_state(folder: &Path) {
    // A state that stays names a process that has ended, which the next reader finds out.
    let _gone = fs::remove_file(folder.join(STATE));
}

/// A handle on the process the state names, if that very process still lives.
pub(super) fn open(state: &State) -> Option<OwnedFd> {
    let pid = Pid::from_raw(state.pid)?;
    let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
    // Asked after the handle exists: the handle then is of the process that was asked about.
    (start_of(state.pid) == Some(state.started) && boot_id() == state.boot).then_some(handle)
}

/// Whether a launcher or guard holds the sandbox.
pub(super) fn is_held(folder: &Path) -> bool {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder.join(LOCK), flags, Mode::empty()) {
        Ok(file) => rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err(),
        Err(_) => false,
    }
}

/// Reads a small file of the kernel's.
pub(super) fn read_small(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
    Some(text)
}
