//! Fetching from registries: the ways it goes, and the ways it goes wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use outbound::{Client, Policy};
use runtime::{DriverError, ImageStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::build::{Entry, Packing, digest, gzip, image, image_of, plain, saying, tar, zstd};
use super::fake_registry::{Behaviour, FakeRegistry};
use super::{Place, name, text};

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn an_image_is_fetched_once() {
    let registry = FakeRegistry::start(Behaviour::default().having("v1", &saying("hello"))).await;
    let place = Place::new();

    let first = place.prepare(&registry.name(":v1")).await.unwrap();
    let requests = registry.log().len();
    let again = place.prepare(&registry.name(":v1")).await.unwrap();

    assert_eq!(text(first.layers[0].join("said")), "hello");
    assert_eq!(first.reference, name(&registry.name(":v1")));
    assert_eq!(again, first);
    assert_eq!((requests, registry.log().len()), (3, 3));
    let lines = place.lines.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line == "layer 1 of 1: done, 1 MB"), "{lines:?}");
}

#[tokio::test]
async fn many_at_once_fetch_once() {
    let registry = FakeRegistry::start(Behaviour::default().having("v1", &saying("hello"))).await;
    let place = Place::new();
    let reference = registry.name(":v1");

    let images = join_all((0..20).map(|_| place.prepare(&reference))).await;

    assert!(images.iter().all(|image| image.as_ref().unwrap() == images[0].as_ref().unwrap()));
    assert_eq!(registry.log().len(), 3);
}

#[tokio::test]
async fn an_index_gives_the_image_of_this_machine() {
    let behaviour = Behaviour::default().having_index("v1", &saying("ours"), &saying("theirs"));
    let index = digest(&behaviour.manifests["v1"]);
    let registry = FakeRegistry::start(behaviour).await;
    let place = Place::new();

    let image = place.prepare(&registry.name(":v1")).await.unwrap();

    assert_eq!(text(image.layers[0].join("said")), "ours");
    // The digest of index and manifest are names of it as well, without asking again.
    let asked = registry.log().len();
    let by_index = place.prepare(&registry.name(&format!("@{index}"))).await.unwrap();
    let by_manifest =
        place.prepare(&registry.name(&format!("@{}", digest(&saying("ours").manifest)))).await.unwrap();
    assert_eq!((by_index.id, by_manifest.id), (image.id.clone(), image.id));
    assert_eq!(registry.log().len(), asked);
}

#[tokio::test]
async fn a_digest_is_fetched_and_checked() {
    let (right, wrong) = (saying("right"), saying("wrong"));
    let mut behaviour = Behaviour::default().having("v1", &right);
    let evil = digest(&wrong.manifest);
    behaviour.manifests.insert(evil.clone(), right.manifest.clone());
    let registry = FakeRegistry::start(behaviour).await;
    let place = Place::new();

    let good = place.prepare(&registry.name(&format!("@{}", digest(&right.manifest)))).await.unwrap();
    let bad = place.prepare(&registry.name(&format!("@{evil}"))).await;

    assert_eq!(text(good.layers[0].join("said")), "right");
    assert!(matches!(bad, Err(DriverError::Image { .. })), "{bad:?}");
}

#[tokio::test]
async fn a_token_is_got_and_renewed() {
    let layers: Vec<_> =
        (0..5).map(|number| (tar(&[Entry::file("n", number.to_string())]), plain as Packing)).collect();
    let behaviour = Behaviour { token: Some("secret"), token_uses: Some(3), ..Behaviour::default() };
    let registry = FakeRegistry::start(behaviour.having("v1", &image(&layers))).await;
    let place = Place::new();

    let image = place.prepare(&registry.name(":v1")).await.unwrap();

    assert_eq!(image.layers.len(), 5);
    assert!(
        registry.log()[1].starts_with("/token service=fake&scope=repository%3Ateam%2Fit%3Apull"),
        "{:?}",
        registry.log()
    );
    assert!(registry.asked_for("/token") >= 2);
    assert!(!registry.log()[1].contains("Bearer"));
}

#[tokio::test]
async fn what_a_registry_refuses_is_told_with_what_to_do() {
    for (status, reason) in [
        (401, "everybody"),
        (403, "everybody"),
        (404, "has no"),
        (429, "no more for now"),
        (500, "answers 500"),
    ] {
        let registry = FakeRegistry::start(Behaviour { status: Some(status), ..Behaviour::default() }).await;
        let place = Place::new();

        let error = place.prepare(&registry.name(":v1")).await.unwrap_err();

        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.mend().is_empty());
        place.assert_empty();
    }
}

