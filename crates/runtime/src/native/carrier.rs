//! The carrier: the program that moves packets between the sandbox and the machine's network.
//!
//! Both carriers open ordinary sockets of the machine on the sandbox's behalf, so no interface, bridge or
//! firewall rule of the machine changes, and both are told not to lead to the machine's loopback.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use rustix::thread::{UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::failed::{Context, Failed};
use super::namespaces::{Namespaces, join_user};
use super::plan::{Ids, NetworkTool, Plan};
use super::sys::{self, Side};

/// The sandbox's name server: an address that is nobody's (RFC 2544), answered by the carrier, which asks
/// the machine's own resolver, on loopback or not.
pub(super) const NAME_SERVER: &str = "198.18.0.3";
/// The network `slirp4netns` makes; its name server is the third address.
const SLIRP_NETWORK: &str = "198.18.0.0/24";

/// A carrier that ends is started again after this, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A machine without a network has one again some day; this often it is worth a look.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Descriptors the carrier finds its things at.
const NET_FD: i32 = 3;
const READY_FD: i32 = 4;

/// Keeps one carrier running.
pub(super) struct Carrier {
    how: Option<How>,
    running: Option<Pid>,
    readiness: Option<OwnedFd>,
    next: Option<Instant>,
    pause: Duration,
}

struct How {
    tool: NetworkTool,
    net: OwnedFd,
    user: Option<OwnedFd>,
}

impl Carrier {
    /// A carrier for the sandbox, or none if the machine has no such program.
    pub(super) fn new(plan: &Plan, namespaces: &Namespaces) -> Result<Self, Failed> {
        let copy = |fd: &OwnedFd| fd.try_clone().context(|| "cannot duplicate a descriptor");
        let how = match &plan.network {
            None => None,
            Some(tool) => {
                // Real root leaves its power behind by joining the sandbox's user namespace. An
                // ordinary user has none to leave and is above that namespace already.
                let user = if plan.ids == Ids::Single { None } else { Some(copy(&namespaces.user)?) };
                Some(How { tool: tool.clone(), net: copy(&namespaces.net)?, user })
            }
        };
        Ok(Self { how, running: None, readiness: None, next: None, pause: FIRST_PAUSE })
    }

    /// Starts it; a failure is only a reason to try again later.
    pub(super) fn start(&mut self) {
        let Some(how) = &self.how else { return };
        match how.spawn() {
            Ok((pid, readiness)) => (self.running, self.readiness) = (Some(pid), Some(readiness)),
            Err(_) => self.next = Some(Instant::now() + self.pause),
        }
    }

    /// Readable when it carries.
    pub(super) fn readiness(&self) -> Option<&OwnedFd> {
        self.readiness.as_ref()
    }

    /// Whether it says that it carries, once per start.
    pub(super) fn became_ready(&mut self) -> bool {
        let Some(readiness) = &self.readiness else { return false };
        let mut word = [0; 32];
        match rustix::io::read(readiness, &mut word) {
            Err(_) => false,
            Ok(count) => {
                self.readiness = None;
                count > 0
            }
        }
    }

