//! Init: pid 1 of the sandbox. Builds the file system, gives up every power, keeps one command running.
//!
//! It is the only process inside that knows the bytes of descriptor 3, so it cannot be dumped or traced.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::exit;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{DumpableBehavior, WaitOptions};

use super::command::Command;
use super::failed::{Context, Failed};
use super::launcher::{Reporter, silence};
use super::namespaces::Namespaces;
use super::plan::{Plan, Report};
use super::process::{read_byte, read_small};
use super::{powers, rootfs, sys};

/// A command that ends is started again after this, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Pauses grow to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A command that ran this long has earned the first pause again.
const STEADY: Duration = Duration::from_mins(1);

/// Runs init to its end, which is the end of the sandbox.
pub(super) fn run(
    plan: Plan,
    secret: Vec<u8>,
    namespaces: Namespaces,
    go: &OwnedFd,
    stop: &OwnedFd,
    reporter: &Reporter,
) -> ! {
    let begun = begin(&plan, namespaces, go, stop, reporter);
    let ended = begun.and_then(|signals| {
        let mut init = Init::new(plan, secret);
        init.start_first()?;
        reporter.send(&Report::Running);
        init.keep_running(&signals, stop)
    });
    match ended {
        Ok(()) => exit(0),
        Err(failed) => {
            reporter.send(&Report::Failed(failed));
            exit(1)
        }
    }
}

/// Everything up to the point where code of others may run.
fn begin(
    plan: &Plan,
    namespaces: Namespaces,
    go: &OwnedFd,
    stop: &OwnedFd,
    reporter: &Reporter,
) -> Result<SignalFd, Failed> {
    let undumpable = || {
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).context(|| "cannot hide init")
    };
    undumpable()?;
    rootfs::build(plan, &namespaces)?;
    namespaces.join()?;
    if !read_byte(go)? {
        return Err(Failed::because("the launcher ended early"));
    }
    silence()?;
    let kept = [std::os::fd::AsFd::as_fd(stop), std::os::fd::AsFd::as_fd(reporter.as_file())];
    sys::close_except(&kept).context(|| "cannot close descriptors")?;
    powers::give_up(plan)?;
    // A change of user makes a process dumpable again.
    undumpable()?;
    powers::filter_system_calls()?;

    let mut wanted = SigSet::empty();
    wanted.add(Signal::SIGCHLD);
    SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context(|| "cannot make a signal descriptor")
}

/// What init knows between two wake-ups.
struct Init {
    command: Command,
    running: Option<(rustix::process::Pid, Instant)>,
    next: Option<Instant>,
    pause: Duration,
    stopping: bool,
}

impl Init {
    fn new(plan: Plan, secret: Vec<u8>) -> Self {
        let command = Command { words: plan.command, env: plan.env, secret, fallback: plan.fallback };
        Self { command, running: None, next: None, pause: FIRST_PAUSE, stopping: false }
    }

    /// The first start must work: a command that is not there is an error, not something to repeat.
    fn start_first(&mut self) -> Result<(), Failed> {
        self.running = Some((self.command.start()?, Instant::now()));
        Ok(())
    }

    fn keep_running(&mut self, signals: &SignalFd, stop: &OwnedFd) -> Result<(), Failed> {
        loop {
            self.wait(signals, stop)?;
            while let Ok(Some(_)) = signals.read_signal() {}
            if self.collect() {
                return Ok(());
            }
            if self.next.is_some_and(|next| next <= Instant::now()) && !self.stopping {
                self.next = None;
                match self.command.start() {
                    Ok(pid) => self.running = Some((pid, Instant::now())),
                    Err(_) => self.start_later(),
                }
            }
        }
    }

    fn wait(&mut self, signals: &SignalFd, stop: &OwnedFd) -> Result<(), Failed> {
        let mut fds = vec![PollFd::new(signals, PollFlags::IN)];
        if !self.stopping {
            fds.push(PollFd::new(stop, PollFlags::IN));
        }
        let left = self.next.map(|next| next.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| left.try_into().ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno).context(|| "cannot wait"),
        }
        // The guard closes its end to say stop; so does the kernel when the guard is gone.
        if fds.get(1).is_some_and(|fd| !fd.revents().is_empty()) {
            self.stopping = true;
            ask_all_to_end();
        }
        Ok(())
    }

    /// Collects whatever ended. `true` when there is nothing more to wait for.
    fn collect(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if self.running.is_some_and(|(running, _)| running == pid) {
                        if status.exit_status() == Some(0) && !self.stopping {
                            return true;
                        }
                        self.start_later();
                    }
                }
                Ok(None) => return false,
                // No children at all: during a stop that is what was waited for.
                Err(_) => return self.stopping,
            }
        }
    }

    fn start_later(&mut self) {
        if let Some((_, since)) = self.running.take()
            && since.elapsed() >= STEADY
        {
            self.pause = FIRST_PAUSE;
        }
        self.next = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks every process of the sandbox to end: politely, and interactive shells, which ignore that, in the one
/// way they hear.
fn ask_all_to_end() {
    let deaf: Vec<i32> = processes().filter(|pid| ignores_termination(*pid)).collect();
    // Minus one is everybody here but init. Nobody left is fine.
    let _sent = kill(Pid::from_raw(-1), Signal::SIGTERM);
    for pid in deaf {
        let _gone = kill(Pid::from_raw(pid), Signal::SIGHUP);
    }
    // Who is suspended acts on neither.
    let _sent = kill(Pid::from_raw(-1), Signal::SIGCONT);
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| *pid > 1)
}

fn ignores_termination(pid: i32) -> bool {
    let Some(status) = read_small(Path::new(&format!("/proc/{pid}/status"))) else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (Signal::SIGTERM as u32 - 1)) != 0
}