#[tokio::test]
async fn a_private_address_is_not_asked() {
    let registry = FakeRegistry::start(Behaviour::default().having("v1", &saying("secret"))).await;
    let folder = TempDir::new().unwrap();
    let store = ImageStore::open(folder.path().to_owned(), Client::new(Policy::public_only())).unwrap();

    for reference in [registry.name(":v1"), "10.0.0.1/it".into(), "169.254.169.254/latest/meta-data".into()] {
        let error = store.prepare(&name(&reference), &|_| (), &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, DriverError::Image { .. }), "{error:?}");
    }
    assert_eq!(registry.log().len(), 0);
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let made = image(&[(tar(&[Entry::file("noise", noise(300_000))]), gzip)]);
    for ranges in [true, false] {
        let behaviour = Behaviour { breaks_after: Some(100_000), ranges, ..Behaviour::default() };
        // Without ranges it only comes to an end if the break moves.
        let behaviour =
            if ranges { behaviour } else { Behaviour { breaks_after: Some(299_900), ..behaviour } };
        let registry = FakeRegistry::start(behaviour.having("v1", &made)).await;
        let place = Place::new();

        let image = place.prepare(&registry.name(":v1")).await.unwrap();

        assert_eq!(std::fs::read(image.layers[0].join("noise")).unwrap(), noise(300_000));
        assert!(registry.asked_for("bytes=") >= 1, "{:?}", registry.log());
    }
}

#[tokio::test]
async fn a_download_that_never_gets_on_is_given_up() {
    let made = image(&[(tar(&[Entry::file("noise", noise(10_000))]), gzip)]);
    let behaviour = Behaviour { breaks_after: Some(0), ranges: true, ..Behaviour::default() };
    let mut behaviour = behaviour.having("v1", &made);
    // The configuration must get through for it to come this far.
    behaviour.breaks_after = Some(made.config.len() + 1);
    behaviour.ranges = false;
    let registry = FakeRegistry::start(behaviour).await;
    let place = Place::new();

    let error = place.prepare(&registry.name(":v1")).await.unwrap_err();

    assert!(matches!(error, DriverError::Image { .. }), "{error:?}");
    place.assert_empty();
}

#[tokio::test]
async fn wrong_bytes_are_refused_and_leave_nothing() {
    let good = tar(&[Entry::file("said", "good")]);
    let evil = gzip(&tar(&[Entry::file("said", "evil")]));
    let made = image_of(std::slice::from_ref(&good), &[gzip(&good)], &json!({}));
    let mut wrong = Behaviour::default().having("v1", &made);
    wrong.blobs.insert(digest(&gzip(&good)), evil.clone());
    let mut short = Behaviour::default().having("v1", &made);
    short.blobs.insert(digest(&gzip(&good)), gzip(&good)[..20].to_vec());
    let mut config = Behaviour::default().having("v1", &made);
    config.blobs.insert(digest(&made.config), b"{}".to_vec());
    let lying = Behaviour::default().having("v1", &image_of(&[good], &[evil], &json!({})));

    for behaviour in [wrong, short, config, lying] {
        let registry = FakeRegistry::start(behaviour).await;
        let place = Place::new();
        let error = place.prepare(&registry.name(":v1")).await.unwrap_err();
        assert!(matches!(error, DriverError::Image { .. }), "{error:?}");
        // A good layer beside a bad one may stay for the next try, but here is none.
        place.assert_empty();
    }
}

#[tokio::test]
async fn what_arrived_before_a_failure_is_not_fetched_again() {
    let (first, second) = (tar(&[Entry::file("n", "1")]), tar(&[Entry::file("n", "2")]));
    let made = image(&[(first.clone(), gzip), (second.clone(), zstd)]);
    let mut behaviour = Behaviour::default().having("v1", &made);
    let missing = behaviour.blobs.remove(&digest(&zstd(&second))).unwrap();
    let place = Place::new();
    let failing = FakeRegistry::start(behaviour).await;

    let failed = place.prepare(&failing.name(":v1")).await;

    assert!(failed.is_err());
    let mut behaviour = Behaviour::default().having("v1", &made);
    behaviour.blobs.insert(digest(&missing), missing);
    let working = FakeRegistry::start(behaviour).await;
    // Whether the first layer was through before the second failed is a race it may lose.
    let kept = place.count("layers");
    let image = place.prepare(&working.name(":v1")).await.unwrap();
    assert_eq!(image.layers.len(), 2);
    assert_eq!(working.asked_for(&digest(&gzip(&first))), 1 - kept);
}

