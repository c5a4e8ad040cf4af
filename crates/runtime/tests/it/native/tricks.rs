//! Tricks tried from inside a sandbox: this executable is shown in it and runs [`from_inside`].
#![expect(unsafe_code, reason = "an attacker makes system calls that no safe wrapper offers")]

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// Names the trick in the environment of the process inside.
const TRICK: &str = "HEARTH_TRICK";

/// The command line that tries all tricks and prints `name: outcome` lines.
pub(crate) fn command_line() -> String {
    format!("{TRICK}=all /.hearth/tests --exact native::tricks::from_inside --nocapture")
}

/// One trick: what it is called, how it is tried, and the outcomes that mean it failed for the right reason.
pub(crate) struct Trick {
    pub(crate) name: &'static str,
    attempt: fn() -> String,
    pub(crate) harmless: &'static [&'static str],
}

/// Does nothing unless it runs inside a sandbox.
#[test]
fn from_inside() {
    if std::env::var_os(TRICK).is_none() {
        return;
    }
    for trick in TRICKS {
        println!("trick {}: {}", trick.name, (trick.attempt)());
    }
}

fn call(number: i64, with: [u64; 6]) -> String {
    // SAFETY: the pointers among the arguments are valid or null; the kernel checks the rest.
    let answer = unsafe { libc::syscall(number, with[0], with[1], with[2], with[3], with[4], with[5]) };
    if answer >= 0 { format!("worked: {answer}") } else { errno() }
}

fn errno() -> String {
    name_of(&std::io::Error::last_os_error())
}

fn name_of(error: &std::io::Error) -> String {
    nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(0))
        .to_string()
        .split(':')
        .next()
        .unwrap_or("?")
        .to_owned()
}

fn told<T>(result: std::io::Result<T>, worked: impl FnOnce(T) -> String) -> String {
    match result {
        Ok(value) => worked(value),
        Err(error) => name_of(&error),
    }
}

fn pointer(text: &CString) -> u64 {
    text.as_ptr() as u64
}

fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn open_to_read(path: &str) -> String {
    told(
        fs::read(path),
        |bytes| if bytes.is_empty() { "empty".into() } else { format!("read {}", bytes.len()) },
    )
}

fn open_to_write(path: &str) -> String {
    told(fs::OpenOptions::new().write(true).open(path), |file| {
        // A mask is the null device, which takes everything and does nothing.
        let is_null = file.metadata().is_ok_and(|data| data.rdev() == libc::makedev(1, 3));
        if is_null { "null".into() } else { "opened".into() }
    })
}

fn socket(family: i32, kind: i32, protocol: i32) -> String {
    // SAFETY: numbers only.
    let fd = unsafe { libc::socket(family, kind, protocol) };
    if fd >= 0 { "opened".into() } else { errno() }
}

