use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::Policy;
use crate::Error;

fn is_refused(policy: &Policy, address: IpAddr) -> bool {
    matches!(policy.check(address), Err(Error::Refused { .. }))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn public_addresses_are_permitted() {
    let policy = Policy::public_only();

    for address in
        ["1.1.1.1", "140.82.121.4", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"]
    {
        assert!(policy.check(ip(address)).is_ok(), "{address}");
    }
}

#[test]
fn addresses_that_not_everybody_reaches_are_refused() {
    let policy = Policy::public_only();

    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "4000::1",
        "64:ff9b:1::1",
    ] {
        assert!(is_refused(&policy, ip(address)), "{address}");
    }
}

#[test]
fn loopback_is_opened_only_when_asked_for() {
    let policy = Policy::with_loopback();

    assert!(policy.check(ip("127.0.0.1")).is_ok());
    assert!(policy.check(ip("127.1.2.3")).is_ok());
    assert!(policy.check(ip("::1")).is_ok());
    assert!(policy.check(ip("::ffff:127.0.0.1")).is_ok());
    assert!(is_refused(&policy, ip("10.0.0.1")));
    assert!(is_refused(&policy, ip("0.0.0.0")));
}

#[test]
fn a_listed_network_is_opened_and_nothing_beside_it() {
    let policy = Policy::public_only().allow("10.1.0.0/16".parse().unwrap());

    assert!(policy.check(ip("10.1.2.3")).is_ok());
    assert!(is_refused(&policy, ip("10.2.0.1")));
}

#[test]
fn metadata_services_stay_closed_whatever_is_listed() {
    let policy = Policy::public_only().allow("0.0.0.0/0".parse().unwrap()).allow("::/0".parse().unwrap());

    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
    ] {
        let refusal = policy.check(ip(address)).unwrap_err();
        assert!(refusal.to_string().contains("metadata"), "{address}: {refusal}");
    }
}

#[test]
fn a_translated_public_address_is_permitted() {
    assert!(Policy::public_only().check(ip("64:ff9b::1.1.1.1")).is_ok());
}

#[test]
fn a_refusal_says_what_to_do() {
    let refusal = Policy::public_only().check(ip("10.0.0.1")).unwrap_err();

    assert_eq!(refusal.to_string(), "`10.0.0.1` is a private address, which this server does not reach");
    assert!(refusal.mend().contains("administrator"));
}

/// Every IPv6 address that leads to an IPv4 address.
fn disguises(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        address.to_ipv6_mapped(),
        address.to_ipv6_compatible(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low),
    ]
}

proptest! {
    #[test]
    fn no_disguise_helps_an_address_that_is_refused(bits: u32) {
        let address = Ipv4Addr::from(bits);
        let policy = Policy::public_only();

        if is_refused(&policy, address.into()) {
            for disguise in disguises(address) {
                prop_assert!(is_refused(&policy, disguise.into()), "{disguise}");
            }
        }
    }

    #[test]
    fn no_disguise_helps_a_private_address(low: u16, network in prop::sample::select(vec![0x0a00_u16, 0x7f00, 0xc0a8, 0xac10, 0xa9fe, 0x6440, 0])) {
        let address = Ipv4Addr::from((u32::from(network) << 16) | u32::from(low));
        let policy = Policy::public_only();

        prop_assert!(is_refused(&policy, address.into()));
        for disguise in disguises(address) {
            prop_assert!(is_refused(&policy, disguise.into()), "{disguise}");
        }
    }

    #[test]
    fn any_address_gets_an_answer(bits: u128) {
        let _answer = Policy::public_only().check(Ipv6Addr::from(bits).into());
    }
}
