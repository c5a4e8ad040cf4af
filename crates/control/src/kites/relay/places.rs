//! How many connections there are, of whom and to what.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use domain::UserId;

use crate::control::hold;

/// Connections to one kite.
const FOR_KITE: usize = 100;
/// Connections of one caller, to whatever kites.
const FOR_CALLER: usize = 50;
/// Connections from one network of whoever has not authenticated yet, which takes a moment: of more at once, those
/// who are turned away come again. One network must not use up what all the others have.
const VISITORS_OF_NETWORK: usize = 64;
/// The same from everywhere. They cost no more than themselves, and not for long.
const VISITORS: usize = 10_000;

/// The connections. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    kites: HashMap<String, usize>,
    callers: HashMap<UserId, usize>,
    networks: HashMap<IpAddr, usize>,
    visitors: usize,
}

/// Somebody at the relay who has not authenticated. Dropping it makes room.
pub struct RelayVisit {
    places: Places,
    network: Option<IpAddr>,
}

/// Too many are at the relay who have not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayFull {
    /// From one network.
    #[error("too many connections from your address wait to be authenticated; try again in a moment")]
    Network,
    /// From everywhere.
    #[error("too many connections wait to be authenticated; try again in a moment")]
    Everybody,
}

/// A caller's place. Dropping it makes room.
pub(super) struct Place {
    places: Places,
    kite: String,
    caller: UserId,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// At this kite.
    Kite,
    /// For this caller.
    Caller,
}

impl Places {
    /// Takes somebody in who has not said who it is, from an address that is counted if it is known.
    pub(super) fn visit(&self, address: Option<IpAddr>) -> Result<RelayVisit, RelayFull> {
        let network = address.map(network);
        let mut taken = hold(&self.0);
        if taken.visitors >= VISITORS {
            return Err(RelayFull::Everybody);
        }
        if let Some(network) = network {
            if taken.networks.get(&network).is_some_and(|count| *count >= VISITORS_OF_NETWORK) {
                return Err(RelayFull::Network);
            }
            *taken.networks.entry(network).or_default() += 1;
        }
        taken.visitors += 1;
        Ok(RelayVisit { places: self.clone(), network })
    }

    /// Gives a caller a place at a kite.
    pub(super) fn take(&self, kite: &str, caller: UserId) -> Result<Place, Full> {
        let mut taken = hold(&self.0);
        if taken.kites.get(kite).is_some_and(|count| *count >= FOR_KITE) {
            return Err(Full::Kite);
        }
        if taken.callers.get(&caller).is_some_and(|count| *count >= FOR_CALLER) {
            return Err(Full::Caller);
        }
        *taken.kites.entry(kite.to_owned()).or_default() += 1;
        *taken.callers.entry(caller).or_default() += 1;
        Ok(Place { places: self.clone(), kite: kite.to_owned(), caller })
    }
}

fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

/// What counts as one: whoever has one IPv6 address has a whole network of 64 bits of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

impl Drop for RelayVisit {
    fn drop(&mut self) {
        let mut taken = hold(&self.places.0);
        taken.visitors -= 1;
        if let Some(network) = self.network {
            give_back(&mut taken.networks, network);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = hold(&self.places.0);
        give_back(&mut taken.kites, std::mem::take(&mut self.kite));
        give_back(&mut taken.callers, self.caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u8) -> UserId {
        format!("usr_0000000000000000000000000{number}").parse().unwrap()
    }

    #[test]
    fn a_caller_has_so_many_places_and_gets_them_back() {
        let places = Places::default();
        let mut held: Vec<_> =
            (0..FOR_CALLER).map(|n| places.take(&format!("kite {n}"), user(1)).unwrap()).collect();

        assert_eq!(places.take("another", user(1)).err(), Some(Full::Caller));
        assert!(places.take("another", user(2)).is_ok());
        held.pop();

        assert!(places.take("another", user(1)).is_ok());
    }

    #[test]
    fn a_kite_has_so_many_places_whoever_takes_them() {
        let places = Places::default();
        let held: Vec<_> = (0..FOR_KITE)
            .map(|n| places.take("kite", user(u8::try_from(n / FOR_CALLER).unwrap())).unwrap())
            .collect();

        assert_eq!(places.take("kite", user(5)).err(), Some(Full::Kite));
        drop(held);

        let taken = hold(&places.0);
        assert!(taken.kites.is_empty() && taken.callers.is_empty());
    }

    fn visits(places: &Places, address: Option<&str>) -> Vec<RelayVisit> {
        let address = address.map(|address| address.parse().unwrap());
        std::iter::from_fn(|| places.visit(address).ok()).take(2 * VISITORS).collect()
    }

    #[test]
    fn one_network_does_not_keep_the_others_out() {
        let places = Places::default();

        let mut here = visits(&places, Some("192.0.2.1"));
        let neighbours = visits(&places, Some("2001:db8::1"));

        assert_eq!((here.len(), neighbours.len()), (VISITORS_OF_NETWORK, VISITORS_OF_NETWORK));
        for (address, full) in [
            ("192.0.2.1", Some(RelayFull::Network)),
            ("::ffff:192.0.2.1", Some(RelayFull::Network)),
            ("2001:db8::2", Some(RelayFull::Network)),
            ("192.0.2.2", None),
            ("2001:db8:0:1::1", None),
        ] {
            assert_eq!(places.visit(address.parse().ok()).err(), full, "{address}");
        }
        here.pop();
        assert!(places.visit("192.0.2.1".parse().ok()).is_ok());
        drop((here, neighbours));
        let taken = hold(&places.0);
        assert!(taken.networks.is_empty() && taken.visitors == 0);
    }

    #[test]
    fn all_visitors_are_counted() {
        let places = Places::default();
        // As from behind a proxy.
        let mut held = visits(&places, None);

        assert_eq!(held.len(), VISITORS);
        assert_eq!(places.visit("192.0.2.1".parse().ok()).err(), Some(RelayFull::Everybody));
        held.pop();

        assert!(places.visit(None).is_ok());
    }
}
