//! Giving up every power: groups, capabilities, ids, new privileges, keyrings, dangerous system calls.

use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::failed::{Context, Failed};
use super::plan::{Ids, Plan, USER};
use super::{seccomp, sys};

/// Becomes the sandbox's user, with nothing left to win power back with. Call inside its user namespace.
pub(super) fn give_up(plan: &Plan) -> Result<(), Failed> {
    sys::join_new_session_keyring().or_else(|errno| match errno {
        // A kernel without keyrings, or a container manager that denies them, has none to leave.
        rustix::io::Errno::NOSYS | rustix::io::Errno::PERM => Ok(()),
        errno => Err(errno).context(|| "cannot leave the session keyring"),
    })?;
    if plan.ids != Ids::Single {
        // An ordinary user may not change groups at all: the caller's own stay.
        set_thread_groups(&[]).context(|| "cannot drop groups")?;
    }
    empty_bounding_set()?;
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED,
    )
    .context(|| "cannot lock the secure bits")?;
    let (uid, gid) = (Uid::from_raw(USER), Gid::from_raw(USER));
    set_thread_res_gid(gid, gid, gid).context(|| format!("cannot become group {USER}"))?;
    set_thread_res_uid(uid, uid, uid).context(|| format!("cannot become user {USER}"))?;
    clear_ambient_capability_set().context(|| "cannot clear ambient capabilities")?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .context(|| "cannot drop capabilities")?;
    set_no_new_privs(true).context(|| "cannot forbid new privileges")
}

/// Leaves only the system calls that a workspace needs.
pub(super) fn filter_system_calls() -> Result<(), Failed> {
    for program in seccomp::programs()? {
        seccompiler::apply_filter(&program)
            .map_err(|error| Failed::because(format!("cannot filter system calls: {error}")))?;
    }
    Ok(())
}

fn empty_bounding_set() -> Result<(), Failed> {
    for number in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The first number that is no capability of this kernel.
            Err(rustix::io::Errno::INVAL) => return Ok(()),
            Err(errno) => {
                return Err(errno).context(|| format!("cannot drop capability {number} for good"));
            }
        }
    }
    Ok(())
}
