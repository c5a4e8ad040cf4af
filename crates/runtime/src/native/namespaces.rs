//! The namespaces a sandbox joins last: user, network, ipc, host name, control groups.
//!
//! They are made before everything else, by a child that lives only for that, because mounts with
//! shifted ids need the user namespace, and the carrier of packets needs the network namespace.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::failed::{Context, Failed};
use super::launcher::Reporter;
use super::plan::{Ids, Plan, Report, USER};
use super::process::read_byte;
use super::routes;
use super::sys::{self, Side};

/// How many ids one sandbox owns.
pub(super) const IDS_EACH: u32 = 65_536;

/// Handles on the namespaces, which exist as long as these or a member do.
pub(super) struct Namespaces {
    /// Owns all the others.
    pub user: OwnedFd,
    /// Where packets go.
    pub net: OwnedFd,
    ipc: OwnedFd,
    uts: OwnedFd,
    cgroup: OwnedFd,
    /// Says one byte once the network is closed to what it must not reach.
    configured: OwnedFd,
    keeper: Pid,
}

impl Namespaces {
    /// Makes them. Returns as soon as they exist; their network is still being set up by then.
    pub(super) fn make(plan: &Plan, reporter: &Reporter) -> Result<Self, Failed> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).context(|| "cannot make a pipe");
        let (made, say_made) = pipe()?;
        let (mapped, say_mapped) = pipe()?;
        let (configured, say_configured) = pipe()?;
        let keeper = match sys::fork().context(|| "cannot fork")? {
            Side::Child => {
                drop((made, say_mapped, configured));
                let code = match keep(plan, &say_made, &mapped, &say_configured) {
                    Ok(()) => 0,
                    Err(failed) => {
                        reporter.send(&Report::Failed(failed));
                        1
                    }
                };
                std::process::exit(code)
            }
            Side::Parent(keeper) => keeper,
        };
        drop((say_made, mapped, say_configured));
        if !read_byte(&made)? {
            // The keeper has said why.
            return Err(Failed::because("cannot make the namespaces"));
        }
        let pid = keeper.as_raw_nonzero().get();
        map_ids(pid, plan.ids)?;
        let open = |name: &str| -> Result<OwnedFd, Failed> {
            let path = format!("/proc/{pid}/ns/{name}");
            File::open(&path).map(Into::into).context(|| format!("cannot open `{path}`"))
        };
        let namespaces = Self {
            user: open("user")?,
            net: open("net")?,
            ipc: open("ipc")?,
            uts: open("uts")?,
            cgroup: open("cgroup")?,
            configured,
            keeper,
        };
        rustix::io::write(&say_mapped, b"m").context(|| "cannot let the namespaces be set up")?;
        Ok(namespaces)
    }

    /// Waits until the network is closed to what it must not reach, then becomes a member of all.
    pub(super) fn join(self) -> Result<(), Failed> {
        if !read_byte(&self.configured)? {
            return Err(Failed::because("cannot set up the network namespace"));
        }
        for (what, fd) in
            [("network", &self.net), ("ipc", &self.ipc), ("host name", &self.uts), ("cgroup", &self.cgroup)]
        {
            move_into_link_name_space(fd.as_fd(), None)
                .context(|| format!("cannot join the {what} namespace"))?;
        }
        join_user(self.user.as_fd())
    }

    /// Collects the child that made them.
    pub(super) fn reap_keeper(&self) {
        // It ends by itself; its status says nothing that it has not reported.
        let _status = rustix::process::waitpid(Some(self.keeper), WaitOptions::empty());
    }
}

/// Enters a user namespace, gaining every capability in it and losing those outside.
pub(super) fn join_user(user: BorrowedFd<'_>) -> Result<(), Failed> {
    move_into_link_name_space(user, Some(LinkNameSpaceType::User))
        .context(|| "cannot join the user namespace")
}

/// Runs in the child: makes the namespaces, waits for its ids, sets up name and network.
fn keep(plan: &Plan, made: &OwnedFd, mapped: &OwnedFd, configured: &OwnedFd) -> Result<(), Failed> {
    let all = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    sys::unshare(all).context(|| "cannot make user, network, ipc, host name and cgroup namespaces")?;
    rustix::io::write(made, b"u").context(|| "cannot tell the launcher")?;
    if !read_byte(mapped)? {
        return Err(Failed::because("the launcher ended early"));
    }
    rustix::system::sethostname(plan.hostname.as_bytes())
        .context(|| format!("cannot set the host name `{}`", plan.hostname))?;
    routes::close_to_the_inside()?;
    rustix::io::write(configured, b"c").context(|| "cannot tell init")?;
    Ok(())
}

fn map_ids(pid: i32, ids: Ids) -> Result<(), Failed> {
    let line = match ids {
        Ids::Shifted { first } | Ids::Unshifted { first } => format!("0 {first} {IDS_EACH}"),
        Ids::Single => format!("{USER} 0 1"),
    };
    for file in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, &line).context(|| format!("cannot write `{line}` to `{path}`"))?;
    }
    Ok(())
}
