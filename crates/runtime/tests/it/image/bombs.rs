//! Images that try to fill the machine, and such as no tool would write.

use proptest::prelude::*;
use runtime::DriverError;
use runtime::image::Caps;
use tar::EntryType;

use super::build::{Entry, Packing, gzip, image, plain, tar, zstd};
use super::cage::Cage;

#[tokio::test]
async fn bombs_go_off_harmlessly() {
    let caps = Caps {
        blob_bytes: 1 << 20,
        layer_bytes: 1 << 20,
        layer_entries: 100,
        layers: 4,
        extension_bytes: 4096,
        folder_name_bytes: 10_000,
        ..Caps::default()
    };
    let zeros = tar(&[Entry::file("zeros", vec![0; 4 << 20])]);
    let trailing = [tar(&[]), vec![0; 4 << 20]].concat();
    let many: Vec<Entry> = (0..101).map(|number| Entry::file(number.to_string(), "")).collect();
    let implied: Vec<Entry> = (0..60).map(|number| Entry::file(format!("{number}/{number}/x"), "")).collect();
    let long: Vec<Entry> = (0..90).map(|number| Entry::folder(format!("{number:0200}"))).collect();
    let extended = [Entry::file("x", "").pax("comment", vec![b'x'; 5000])];

    for (layer, reason) in [
        (zeros.clone(), "unpacks to more than"),
        (trailing, "unpacks to more than"),
        (tar(&many), "more than 100 entries"),
        (tar(&implied), "more than 100 entries"),
        (tar(&long), "folder names"),
        (tar(&extended), "extension headers"),
    ] {
        for packing in [gzip as Packing, zstd] {
            let cage = Cage::with(caps);
            let error = cage.unpack(layer.clone(), packing).await.unwrap_err();
            assert!(error.to_string().contains(reason), "{reason}: {error}");
        }
    }
    let layer = (tar(&[Entry::file("x", "")]), plain as Packing);
    let error = Cage::with(caps).import(&tar(&image(&vec![layer; 5]).layout(&[]))).await.unwrap_err();
    assert!(error.to_string().contains("5 layers"), "{error}");
    let error = Cage::with(caps).import(&gzip(&zeros)).await.unwrap_err();
    assert!(error.to_string().contains("larger than any image"), "{error}");
    // Documents are read into memory, so they have a bound of their own.
    let large = [Entry::file("manifest.json", " ".repeat(5 << 20))];
    let error = Cage::new().import(&tar(&large)).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn an_entry_that_lies_about_its_size_is_refused() {
    let cage = Cage::new();
    for size in ["99999999", "18446744073709551615", "-1", "x", ""] {
        let layer = tar(&[Entry::file("x", "body").pax("size", size), Entry::file("y", "body")]);
        assert!(cage.unpack(layer, plain).await.is_err(), "{size}");
    }
}

/// Names of which some lead out, some are links, some are marks.
fn any_path() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "c",
        ".",
        "..",
        "",
        ".wh.a",
        ".wh.b",
        ".wh..wh..opq",
        ".wh..wh.x",
        ".wh.",
        "canary",
        "bird",
        "\u{e9}",
    ]);
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/").into_bytes());
    prop_oneof![8 => path, 1 => prop::collection::vec(1_u8.., 1..300), 1 => Just(b"/".to_vec())]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let target = prop_oneof![
        any_path(),
        Just(b"../../../../../../canary/bird".to_vec()),
        Just(b"/proc/self/root".to_vec())
    ];
    (any_path(), target, 0..9_u8, 0..0o10000_u32).prop_map(|(path, target, kind, mode)| {
        let entry = match kind {
            0..=2 => Entry::file(path, "x"),
            3 | 4 => Entry::folder(path),
            5 | 6 => Entry::symlink(path, target),
            7 => Entry::hard_link(path, target),
            _ => Entry::other(path, EntryType::Fifo),
        };
        entry.mode(mode)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_layer_gets_out(entries in prop::collection::vec(any_entry(), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cage = Cage::new();

        let result = runtime.block_on(cage.unpack(tar(&entries), plain));

        // Never the machine's fault.
        let fine = matches!(result, Ok(_) | Err(DriverError::Image { .. }));
        prop_assert!(fine, "{result:?}");
    }

    #[test]
    fn no_bytes_make_it_fall_over(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        packed in 0..3_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cage = Cage::new();
        let layer = tar(&[Entry::file("a", "x").pax("SCHILY.xattr.user.a", "b"), Entry::symlink("b", "a"), Entry::folder("c")]);
        let mut archive = tar(&image(&[(layer, gzip as Packing)]).saved(&["it"]));
        archive = [plain, gzip, zstd][packed](&archive);
        for (place, byte) in changes {
            let place = place.index(archive.len());
            archive[place] = byte;
        }
        // Now and then it ends early as well.
        archive.truncate(archive.len().min(cut.index(archive.len() * 4)));

        let _either = runtime.block_on(cage.import(&archive));
    }
}
