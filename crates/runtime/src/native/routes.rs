//! What a sandbox's packets may never reach, said to the kernel over rtnetlink.
//!
//! Policy rules come before every routing table, so no route that the carrier copies from the machine,
//! however specific, leads around them. Nothing in the sandbox has the capability to take them away.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use super::failed::{Context, Failed};

/// Networks closed to every sandbox: they give secrets or control over the machine, or reach only it.
const CLOSED: [(IpAddr, u8); 9] = [
    // Link-local: the metadata service of nearly every cloud.
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    // Metadata of Alibaba Cloud, of Oracle Cloud (classic), and Azure's wire server.
    (IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), 32),
    (IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)), 32),
    (IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)), 32),
    // Link-local, and the metadata services of AWS and Google in IPv6.
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0)), 32),
    (IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), 128),
    // The first two once more behind the well-known NAT64 prefix (RFC 6052).
    (IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0xa9fe, 0)), 112),
    (IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0x6464, 0x64c8)), 128),
];

/// Brings loopback up and closes [`CLOSED`] in the network namespace of this process.
pub(super) fn close_to_the_inside() -> Result<(), Failed> {
    let mut kernel = Kernel::connect()?;
    kernel.ask(&loopback_up()).context(|| "cannot bring the loopback interface up")?;
    for (network, length) in CLOSED {
        let asked = kernel.ask(&prohibit_by_rule(network, length));
        // A kernel without policy routing takes a route, which only a more specific one gets around.
        let asked = asked.or_else(|_| kernel.ask(&prohibit_by_route(network, length)));
        match asked {
            Err(errno) if network.is_ipv6() && is_absent(errno) => {}
            asked => asked.context(|| format!("cannot close the network {network}/{length}"))?,
        }
    }
    Ok(())
}

/// The kernel was built or started without IPv6: there is nothing to close then.
fn is_absent(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno as E;
    matches!(errno, E::OPNOTSUPP | E::AFNOSUPPORT | E::NODEV | E::ACCESS)
}

/// A conversation with rtnetlink.
struct Kernel {
    socket: OwnedFd,
    sequence: u32,
}

impl Kernel {
    fn connect() -> Result<Self, Failed> {
        // Protocol 0 of netlink is routing.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)
            .context(|| "cannot open a netlink socket")?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Sends one request and waits for its acknowledgement.
    fn ask(&mut self, request: &Request) -> rustix::io::Result<()> {
        /// `NLM_F_REQUEST | NLM_F_ACK`.
        const ASK: u16 = 0x5;
        const HEADER: usize = 16;
        self.sequence += 1;
        let length = u32::try_from(HEADER + request.body.len()).unwrap_or(u32::MAX);
        let mut message = Vec::with_capacity(HEADER + request.body.len());
        message.extend(length.to_ne_bytes());
        message.extend(request.kind.to_ne_bytes());
        message.extend((request.flags | ASK).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend(0u32.to_ne_bytes());
        message.extend(&request.body);
        send(&self.socket, &message, SendFlags::empty())?;
        let mut answer = [0u8; 1024];
        let (length, _) = recv(&self.socket, &mut answer, RecvFlags::empty())?;
        // An acknowledgement is an `nlmsgerr`: the header, then the negated error number.
        let code = answer.get(..length).and_then(|answer| answer.get(HEADER..HEADER + 4));
        let code = code.and_then(|bytes| bytes.try_into().ok()).map_or(libc::EBADMSG, i32::from_ne_bytes);
        if code == 0 { Ok(()) } else { Err(rustix::io::Errno::from_raw_os_error(code.abs())) }
    }
}

/// One rtnetlink request without its header.
struct Request {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

/// `NLM_F_CREATE | NLM_F_EXCL`.
const NEW: u16 = 0x600;

fn loopback_up() -> Request {
    // struct ifinfomsg: family, pad, type, index, flags, change. Loopback is always interface 1.
    let up = 1u32.to_ne_bytes();
    let body = [&[0, 0, 0, 0][..], &1i32.to_ne_bytes(), &up, &up].concat();
    Request { kind: libc::RTM_NEWLINK, flags: 0, body }
}

fn prohibit_by_rule(network: IpAddr, length: u8) -> Request {
    /// `FR_ACT_PROHIBIT`, `FRA_DST` and `FRA_PRIORITY` of `linux/fib_rules.h`.
    const PROHIBIT: u8 = 8;
    const DESTINATION: u16 = 1;
    const PRIORITY: u16 = 6;
    let (family, address) = parts(network);
    // struct fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action, flags.
    let mut body = vec![family, length, 0, 0, 0, 0, 0, PROHIBIT, 0, 0, 0, 0];
    body.extend(attribute(DESTINATION, &address));
    // Right behind the table of local addresses, which is 0.
    body.extend(attribute(PRIORITY, &1u32.to_ne_bytes()));
    Request { kind: libc::RTM_NEWRULE, flags: NEW, body }
}

fn prohibit_by_route(network: IpAddr, length: u8) -> Request {
    const MAIN: u8 = 254;
    const BY_STATIC: u8 = 4;
    /// `RTN_PROHIBIT`.
    const PROHIBIT: u8 = 8;
    const DESTINATION: u16 = 1;
    const PRIORITY: u16 = 6;
    let (family, address) = parts(network);
    // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
    let mut body = vec![family, length, 0, 0, MAIN, BY_STATIC, 0, PROHIBIT, 0, 0, 0, 0];
    body.extend(attribute(DESTINATION, &address));
    body.extend(attribute(PRIORITY, &1u32.to_ne_bytes()));
    Request { kind: libc::RTM_NEWROUTE, flags: NEW, body }
}

fn parts(network: IpAddr) -> (u8, Vec<u8>) {
    let family = if network.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let address = match network {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    (u8::try_from(family).unwrap_or(0), address)
}

/// `struct rtattr` with its value, which is a multiple of four bytes long here.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}
