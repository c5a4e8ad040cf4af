//! Sealed values open where they belong, and nowhere else.

use domain::DataKeyId;
use proptest::prelude::*;
use vault::{DataKey, InvalidSealed, OpenError, Place, Sealed};

use crate::tool::System;

const PLACE: Place<'static> = Place { table: "links", column: "access_token", owner: "usr_1", row: "link_1" };

fn key(number: u8) -> DataKey {
    DataKey::generate(DataKeyId::from_bytes([number; 16]), &System)
}

#[test]
fn a_value_does_not_open_in_another_place() {
    let key = key(1);
    let sealed = key.seal(&PLACE, b"token");

    for place in [
        Place { table: "forges", ..PLACE },
        Place { column: "refresh_token", ..PLACE },
        Place { owner: "usr_2", ..PLACE },
        Place { row: "link_2", ..PLACE },
        Place { owner: "usr_1link", row: "_1", ..PLACE },
    ] {
        assert_eq!(key.open(&place, &sealed).err(), Some(OpenError::NotGenuine), "{place:?}");
    }
    assert_eq!(key.open(&PLACE, &sealed).unwrap().expose(), b"token");
}

#[test]
fn a_value_does_not_open_with_another_key() {
    let (right, wrong) = (key(1), key(2));
    let same_name = key(1);
    let sealed = right.seal(&PLACE, b"token");

    let other = OpenError::OtherKey { sealed_with: right.id(), key: wrong.id() };
    assert_eq!(wrong.open(&PLACE, &sealed).err(), Some(other));
    assert_eq!(same_name.open(&PLACE, &sealed).err(), Some(OpenError::NotGenuine));
}

#[test]
fn two_equal_values_look_different() {
    let key = key(1);

    let (one, two) = (key.seal(&PLACE, b"token"), key.seal(&PLACE, b"token"));

    assert_ne!(one, two);
}

#[test]
fn what_is_printed_has_nothing_of_the_content() {
    let key = key(9);

    let sealed = key.seal(&PLACE, b"token");

    assert_eq!(format!("{sealed:?}"), format!("Sealed {{ key: {}, bytes: 51 }}", key.id()));
    assert_eq!(sealed.key_id(), key.id());
    assert_eq!(sealed.as_bytes().len(), 5 + Sealed::OVERHEAD);
}

#[test]
fn bytes_of_another_form_are_refused_by_name() {
    let good = key(1).seal(&PLACE, b"").as_bytes().to_vec();
    let with = |index: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[index] = byte;
        bytes
    };

    assert!(Sealed::from_bytes(good.clone()).is_ok());
    assert_eq!(Sealed::from_bytes(with(0, 2)), Err(InvalidSealed::UnknownVersion(2)));
    assert_eq!(Sealed::from_bytes(with(1, 7)), Err(InvalidSealed::UnknownAlgorithm(7)));
    assert_eq!(
        Sealed::from_bytes(good[..45].to_vec()),
        Err(InvalidSealed::TooShort { length: 45, least: 46 })
    );
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(value in prop::collection::vec(any::<u8>(), 0..2000), row in "\\PC{0,40}") {
        let key = key(1);
        let place = Place { row: &row, ..PLACE };

        let stored = key.seal(&place, &value).as_bytes().to_vec();

        let opened = key.open(&place, &Sealed::from_bytes(stored).unwrap()).unwrap();
        prop_assert_eq!(opened.expose(), &value);
    }

    #[test]
    fn any_bit_that_changes_is_noticed(value in prop::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, bit in 0..8) {
        let key = key(1);
        let mut bytes = key.seal(&PLACE, &value).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;

        let opened = Sealed::from_bytes(bytes).ok().and_then(|sealed| key.open(&PLACE, &sealed).ok());

        prop_assert!(opened.is_none());
    }

    #[test]
    fn random_bytes_are_never_a_value(mut bytes in prop::collection::vec(any::<u8>(), 0..200), plausible: bool) {
        let key = key(1);
        if plausible {
            bytes.splice(0..0, [1, 1].into_iter().chain([1; 16]));
        }

        let opened = Sealed::from_bytes(bytes).ok().and_then(|sealed| {
            let _shown = format!("{sealed:?}");
            key.open(&PLACE, &sealed).ok()
        });

        prop_assert!(opened.is_none());
    }
}
