//! The guard: pid 1 of the outer pid namespace. Its end is the end of everything in the sandbox.
//!
//! It stays on the machine's own file system, so that it can start the carrier again, and talks to
//! nothing in the sandbox: the one pipe to init only leads inwards.

use std::os::fd::{AsFd, OwnedFd};
use std::process::exit;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::WaitOptions;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::carrier::Carrier;
use super::failed::{Context, Failed};
use super::init;
use super::launcher::Reporter;
use super::namespaces::Namespaces;
use super::plan::{Plan, Report};
use super::sys::{self, Side};

/// Runs the guard to its end.
pub(super) fn run(
    plan: Plan,
    secret: Vec<u8>,
    namespaces: Namespaces,
    go: OwnedFd,
    reporter: &Reporter,
    lock: OwnedFd,
) -> ! {
    // Held, not read: released by the kernel when the guard is gone, however it went.
    let _lock = lock;
    match guard(plan, secret, namespaces, go, reporter) {
        Ok(code) => exit(code),
        Err(failed) => {
            reporter.send(&Report::Failed(failed));
            exit(1)
        }
    }
}

fn guard(
    plan: Plan,
    secret: Vec<u8>,
    namespaces: Namespaces,
    go: OwnedFd,
    reporter: &Reporter,
) -> Result<i32, Failed> {
    let mut wanted = SigSet::empty();
    wanted.add(Signal::SIGTERM);
    wanted.add(Signal::SIGCHLD);
    let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context(|| "cannot make a signal descriptor")?;
    let mut carrier = Carrier::new(&plan, &namespaces)?;
    carrier.start();

    let outer = std::fs::File::open("/proc/self/ns/pid").context(|| "cannot open /proc/self/ns/pid")?;
    sys::unshare(UnshareFlags::NEWPID).context(|| "cannot make a process id namespace")?;
    let (stop, say_stop) = pipe_with(PipeFlags::CLOEXEC).context(|| "cannot make a pipe")?;
    let init = match sys::fork().context(|| "cannot fork init")? {
        Side::Child => {
            drop((say_stop, signals, outer));
            init::run(plan, secret, namespaces, &go, &stop, reporter)
        }
        Side::Parent(init) => init,
    };
    // The only copies left are the ones that the inside needs.
    drop((secret, go, stop, namespaces));
    move_into_link_name_space(outer.as_fd(), Some(LinkNameSpaceType::ProcessID))
        .context(|| "cannot go on in the outer process id namespace")?;

    let mut say_stop = Some(say_stop);
    loop {
        wait_for_something(&signals, carrier.readiness(), carrier.pause())?;
        while let Ok(Some(signal)) = signals.read_signal() {
            if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32) {
                // Closing the pipe is the message.
                drop(say_stop.take());
            }
        }
        if carrier.became_ready() {
            reporter.send(&Report::NetworkUp);
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == init {
                return Ok(status.exit_status().unwrap_or(1));
            }
            carrier.ended(pid);
        }
        carrier.restart_if_due();
    }
}

fn wait_for_something(
    signals: &SignalFd,
    readiness: Option<&OwnedFd>,
    pause: Option<Duration>,
) -> Result<(), Failed> {
    let mut fds = vec![PollFd::new(signals, PollFlags::IN)];
    fds.extend(readiness.map(|fd| PollFd::new(fd, PollFlags::IN)));
    let timeout = pause.and_then(|pause| pause.try_into().ok());
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(errno).context(|| "cannot wait"),
    }
}
