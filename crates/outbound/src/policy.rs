//! Which addresses may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::Error;

/// Which addresses may be dialled: public ones, and the networks the operator lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks that may be reached although they are not public.
    allow: Vec<IpNet>,
}

impl Policy {
    /// Only addresses that anybody on the internet could reach as well.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Public addresses and this machine itself: for tests, and for one person's own machine.
    pub fn with_loopback() -> Self {
        Self::public_only().allow(LOOPBACK_4.into()).allow(LOOPBACK_6.into())
    }

    /// Opens one more network. Metadata services stay closed even inside it.
    #[must_use]
    pub fn allow(mut self, network: IpNet) -> Self {
        self.allow.push(network);
        self
    }

    /// Says whether `address` may be dialled.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the kind of address it is.
    pub fn check(&self, address: IpAddr) -> Result<(), Error> {
        let address = address.to_canonical();
        let inside = embedded(address).map(IpAddr::V4);
        for seen in [Some(address), inside].into_iter().flatten() {
            if is_metadata(seen) {
                return Err(Error::Refused {
                    why: format!("`{address}` is an address of a cloud's metadata service"),
                    mend: "use another address; this one is never reached, whatever is allowed".into(),
                });
            }
        }
        // A tunnel address leads to the address inside it, so that one must be permitted too.
        for seen in [Some(address), inside].into_iter().flatten() {
            if !self.allow.iter().any(|network| network.contains(&seen))
                && let Some(kind) = special(seen)
            {
                return Err(Error::Refused {
                    why: format!("`{address}` is {kind}, which this server does not reach"),
                    mend: format!(
                        "if it is meant, ask the administrator to add `{seen}` to `outbound.allow` in hearth.toml"
                    ),
                });
            }
        }
        Ok(())
    }
}

const LOOPBACK_4: Ipv4Net = v4(127, 0, 0, 0, 8);
const LOOPBACK_6: Ipv6Net = v6([0, 0, 0, 0, 0, 0, 0, 1], 128);

/// IANA's IPv4 special-purpose registry (RFC 6890 and its updates), and multicast.
const SPECIAL_4: &[(Ipv4Net, &str)] = &[
    (LOOPBACK_4, "this machine itself"),
    (v4(0, 0, 0, 0, 8), "an unspecified address"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(100, 64, 0, 0, 10), "a carrier's shared address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(192, 0, 0, 0, 24), "a protocol assignment"),
    (v4(192, 0, 2, 0, 24), "a documentation address"),
    (v4(198, 51, 100, 0, 24), "a documentation address"),
    (v4(203, 0, 113, 0, 24), "a documentation address"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay address"),
    (v4(198, 18, 0, 0, 15), "a benchmarking address"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
];

/// Exceptions inside 2000::/3, the only part of IPv6 handed out for public use.
const SPECIAL_6: &[(Ipv6Net, &str)] = &[
    (LOOPBACK_6, "this machine itself"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a private address"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "a link-local address"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "a multicast address"),
    // Teredo (2001::/32), benchmarking, ORCHID and the rest of the protocol assignments.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "a protocol assignment"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "a documentation address"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "a documentation address"),
];

const GLOBAL_6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

/// What kind of address it is if it is not a public one.
fn special(address: IpAddr) -> Option<&'static str> {
    let listed = match address {
        IpAddr::V4(address) => {
            SPECIAL_4.iter().find(|(network, _)| network.contains(&address)).map(|(_, kind)| *kind)
        }
        IpAddr::V6(address) => {
            SPECIAL_6.iter().find(|(network, _)| network.contains(&address)).map(|(_, kind)| *kind)
        }
    };
    match address {
        // Translated to IPv4 on the way; the address inside is checked as well.
        IpAddr::V6(address) if NAT64.contains(&address) => None,
        IpAddr::V6(address) if listed.is_none() && !GLOBAL_6.contains(&address) => Some("a reserved address"),
        _ => listed,
    }
}

/// Where clouds serve credentials to whoever asks from the machine. Some of these are not special at all:
/// Azure's is a public address, Alibaba's a carrier's.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            v4(169, 254, 0, 0, 16).contains(&address)
                || address == Ipv4Addr::new(100, 100, 100, 200)
                || address == Ipv4Addr::new(192, 0, 0, 192)
                || address == Ipv4Addr::new(168, 63, 129, 16)
        }
        IpAddr::V6(address) => {
            address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || address == Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)
                || address == Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)
        }
    }
}

/// The IPv4 address that an IPv6 address of a transition mechanism leads to.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [first, second, third, _, fifth, sixth, seventh, eighth] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if SIX_TO_FOUR.contains(&address) {
        return Some(join(second, third));
    }
    if TEREDO.contains(&address) {
        return Some(join(!seventh, !eighth));
    }
    // Local-use NAT64 (64:ff9b:1::/48, RFC 8215) as far as its usual /96 form goes.
    let local_nat64 = (first, second, third) == (0x64, 0xff9b, 1);
    // IPv4-translated (`::ffff:0:a.b.c.d`, RFC 2765).
    let translated = address.segments().starts_with(&[0, 0, 0, 0, 0xffff, 0]);
    // ISATAP (RFC 5214) in any network: the interface part is `[02]00:5efe:a.b.c.d`.
    let isatap = fifth & !0x0200 == 0 && sixth == 0x5efe;
    // `::a.b.c.d`, long deprecated.
    let compatible = address.octets().iter().take(12).all(|byte| *byte == 0) && seventh != 0;
    (NAT64.contains(&address) || local_nat64 || translated || isatap || compatible)
        .then(|| join(seventh, eighth))
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let mut bits = 0;
    let mut rest = segments.as_slice();
    while let [segment, after @ ..] = rest {
        bits = (bits << 16) | *segment as u128;
        rest = after;
    }
    Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), prefix)
}

#[cfg(test)]
mod tests;
