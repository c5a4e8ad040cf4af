use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// Not random at all: what takes turns needs no luck.
struct Zero;

impl Entropy for Zero {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// A change that was begun is finished after its caller has gone. One that comes meanwhile has to wait for it, or it
/// would be lost although it was answered.
#[tokio::test]
async fn a_change_waits_for_one_whose_caller_has_gone() {
    let home = tempfile::tempdir().unwrap();
    let storage =
        Storage { folder: home.path().join("klient"), turn: Arc::default(), entropy: Arc::new(Zero) };
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let mut given_up = Box::pin(storage.change(move |texts| {
        started.send(()).unwrap();
        held.recv().unwrap();
        texts.insert("first".into(), String::new());
        Ok(true)
    }));
    tokio::select! {
        _ = &mut given_up => panic!("it is held"),
        started = has_started => started.unwrap(),
    }
    drop(given_up);

    let mut second = Box::pin(storage.set("second".into(), "text".into()));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut second).await.is_err(), "it waits");
    let_go.send(()).unwrap();
    assert!(second.await.unwrap());

    let kept = read(&storage.folder).unwrap();
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(std::fs::read_dir(&storage.folder).unwrap().count(), 1, "no draft is left");
}

#[tokio::test]
async fn a_text_that_fits_no_message_is_refused_and_ends_no_connection() {
    let home = tempfile::tempdir().unwrap();
    let storage = Storage { folder: home.path().to_owned(), turn: Arc::default(), entropy: Arc::new(Zero) };
    let texts = Texts::from([("odd".into(), "\u{1}".repeat(1 << 20)), ("plain".into(), "x".repeat(1 << 20))]);
    write(&storage.folder, &texts, ".draft".into()).unwrap();

    assert_eq!(storage.get("odd".into()).await.unwrap_err().code, "too_large");
    assert_eq!(storage.get("plain".into()).await.unwrap().len(), 1 << 20);
}
