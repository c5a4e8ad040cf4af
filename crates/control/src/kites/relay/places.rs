//! How many connections there are, of whom and to what.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use domain::UserId;

use crate::control::hold;

/// Connections to one kite.
const FOR_KITE: usize = 100;
/// Connections of one caller, to whatever kites.
const FOR_CALLER: usize = 50;
/// Connections of whoever has not authenticated yet. They cost no more than themselves, and not for long.
const VISITORS: usize = 256;

/// The connections. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    kites: HashMap<String, usize>,
    callers: HashMap<UserId, usize>,
    visitors: usize,
}

/// Somebody who has not authenticated. Dropping it makes room.
pub(super) struct Visit(Places);

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
    /// Takes somebody in who has not said who it is; `None` if there are too many.
    pub(super) fn visit(&self) -> Option<Visit> {
        let mut taken = hold(&self.0);
        if taken.visitors >= VISITORS {
            return None;
        }
        taken.visitors += 1;
        Some(Visit(self.clone()))
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

impl Drop for Visit {
    fn drop(&mut self) {
        hold(&self.0.0).visitors -= 1;
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

    #[test]
    fn visitors_are_counted() {
        let places = Places::default();
        let mut visits: Vec<_> = std::iter::from_fn(|| places.visit()).take(2 * VISITORS).collect();

        assert_eq!(visits.len(), VISITORS);
        visits.pop();

        assert!(places.visit().is_some());
    }
}
