//! The launcher: a process of one thread that turns itself into a sandbox and then gets out of the way.
//!
//! ```text
//! launcher ─ fork ─ keeper   unshares user, net, ipc, uts, cgroup namespaces; sets them up; ends
//!          └ fork ─ guard    pid 1 of an outer pid namespace, on the machine's own file system
//!                   ├ carrier  pasta or slirp4netns
//!                   └ init     pid 1 of the sandbox
//! ```
//!
//! The outer pid namespace is what keeps nothing from being left behind: when the guard ends, however
//! it ends, the kernel kills the carrier and everything in the sandbox.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::UnshareFlags;

use super::failed::{Context, Failed};
use super::namespaces::Namespaces;
use super::plan::{Ids, Plan, Report, State};
use super::sys::{self, Side};
use super::{guard, process};

/// Entry of the launcher; call it first thing in `main`, before any thread exists.
///
/// Reads the plan from standard input and answers on standard output. Takes no arguments.
pub fn sandbox_main() -> ExitCode {
    let Ok(reporter) = Reporter::take_standard_output() else { return ExitCode::FAILURE };
    match read_plan().and_then(|(plan, secret)| launch(plan, secret, &reporter)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            reporter.send(&Report::Failed(failed));
            ExitCode::FAILURE
        }
    }
}

/// The way back to the server. Shared by every process of the launch until the command runs.
pub(super) struct Reporter(File);

impl Reporter {
    /// Keeps standard output for reports; output and error then lead nowhere.
    fn take_standard_output() -> Result<Self, Failed> {
        // Whatever else the server's parents may have left open ends here.
        sys::close_except(&[]).context(|| "cannot close descriptors")?;
        let out = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 10)
            .context(|| "cannot duplicate standard output")?;
        let null = open_null()?;
        rustix::stdio::dup2_stdout(&null).context(|| "cannot redirect standard output")?;
        rustix::stdio::dup2_stderr(&null).context(|| "cannot redirect standard error")?;
        Ok(Self(File::from(out)))
    }

    /// Sends one line. A server that is gone does not matter: the sandbox outlives it.
    pub(super) fn send(&self, report: &Report) {
        if let Ok(mut line) = serde_json::to_vec(report) {
            line.push(b'\n');
            // Nobody is left to tell when this fails.
            let _unheard = (&self.0).write_all(&line);
        }
    }

    /// The descriptor, for those who close all others.
    pub(super) fn as_file(&self) -> &File {
        &self.0
    }
}

fn open_null() -> Result<OwnedFd, Failed> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .context(|| "cannot open /dev/null")
}

/// Points the three standard descriptors at the present root's `/dev/null`.
pub(super) fn silence() -> Result<(), Failed> {
    let null = open_null()?;
    rustix::stdio::dup2_stdin(&null).context(|| "cannot redirect standard input")?;
    rustix::stdio::dup2_stdout(&null).context(|| "cannot redirect standard output")?;
    rustix::stdio::dup2_stderr(&null).context(|| "cannot redirect standard error")
}

/// Eight bytes of length, the plan, then the secret bytes, read straight into their only copy.
fn read_plan() -> Result<(Plan, Vec<u8>), Failed> {
    let read = || "cannot read the plan from standard input";
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 10).context(read)?;
    let mut stdin = File::from(stdin);
    let mut length = [0; 8];
    stdin.read_exact(&mut length).context(read)?;
    let mut text = Vec::new();
    Read::by_ref(&mut stdin).take(u64::from_le_bytes(length)).read_to_end(&mut text).context(read)?;
    let plan: Plan = serde_json::from_slice(&text)
        .map_err(|error| Failed::because(format!("cannot understand the plan: {error}")))?;
    let mut secret = Vec::with_capacity(plan.descriptor_3_bytes.saturating_add(1));
    stdin.read_to_end(&mut secret).context(read)?;
    if secret.len() != plan.descriptor_3_bytes {
        return Err(Failed::because("the plan was cut off: the server ended while sending it"));
    }
    Ok((plan, secret))
}

fn launch(plan: Plan, secret: Vec<u8>, reporter: &Reporter) -> Result<(), Failed> {
    silence()?;
    // Fails only for a group's leader, whose session is its own already or who is a test.
    let _already = rustix::process::setsid();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    process::block_signals()?;
    rustix::process::chdir("/").context(|| "cannot change to /")?;
    let Some(lock) = lock(&plan.folder)? else {
        reporter.send(&Report::Busy);
        return Ok(());
    };

    join_cgroups(&plan)?;
    if plan.ids == Ids::Single {
        become_own_root()?;
    }
    let namespaces = Namespaces::make(&plan, reporter)?;
    let (go, say_go) = pipe_with(PipeFlags::CLOEXEC).context(|| "cannot make a pipe")?;
    sys::unshare(UnshareFlags::NEWPID).context(|| "cannot make a process id namespace")?;
    match sys::fork().context(|| "cannot fork the guard")? {
        Side::Child => {
            drop(say_go);
            guard::run(plan, secret, namespaces, go, reporter, lock)
        }
        Side::Parent(guard) => {
            // Init waits for this, so nothing runs inside before its identity is on disk.
            write_state(&plan, guard)?;
            rustix::io::write(&say_go, b"g").context(|| "cannot let the guard go on")?;
            namespaces.reap_keeper();
            Ok(())
        }
    }
}

/// Holds the sandbox for one launcher; the guard keeps it as long as the sandbox lives.
fn lock(folder: &Path) -> Result<Option<OwnedFd>, Failed> {
    let path = folder.join(process::LOCK);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))
        .context(|| format!("cannot open `{}`", path.display()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(errno).context(|| format!("cannot lock `{}`", path.display())),
    }
}

/// Puts this process, which has one thread, and all it will fork into the sandbox's control groups.
fn join_cgroups(plan: &Plan) -> Result<(), Failed> {
    for group in &plan.cgroups {
        // Version 1 can move a single thread that is the writer itself without stopping all forks of the
        // machine first, which took 9 to 50 ms here (cgroup_procs_write_start in the kernel).
        let file = if group.join("tasks").exists() { "tasks" } else { "cgroup.procs" };
        fs::write(group.join(file), "0")
            .context(|| format!("cannot join the control group `{}`", group.display()))?;
    }
    Ok(())
}

/// Makes an ordinary user the root of a user namespace with one id, from where everything goes on as
/// it does for the machine's root.
fn become_own_root() -> Result<(), Failed> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    sys::unshare(UnshareFlags::NEWUSER).context(|| "cannot make a user namespace")?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text).context(|| format!("cannot write /proc/self/{file}"))
    };
    write("setgroups", "deny".into())?;
    write("uid_map", format!("0 {uid} 1"))?;
    write("gid_map", format!("0 {gid} 1"))
}

fn write_state(plan: &Plan, guard: rustix::process::Pid) -> Result<(), Failed> {
    let pid = guard.as_raw_nonzero().get();
    let started = process::start_of(pid).ok_or_else(|| Failed::because("the guard ended before it began"))?;
    let state = State { pid, started, boot: process::boot_id(), cgroups: plan.cgroups.clone() };
    process::write_state(&plan.folder, &state)
}