    /// Notes that a child ended.
    pub(super) fn ended(&mut self, pid: Pid) {
        if self.running == Some(pid) {
            (self.running, self.readiness) = (None, None);
            self.next = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// How long until something is due.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Starts it again if its pause is over.
    pub(super) fn restart_if_due(&mut self) {
        if self.next.is_some_and(|next| next <= Instant::now()) {
            self.next = None;
            self.start();
        }
    }
}

impl How {
    fn spawn(&self) -> Result<(Pid, OwnedFd), Failed> {
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let (readiness, say_ready) = pipe_with(flags).context(|| "cannot make a pipe")?;
        // It is opened anew by name, by another user, when the carrier is pasta.
        rustix::fs::fchmod(&say_ready, Mode::from_raw_mode(0o666)).context(|| "cannot open up a pipe")?;
        match sys::fork().context(|| "cannot fork")? {
            Side::Parent(pid) => Ok((pid, readiness)),
            Side::Child => {
                // There is nobody to tell; the guard sees the end.
                let _failed = self.become_carrier(&say_ready);
                std::process::exit(127)
            }
        }
    }

    fn become_carrier(&self, say_ready: &OwnedFd) -> Result<(), Failed> {
        if let Some(user) = &self.user {
            make_tunnel_device()?;
            join_user(user.as_fd())?;
            set_thread_groups(&[]).context(|| "cannot drop groups")?;
            let (uid, gid) = (rustix::process::Uid::ROOT, rustix::process::Gid::ROOT);
            set_thread_res_gid(gid, gid, gid).context(|| "cannot change group")?;
            set_thread_res_uid(uid, uid, uid).context(|| "cannot change user")?;
        }
        // Out of the way of the numbers below first.
        let net = rustix::io::fcntl_dupfd_cloexec(&self.net, 10).context(|| "cannot duplicate")?;
        let ready = rustix::io::fcntl_dupfd_cloexec(say_ready, 10).context(|| "cannot duplicate")?;
        sys::close_on_exec_from(3).context(|| "cannot close descriptors")?;
        sys::give_number(net.as_fd(), NET_FD).context(|| "cannot place a descriptor")?;
        sys::give_number(ready.as_fd(), READY_FD).context(|| "cannot place a descriptor")?;
        sys::reset_signals().context(|| "cannot reset signals")?;
        let (program, arguments) = self.tool.command();
        let text = |text: &str| CString::new(text).map_err(|_| Failed::because("a zero byte in a path"));
        let program = text(&program.to_string_lossy())?;
        let mut all = vec![program.clone()];
        for argument in &arguments {
            all.push(text(argument)?);
        }
        nix::unistd::execve(&program, &all, &[c"PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            .context(|| "cannot execute the carrier")?;
        Ok(())
    }
}

/// Shows the carrier a tunnel device that it may open, whatever the machine's own permissions are.
fn make_tunnel_device() -> Result<(), Failed> {
    sys::unshare(UnshareFlags::NEWNS).context(|| "cannot make a mount namespace")?;
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .context(|| "cannot make mounts private")?;
    if !Path::new("/dev/net").is_dir() {
        return fs::metadata("/dev/net/tun").map(drop).context(|| "there is no /dev/net/tun");
    }
    rustix::mount::mount("tmpfs", "/dev/net", "tmpfs", MountFlags::NOSUID | MountFlags::NOEXEC, None)
        .context(|| "cannot mount on /dev/net")?;
    let device = rustix::fs::makedev(10, 200);
    rustix::fs::mknodat(CWD, "/dev/net/tun", FileType::CharacterDevice, Mode::empty(), device)
        .context(|| "cannot make /dev/net/tun")?;
    rustix::fs::chmod("/dev/net/tun", Mode::from_raw_mode(0o666)).context(|| "cannot open up /dev/net/tun")
}

impl NetworkTool {
    /// Program and arguments, the program's name left out.
    fn command(&self) -> (&Path, Vec<String>) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let net = format!("/proc/self/fd/{NET_FD}");
        match self {
            Self::Pasta(program) => {
                let mut all = words(
                    "--foreground --quiet --config-net --netns-only --no-map-gw \
                     --tcp-ports none --udp-ports none --tcp-ns none --udp-ns none \
                     --no-dhcp --no-dhcpv6 --no-ndp --no-ra --dns-forward",
                );
                all.extend([NAME_SERVER.into(), "--pid".into(), format!("/proc/self/fd/{READY_FD}")]);
                all.extend(["--netns".into(), net]);
                (program, all)
            }
            Self::Slirp(program) => {
                let mut all = words("--configure --mtu=65520 --disable-host-loopback --cidr");
                all.extend([SLIRP_NETWORK.into(), "--ready-fd".into(), READY_FD.to_string()]);
                all.extend(["--netns-type=path".into(), net, "tap0".into()]);
                (program, all)
            }
        }
    }
}
