//! How many are connected, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::address::network;

/// Counts places; clones share them.
#[derive(Clone)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
    all: usize,
    per_address: usize,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// One place, given back when dropped.
pub(super) struct Place {
    taken: Arc<Mutex<Taken>>,
    network: Option<IpAddr>,
}

/// There is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// Not for anybody.
    #[error("this server has as many connections as it takes; try again later")]
    All,
    /// Not for this address.
    #[error("there are too many connections from your address; close some or try again later")]
    Address,
}

impl Places {
    pub(super) fn new(all: usize, per_address: usize) -> Self {
        Self { taken: Arc::default(), all, per_address }
    }

    /// Takes a place, if there is one.
    pub(super) fn take(&self, address: Option<IpAddr>) -> Result<Place, Full> {
        let network = address.map(network);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.all {
            return Err(Full::All);
        }
        if let Some(network) = network {
            let here = taken.by_network.entry(network).or_default();
            if *here >= self.per_address {
                return Err(Full::Address);
            }
            *here += 1;
        }
        taken.all += 1;
        Ok(Place { taken: self.taken.clone(), network })
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(network) = self.network
            && let Some(here) = taken.by_network.get_mut(&network)
        {
            *here = here.saturating_sub(1);
            if *here == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_address() {
        let places = Places::new(3, 2);
        let (here, there) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());

        let first = places.take(here).ok().unwrap();
        let _second = places.take(here).ok().unwrap();
        assert_eq!(places.take(here).err(), Some(Full::Address));
        let _third = places.take(there).ok().unwrap();
        assert_eq!(places.take(None).err(), Some(Full::All));

        drop(first);
        assert!(places.take(here).is_ok());
        assert_eq!(places.taken(), 2);
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let places = Places::new(3, 2);

        drop(places.take("192.0.2.1".parse().ok()));
        assert_eq!(places.take("192.0.2.1".parse().ok()).err(), None);

        assert!(places.taken.lock().unwrap().by_network.is_empty());
    }
}