/// Runs something in a child, because it may not survive, and tells how it ended.
fn in_child(work: fn() -> String) -> String {
    // SAFETY: the child only makes system calls and exits.
    match unsafe { libc::fork() } {
        0 => {
            println!("child: {}", work());
            std::process::exit(0)
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` lives across the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            if libc::WIFSIGNALED(status) {
                format!("killed by {}", libc::WTERMSIG(status))
            } else {
                format!("survived with {}", libc::WEXITSTATUS(status))
            }
        }
    }
}

const NONE: [u64; 6] = [0; 6];
const REFUSED: &[&str] = &["EPERM"];
/// Refused, or an id that an ordinary user's sandbox does not even have.
const UNKNOWN_ID: &[&str] = &["EPERM", "EINVAL"];
const HIDDEN: &[&str] = &["ENOENT"];

macro_rules! trick {
    ($name:ident, $harmless:expr, $attempt:expr) => {
        Trick { name: stringify!($name), attempt: || $attempt, harmless: $harmless }
    };
}

pub(crate) const TRICKS: &[Trick] = &[
    // First, because those below leave descriptors open.
    trick!(find_a_descriptor_of_the_server, &["none"], {
        let open: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().flatten().collect();
        let ours = |target: &str| {
            target.starts_with("/.hearth/run/") || target == "/dev/null" || target.contains("/fd")
        };
        let strange = open.iter().filter_map(|entry| fs::read_link(entry.path()).ok());
        let strange: Vec<_> = strange.filter(|target| !ours(&target.to_string_lossy())).collect();
        if strange.is_empty() { "none".into() } else { format!("{strange:?}") }
    }),
    trick!(mount_a_file_system, REFUSED, {
        let (kind, at) = (text("tmpfs"), text("/tmp"));
        call(libc::SYS_mount, [pointer(&kind), pointer(&at), pointer(&kind), 0, 0, 0])
    }),
    trick!(mount_the_cgroup_file_system_for_its_release_agent, REFUSED, {
        let (kind, at) = (text("cgroup"), text("/tmp"));
        call(libc::SYS_mount, [pointer(&kind), pointer(&at), pointer(&kind), 0, 0, 0])
    }),
    trick!(open_a_file_system_with_the_new_calls, REFUSED, {
        let kind = text("tmpfs");
        call(libc::SYS_fsopen, [pointer(&kind), 0, 0, 0, 0, 0])
    }),
    trick!(clone_a_mount, REFUSED, {
        let root = text("/");
        call(libc::SYS_open_tree, [libc::AT_FDCWD as u64, pointer(&root), 1, 0, 0, 0])
    }),
    trick!(make_mounts_writable_again, REFUSED, {
        call(libc::SYS_mount_setattr, [libc::AT_FDCWD as u64, pointer(&text("/usr")), 0, 0, 0, 0])
    }),
    trick!(
        take_a_mask_off_proc,
        REFUSED,
        call(libc::SYS_umount2, [pointer(&text("/proc/kcore")), 0, 0, 0, 0, 0])
    ),
    trick!(pivot_the_root, REFUSED, {
        let root = text("/tmp");
        call(libc::SYS_pivot_root, [pointer(&root), pointer(&root), 0, 0, 0, 0])
    }),
    trick!(chroot_and_climb_out, REFUSED, call(libc::SYS_chroot, [pointer(&text("/tmp")), 0, 0, 0, 0, 0])),
    trick!(unshare_a_user_namespace, REFUSED, {
        call(libc::SYS_unshare, [libc::CLONE_NEWUSER as u64, 0, 0, 0, 0, 0])
    }),
    trick!(unshare_a_mount_namespace, REFUSED, {
        call(libc::SYS_unshare, [libc::CLONE_NEWNS as u64, 0, 0, 0, 0, 0])
    }),
    trick!(clone_into_a_user_namespace, REFUSED, {
        call(libc::SYS_clone, [(libc::CLONE_NEWUSER | libc::SIGCHLD) as u64, 0, 0, 0, 0, 0])
    }),
    trick!(clone_into_a_namespace_by_the_call_whose_flags_no_filter_sees, &["ENOSYS"], {
        call(libc::SYS_clone3, NONE)
    }),
    trick!(join_a_namespace, REFUSED, {
        let own = fs::File::open("/proc/self/ns/net").unwrap();
        call(libc::SYS_setns, [std::os::fd::AsRawFd::as_raw_fd(&own) as u64, 0, 0, 0, 0, 0])
    }),
    trick!(
        open_the_namespaces_of_init,
        &["EACCES"],
        told(fs::File::open("/proc/1/ns/mnt"), |_| "opened".into())
    ),
    trick!(trace_init, REFUSED, call(libc::SYS_ptrace, [u64::from(libc::PTRACE_ATTACH), 1, 0, 0, 0, 0])),
    trick!(read_the_memory_of_init, &["EACCES"], told(fs::File::open("/proc/1/mem"), |_| "opened".into())),
    trick!(read_the_memory_of_init_by_call, REFUSED, {
        let mut room = [0u8; 8];
        let here = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        let there = libc::iovec { iov_base: std::ptr::without_provenance_mut(0x10000), iov_len: room.len() };
        call(libc::SYS_process_vm_readv, [1, &raw const here as u64, 1, &raw const there as u64, 1, 0])
    }),
    trick!(read_the_environment_of_init, &["EACCES"], open_to_read("/proc/1/environ")),
    trick!(list_the_descriptors_of_init, &["EACCES"], told(fs::read_dir("/proc/1/fd"), |_| "listed".into())),
    trick!(take_a_descriptor_of_init, REFUSED, {
        // SAFETY: numbers only.
        let init = unsafe { libc::syscall(libc::SYS_pidfd_open, 1, 0) };
        call(libc::SYS_pidfd_getfd, [init as u64, 3, 0, 0, 0, 0])
    }),
    trick!(
        go_through_the_root_of_init,
        &["EACCES"],
        told(fs::read_dir("/proc/1/root/"), |_| "listed".into())
    ),
    trick!(go_through_the_root_of_itself, HIDDEN, {
        told(fs::metadata("/proc/self/root/../../../../etc/shadow"), |_| "found".into())
    }),
    trick!(make_a_device, REFUSED, {
        let path = text("/tmp/mem");
        let device = libc::makedev(1, 1);
        call(
            libc::SYS_mknodat,
            [libc::AT_FDCWD as u64, pointer(&path), u64::from(libc::S_IFCHR | 0o666), device, 0, 0],
        )
    }),
    trick!(open_the_machines_memory, HIDDEN, open_to_read("/dev/mem")),
    trick!(open_the_hypervisor, HIDDEN, open_to_write("/dev/kvm")),
    trick!(open_the_tunnel_device, HIDDEN, open_to_write("/dev/net/tun")),
    trick!(open_a_disk, HIDDEN, {
        let found = fs::read_dir("/dev").unwrap().flatten().any(|entry| {
            use std::os::unix::fs::FileTypeExt;
            entry.file_type().is_ok_and(|kind| kind.is_block_device())
        });
        if found { "found".into() } else { "ENOENT".into() }
    }),
    trick!(read_the_kernels_memory, &["empty", "ENOENT"], open_to_read("/proc/kcore")),
    trick!(read_the_kernels_log, &["empty", "ENOENT"], open_to_read("/proc/kmsg")),
    trick!(read_the_kernels_log_by_call, REFUSED, call(libc::SYS_syslog, [3, 0, 0, 0, 0, 0])),
    trick!(read_the_kernels_keys, &["empty", "ENOENT"], open_to_read("/proc/keys")),
    trick!(press_a_system_request_key, &["null", "ENOENT", "EACCES"], open_to_write("/proc/sysrq-trigger")),
    trick!(set_the_core_pattern, &["EROFS", "EACCES"], open_to_write("/proc/sys/kernel/core_pattern")),
    trick!(set_a_kernel_parameter, &["EROFS", "EACCES"], open_to_write("/proc/sys/vm/overcommit_memory")),
    trick!(find_a_release_agent, HIDDEN, open_to_write("/sys/fs/cgroup/release_agent")),
    trick!(set_a_kernel_helper, HIDDEN, open_to_write("/sys/kernel/uevent_helper")),
    trick!(load_a_program_into_the_kernel, REFUSED, call(libc::SYS_bpf, NONE)),
    trick!(open_a_performance_counter, REFUSED, call(libc::SYS_perf_event_open, NONE)),
    trick!(handle_page_faults, REFUSED, call(libc::SYS_userfaultfd, NONE)),
    trick!(use_io_uring_past_the_filter, &["ENOSYS"], call(libc::SYS_io_uring_setup, [8, 0, 0, 0, 0, 0])),
    trick!(look_into_the_kernels_keyrings, REFUSED, call(libc::SYS_keyctl, NONE)),
    trick!(add_a_key, REFUSED, call(libc::SYS_add_key, NONE)),
    trick!(open_a_file_by_handle, REFUSED, call(libc::SYS_open_by_handle_at, NONE)),
    trick!(make_a_handle, REFUSED, call(libc::SYS_name_to_handle_at, NONE)),
    trick!(watch_whole_file_systems, REFUSED, call(libc::SYS_fanotify_init, NONE)),
    trick!(load_a_module, REFUSED, call(libc::SYS_finit_module, NONE)),
    trick!(load_another_kernel, REFUSED, call(libc::SYS_kexec_load, NONE)),
    trick!(
        restart_the_machine,
        REFUSED,
        call(libc::SYS_reboot, [0xfee1_dead, 672_274_793, 0x0123_4567, 0, 0, 0])
    ),
    trick!(add_swap, REFUSED, call(libc::SYS_swapon, [pointer(&text("/tmp/x")), 0, 0, 0, 0, 0])),
    trick!(set_the_clock, REFUSED, call(libc::SYS_clock_settime, [0, 0, 0, 0, 0, 0])),
    trick!(rename_the_machine, REFUSED, call(libc::SYS_sethostname, [pointer(&text("x")), 1, 0, 0, 0, 0])),
    trick!(call_something_unknown, &["ENOSYS"], call(9_999, NONE)),
    trick!(type_into_a_terminal, REFUSED, {
        let terminal = nix::pty::openpty(None, None);
        let fd = terminal.map_or(0, |both| std::os::fd::IntoRawFd::into_raw_fd(both.slave));
        let letter = b'x';
        call(libc::SYS_ioctl, [fd as u64, libc::TIOCSTI, &raw const letter as u64, 0, 0, 0])
    }),
    trick!(type_into_a_terminal_with_high_bits_set, REFUSED, {
        let letter = b'x';
        call(libc::SYS_ioctl, [0, libc::TIOCSTI | 1 << 40, &raw const letter as u64, 0, 0, 0])
    }),
    trick!(open_a_raw_socket, REFUSED, socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP)),
    trick!(open_a_packet_socket, REFUSED, socket(libc::AF_PACKET, libc::SOCK_RAW, 0)),
    trick!(open_a_hypervisor_socket, REFUSED, socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
    trick!(open_a_kernel_crypto_socket, REFUSED, socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)),
    trick!(open_an_audit_socket, REFUSED, socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT)),
    trick!(take_the_rules_off_the_network, REFUSED, delete_first_rule()),
    trick!(become_root, UNKNOWN_ID, call(libc::SYS_setuid, NONE)),
    trick!(become_somebody_else, UNKNOWN_ID, call(libc::SYS_setuid, [1001, 0, 0, 0, 0, 0])),
    trick!(have_any_capability, &["none"], {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let mut sets = status.lines().filter(|line| line.starts_with("Cap"));
        if sets.all(|line| line.trim_end().ends_with("\t0000000000000000")) { "none".into() } else { status }
    }),
    trick!(run_a_program_that_changes_user, &["uid 1000"], {
        fs::copy("/usr/bin/id", "/home/hearth/id").unwrap();
        fs::set_permissions("/home/hearth/id", fs::Permissions::from_mode(0o6755)).unwrap();
        let output = Command::new("/home/hearth/id").arg("-u").output().unwrap();
        format!("uid {}", String::from_utf8_lossy(&output.stdout).trim())
    }),
    trick!(gain_privileges_by_executing, &["forbidden"], {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let forbidden = status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2");
        if forbidden { "forbidden".into() } else { status }
    }),
    trick!(see_a_process_of_the_machine, &["none"], {
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids: Vec<_> = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect();
        if pids.len() < 10 && pids.iter().all(|pid| *pid < 1000) {
            "none".into()
        } else {
            format!("{pids:?}")
        }
    }),
    trick!(read_the_machines_passwords, HIDDEN, open_to_read("/etc/shadow")),
    trick!(read_the_machines_keys, HIDDEN, told(fs::read_dir("/etc/ssh"), |_| "listed".into())),
    trick!(read_the_machines_id, HIDDEN, open_to_read("/etc/machine-id")),
    trick!(see_a_home_of_the_machine, &["[\"hearth\"]"], {
        let homes: Vec<_> = fs::read_dir("/home").unwrap().flatten().map(|entry| entry.file_name()).collect();
        format!("{homes:?}")
    }),
    trick!(see_the_home_of_root, &["EACCES", "empty"], {
        told(
            fs::read_dir("/root"),
            |mut entries| if entries.next().is_none() { "empty".into() } else { "seen".into() },
        )
    }),
    trick!(change_the_machines_programs, &["EROFS", "EACCES"], {
        told(fs::write("/usr/bin/hearth-was-here", "x"), |()| "written".into())
    }),
    trick!(change_the_agent, &["EROFS", "EACCES", "ETXTBSY"], open_to_write("/.hearth/tests")),
    trick!(give_a_file_away, UNKNOWN_ID, {
        fs::write("/home/hearth/mine", "").unwrap();
        told(std::os::unix::fs::chown("/home/hearth/mine", Some(0), Some(0)), |()| "given".into())
    }),
    trick!(reach_the_metadata_service, &["EACCES"], connect("169.254.169.254:80")),
    trick!(
        reach_the_metadata_service_by_a_mapped_address,
        &["EACCES"],
        connect("[::ffff:169.254.169.254]:80")
    ),
    trick!(reach_the_metadata_service_of_another_cloud, &["EACCES"], connect("100.100.100.200:80")),
    trick!(reach_the_metadata_service_by_ipv6, &["EACCES", "EADDRNOTAVAIL", "EAFNOSUPPORT"], {
        connect("[fd00:ec2::254]:80")
    }),
    #[cfg(target_arch = "x86_64")]
    trick!(
        call_as_another_architecture,
        &["killed by 31"],
        in_child(|| {
            // SAFETY: getpid of the 32-bit table; no memory is involved.
            unsafe { std::arch::asm!("int 0x80", inout("eax") 20 => _) };
            "back".into()
        })
    ),
    #[cfg(target_arch = "x86_64")]
    trick!(call_by_the_x32_table, &["ENOSYS"], call(0x4000_0000 | libc::SYS_getpid, NONE)),
];

fn connect(address: &str) -> String {
    let address = address.parse().unwrap();
    told(std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_secs(2)), |_| {
        "connected".into()
    })
}

/// Asks rtnetlink to delete the first policy rule of ours.
fn delete_first_rule() -> String {
    // SAFETY: plain system calls on a buffer that lives across them.
    unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        let mut message = vec![36u8, 0, 0, 0];
        message.extend(libc::RTM_DELRULE.to_ne_bytes());
        // NLM_F_REQUEST | NLM_F_ACK
        message.extend(5u16.to_ne_bytes());
        message.extend([0; 8]);
        message.extend([libc::AF_INET as u8, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0]);
        // FRA_PRIORITY 1
        message.extend([8, 0, 6, 0, 1, 0, 0, 0]);
        libc::send(fd, message.as_ptr().cast(), message.len(), 0);
        let mut answer = [0u8; 256];
        libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), 0);
        let code = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        name_of(&std::io::Error::from_raw_os_error(-code))
    }
}
