//! The few system calls that no safe wrapper covers. Everything unsafe of the driver is in this file.
//!
//! The launcher has one thread, which is what makes `fork` and `unshare` sound here: no lock can be
//! held by a thread that does not exist in the child.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal};
use rustix::io::{Errno, Result};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Which side of a [`fork`] this is.
pub(super) enum Side {
    /// The old process, told the new one's id.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Splits the process in two. Only for the launcher, which has one thread.
#[expect(unsafe_code, reason = "the launcher is single-threaded, so the child may allocate and lock")]
pub(super) fn fork() -> Result<Side> {
    // SAFETY: one thread, so no other thread's locks are copied in a locked state.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Side::Child),
        pid => Pid::from_raw(pid).filter(|_| pid > 0).map(Side::Parent).ok_or_else(last_error),
    }
}

/// Moves this process into new namespaces. Only for the launcher, which has one thread.
#[expect(unsafe_code, reason = "unsafe only for what it does to other threads; the launcher has none")]
pub(super) fn unshare(namespaces: UnshareFlags) -> Result<()> {
    // SAFETY: one thread; no descriptor table is unshared.
    unsafe { rustix::thread::unshare_unsafe(namespaces) }
}

/// `struct mount_attr` of `mount_setattr(2)`.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Whether a change of mount attributes goes down into the mounts below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Only this mount.
    Here,
    /// This mount and everything mounted below it.
    Below,
}

/// Sets attributes of a mount that is not attached yet, and with a user namespace its id mapping.
#[expect(unsafe_code, reason = "mount_setattr has no wrapper")]
pub(super) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    depth: Depth,
    set: u64,
    ids: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let userns = ids.map_or(0, |fd| u64::try_from(fd.as_raw_fd()).unwrap_or(0));
    let map = if ids.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 };
    let attributes = MountAttr { set: set | map, userns, ..MountAttr::default() };
    let mut flags = libc::AT_EMPTY_PATH;
    if depth == Depth::Below {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: the pointers live across the call and the size is that of the struct.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if answer == 0 { Ok(()) } else { Err(last_error()) }
}

/// Makes `fd` available under a fixed number, without close-on-exec.
#[expect(unsafe_code, reason = "dup2 onto a number nobody owns; the process executes right after")]
pub(super) fn give_number(fd: BorrowedFd<'_>, number: i32) -> Result<()> {
    let answer = if fd.as_raw_fd() == number {
        // SAFETY: plain flag change of an open descriptor.
        unsafe { libc::fcntl(number, libc::F_SETFD, 0) }
    } else {
        // SAFETY: called only right before `execve`, when nothing owns `number` any more.
        unsafe { libc::dup2(fd.as_raw_fd(), number) }
    };
    if answer < 0 { Err(last_error()) } else { Ok(()) }
}

/// Marks every descriptor from `first` on as to be closed by the next `execve`.
#[expect(unsafe_code, reason = "close_range has no wrapper; with this flag it closes nothing now")]
pub(super) fn close_on_exec_from(first: u32) -> Result<()> {
    /// `CLOSE_RANGE_CLOEXEC`, since Linux 5.11.
    const ON_EXEC: libc::c_uint = 4;
    // SAFETY: only flags change.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, ON_EXEC) };
    if answer == 0 { Ok(()) } else { Err(last_error()) }
}

/// Leaves the keyring of whoever started the server behind.
#[expect(unsafe_code, reason = "keyctl has no wrapper")]
pub(super) fn join_new_session_keyring() -> Result<()> {
    /// `KEYCTL_JOIN_SESSION_KEYRING`.
    const JOIN: libc::c_long = 1;
    // SAFETY: a null name asks for an anonymous keyring.
    let answer = unsafe { libc::syscall(libc::SYS_keyctl, JOIN, std::ptr::null::<libc::c_char>()) };
    if answer < 0 { Err(last_error()) } else { Ok(()) }
}

/// Closes descriptors that the caller proves it does not own as Rust values.
#[expect(unsafe_code, reason = "close_range has no wrapper")]
pub(super) fn close_except(kept: &[BorrowedFd<'_>]) -> Result<()> {
    let mut numbers: Vec<u32> =
        kept.iter().filter_map(|fd| u32::try_from(fd.as_fd().as_raw_fd()).ok()).collect();
    numbers.extend([0, 1, 2]);
    numbers.sort_unstable();
    let mut first = 0;
    for number in numbers.into_iter().chain([u32::MAX]) {
        if number > first {
            let last = if number == u32::MAX { u32::MAX } else { number - 1 };
            // SAFETY: called where every owner of another descriptor is forgotten or never dropped.
            let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
            if answer != 0 {
                return Err(last_error());
            }
        }
        first = number.saturating_add(1);
    }
    Ok(())
}

/// Makes signals as a fresh program expects them: none ignored, none blocked.
#[expect(unsafe_code, reason = "sigaction is unsafe for handlers; the default is none")]
pub(super) fn reset_signals() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        if !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
            // Ignoring is inherited: Rust ignores SIGPIPE before `main`, `nohup` SIGHUP.
            // SAFETY: no handler function is involved.
            unsafe { nix::sys::signal::sigaction(signal, &default) }?;
        }
    }
    SigSet::all().thread_unblock()
}

/// Lets the server's event loop wait for a descriptor to become readable.
#[expect(unsafe_code, reason = "the safe constructor is deprecated; this is how to say the same")]
pub(super) fn watch(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and the same until it is dropped, which `AsyncFd` does last.
    let watched = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    Ok(watched?)
}

fn last_error() -> Errno {
    let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    Errno::from_raw_os_error(code)
}
