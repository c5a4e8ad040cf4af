//! Archives of every make become images.

use runtime::DriverError;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::build::{Entry, digest, gzip, image, image_of, plain, saying, tar, zstd};
use super::{Place, name, text};

#[tokio::test]
async fn a_docker_save_archive_becomes_an_image() {
    let place = Place::new();
    let made = image(&[
        (tar(&[Entry::folder("etc"), Entry::file("etc/one", "1")]), plain),
        (tar(&[Entry::folder("etc"), Entry::file("etc/two", "2")]), plain),
    ]);

    let images = place.import(None, &tar(&made.saved(&["example/it:v1"]))).await.unwrap();

    let [image] = images.as_slice() else { panic!("{images:?}") };
    assert_eq!(image.reference, name("example/it:v1"));
    assert_eq!(image.id.to_string(), digest(&made.config));
    assert_eq!(image.layers.len(), 2);
    assert_eq!(text(image.layers[0].join("etc/one")), "1");
    assert_eq!(text(image.layers[1].join("etc/two")), "2");
    assert_eq!(image.size_bytes, 2);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(image.env, [variable("PATH", "/usr/bin"), variable("EMPTY", ""), variable("A", "b=c")]);
    assert_eq!((image.user.as_str(), image.working_dir.as_str()), ("1000:1000", "/srv"));
    assert_eq!(place.store.find(&name("docker.io/example/it:v1")).as_ref(), Some(image));
    assert_eq!(place.store.images(), images);
    assert_eq!(place.count("staging"), 0);
}

#[tokio::test]
async fn an_oci_layout_becomes_an_image_whatever_packs_layers_and_archive() {
    let layers = |text: &str| tar(&[Entry::file("said", text)]);
    let made = image(&[(layers("a"), plain), (layers("b"), gzip), (layers("c"), zstd)]);
    let archive = tar(&made.layout(&["registry.example.com/team/it:v2"]));

    for packed in [plain(&archive), gzip(&archive), zstd(&archive)] {
        let place = Place::new();
        let images = place.import(None, &packed).await.unwrap();

        assert_eq!(images[0].reference, name("registry.example.com/team/it:v2"));
        let said: Vec<String> = images[0].layers.iter().map(|layer| text(layer.join("said"))).collect();
        assert_eq!(said, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn an_oci_layout_in_a_folder_becomes_an_image() {
    let place = Place::new();
    let folder = TempDir::new().unwrap();
    saying("hello").lay_out(folder.path(), &["latest"]);
    let import = |name| {
        let place = &place;
        let folder = folder.path();
        async move { place.store.import_folder(name, folder, &place.progress(), &CancellationToken::new()).await }
    };

    let nameless = import(None).await;
    let named = import(Some(name("example/it"))).await.unwrap();

    assert!(matches!(nameless, Err(DriverError::Image { mend, .. }) if mend.contains("name")));
    assert_eq!(text(named[0].layers[0].join("said")), "hello");
}

#[tokio::test]
async fn a_layout_of_several_platforms_gives_ours() {
    let place = Place::new();
    let (ours, theirs) = (saying("ours"), saying("theirs"));
    let entry = |made: &super::build::Made, architecture: &str| {
        json!({ "digest": digest(&made.manifest), "size": made.manifest.len(),
                "platform": { "os": "linux", "architecture": architecture } })
    };
    let attestation = json!({ "digest": digest(b""), "size": 0, "platform": { "os": "unknown", "architecture": "unknown" } });
    let nested = json!({ "schemaVersion": 2, "manifests": [
        entry(&theirs, "s390x"), attestation, entry(&ours, super::build::architecture()),
    ]})
    .to_string();
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "digest": digest(nested.as_bytes()), "size": nested.len(),
        "annotations": { "io.containerd.image.name": "docker.io/example/it:v1", "org.opencontainers.image.ref.name": "v1" },
    }]});
    let mut files = vec![Entry::file("index.json", index.to_string())];
    files.push(Entry::file(format!("blobs/sha256/{}", &digest(nested.as_bytes())[7..]), &nested));
    files.extend(
        ours.blobs.iter().map(|(name, blob)| Entry::file(format!("blobs/sha256/{}", &name[7..]), blob)),
    );

    let images = place.import(None, &tar(&files)).await.unwrap();

    assert_eq!(images[0].reference, name("example/it:v1"));
    assert_eq!(text(images[0].layers[0].join("said")), "ours");
}

#[tokio::test]
async fn several_names_and_several_images_are_all_taken() {
    let place = Place::new();
    let (one, two) = (saying("one"), saying("two"));
    let list = |made: &super::build::Made, prefix: &str, names: &[&str]| {
        json!({ "Config": format!("{prefix}.json"), "RepoTags": names, "Layers": [format!("{prefix}.tar")],
                "Parent": digest(&made.config) })
    };
    let archive = tar(&[
        Entry::file(
            "manifest.json",
            json!([list(&one, "one", &["a:1", "a:2"]), list(&two, "two", &["b:1"])]).to_string(),
        ),
        Entry::file("./one.json", &one.config),
        Entry::file("one.tar", &one.layers[0]),
        Entry::file("two.json", &two.config),
        Entry::file("sub/real.tar", &two.layers[0]),
        Entry::symlink("two.tar", "sub/real.tar"),
    ]);

    let images = place.import(None, &archive).await.unwrap();

    let names: Vec<String> = place.store.images().iter().map(|image| image.reference.to_string()).collect();
    assert_eq!(names, ["docker.io/library/a:1", "docker.io/library/a:2", "docker.io/library/b:1"]);
    assert_eq!(images.len(), 3);
    assert_eq!(place.count("layers"), 2);
    let renamed = place.import(Some("c"), &archive).await;
    assert!(matches!(renamed, Err(DriverError::Image { what, .. }) if what.contains("2 images")));
}

