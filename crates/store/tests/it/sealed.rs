//! Data keys and what is sealed with them.

use domain::{DataKeyId, KeyOwner, TeamId};
use store::{DataKeyCounts, DataKeyRow, SealedRow, Store, StoreError};
use vault::{DataKey, Place, Sealed, Wrapped};

use crate::database::Database;
use crate::fixture::{ENTROPY, saved_user, t, t0};

fn a_data_key(owner: KeyOwner) -> DataKeyRow {
    DataKeyRow {
        id: DataKeyId::generate(t0(), &*ENTROPY),
        owner,
        wrapped: Wrapped::from_bytes(b"wrapped".to_vec()),
        wrapped_by: "1".into(),
        created_at: t0(),
        retired_at: None,
    }
}

/// Something sealed with the key of this id. What it is does not matter to the store.
pub(crate) fn a_sealed(key: DataKeyId, text: &str) -> Sealed {
    let place = Place { table: "sealed", column: "test", owner: "platform", row: "row" };
    DataKey::generate(key, &*ENTROPY).seal(&place, text.as_bytes())
}

/// A saved data key of `owner`.
pub(crate) async fn saved_data_key(store: &Store, owner: KeyOwner) -> DataKeyId {
    let key = a_data_key(owner);
    let mut tx = store.begin().await.unwrap();
    tx.insert_data_key(&key).await.unwrap();
    tx.commit().await.unwrap();
    key.id
}

pub(crate) async fn an_owner_has_one_data_key_that_seals(database: Database) {
    let store = database.open().await;
    let (first, second) = (a_data_key(KeyOwner::Platform), a_data_key(KeyOwner::Platform));
    let other = a_data_key(KeyOwner::User(saved_user(&store, "ada").await));
    let mut tx = store.begin().await.unwrap();
    tx.insert_data_key(&first).await.unwrap();
    tx.insert_data_key(&other).await.unwrap();

    let too_late = tx.insert_data_key(&second).await;

    assert!(matches!(too_late, Err(StoreError::Conflict { what: "data key" })));
    assert_eq!(tx.current_data_key(KeyOwner::Platform).await.unwrap(), Some(first.clone()));
    assert_eq!(tx.data_key(other.id).await.unwrap(), Some(other));
    assert!(tx.retire_data_key(first.id, t(5)).await.unwrap());
    assert!(!tx.retire_data_key(first.id, t(6)).await.unwrap());
    assert_eq!(tx.current_data_key(KeyOwner::Platform).await.unwrap(), None);
    tx.insert_data_key(&second).await.unwrap();
    assert_eq!(tx.current_data_key(KeyOwner::Platform).await.unwrap(), Some(second));
    assert_eq!(tx.data_key(first.id).await.unwrap().unwrap().retired_at, Some(t(5)));
}

pub(crate) async fn of_servers_that_make_a_data_key_at_once_one_wins(database: Database) {
    let store = database.open().await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = a_data_key(KeyOwner::Platform);
                let mut tx = store.begin().await.unwrap();
                let made = tx.insert_data_key(&key).await;
                tx.commit().await.unwrap();
                made.is_ok().then_some(key.id)
            })
        })
        .collect();

    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.unwrap());
    }

    let current = store.read().await.unwrap().current_data_key(KeyOwner::Platform).await.unwrap();
    assert_eq!(winners, [current.unwrap().id]);
}

pub(crate) async fn data_keys_are_wrapped_anew_in_pages(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let key = DataKeyRow { retired_at: Some(t(1)), ..a_data_key(KeyOwner::Platform) };
        tx.insert_data_key(&key).await.unwrap();
        ids.push(key.id);
    }
    tx.insert_data_key(&a_data_key(KeyOwner::Platform)).await.unwrap();
    ids.sort();

    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or(DataKeyId::NIL);
        let page = tx.data_keys_not_wrapped_by("2", after, 2).await.unwrap();
        let Some(first) = page.first() else { break };
        assert!(page.len() <= 2);
        assert!(tx.save_wrapped(first.id, &Wrapped::from_bytes(b"anew".to_vec()), "2").await.unwrap());
        seen.extend(page.iter().map(|key| key.id));
    }

    assert!(ids.iter().all(|id| seen.contains(id)));
    assert_eq!(tx.data_keys_not_wrapped_by("2", DataKeyId::NIL, 99).await.unwrap().len(), 3);
    let counts = tx.count_data_keys("2").await.unwrap();
    assert_eq!(counts, DataKeyCounts { all: 6, retired: 5, wrapped_by_other: 3 });
    let anew = tx.data_key(seen[0]).await.unwrap().unwrap();
    assert_eq!((anew.wrapped.as_bytes(), anew.wrapped_by.as_str()), (b"anew".as_slice(), "2"));
    let gone = DataKeyId::generate(t0(), &*ENTROPY);
    assert!(!tx.save_wrapped(gone, &Wrapped::from_bytes(vec![1]), "2").await.unwrap());
}