#[tokio::test]
async fn a_cancelled_fetch_ends_at_once_and_leaves_nothing() {
    let behaviour = Behaviour { gate: Some(Arc::new(Semaphore::new(1))), ..Behaviour::default() };
    let layers: Vec<_> =
        (0..3).map(|number| (tar(&[Entry::file("n", number.to_string())]), gzip as Packing)).collect();
    let registry = FakeRegistry::start(behaviour.having("v1", &image(&layers))).await;
    let place = Place::new();
    let cancel = CancellationToken::new();
    let reference = name(&registry.name(":v1"));
    let progress = place.progress();

    // The configuration comes through the gate, the layers hang.
    let fetch = place.store.prepare(&reference, &progress, &cancel);
    let stop = async {
        while registry.asked_for("/blobs/") < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (result, ()) =
        tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(fetch, stop) }).await.unwrap();

    assert!(matches!(result, Err(DriverError::Cancelled)), "{result:?}");
    place.assert_empty();
}

#[tokio::test]
async fn somebody_waiting_for_a_fetch_goes_on_with_it_when_it_is_cancelled() {
    let gate = Arc::new(Semaphore::new(1));
    let behaviour = Behaviour { gate: Some(gate.clone()), ..Behaviour::default() };
    let registry = FakeRegistry::start(behaviour.having("v1", &saying("hello"))).await;
    let place = Place::new();
    let (cancel, never) = (CancellationToken::new(), CancellationToken::new());
    let reference = name(&registry.name(":v1"));
    let progress = place.progress();

    let first = place.store.prepare(&reference, &progress, &cancel);
    let second = place.store.prepare(&reference, &progress, &never);
    let stop = async {
        while registry.asked_for("/blobs/") < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
        gate.add_permits(100);
    };
    let (first, second, ()) = tokio::join!(first, second, stop);

    assert!(matches!(first, Err(DriverError::Cancelled)));
    assert_eq!(text(second.unwrap().layers[0].join("said")), "hello");
}

#[tokio::test]
async fn a_pull_follows_a_tag_that_moved_and_brings_only_what_is_new() {
    let base = tar(&[Entry::file("base", "base")]);
    let version = |text: &str| {
        image(&[(base.clone(), gzip as Packing), (tar(&[Entry::file("top", text)]), gzip as Packing)])
    };
    let old = FakeRegistry::start(Behaviour::default().having("v1", &version("old"))).await;
    let new = FakeRegistry::start(Behaviour::default().having("v1", &version("new"))).await;
    let place = Place::new();
    place.prepare(&old.name(":v1")).await.unwrap();

    let image = place
        .store
        .pull(&name(&new.name(":v1")), &place.progress(), &CancellationToken::new())
        .await
        .unwrap();

    assert_eq!(text(image.layers[1].join("top")), "new");
    assert_eq!(new.asked_for(&digest(&gzip(&base))), 0);
    let lines = place.lines.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line == "layer 1 of 2: already here"), "{lines:?}");
    assert_eq!(place.count("layers"), 3);
}

#[tokio::test]
async fn documents_that_are_none_are_refused() {
    for manifest in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"schemaVersion":1,"fsLayers":[]}"#,
        r#"{"layers":[]}"#,
        r#"{"config":{"digest":"sha256:x","size":1},"layers":[]}"#,
        r#"{"manifests":[]}"#,
        "\u{0}",
    ] {
        let mut behaviour = Behaviour::default();
        behaviour.manifests.insert("v1".into(), manifest.into());
        let registry = FakeRegistry::start(behaviour).await;

        let error = Place::new().prepare(&registry.name(":v1")).await.unwrap_err();

        assert!(matches!(error, DriverError::Image { .. }), "{manifest}: {error:?}");
    }
}

#[tokio::test]
async fn an_index_that_leads_in_circles_comes_to_an_end() {
    let mut behaviour = Behaviour::default();
    let mut inner = String::new();
    for _ in 0..10 {
        let to = digest(inner.as_bytes());
        inner = json!({ "manifests": [{ "digest": to, "size": 1 }] }).to_string();
        behaviour.manifests.insert(digest(inner.as_bytes()), inner.clone().into());
    }
    behaviour.manifests.insert("v1".into(), inner.into());
    let registry = FakeRegistry::start(behaviour).await;

    let error = Place::new().prepare(&registry.name(":v1")).await.unwrap_err();

    assert!(error.to_string().contains("circles"), "{error}");
}
