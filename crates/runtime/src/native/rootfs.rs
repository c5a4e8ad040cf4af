//! The file system of a sandbox: overlay, fresh kernel file systems, places of the machine shown inside.
//!
//! Made by the owner of the mount namespace (the machine's root, or an ordinary user as root of an outer
//! user namespace) before init joins the sandbox's own user namespace. So no capability that anything
//! inside could ever get is one over these mounts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};
use rustix::thread::UnshareFlags;

use super::failed::{Context, Failed};
use super::inside::Inside;
use super::kernel_files;
use super::namespaces::Namespaces;
use super::plan::{Access, Ids, Need, Plan, Shown};
use super::sys::{self, Depth};

/// Folder in a sandbox's folder that the scaffold is mounted on, in init's mount namespace only.
pub(super) const STAGE: &str = "stage";
/// Folder in a sandbox's folder that holds `upper` and `work`.
pub(super) const DISK: &str = "disk";

/// No mount of the sandbox honours these.
pub(super) const HARMLESS: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Builds the file system and makes it the root of this process, in a mount namespace of its own.
pub(super) fn build(plan: &Plan, namespaces: &Namespaces) -> Result<(), Failed> {
    sys::unshare(UnshareFlags::NEWNS).context(|| "cannot make a mount namespace")?;
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .context(|| "cannot make mounts private")?;
    let shift = match plan.ids {
        Ids::Shifted { .. } => Some(namespaces.user.as_fd()),
        Ids::Unshifted { .. } | Ids::Single => None,
    };
    mount_overlay(plan, shift)?;
    rustix::process::chdir("root").context(|| "cannot enter the new root")?;
    let inside = Inside::open(".")?;
    kernel_files::mount(&inside, plan)?;
    for shown in &plan.shown {
        show(&inside, shown, shift)?;
    }
    for place in &plan.hidden {
        if let Some(point) = inside.existing(place)? {
            let empty = new_filesystem("tmpfs", &[("size", "0"), ("mode", "0555")], read_only())?;
            attach(&empty, point.as_fd(), place)?;
        }
    }
    // The machine's root ends up over the new one and is taken away; see pivot_root(2).
    rustix::process::pivot_root(".", ".").context(|| "cannot pivot to the new root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).context(|| "cannot let go of the machine's root")?;
    rustix::process::chdir("/").context(|| "cannot change to /")
}

/// Stacks the layers and the sandbox's own disk on `root` in the stage, and goes to the stage.
fn mount_overlay(plan: &Plan, shift: Option<BorrowedFd<'_>>) -> Result<(), Failed> {
    let stage = plan.folder.join(STAGE);
    let shown = stage.display();
    rustix::mount::mount("tmpfs", &stage, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0700")
        .context(|| format!("cannot mount on `{shown}`"))?;
    rustix::process::chdir(&stage).context(|| format!("cannot change to `{shown}`"))?;
    let folder = |name: &str| {
        rustix::fs::mkdir(name, Mode::from_raw_mode(0o755))
            .context(|| format!("cannot make `{shown}/{name}`"))
    };
    // Short names relative to here, because all options together must fit one page.
    let mut names = Vec::with_capacity(plan.lowers.len());
    for (number, lower) in plan.lowers.iter().enumerate() {
        let name = number.to_string();
        folder(&name)?;
        let tree = clone_mount(lower, Depth::Here, read_only(), shift)?;
        attach_at(&tree, &name)?;
        names.push(name);
    }
    folder(DISK)?;
    attach_at(&clone_mount(&plan.folder.join(DISK), Depth::Here, HARMLESS, shift)?, DISK)?;
    folder("root")?;
    names.reverse();
    let mut options = format!("lowerdir={},upperdir={DISK}/upper,workdir={DISK}/work", names.join(":"));
    options.push_str(match plan.ids {
        // An ordinary user's overlay keeps its marks where users may write them; what could be forged
        // through them is off.
        Ids::Single => ",userxattr",
        Ids::Shifted { .. } | Ids::Unshifted { .. } => ",index=off,metacopy=off,redirect_dir=on",
    });
    let options = std::ffi::CString::new(options).map_err(|_| Failed::because("a zero byte in a layer"))?;
    let mount = || {
        rustix::mount::mount(
            "overlay",
            "root",
            "overlay",
            MountFlags::NOSUID | MountFlags::NODEV,
            options.as_c_str(),
        )
        .context(|| format!("cannot mount the overlay of {} layers at `{shown}/root`", names.len()))
    };
    match plan.ids {
        Ids::Shifted { first } => as_owner_of_files(first, mount),
        Ids::Unshifted { .. } | Ids::Single => mount(),
    }
}

/// Runs `mount` so that what the overlay itself makes on disk, its work folder and whiteouts, belongs to
/// the sandbox's root. The machine's root has no id in a shifted mount, and could make nothing there
/// (`EOVERFLOW`); the overlay would silently become read-only.
fn as_owner_of_files(first: u32, mount: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
    use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
    use rustix::thread::CapabilitiesSecureBits;

    // Or the change of id would take the capabilities that the overlay remembers from its maker.
    let bits = rustix::thread::capabilities_secure_bits().context(|| "cannot read the secure bits")?;
    rustix::thread::set_capabilities_secure_bits(bits | CapabilitiesSecureBits::NO_SETUID_FIXUP)
        .context(|| "cannot keep capabilities")?;
    setfsgid(Gid::from_raw(first));
    setfsuid(Uid::from_raw(first));
    let mounted = mount();
    setfsuid(Uid::from_raw(0));
    setfsgid(Gid::from_raw(0));
    rustix::thread::set_capabilities_secure_bits(bits).context(|| "cannot restore the secure bits")?;
    mounted
}

/// Shows one place of the machine inside.
fn show(inside: &Inside, shown: &Shown, shift: Option<BorrowedFd<'_>>) -> Result<(), Failed> {
    let flags = match shown.access {
        Access::ReadWrite => HARMLESS,
        Access::ReadOnly => read_only(),
    };
    // What is written through a shifted mount would belong to small ids of the machine: never that.
    let shift = shift.filter(|_| shown.access == Access::ReadOnly);
    let optional = shown.need == Need::WherePresent;
    // Most file systems shift ids; one that does not shows its files as nobody's, which still works.
    let tree = clone_mount(&shown.host, Depth::Below, flags, shift)
        .or_else(|_| clone_mount(&shown.host, Depth::Below, flags, None));
    let tree = match tree {
        Err(failed) if optional && failed.errno == libc::ENOENT => return Ok(()),
        tree => tree?,
    };
    let point = match shown.need {
        Need::WherePresent => match inside.existing(&shown.inside)? {
            Some(point) => point,
            None => return Ok(()),
        },
        Need::Required if shown.host.is_dir() => inside.folder(&shown.inside)?,
        Need::Required => inside.file(&shown.inside)?,
    };
    match attach(&tree, point.as_fd(), &shown.inside) {
        // A folder where the sandbox has a file, or the other way round.
        Err(failed) if optional && failed.errno == libc::ENOTDIR => Ok(()),
        attached => attached,
    }
}

fn read_only() -> MountAttrFlags {
    HARMLESS | MountAttrFlags::MOUNT_ATTR_RDONLY
}

/// A copy of the mount at `path`, attached nowhere yet.
pub(super) fn clone_mount(
    path: &Path,
    depth: Depth,
    flags: MountAttrFlags,
    shift: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, Failed> {
    let mut how = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if depth == Depth::Below {
        how |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = rustix::mount::open_tree(CWD, path, how)
        .context(|| format!("cannot take a mount of `{}`", path.display()))?;
    sys::set_mount_attributes(tree.as_fd(), depth, flags.bits().into(), shift).context(|| {
        let what = if shift.is_some() { "shift the ids of" } else { "restrict" };
        format!("cannot {what} a mount of `{}`", path.display())
    })?;
    Ok(tree)
}

/// A copy of the mount at an opened place, attached nowhere yet.
pub(super) fn clone_place(
    place: BorrowedFd<'_>,
    name: &str,
    flags: MountAttrFlags,
) -> Result<OwnedFd, Failed> {
    let how =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let tree =
        rustix::mount::open_tree(place, "", how).context(|| format!("cannot take a mount of `{name}`"))?;
    sys::set_mount_attributes(tree.as_fd(), Depth::Here, flags.bits().into(), None)
        .context(|| format!("cannot restrict a mount of `{name}`"))?;
    Ok(tree)
}

/// A fresh file system of a kind, attached nowhere yet.
pub(super) fn new_filesystem(
    kind: &str,
    options: &[(&str, &str)],
    flags: MountAttrFlags,
) -> Result<OwnedFd, Failed> {
    let what = || format!("cannot make a file system of kind {kind}");
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).context(what)?;
    for (name, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), *name, *value)
            .context(|| format!("{} with {name}={value}", what()))?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).context(what)?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).context(what)
}

/// Attaches a mount on a place that was opened safely before.
pub(super) fn attach(tree: &OwnedFd, point: BorrowedFd<'_>, name: &str) -> Result<(), Failed> {
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", point, "", both)
        .context(|| format!("cannot mount `{name}` in the sandbox"))
}

/// Attaches a mount on a path of the stage, where nobody else writes.
fn attach_at(tree: &OwnedFd, path: &str) -> Result<(), Failed> {
    rustix::mount::move_mount(tree, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .context(|| format!("cannot mount `{path}` in the stage"))
}
