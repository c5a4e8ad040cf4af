//! Which system calls a workspace has: two filters, of which the stricter answer counts.
//!
//! The first knows the calls that exist and answers "no such call" to all others, so a call that a newer
//! kernel adds is closed until somebody has looked at it, and programs fall back as on an older kernel.
//! The second refuses what is dangerous, by call or by argument. A foreign architecture ends the process.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::failed::Failed;
use super::syscalls::KNOWN;

/// Never allowed. Most of them the kernel would refuse anyway; this is the second lock on the door.
const REFUSED: &[i64] = &[
    // Mounts and roots, by the old and by the new calls.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    // Handles lead around paths, and so around mounts.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // Large kernel interfaces with a history.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Terminal requests that type into another's terminal or load line disciplines.
const REFUSED_REQUESTS: [u64; 3] = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD];

/// Address families a workspace has: Unix, both Internets, and netlink to ask for its own interfaces.
/// Not in it: the hypervisor's (vsock), packets, kernel crypto, and everything exotic.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Bits of `clone` and `unshare` that ask for a namespace.
/// CLONE_NEWTIME is not in it: it shares its bit with the signal of `clone`.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];
/// `CLONE_NEWTIME`, which only `unshare` takes.
const NEW_TIME: u64 = 0x80;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Both programs, in the order in which they must be installed.
pub(super) fn programs() -> Result<[BpfProgram; 2], Failed> {
    let unsuited = |error: &dyn std::fmt::Display| {
        Failed::because(format!("cannot write the filter of system calls: {error}"))
    };
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| unsuited(&error))?;
    let compile = |rules: Rules, matching, otherwise| -> Result<BpfProgram, Failed> {
        SeccompFilter::new(rules, otherwise, matching, arch)
            .and_then(TryInto::try_into)
            .map_err(|error| unsuited(&error))
    };
    let known = KNOWN.iter().map(|call| (*call, Vec::new())).collect();
    let refused = refused().map_err(|error| unsuited(&error))?;
    Ok([
        compile(known, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()))?,
        compile(refused, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)?,
    ])
}

fn refused() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let is = |argument, op, value| SeccompCondition::new(argument, Width::Dword, op, value);
    let mut refuse =
        |call: i64, conditions: Vec<SeccompCondition>| -> Result<(), seccompiler::BackendError> {
            rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
            Ok(())
        };
    for namespace in NAMESPACES.into_iter().map(|bit| u64::from(bit.unsigned_abs())) {
        refuse(libc::SYS_clone, vec![is(0, Is::MaskedEq(namespace), namespace)?])?;
        refuse(libc::SYS_unshare, vec![is(0, Is::MaskedEq(namespace), namespace)?])?;
    }
    refuse(libc::SYS_unshare, vec![is(0, Is::MaskedEq(NEW_TIME), NEW_TIME)?])?;
    for request in REFUSED_REQUESTS {
        refuse(libc::SYS_ioctl, vec![is(1, Is::Eq, request)?])?;
    }
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let other = FAMILIES.into_iter().map(|family| u64::from(family.unsigned_abs()));
        refuse(call, other.map(|family| is(0, Is::Ne, family)).collect::<Result<_, _>>()?)?;
    }
    let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
    let route = u64::from(libc::NETLINK_ROUTE.unsigned_abs());
    refuse(libc::SYS_socket, vec![is(0, Is::Eq, netlink)?, is(2, Is::Ne, route)?])?;
    Ok(rules)
}
