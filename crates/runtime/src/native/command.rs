//! The one command init keeps running: its descriptors, environment and limits at each start.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit};
use zeroize::Zeroize;

use super::failed::{Context, Failed};
use super::plan::Fallback;
use super::sys::{self, Side};

/// What a pipe takes without a reader (pipe(7)).
const PIPE_ROOM: usize = 65_536;

/// The command and what it gets.
pub(super) struct Command {
    /// Program and arguments.
    pub words: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// What it reads from descriptor 3.
    pub secret: Vec<u8>,
    /// Limits of single processes.
    pub fallback: Fallback,
}

impl Command {
    /// Starts it and returns once it executes.
    pub(super) fn start(&mut self) -> Result<Pid, Failed> {
        let descriptor = self.descriptor_3()?;
        let (trouble, say_trouble) = pipe_with(PipeFlags::CLOEXEC).context(|| "cannot make a pipe")?;
        match sys::fork().context(|| "cannot fork")? {
            Side::Child => {
                self.secret.zeroize();
                let failed = match self.execute(&descriptor) {
                    Ok(()) => Failed::because("execve returned"),
                    Err(failed) => failed,
                };
                let text = serde_json::to_vec(&failed).unwrap_or_default();
                // If even this fails, init sees the child end.
                let _said = rustix::io::write(&say_trouble, &text);
                std::process::exit(127)
            }
            Side::Parent(pid) => {
                drop(say_trouble);
                let mut text = vec![0; 4096];
                // Closed without a word by the execve that worked.
                let count = loop {
                    match rustix::io::read(&trouble, &mut text) {
                        Err(Errno::INTR) => {}
                        read => break read.unwrap_or(0),
                    }
                };
                match text.get(..count).map(serde_json::from_slice) {
                    Some(Ok(failed)) => Err(failed),
                    _ => Ok(pid),
                }
            }
        }
    }

    /// A fresh descriptor to read the secret from. A pipe, because what was read from it is gone.
    fn descriptor_3(&self) -> Result<OwnedFd, Failed> {
        let write = |fd: &OwnedFd| {
            let mut rest = self.secret.as_slice();
            while !rest.is_empty() {
                let count = rustix::io::write(fd, rest).context(|| "cannot fill descriptor 3")?;
                rest = rest.get(count..).unwrap_or_default();
            }
            Ok(())
        };
        if self.secret.len() <= PIPE_ROOM {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).context(|| "cannot make a pipe")?;
            write(&writer)?;
            return Ok(reader);
        }
        let file =
            rustix::fs::memfd_create("", MemfdFlags::CLOEXEC).context(|| "cannot make a memory file")?;
        write(&file)?;
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0)).context(|| "cannot rewind descriptor 3")?;
        Ok(file)
    }

    /// Turns this process into the command.
    fn execute(&self, descriptor: &OwnedFd) -> Result<(), Failed> {
        let _own = rustix::process::setsid();
        let home = self.env.iter().find(|(name, _)| name == "HOME").map_or("/", |(_, home)| home.as_str());
        if rustix::process::chdir(home).is_err() {
            rustix::process::chdir("/").context(|| "cannot change to /")?;
        }
        self.limit()?;
        self.volunteer();
        let descriptor = rustix::io::fcntl_dupfd_cloexec(descriptor, 10).context(|| "cannot duplicate")?;
        sys::close_on_exec_from(3).context(|| "cannot close descriptors")?;
        sys::give_number(descriptor.as_fd(), 3).context(|| "cannot place descriptor 3")?;
        sys::reset_signals().context(|| "cannot reset signals")?;
        let text = |text: &str| CString::new(text).map_err(|_| Failed::because("a zero byte in the command"));
        let words = self.words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
        let env = self
            .env
            .iter()
            .map(|(name, value)| text(&format!("{name}={value}")))
            .collect::<Result<Vec<_>, _>>()?;
        let program = words.first().ok_or_else(|| Failed::because("the command is empty"))?;
        nix::unistd::execve(program, &words, &env)
            .context(|| format!("cannot execute `{}` in the sandbox", program.to_string_lossy()))?;
        Ok(())
    }

    fn limit(&self) -> Result<(), Failed> {
        let set = |resource, value, what| {
            let wanted = Rlimit { current: Some(value), maximum: Some(value) };
            rustix::process::setrlimit(resource, wanted).context(|| format!("cannot limit {what}"))
        };
        // One byte, not none: with none the kernel still starts a crash handler of the machine, as root and
        // with data from in here (fs/coredump.c); with one it does not.
        set(Resource::Core, 1, "core dumps")?;
        if let Some(pids) = self.fallback.pids {
            set(Resource::Nproc, pids, "processes")?;
        }
        if let Some(bytes) = self.fallback.memory_bytes {
            set(Resource::Data, bytes, "memory")?;
        }
        Ok(())
    }

    /// When memory runs out the kernel shall take the command's processes rather than init or the carrier.
    fn volunteer(&self) {
        debug_assert!(self.secret.is_empty(), "the secret must be wiped before others may look");
        // Only a dumpable process owns its files in /proc. Not worth failing for.
        let _dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
        let _written = std::fs::write("/proc/self/oom_score_adj", "200");
    }
}
