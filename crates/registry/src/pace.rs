//! How often one address may try. Pure: the time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use tokio::time::Instant;

/// Most addresses remembered. Beyond them all further ones count as one.
const MAX_ADDRESSES: usize = 10_000;

/// A bucket of attempts for each address, filling at a steady rate. Who has no address, or this machine's own, is not
/// counted.
pub(crate) struct Pace {
    burst: f64,
    per_second: f64,
    buckets: HashMap<Option<IpAddr>, (f64, Instant)>,
}

impl Pace {
    /// `burst` attempts at once, then `per_second`.
    pub(crate) fn new(burst: u32, per_second: f64) -> Self {
        Self { burst: burst.into(), per_second, buckets: HashMap::new() }
    }

    /// Whether the address may try now; if so, it counts.
    pub(crate) fn take(&mut self, address: Option<IpAddr>, now: Instant) -> bool {
        let Some(address) = counted(address) else { return true };
        let bucket = self.bucket(address, now);
        let may = bucket.0 >= 1.0;
        if may {
            bucket.0 -= 1.0;
        }
        may
    }

    /// Whether the address may try now; it does not count yet.
    pub(crate) fn is_open(&mut self, address: Option<IpAddr>, now: Instant) -> bool {
        counted(address).is_none_or(|address| self.bucket(address, now).0 >= 1.0)
    }

    fn bucket(&mut self, address: IpAddr, now: Instant) -> &mut (f64, Instant) {
        let (burst, per_second) = (self.burst, self.per_second);
        let fill = |(left, at): (f64, Instant)| {
            (left + now.saturating_duration_since(at).as_secs_f64() * per_second).min(burst)
        };
        let mut address = Some(network(address));
        if self.buckets.len() >= MAX_ADDRESSES && !self.buckets.contains_key(&address) {
            // A full bucket says no more than none.
            self.buckets.retain(|_, bucket| fill(*bucket) < burst);
            if self.buckets.len() >= MAX_ADDRESSES {
                address = None;
            }
        }
        let bucket = self.buckets.entry(address).or_insert((burst, now));
        *bucket = (fill(*bucket), now);
        bucket
    }
}

fn counted(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| address.to_canonical()).filter(|address| !address.is_loopback())
}

/// What counts as one: whoever has one IPv6 address has a whole network of 64 bits of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn attempts_run_out_and_come_back() {
        let now = Instant::now();
        let mut pace = Pace::new(2, 0.5);

        let at_once: Vec<bool> = (0..3).map(|_| pace.take(address("192.0.2.1"), now)).collect();

        assert_eq!(at_once, [true, true, false]);
        assert!(pace.take(address("192.0.2.2"), now), "another address has its own");
        assert!(!pace.take(address("192.0.2.1"), now + Duration::from_secs(1)));
        assert!(pace.is_open(address("192.0.2.1"), now + Duration::from_secs(2)));
        assert!(pace.take(address("192.0.2.1"), now + Duration::from_secs(2)));
        assert!(!pace.take(address("192.0.2.1"), now + Duration::from_secs(2)));
    }

    #[test]
    fn who_may_be_anybody_is_not_counted() {
        let now = Instant::now();
        let mut pace = Pace::new(0, 0.0);

        for address in [None, address("127.0.0.1"), address("::1"), address("::ffff:127.0.0.1")] {
            assert!(pace.take(address, now) && pace.is_open(address, now), "{address:?}");
        }
        assert!(!pace.take(address("192.0.2.1"), now));
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let now = Instant::now();
        let mut pace = Pace::new(1, 0.0);

        assert!(pace.take(address("2001:db8::1"), now));
        assert!(!pace.take(address("2001:db8::ffff:1"), now));
        assert!(pace.take(address("2001:db8:0:1::1"), now));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_memory_and_shares_what_is_left() {
        let now = Instant::now();
        let mut pace = Pace::new(1, 0.0);
        for number in 0..=u32::try_from(MAX_ADDRESSES).unwrap() {
            pace.take(Some(IpAddr::from(number.to_be_bytes())), now);
        }

        assert!(pace.buckets.len() <= MAX_ADDRESSES + 1);
        assert!(!pace.take(address("203.0.113.1"), now));
    }
}