pub(crate) async fn a_sealed_value_is_kept_replaced_and_deleted(database: Database) {
    let store = database.open().await;
    let key = saved_data_key(&store, KeyOwner::Platform).await;
    let mut tx = store.begin().await.unwrap();
    let (one, two) = (a_sealed(key, "one"), a_sealed(key, "two"));

    tx.put_sealed("a", "row", KeyOwner::Platform, &one, t(1)).await.unwrap();
    tx.put_sealed("a", "row", KeyOwner::Platform, &two, t(2)).await.unwrap();
    tx.put_sealed("b", "row", KeyOwner::Platform, &one, t(3)).await.unwrap();
    tx.put_sealed("a", "other", KeyOwner::Platform, &one, t(3)).await.unwrap();

    let expected = SealedRow {
        kind: "a".into(),
        row: "row".into(),
        owner: KeyOwner::Platform,
        key,
        value: two,
        updated_at: t(2),
    };
    assert_eq!(tx.sealed("a", "row").await.unwrap(), Some(expected));
    assert_eq!(tx.sealed("c", "row").await.unwrap(), None);
    assert!(tx.has_sealed("b", "row").await.unwrap());
    assert_eq!(tx.count_sealed().await.unwrap(), 3);
    assert!(tx.delete_sealed("a", "other").await.unwrap());
    assert!(!tx.delete_sealed("a", "other").await.unwrap());
    assert_eq!(tx.delete_sealed_of_row("row").await.unwrap(), 2);
    assert!(!tx.has_sealed("b", "row").await.unwrap());
}

pub(crate) async fn values_move_from_retired_data_keys_to_new_ones(database: Database) {
    let store = database.open().await;
    let old = saved_data_key(&store, KeyOwner::Platform).await;
    let mut tx = store.begin().await.unwrap();
    let value = a_sealed(old, "value");
    for row in ["one", "two", "three"] {
        tx.put_sealed("a", row, KeyOwner::Platform, &value, t0()).await.unwrap();
    }
    assert_eq!(tx.sealed_by_retired(9).await.unwrap(), []);
    assert_eq!(tx.retire_current_data_keys(t(1)).await.unwrap(), 1);
    let new = a_data_key(KeyOwner::Platform);
    tx.insert_data_key(&new).await.unwrap();
    assert_eq!(tx.count_sealed_by_retired().await.unwrap(), 3);
    assert_eq!(tx.sealed_by_retired(2).await.unwrap().len(), 2);
    let changed = a_sealed(new.id, "changed meanwhile");
    tx.put_sealed("a", "three", KeyOwner::Platform, &changed, t(2)).await.unwrap();

    let anew = a_sealed(new.id, "value");
    assert!(tx.swap_sealed("a", "one", &value, &anew).await.unwrap());
    assert!(!tx.swap_sealed("a", "three", &value, &anew).await.unwrap());

    assert_eq!(tx.sealed("a", "three").await.unwrap().unwrap().value, changed);
    assert_eq!(tx.sealed("a", "one").await.unwrap().unwrap().key, new.id);
    assert_eq!(tx.delete_unused_retired_data_keys(t(9)).await.unwrap(), 0);
    assert!(tx.swap_sealed("a", "two", &value, &anew).await.unwrap());
    assert_eq!(tx.delete_unused_retired_data_keys(t(0)).await.unwrap(), 0, "retired later");
    assert_eq!(tx.delete_unused_retired_data_keys(t(9)).await.unwrap(), 1);
    assert_eq!(tx.data_key(old).await.unwrap(), None);
    assert_eq!(tx.count_sealed_by_retired().await.unwrap(), 0);
}

pub(crate) async fn nothing_is_sealed_with_a_data_key_that_is_gone(database: Database) {
    let store = database.open().await;
    let gone = a_sealed(DataKeyId::generate(t0(), &*ENTROPY), "value");
    let mut tx = store.begin().await.unwrap();

    let put = tx.put_sealed("a", "row", KeyOwner::Platform, &gone, t0()).await;

    assert!(put.is_err());
}

pub(crate) async fn an_owners_data_keys_go_with_all_they_sealed(database: Database) {
    let store = database.open().await;
    let owner = KeyOwner::Team(TeamId::generate(t0(), &*ENTROPY));
    let (platforms, theirs) =
        (saved_data_key(&store, KeyOwner::Platform).await, saved_data_key(&store, owner).await);
    let mut tx = store.begin().await.unwrap();
    tx.put_sealed("a", "ours", KeyOwner::Platform, &a_sealed(platforms, "x"), t0()).await.unwrap();
    tx.put_sealed("a", "theirs", owner, &a_sealed(theirs, "x"), t0()).await.unwrap();
    tx.put_sealed("b", "theirs", owner, &a_sealed(theirs, "x"), t0()).await.unwrap();

    assert_eq!(tx.delete_sealed_of_owner(KeyOwner::User(domain::UserId::NIL)).await.unwrap(), 0);
    assert_eq!(tx.delete_data_keys_of(owner).await.unwrap(), 1);

    assert_eq!(tx.count_sealed().await.unwrap(), 1);
    assert_eq!(tx.data_key(theirs).await.unwrap(), None);
    assert!(tx.has_sealed("a", "ours").await.unwrap());
}
