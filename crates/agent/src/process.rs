//! Children: how they are started clean, signalled as a group, and how their end is told.

#![expect(unsafe_code, reason = "between fork and exec only raw system calls are allowed")]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::environment::Environment;
use crate::problem::Problem;

/// Exit code of a command that cannot be found, as in a shell.
pub(crate) const NOT_FOUND: i32 = 127;
/// Exit code of a file that is no program, as in a shell.
pub(crate) const NOT_EXECUTABLE: i32 = 126;
/// Exit code of a command whose time was up, as timeout(1) has it.
pub(crate) const TIMED_OUT: i32 = 124;

/// A command with a clean environment in `folder`, leading a process group of its own.
pub(crate) fn command(environment: &Environment, program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(environment.variables("dumb"))
        .current_dir(folder)
        .process_group(0)
        .kill_on_drop(true);
    // SAFETY: `start_clean` makes only system calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            start_clean();
            Ok(())
        })
    };
    command
}

/// The same for a program that gets a terminal, where pty-process makes the session.
pub(crate) fn terminal_command(
    environment: &Environment,
    program: &str,
    folder: &Path,
) -> pty_process::Command {
    let command = pty_process::Command::new(program)
        .env_clear()
        .envs(environment.variables("xterm-256color"))
        .env("COLORTERM", "truecolor")
        .current_dir(folder)
        .kill_on_drop(true);
    // SAFETY: as above.
    unsafe {
        command.pre_exec(|| {
            start_clean();
            Ok(())
        })
    }
}

/// The folder a caller asked for, absolute or relative to the workspace's; that one where absent.
pub(crate) fn folder(environment: &Environment, wanted: Option<&str>) -> Result<PathBuf, Problem> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return Ok(environment.folder().to_owned());
    };
    let folder = environment.workspace_folder().join(wanted);
    match std::fs::metadata(&folder) {
        Ok(found) if found.is_dir() => Ok(folder),
        Ok(_) => Err(Problem::invalid(
            format!("cannot start in `{}`: it is not a folder", folder.display()),
            "Name a folder to start in.",
        )),
        Err(error) => Err(Problem::of_path("start in", &folder, &error)),
    }
}

/// Undoes what a child would inherit: ignored signals (a shell whose SIGINT is ignored cannot be
/// interrupted), blocked ones, and every descriptor above standard error.
fn start_clean() {
    // SAFETY: signal, sigprocmask and the raw system call are async-signal-safe (signal-safety(7)) and
    // are given valid arguments; each failure leaves things as they were.
    unsafe {
        for signal in 1..=31 {
            if signal != libc::SIGKILL && signal != libc::SIGSTOP {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        // Close-on-exec and not closed: one of them tells the parent whether exec worked.
        libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// A child's process group. Dropped before [`Group::let_go`], it is killed with all in it.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group `child` leads.
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Sends a signal to all of it. One that has ended is no fault.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            signal_group(leader, signal);
        }
    }

    /// The leader has ended by itself: what it left running may go on.
    pub(crate) fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Signals a process group; one that has ended is no fault.
pub(crate) fn signal_group(leader: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(leader, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::debug!(error = %error, "cannot signal process group {leader}");
    }
}

/// Whether any process is in a group.
pub(crate) fn group_exists(leader: Pid) -> bool {
    rustix::process::test_kill_process_group(leader).is_ok()
}

/// A signal by its name without `SIG`.
pub(crate) fn signal_named(name: &str) -> Option<Signal> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "STOP" => Signal::STOP,
        "TSTP" => Signal::TSTP,
        "CONT" => Signal::CONT,
        "WINCH" => Signal::WINCH,
        _ => return None,
    })
}

/// 0…255; 128 + signal when killed by one.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}

/// Exit code and words for a program that did not start.
pub(crate) fn start_failure(program: &str, error: &io::Error) -> (i32, String) {
    match error.kind() {
        io::ErrorKind::NotFound => {
            (NOT_FOUND, format!("cannot run `{program}`: there is no such program in this workspace"))
        }
        io::ErrorKind::PermissionDenied => {
            (NOT_EXECUTABLE, format!("cannot run `{program}`: it is not executable"))
        }
        _ => (NOT_EXECUTABLE, format!("cannot run `{program}`: {error}")),
    }
}
