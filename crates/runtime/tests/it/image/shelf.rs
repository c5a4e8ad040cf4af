//! What is kept, what goes, and what a crash leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use runtime::DriverError;
use tokio_util::sync::CancellationToken;

use super::build::{Entry, gzip, image, plain, saying, tar};
use super::{Place, name, text};

#[tokio::test]
async fn images_survive_a_restart() {
    let place = Place::new();
    place.import(Some("it:1"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    let before = place.store.images();

    let place = place.reopened();

    assert_eq!(place.store.images(), before);
    assert_eq!(text(before[0].layers[0].join("said")), "hello");
}

#[tokio::test]
async fn layers_are_shared_and_go_with_their_last_image() {
    let place = Place::new();
    let base = tar(&[Entry::file("base", "base")]);
    let top = |text: &str| tar(&[Entry::file("top", text)]);
    for (reference, text) in [("it:1", "one"), ("it:2", "two")] {
        let made = image(&[(base.clone(), plain), (top(text), plain)]);
        place.import(Some(reference), &tar(&made.saved(&[]))).await.unwrap();
    }
    assert_eq!(place.count("layers"), 3);

    assert!(place.store.remove(&name("it:1")).await.unwrap());
    assert_eq!(place.count("layers"), 2);
    assert!(!place.store.remove(&name("it:1")).await.unwrap());

    let second = place.store.find(&name("it:2")).unwrap();
    assert_eq!(text(second.layers[0].join("base")), "base");
    assert!(place.store.remove(&name("it:2")).await.unwrap());
    place.assert_empty();
}

#[tokio::test]
async fn a_name_that_moves_on_frees_what_it_stood_for() {
    let place = Place::new();

    place.import(Some("it"), &tar(&saying("old").saved(&[]))).await.unwrap();
    place.import(Some("it"), &tar(&saying("new").saved(&[]))).await.unwrap();

    assert_eq!(text(place.store.find(&name("it")).unwrap().layers[0].join("said")), "new");
    assert_eq!((place.count("layers"), place.count("records"), place.count("names")), (1, 1, 1));
}

#[tokio::test]
async fn what_a_workspace_stands_on_stays_until_it_lets_go() {
    let place = Place::new();
    let images = place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    let id = images[0].id.clone();
    place.store.hold(&id, "ws_1").await.unwrap();
    place.store.hold(&id, "snap_2").await.unwrap();

    place.store.remove(&name("it")).await.unwrap();
    assert!(place.store.images().is_empty());
    let place = place.reopened();
    assert_eq!(text(place.store.image(&id).unwrap().layers[0].join("said")), "hello");

    place.store.release("ws_1").await.unwrap();
    assert!(place.store.image(&id).is_some());
    place.store.release("snap_2").await.unwrap();
    place.store.release("snap_2").await.unwrap();
    assert!(place.store.image(&id).is_none());
    place.assert_empty();
}

#[tokio::test]
async fn holding_what_is_not_there_is_refused() {
    let place = Place::new();
    let images = place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    let missing = format!("sha256:{}", "0".repeat(64)).parse().unwrap();

    assert!(matches!(place.store.hold(&missing, "ws_1").await, Err(DriverError::Image { .. })));
    for holder in ["", "../../etc/passwd", "a/b", "a.b", &"x".repeat(300)] {
        assert!(place.store.hold(&images[0].id, holder).await.is_err(), "{holder}");
        assert!(place.store.release(holder).await.is_err(), "{holder}");
    }
}

#[tokio::test]
async fn leftovers_of_a_crash_are_cleared_at_open() {
    let place = Place::new();
    place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    // A layer being unpacked, one without its image, an image without its name.
    fs::create_dir_all(place.path("staging/new-1/layer/fs/deep")).unwrap();
    fs::set_permissions(place.path("staging/new-1/layer/fs"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::create_dir_all(place.path("layers").join("f".repeat(64)).join("fs")).unwrap();
    let record = fs::read_dir(place.path("records")).unwrap().next().unwrap().unwrap().path();
    let stray =
        text(&record).replace(&place.store.images()[0].id.to_string(), &format!("sha256:{}", "e".repeat(64)));
    fs::write(place.path("records").join(format!("{}.json", "e".repeat(64))), stray).unwrap();

    let place = place.reopened();

    assert_eq!((place.count("staging"), place.count("layers"), place.count("records")), (0, 1, 1));
    assert!(place.store.find(&name("it")).is_some());
}

#[tokio::test]
async fn an_image_that_lost_a_layer_is_gone_rather_than_broken() {
    let place = Place::new();
    let images = place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    fs::remove_dir_all(&images[0].layers[0]).unwrap();

    let place = place.reopened();

    assert!(place.store.find(&name("it")).is_none());
    place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    assert_eq!(text(place.store.find(&name("it")).unwrap().layers[0].join("said")), "hello");
}

#[tokio::test]
async fn notes_that_are_not_understood_keep_everything_in_place() {
    let place = Place::new();
    place.import(Some("it"), &tar(&saying("hello").saved(&[]))).await.unwrap();
    fs::write(place.path("records/future.json"), r#"{"version":2}"#).unwrap();
    fs::create_dir_all(place.path("layers").join("f".repeat(64)).join("fs")).unwrap();

    let place = place.reopened();

    assert_eq!((place.count("layers"), place.count("records")), (2, 2));
    assert!(place.store.find(&name("it")).is_some());
}

#[tokio::test]
async fn a_second_store_on_the_same_folder_clears_nothing_of_the_first() {
    let place = Place::new();
    fs::create_dir_all(place.path("staging/new-1/layer/fs")).unwrap();

    let _second = super::open(place.folder.path());

    assert_eq!(place.count("staging"), 1);
}

#[tokio::test]
async fn nobody_else_of_the_machine_gets_in() {
    let place = Place::new();

    assert_eq!(fs::metadata(place.path("")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_cancelled_import_leaves_nothing() {
    let place = Place::new();
    let (mut feed, archive) = tokio::io::duplex(1024);
    let cancel = CancellationToken::new();
    let canceller = cancel.clone();
    let half = tar(&saying("hello").saved(&["it"]));
    tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut feed, &half[..half.len() / 2]).await.unwrap();
        canceller.cancel();
        // Kept open: only the cancellation ends it.
        std::future::pending::<()>().await;
    });

    let result = place.store.import(None, archive, &place.progress(), &cancel).await;

    assert!(matches!(result, Err(DriverError::Cancelled)), "{result:?}");
    place.assert_empty();
}

#[tokio::test]
async fn an_import_that_nobody_waits_for_any_more_leaves_nothing() {
    let place = Place::new();
    let (feed, archive) = tokio::io::duplex(1024);

    let cancel = CancellationToken::new();
    {
        let progress = place.progress();
        let import = place.store.import(None, archive, &progress, &cancel);
        let given_up = tokio::time::timeout(Duration::from_millis(50), import).await;
        assert!(given_up.is_err());
    }

    drop(feed);
    let gone = async {
        while place.count("staging") > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn imports_of_the_same_layers_at_once_do_not_disturb_each_other() {
    let place = Place::new();
    let layers: Vec<_> = (0..4)
        .map(|number| {
            (tar(&[Entry::file("said", number.to_string().repeat(100_000))]), gzip as fn(&[u8]) -> Vec<u8>)
        })
        .collect();
    let archive = tar(&image(&layers).layout(&["example/it:v"]));

    let imports = (0..6).map(|number| {
        let (place, archive) = (&place, &archive);
        async move { place.import(Some(&format!("it:{number}")), archive).await }
    });
    let results = futures_util::future::join_all(imports).await;

    for result in results {
        assert_eq!(result.unwrap()[0].layers.len(), 4);
    }
    assert_eq!((place.count("layers"), place.count("names"), place.count("staging")), (4, 6, 0));
}

/// A disk of one megabyte takes a mount, and so a process of its own.
#[tokio::test]
async fn a_full_disk_is_named_as_that() {
    const MARK: &str = "RUNTIME_TEST_SMALL_DISK";
    if std::env::var_os(MARK).is_none() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut again = std::process::Command::new("unshare");
        let script = r#"mount -t tmpfs -o size=1m none "$1" && exec "$2" --exact image::shelf::a_full_disk_is_named_as_that"#;
        if !rustix::process::geteuid().is_root() {
            again.args(["--user", "--map-root-user"]);
        }
        again
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(folder.path())
            .arg(std::env::current_exe().unwrap());
        let status = again.env("TMPDIR", folder.path()).env(MARK, "1").status();
        assert!(status.unwrap().success());
        return;
    }
    let place = Place::new();
    // Small to send, large to unpack, so that it is the unpacking that fills the disk.
    let made = image(&[(tar(&[Entry::file("large", vec![0; 4 << 20])]), gzip)]);
    let archive = tar(&made.layout(&["example/it:v"]));

    let error = place.import(None, &archive).await.unwrap_err();

    assert!(matches!(&error, DriverError::NoSpace { what } if what.contains("large")), "{error:?}");
    place.assert_empty();
}
