//! The kernel's file systems in a sandbox: `/dev`, `/proc`, `/sys`, and memory-backed folders.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::mount::MountAttrFlags;

use super::failed::Failed;
use super::inside::{Inside, is_folder};
use super::plan::{Ids, Plan, USER};
use super::rootfs::{HARMLESS, attach, clone_mount, clone_place, new_filesystem};
use super::sys::Depth;

/// Devices that hold no state of anybody's.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Files and folders of `/proc` that tell about or act on the whole machine.
const MASKED: [&str; 13] = [
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "key-users",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
];
/// Folders of `/proc` that programs read but must not write.
const READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sys"];

/// Group of terminals on Debian and everywhere else.
const TTY_GROUP: u32 = 5;

/// Mounts all of them.
pub(super) fn mount(inside: &Inside, plan: &Plan) -> Result<(), Failed> {
    let owner = plan.ids.root_outside().to_string();
    let half = plan.memory_folders_bytes.to_string();
    let memory = |path: &str, mode: &str, size: &str| -> Result<(), Failed> {
        let options = [("mode", mode), ("size", size), ("uid", &owner), ("gid", &owner)];
        let tree = new_filesystem("tmpfs", &options, HARMLESS)?;
        attach(&tree, inside.folder(path)?.as_fd(), path)
    };
    memory("/dev", "0755", "65536")?;
    memory("/dev/shm", "1777", &half)?;
    memory("/tmp", "1777", &half)?;
    memory("/run", "0755", &half)?;
    memory("/.hearth", "0755", "65536")?;
    devices(inside, plan)?;
    process_files(inside)?;
    processors(inside)?;
    own_run_folder(inside, plan)
}

fn devices(inside: &Inside, plan: &Plan) -> Result<(), Failed> {
    for name in DEVICES {
        let path = format!("/dev/{name}");
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let device = clone_mount(Path::new(&path), Depth::Here, flags, None)?;
        attach(&device, inside.file(&path)?.as_fd(), &path)?;
    }
    // Only the group of a real range exists outside; an ordinary user's terminals have the user's own.
    let group = match plan.ids {
        Ids::Shifted { first } | Ids::Unshifted { first } => first + TTY_GROUP,
        Ids::Single => 0,
    };
    let group = group.to_string();
    let options = [("ptmxmode", "0666"), ("mode", "0620"), ("gid", &group)];
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let terminals = new_filesystem("devpts", &options, flags)?;
    attach(&terminals, inside.folder("/dev/pts")?.as_fd(), "/dev/pts")?;
    for (target, path) in [
        ("pts/ptmx", "/dev/ptmx"),
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"),
    ] {
        inside.link(target, path)?;
    }
    Ok(())
}

fn process_files(inside: &Inside) -> Result<(), Failed> {
    let flags = HARMLESS | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let files = new_filesystem("proc", &[], flags)?;
    attach(&files, inside.folder("/proc")?.as_fd(), "/proc")?;
    let closed = flags | MountAttrFlags::MOUNT_ATTR_RDONLY;
    for name in READ_ONLY {
        let path = format!("/proc/{name}");
        if let Some(point) = inside.existing(&path)? {
            let tree = clone_place(point.as_fd(), &path, closed)?;
            attach(&tree, point.as_fd(), &path)?;
        }
    }
    for name in MASKED {
        let path = format!("/proc/{name}");
        let Some(point) = inside.existing(&path)? else { continue };
        let cover = if is_folder(&point)? {
            new_filesystem("tmpfs", &[("size", "0"), ("mode", "0555")], closed)?
        } else {
            let nothing = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_RDONLY;
            clone_mount(Path::new("/dev/null"), Depth::Here, nothing, None)?
        };
        attach(&cover, point.as_fd(), &path)?;
    }
    Ok(())
}

/// How many processors there are is all of `/sys` that build tools ask for.
fn processors(inside: &Inside) -> Result<(), Failed> {
    const PATH: &str = "/sys/devices/system/cpu";
    if !Path::new(PATH).is_dir() {
        return Ok(());
    }
    let flags = HARMLESS | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let frame = new_filesystem("tmpfs", &[("size", "65536"), ("mode", "0555")], flags)?;
    attach(&frame, inside.folder("/sys")?.as_fd(), "/sys")?;
    let closed = flags | MountAttrFlags::MOUNT_ATTR_RDONLY;
    let Ok(tree) = clone_mount(Path::new(PATH), Depth::Here, closed, None) else { return Ok(()) };
    attach(&tree, inside.folder(PATH)?.as_fd(), PATH)
}

fn own_run_folder(inside: &Inside, plan: &Plan) -> Result<(), Failed> {
    let own = match plan.ids {
        Ids::Shifted { first } | Ids::Unshifted { first } => Some(first + USER),
        Ids::Single => None,
    };
    for (path, owner, mode) in
        [("/run/lock", None, 0o1777), ("/run/user", None, 0o755), (&*format!("/run/user/{USER}"), own, 0o700)]
    {
        inside.folder(path)?;
        inside.hand_over(path, owner, mode)?;
    }
    Ok(())
}
