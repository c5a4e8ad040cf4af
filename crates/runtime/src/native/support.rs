//! What this machine can and cannot give, found out by running a sandbox.

use std::fs;
use std::path::{Path, PathBuf};

use domain::{Limits, Rootfs, WorkspaceId};

use super::cgroup::{self, Controller, Groups};
use super::disk::{Disks, Spec};
use super::failed::Failed;
use super::host_view::HostView;
use super::launch::Launcher;
use super::plan::{Ids, NetworkTool};
use super::ranges::{self, Sharing};
use super::starting;
use crate::{Boot, Lack, Support};

/// What was found.
pub(super) struct Found {
    pub groups: Groups,
    pub sharing: Sharing,
    pub network: Option<NetworkTool>,
    pub support: Support,
}

/// Looks at everything once. Takes as long as starting a sandbox.
pub(super) fn probe(disks: &Disks, launcher: &Launcher) -> Found {
    let groups = Groups::find(disks.data());
    let mut lacks = Vec::new();
    let mut sharing = if ranges::has_ranges() { Sharing::Own } else { Sharing::Single };
    let mut tried = try_out(disks, launcher, sharing);
    if sharing == Sharing::Own
        && let Err(failed) = &tried
        && failed.what.starts_with("cannot shift")
    {
        lacks.push(one_range(failed));
        sharing = Sharing::One;
        tried = try_out(disks, launcher, sharing);
    }
    if let Err(failed) = &tried {
        lacks.insert(0, no_sandbox(failed));
    }
    let network = find_network(sharing, &mut lacks);
    missing_limits(&groups, sharing, &mut lacks);
    if sharing == Sharing::Single {
        lacks.push(single_user());
    }
    let who = if sharing == Sharing::Single { "as an ordinary user" } else { "as root" };
    let carrier = match &network {
        Some(NetworkTool::Pasta(_)) => "network by pasta",
        Some(NetworkTool::Slirp(_)) => "network by slirp4netns",
        None => "no network",
    };
    let summary = format!("{who}, {}, {carrier}", groups.summary());
    let usable = !lacks.iter().any(|lack| lack.fatal);
    Found { groups, sharing, network, support: Support { usable, summary, lacks } }
}

/// Runs `/bin/true` in a sandbox of the machine's own file system, without groups and carrier.
fn try_out(disks: &Disks, launcher: &Launcher, sharing: Sharing) -> Result<(), Failed> {
    let data = disks.data().join("trial");
    let trial = Disks::open(data.clone())?;
    let tried = run_trial(&trial, launcher, sharing);
    // What cannot be erased now is erased at the next start.
    let _later = Disks::erase(disks.throw_away(&data, "trial")?);
    tried
}

fn run_trial(disks: &Disks, launcher: &Launcher, sharing: Sharing) -> Result<(), Failed> {
    let Ok(id) = "ws_00000000000000000000000000".parse::<WorkspaceId>() else {
        return Err(Failed::because("the trial has no id"));
    };
    let ids = ranges::choose(sharing, id, &[]).unwrap_or(Ids::Single);
    let spec = Spec {
        hostname: "trial".into(),
        rootfs: Rootfs::Host,
        image: None,
        base: None,
        limits: Limits::default(),
        ids,
        sealing: None,
    };
    disks.create(id, &spec, &[])?;
    let view = HostView::prepare(disks.data(), ids)?;
    let boot = Boot { command: vec!["/bin/true".into()], ..Boot::default() };
    let lowers = vec![view.skeleton.clone()];
    let mut plan = starting::plan(&disks.folder(id), &spec, &boot, Some(view), &Groups::default());
    plan.lowers = lowers;
    launcher.launch(&plan, &[])?;
    Ok(())
}

fn find_network(sharing: Sharing, lacks: &mut Vec<Lack>) -> Option<NetworkTool> {
    let mut no = |what: &str, mend: &str| {
        lacks.push(Lack {
            what: format!("no network in workspaces: {what}"),
            mend: mend.into(),
            fatal: false,
        });
        None
    };
    let tool = match (find_program("pasta"), find_program("slirp4netns")) {
        (Some(pasta), _) => NetworkTool::Pasta(pasta),
        (None, Some(slirp)) => NetworkTool::Slirp(slirp),
        (None, None) => return no("neither pasta nor slirp4netns is installed", "apt-get install passt"),
    };
    let device = Path::new("/dev/net/tun");
    if !device.exists() {
        return no("the machine has no /dev/net/tun", "modprobe tun");
    }
    // Root makes its own; an ordinary user needs the machine's.
    if sharing == Sharing::Single && fs::File::options().read(true).write(true).open(device).is_err() {
        return no("this user may not open /dev/net/tun", "sudo chmod 0666 /dev/net/tun");
    }
    Some(tool)
}

fn find_program(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

fn missing_limits(groups: &Groups, sharing: Sharing, lacks: &mut Vec<Lack>) {
    let mend = if sharing == Sharing::Single {
        "start Hearth with `systemd-run --user --scope -p Delegate=yes hearth …`, or as root"
    } else {
        "mount the controller, or start Hearth where it may make control groups (systemd: Delegate=yes)"
    };
    for (controller, what) in [
        (Controller::Memory, "no memory limit for a workspace as a whole, only for each process"),
        (Controller::Cpu, "no processor limit"),
        (Controller::Pids, "the limit of processes holds by resource limit only"),
    ] {
        if !groups.has(controller) {
            let what = format!("{what}: no such control group controller can be used");
            lacks.push(Lack { what, mend: mend.into(), fatal: false });
        }
    }
}

fn single_user() -> Lack {
    Lack {
        what: "workspaces have one user id: the server runs as an ordinary user, so files of other \
               owners show as nobody's and all workspaces share the server's own id outside"
            .into(),
        mend: "run Hearth as root to give every workspace ids of its own".into(),
        fatal: false,
    }
}

fn one_range(failed: &Failed) -> Lack {
    Lack {
        what: format!("all workspaces share one range of user ids: {failed} ({})", failed.source()),
        mend: "keep the data folder on ext4, xfs or btrfs, with Linux 5.19 or newer".into(),
        fatal: false,
    }
}

fn no_sandbox(failed: &Failed) -> Lack {
    let zero = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == "0");
    let one = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == "1");
    let mend = if zero("/proc/sys/kernel/unprivileged_userns_clone") {
        "sudo sysctl kernel.unprivileged_userns_clone=1"
    } else if zero("/proc/sys/user/max_user_namespaces") {
        "sudo sysctl user.max_user_namespaces=65536"
    } else if one("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") {
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    } else if cgroup::in_container() {
        "in a container, run it with `--privileged`, or run Hearth on the machine itself"
    } else {
        "use Linux 5.19 or newer with user namespaces and overlayfs, or run Hearth as root"
    };
    Lack {
        what: format!("no sandbox can be made: {failed} ({})", failed.source()),
        mend: mend.into(),
        fatal: true,
    }
}
