use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::{Entropy, SignedDuration, UserId};
use link::Agents;
use runtime::memory::MemoryDriver;
use store::Store;
use testkit::{FakeClock, SeededEntropy};
use vault::{FileKey, PlatformKey, Wrapped};

use super::*;
use crate::control::{Outside, Settings};

const SECRET: &str = "glpat-plaintext-canary";

struct World {
    control: Control,
    clock: FakeClock,
    folder: tempfile::TempDir,
    key: Arc<Moody>,
}

/// A platform key that can be away.
struct Moody {
    key: FileKey,
    away: AtomicBool,
}

impl Moody {
    fn answer<T>(&self, value: Result<T, PlatformKeyError>) -> Result<T, PlatformKeyError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(PlatformKeyError::unavailable("the key service is away", "wait"));
        }
        value
    }
}

#[async_trait]
impl PlatformKey for Moody {
    fn name(&self) -> &'static str {
        "file"
    }
    async fn wrap(&self, material: &Secret<[u8; 32]>, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        self.answer(self.key.wrap(material, aad).await)
    }
    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret<[u8; 32]>, PlatformKeyError> {
        self.answer(self.key.unwrap(wrapped, aad).await)
    }
    async fn rewrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Wrapped, PlatformKeyError> {
        self.answer(self.key.rewrap(wrapped, aad).await)
    }
    async fn version(&self) -> Result<String, PlatformKeyError> {
        self.answer(self.key.version().await)
    }
    fn wrapped_by(&self, wrapped: &Wrapped) -> String {
        self.key.wrapped_by(wrapped)
    }
    async fn rotate(&self) -> Result<String, PlatformKeyError> {
        self.answer(self.key.rotate().await)
    }
    async fn health(&self) -> Result<(), PlatformKeyError> {
        self.answer(self.key.health().await)
    }
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(11));
        let key = FileKey::create(folder.path().join("key"), entropy.clone()).unwrap();
        let key = Arc::new(Moody { key, away: AtomicBool::new(false) });
        let clock = FakeClock::default();
        let url = format!("sqlite:{}", folder.path().join("hearth.db").display());
        let outside = Outside {
            clock: Arc::new(clock.clone()),
            entropy,
            driver: Arc::new(MemoryDriver::new()),
            outbound: outbound::Client::new(outbound::Policy::with_loopback()),
            images: None,
            platform_key: key.clone(),
        };
        let settings = Settings::new(folder.path(), folder.path().join("agent"));
        let control = Control::new(Store::open(&url).await.unwrap(), Agents::new(), outside, settings);
        Self { control, clock, folder, key }
    }

    async fn put(&self, owner: KeyOwner, row: &str, secret: &str) {
        let sealer = self.control.sealer(owner).await.unwrap();
        let mut tx = self.control.inner.store.begin().await.unwrap();
        sealer.put(&mut tx, CellKind::TeamSecret, row, &Secret::new(secret.to_owned())).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn get(&self, row: &str) -> Option<String> {
        let secret = self.control.unseal(CellKind::TeamSecret, row).await.unwrap();
        secret.map(|secret| secret.expose().clone())
    }

    /// All the bytes of the database's files.
    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
}

fn user(seed: u64) -> KeyOwner {
    KeyOwner::User(UserId::generate(Timestamp::UNIX_EPOCH, &SeededEntropy::new(seed)))
}