#[tokio::test]
async fn a_layer_that_comes_twice_is_stacked_once_where_it_counts() {
    let place = Place::new();
    let (a, b) = (tar(&[Entry::file("said", "a")]), tar(&[Entry::file("said", "b")]));
    let made = image(&[(a.clone(), plain), (b, plain), (a, plain)]);

    let images = place.import(Some("it"), &tar(&made.saved(&[]))).await.unwrap();

    let said: Vec<String> = images[0].layers.iter().map(|layer| text(layer.join("said"))).collect();
    assert_eq!(said, ["b", "a"]);
}

#[tokio::test]
async fn an_image_for_another_machine_is_refused() {
    let place = Place::new();
    let layer = tar(&[Entry::file("said", "hello")]);
    let made = image_of(
        std::slice::from_ref(&layer),
        std::slice::from_ref(&layer),
        &json!({ "architecture": "s390x" }),
    );

    for archive in [tar(&made.saved(&["it"])), tar(&made.layout(&["example/it:v1"]))] {
        let error = place.import(None, &archive).await.unwrap_err();
        assert!(error.to_string().contains("linux/s390x"), "{error}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn an_image_without_layers_is_refused() {
    let place = Place::new();

    let error = place.import(Some("it"), &tar(&image(&[]).saved(&[]))).await.unwrap_err();

    assert!(error.to_string().contains("no layers"), "{error}");
}

#[tokio::test]
async fn what_is_no_archive_of_images_is_refused_with_a_reason() {
    let place = Place::new();

    for (archive, reason) in [
        (Vec::new(), "no image in it"),
        (tar(&[Entry::file("hello", "world")]), "no image in it"),
        (b"hello, world".repeat(100), "check sum"),
        (b"BZh91AY&SY".repeat(100), "bzip2"),
        ([&[0xfd][..], b"7zXZ\0rest"].concat(), "xz"),
        (tar(&[Entry::file("manifest.json", "{")]), "not understood"),
        (tar(&[Entry::file("manifest.json", "[]")]), "empty"),
        (tar(&[Entry::file("index.json", r#"{"manifests":[]}"#)]), "the image is for"),
    ] {
        let error = place.import(Some("it"), &archive).await.unwrap_err();

        assert!(matches!(error, DriverError::Image { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn wrong_digests_and_sizes_are_refused_and_leave_nothing() {
    let place = Place::new();
    let (good, other) = (tar(&[Entry::file("said", "good")]), tar(&[Entry::file("said", "evil")]));

    // The diff id does not fit.
    let made = image_of(std::slice::from_ref(&good), &[gzip(&other)], &json!({}));
    let error = place.import(None, &tar(&made.layout(&["example/it:1"]))).await.unwrap_err();
    assert!(error.to_string().contains("should unpack to"), "{error}");

    // A blob lies under another's name.
    let mut made = image_of(std::slice::from_ref(&good), &[gzip(&good)], &json!({}));
    made.blobs.insert(digest(&gzip(&good)), gzip(&other));
    let error = place.import(None, &tar(&made.layout(&["example/it:1"]))).await.unwrap_err();
    assert!(error.to_string().contains("a layer should be"), "{error}");

    // A document lies under another's name.
    let mut made = image_of(std::slice::from_ref(&good), &[gzip(&good)], &json!({}));
    made.blobs.insert(digest(&made.config), b"{}".to_vec());
    let error = place.import(None, &tar(&made.layout(&["example/it:1"]))).await.unwrap_err();
    assert!(error.to_string().contains("in the place of"), "{error}");

    place.assert_empty();
}

#[tokio::test]
async fn an_archive_cut_anywhere_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let made = saying("hello");

    for archive in [tar(&made.saved(&["it"])), gzip(&tar(&made.layout(&["example/it:1"])))] {
        // Without the end mark and its padding there is still everything.
        let needed = archive.len() - if archive[0] == 0x1f { 1 } else { 1024 + 512 };
        for cut in (0..needed).step_by(97) {
            assert!(place.import(None, &archive[..cut]).await.is_err(), "{cut} of {}", archive.len());
        }
    }
    place.assert_empty();
}

#[tokio::test]
async fn layers_of_one_archive_that_refer_to_missing_files_are_refused() {
    let place = Place::new();
    let made = saying("hello");

    for (files, gone) in [(made.saved(&["it"]), 3), (made.layout(&["example/it:1"]), 5)] {
        for without in 0..gone {
            let mut files = files.clone();
            files.remove(without);
            let result = place.import(None, &tar(&files)).await;
            // `oci-layout` says nothing we need.
            assert!(result.is_err() || without == 0, "{without}");
        }
    }
}