#[tokio::test]
async fn a_secret_comes_back_and_is_nowhere_in_the_database() {
    let world = World::new().await;

    world.put(user(1), "row/ONE", SECRET).await;

    assert_eq!(world.get("row/ONE").await.as_deref(), Some(SECRET));
    assert_eq!(world.get("row/TWO").await, None);
    let bytes = world.bytes();
    assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owners_first_key_is_made_once_however_many_ask_for_it() {
    let world = World::new().await;
    let busy = world.control.clone();
    // Others write all the time, so that what one asker has written stays unseen by readers for a while.
    let writing = tokio::spawn(async move {
        let write = async || busy.inner.store.begin().await.unwrap().commit().await.unwrap();
        loop {
            futures_util::future::join_all((0..32).map(|_| write())).await;
        }
    });
    for seed in 0..20 {
        let asking = (0..8).map(|_| {
            let control = world.control.clone();
            tokio::spawn(async move { control.current_key(user(seed)).await.unwrap().id() })
        });

        let ids = futures_util::future::join_all(asking).await;

        let first = ids.first().unwrap().as_ref().unwrap();
        assert!(ids.iter().all(|id| id.as_ref().unwrap() == first), "{ids:?}");
    }
    writing.abort();
}

#[tokio::test]
async fn a_sealed_value_that_was_moved_to_another_row_does_not_open() {
    let world = World::new().await;
    world.put(user(1), "row/ONE", SECRET).await;
    let mut tx = world.control.inner.store.begin().await.unwrap();
    let found = tx.sealed("team.secret", "row/ONE").await.unwrap().unwrap();
    tx.put_sealed("team.secret", "row/TWO", found.owner, &found.value, world.control.now()).await.unwrap();
    tx.commit().await.unwrap();

    let moved = world.control.unseal(CellKind::TeamSecret, "row/TWO").await;

    assert!(matches!(moved, Err(Error::Internal { .. })));
}

#[tokio::test]
async fn everybody_has_a_key_of_their_own_and_losing_it_shreds_all_of_theirs() {
    let world = World::new().await;
    world.put(user(1), "row/ONE", SECRET).await;
    world.put(user(2), "row/TWO", SECRET).await;
    let mut tx = world.control.inner.store.begin().await.unwrap();
    let kept = tx.sealed("team.secret", "row/ONE").await.unwrap().unwrap();
    tx.delete_data_keys_of(user(1)).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(world.get("row/ONE").await, None);
    assert_eq!(world.get("row/TWO").await.as_deref(), Some(SECRET));
    assert!(matches!(world.control.open_sealed(&kept).await, Err(Error::Internal { .. })), "a backup's copy");
}

#[tokio::test]
async fn both_levels_are_replaced_while_everything_stays_readable() {
    let world = World::new().await;
    let admin = world.control.local_caller("ada").await.unwrap();
    for number in 0..450 {
        world.put(user(number % 7), &format!("row/{number}"), &format!("{SECRET}{number}")).await;
    }

    let begun = world.control.rotate_keys(&admin, RotationLevel::Data).await.unwrap();
    assert_eq!(begun.sealed_by_retired, 450);
    assert!(matches!(
        world.control.rotate_keys(&admin, RotationLevel::Platform).await,
        Err(Error::Conflict { code: "rotation_under_way", .. })
    ));
    // A batch, then the "crash": nothing is remembered but the database.
    assert!(world.control.seal_some().await.unwrap());
    assert_eq!(world.get("row/449").await, Some(format!("{SECRET}449")));
    world.put(user(1), "row/1", "newer").await;
    world.control.replace_keys().await.unwrap();

    let status = world.control.key_status(&admin).await.unwrap();
    assert_eq!((status.sealed_by_retired, status.rotation), (0, None));
    assert_eq!(world.get("row/1").await.as_deref(), Some("newer"));
    assert_eq!(world.get("row/8").await, Some(format!("{SECRET}8")));

    world.clock.advance(SignedDuration::from_hours(2));
    world.control.rotate_keys(&admin, RotationLevel::Platform).await.unwrap();
    world.control.replace_keys().await.unwrap();

    let status = world.control.key_status(&admin).await.unwrap();
    assert_eq!((status.data_keys, status.retired, status.wrapped_by_older), (7, 0, 0));
    assert_eq!(world.get("row/8").await, Some(format!("{SECRET}8")));
}

#[tokio::test]
async fn who_has_a_key_in_memory_works_on_while_the_key_service_is_away() {
    let world = World::new().await;
    world.put(user(1), "row/ONE", SECRET).await;
    world.key.away.store(true, Ordering::SeqCst);
    world.clock.advance(SignedDuration::from_hours(1));

    assert_eq!(world.get("row/ONE").await.as_deref(), Some(SECRET));
    assert!(matches!(world.control.sealer(user(2)).await, Err(Error::Unavailable { .. })));

    world.key.away.store(false, Ordering::SeqCst);
    world.put(user(2), "row/TWO", SECRET).await;
}

#[tokio::test]
async fn a_pass_that_was_under_way_does_not_end_what_is_asked_for_meanwhile() {
    for steps in 0..40 {
        let world = World::new().await;
        let admin = world.control.local_caller("ada").await.unwrap();
        world.put(user(1), "row/ONE", SECRET).await;
        let pass = world.control.replace_keys();
        let asking = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            world.control.rotate_keys(&admin, RotationLevel::Data).await.unwrap()
        };

        let (replaced, _) = tokio::join!(pass, asking);

        replaced.unwrap();
        let status = world.control.key_status(&admin).await.unwrap();
        assert!(status.rotation.is_some() || status.sealed_by_retired == 0, "{steps} steps: {status:?}");
        world.control.replace_keys().await.unwrap();
        assert_eq!(world.control.key_status(&admin).await.unwrap().rotation, None);
    }
}

#[tokio::test]
async fn a_key_that_has_sealed_for_a_year_is_replaced_by_itself() {
    let world = World::new().await;
    let admin = world.control.local_caller("ada").await.unwrap();
    world.put(user(1), "row/ONE", SECRET).await;
    world.clock.advance(SignedDuration::from_hours(366 * 24));

    world.control.replace_keys().await.unwrap();

    let status = world.control.key_status(&admin).await.unwrap();
    assert_eq!((status.data_keys, status.retired, status.sealed_by_retired), (2, 1, 0));
    assert_eq!(world.get("row/ONE").await.as_deref(), Some(SECRET));
}
