//! Layers that try to get out, or to be more than they look.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use runtime::DriverError;
use tar::EntryType;

use super::build::{Entry, plain, tar};
use super::cage::Cage;
use super::text;

async fn refusal(entries: &[Entry]) -> String {
    match Cage::new().unpack(tar(entries), plain).await {
        Err(error @ DriverError::Image { .. }) => error.to_string(),
        other => panic!("{entries:?}: {other:?}"),
    }
}

#[tokio::test]
async fn names_that_lead_out_are_refused() {
    for path in ["..", "../evil", "a/../../evil", "a/..", "/../evil", "./../evil"] {
        assert!(refusal(&[Entry::file(path, "evil")]).await.contains("leads out"), "{path}");
        assert!(refusal(&[Entry::folder(path)]).await.contains("leads out"), "{path}");
        assert!(refusal(&[Entry::symlink(path, "x")]).await.contains("leads out"), "{path}");
    }
}

#[tokio::test]
async fn absolute_names_mean_the_root_of_the_layer() {
    let cage = Cage::new();
    let inside = format!("{}/bird", cage.canary());

    let image =
        cage.unpack(tar(&[Entry::file(&inside, "evil"), Entry::file("//x", "x")]), plain).await.unwrap();

    assert_eq!(text(image.layers[0].join(inside.trim_start_matches('/'))), "evil");
    assert_eq!(text(image.layers[0].join("x")), "x");
}

#[tokio::test]
async fn links_do_not_lead_out_while_unpacking() {
    let cage = Cage::new();
    let canary = cage.canary();

    for target in [
        canary.clone(),
        format!("../../../../../../../../..{canary}"),
        "/proc/self/cwd".into(),
        "/proc/1/root".into(),
    ] {
        let link = Entry::symlink("out", &target);
        for entry in [
            Entry::file("out/bird", "dead"),
            Entry::folder("out/evil"),
            Entry::hard_link("bird", "out/bird"),
            Entry::symlink("out/evil", "x"),
            Entry::other("out/evil", EntryType::Fifo),
            Entry::file("out/.wh.bird", ""),
            Entry::file("out/.wh..wh..opq", ""),
        ] {
            let result = cage.unpack(tar(&[link.clone(), entry.clone()]), plain).await;
            assert!(result.is_err(), "{target} {entry:?}");
        }
    }
}

#[tokio::test]
async fn links_that_lead_inside_are_followed_there() {
    let layer = [
        Entry::folder("usr/lib"),
        Entry::symlink("lib", "/usr/lib"),
        Entry::symlink("up", "../../../.."),
        Entry::file("lib/code", "code"),
        Entry::file("up/top", "top"),
        Entry::hard_link("lib/twin", "lib/code"),
    ];

    let cage = Cage::new();
    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    assert_eq!(text(image.layers[0].join("usr/lib/code")), "code");
    assert_eq!(text(image.layers[0].join("top")), "top");
    assert_eq!(fs::metadata(image.layers[0].join("usr/lib/twin")).unwrap().nlink(), 2);
    assert_eq!(fs::read_link(image.layers[0].join("lib")).unwrap(), Path::new("/usr/lib"));
}

#[tokio::test]
async fn hard_links_out_or_to_nothing_are_refused() {
    for target in
        ["../../../../etc/passwd", "/etc/passwd", "etc/passwd", "/proc/self/exe", "", "..", "a/../b"]
    {
        refusal(&[Entry::hard_link("passwd", target)]).await;
    }
    assert!(refusal(&[Entry::folder("a"), Entry::hard_link("b", "a")]).await.contains("hard link"));
}

#[tokio::test]
async fn a_hard_link_to_a_link_does_not_write_through_it() {
    let cage = Cage::new();
    let bird = format!("{}/bird", cage.canary());
    let layer =
        [Entry::symlink("link", &bird), Entry::hard_link("twin", "link"), Entry::file("twin", "evil")];

    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    assert_eq!(text(image.layers[0].join("twin")), "evil");
    assert!(image.layers[0].join("link").is_symlink());
}

#[tokio::test]
async fn a_folder_swapped_for_a_link_leads_nowhere() {
    let cage = Cage::new();
    let canary = cage.canary();

    let layer = [
        Entry::folder("a"),
        Entry::file("a/x", "x"),
        Entry::symlink("a", &canary),
        Entry::file("a/bird", "dead"),
    ];

    assert!(cage.unpack(tar(&layer), plain).await.is_err());
}

#[tokio::test]
async fn what_comes_twice_is_there_as_it_came_last() {
    let layer = [
        Entry::folder("a"),
        Entry::file("a/deep/down", "gone"),
        Entry::file("a", "a file"),
        Entry::file("b", "a file"),
        Entry::folder("b"),
        Entry::file("b/in", "in"),
        Entry::file("c", "first"),
        Entry::hard_link("c2", "c"),
        Entry::file("c", "second"),
        Entry::symlink("d", "c"),
        Entry::file("d", "not through the link"),
        Entry::folder("e").mode(0o700),
        Entry::file("e/in", "in"),
        Entry::folder("e").mode(0o750),
        Entry::hard_link("c", "c"),
    ];

    let cage = Cage::new();
    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    let root = &image.layers[0];
    assert_eq!(text(root.join("a")), "a file");
    assert_eq!(text(root.join("b/in")), "in");
    assert_eq!((text(root.join("c")), text(root.join("c2"))), ("second".into(), "first".into()));
    assert_eq!(text(root.join("d")), "not through the link");
    assert_eq!(text(root.join("e/in")), "in");
    assert_eq!(fs::metadata(root.join("e")).unwrap().mode() & 0o7777, 0o750);
}

#[tokio::test]
async fn the_root_is_a_folder_and_nothing_else() {
    for entry in
        [Entry::file(".", "x"), Entry::symlink("./", "/"), Entry::file("/", "x"), Entry::symlink("", "/")]
    {
        let cage = Cage::new();
        let result = cage.unpack(tar(std::slice::from_ref(&entry)), plain).await;
        // A file whose name ends in a slash is a folder to every tar.
        let folder = result.as_ref().is_ok_and(|image| image.layers[0].is_dir());
        assert!(result.is_err() || folder, "{entry:?}");
    }
    let cage = Cage::new();
    let image = cage.unpack(tar(&[Entry::folder("./").mode(0o711)]), plain).await.unwrap();
    assert_eq!(fs::metadata(&image.layers[0]).unwrap().mode() & 0o7777, 0o711);
}

#[tokio::test]
async fn devices_are_left_out_and_other_kinds_kept() {
    let layer = [
        Entry::other("null", EntryType::Char),
        Entry::other("disk", EntryType::Block),
        Entry::other("pipe", EntryType::Fifo).mode(0o600),
        Entry::other("label", EntryType::new(b'V')),
        Entry::file("after", "still read"),
    ];

    let cage = Cage::new();
    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    let root = &image.layers[0];
    assert!(!root.join("null").exists() && !root.join("disk").exists() && !root.join("label").exists());
    assert!(fs::metadata(root.join("pipe")).unwrap().file_type().is_fifo());
    assert_eq!(fs::metadata(root.join("pipe")).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(text(root.join("after")), "still read");
    let note = text(root.parent().unwrap().join("layer.json"));
    assert!(note.contains(r#""devices_left_out":2"#), "{note}");
}

#[tokio::test]
async fn attributes_that_speak_to_the_kernel_are_dropped() {
    let with = |entry: Entry| {
        entry
            .pax("SCHILY.xattr.user.mine", "line\nbreak\0nul")
            .pax("SCHILY.xattr.user.overlay.opaque", "y")
            .pax("SCHILY.xattr.user.overlay.whiteout", "y")
            .pax("SCHILY.xattr.trusted.overlay.opaque", "y")
            .pax("SCHILY.xattr.trusted.overlay.redirect", "/etc")
            .pax("SCHILY.xattr.security.capability", b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
            .pax("SCHILY.xattr.system.posix_acl_access", "x")
    };

    let cage = Cage::new();
    let image = cage
        .unpack(tar(&[with(Entry::file("file", "")), with(Entry::folder("folder"))]), plain)
        .await
        .unwrap();

    for path in ["file", "folder"] {
        let path = image.layers[0].join(path);
        let mut names = vec![0; 4096];
        let length = rustix::fs::llistxattr(&path, &mut names).unwrap();
        assert_eq!(&names[..length], b"user.mine\0", "{}", path.display());
        let mut value = vec![0; 64];
        let length = rustix::fs::lgetxattr(&path, "user.mine", &mut value).unwrap();
        assert_eq!(&value[..length], b"line\nbreak\0nul");
    }
}

#[tokio::test]
async fn owners_modes_and_times_are_kept() {
    let layer = [
        Entry::folder("locked").mode(0o500).owner(7, 8),
        Entry::file("locked/sudo", "x").mode(0o4755),
        Entry::file("locked/mine", "x").mode(0o640).owner(1000, 1001).pax("mtime", "1600000000.25"),
        Entry::file("implied/file", "x").owner(1000, 1000),
        Entry::symlink("locked/link", "nowhere").owner(5, 6),
    ];

    let cage = Cage::new();
    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    let look = |path: &str| fs::symlink_metadata(image.layers[0].join(path)).unwrap();
    let as_root = rustix::process::geteuid().is_root();
    assert_eq!(look("locked").mode() & 0o7777, 0o500);
    assert_eq!(look("locked").mtime(), 1_700_000_000);
    assert_eq!(look("locked/sudo").mode() & 0o7777, 0o4755);
    assert_eq!(look("locked/mine").mode() & 0o7777, 0o640);
    assert_eq!((look("locked/mine").mtime(), look("locked/mine").mtime_nsec()), (1_600_000_000, 250_000_000));
    assert_eq!((look("implied").mode() & 0o7777, look("").mode() & 0o7777), (0o755, 0o755));
    if as_root {
        assert_eq!((look("locked").uid(), look("locked").gid()), (7, 8));
        assert_eq!((look("locked/mine").uid(), look("locked/mine").gid()), (1000, 1001));
        assert_eq!((look("locked/link").uid(), look("locked/link").gid()), (5, 6));
        assert_eq!(look("implied").uid(), 0);
    }
}

#[tokio::test]
async fn impossible_owners_are_refused() {
    for id in ["4294967295", "4294967296", "18446744073709551615"] {
        if rustix::process::geteuid().is_root() {
            refusal(&[Entry::file("x", "").pax("uid", id)]).await;
            refusal(&[Entry::folder("x").pax("gid", id)]).await;
        }
    }
}

#[tokio::test]
async fn names_need_not_be_text() {
    let odd: &[u8] = b"caf\xe9 \xff\n";

    let cage = Cage::new();
    let image = cage.unpack(tar(&[Entry::file(odd, "x"), Entry::symlink("link", odd)]), plain).await.unwrap();

    let path = image.layers[0].join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(odd));
    assert_eq!(text(path), "x");
    assert_eq!(text(image.layers[0].join("link")), "x");
}

#[tokio::test]
async fn names_linux_does_not_take_are_refused() {
    refusal(&[Entry::file("x".repeat(256), "")]).await;
    refusal(&[Entry::file("x/".repeat(2100) + "x", "")]).await;
    refusal(&[Entry::file("x", "").pax("path", b"a\0b")]).await;
    refusal(&[Entry::symlink("x", "")]).await;
    refusal(&[Entry::symlink("x", "y".repeat(5000))]).await;
    refusal(&[Entry::file(".wh.", "")]).await;
    refusal(&[Entry::file("a/.wh..", "")]).await;
    refusal(&[Entry::file("a/.wh...", "")]).await;
    refusal(&[Entry::file("a", "x"), Entry::file("a/b", "x")]).await;
    refusal(&[Entry::symlink("a", "a"), Entry::file("a/b", "x")]).await;
}

#[tokio::test]
async fn long_names_that_linux_takes_are_kept() {
    let path = format!("{}/{}", vec!["d".repeat(200); 15].join("/"), "f".repeat(255));

    let cage = Cage::new();
    let image = cage.unpack(tar(&[Entry::file(&path, "deep")]), plain).await.unwrap();

    // Too long for one call together with where it lies.
    let mut folder =
        rustix::fs::open(&image.layers[0], rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    for part in path.split('/') {
        folder =
            rustix::fs::openat(&folder, part, rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    }
    assert_eq!(rustix::fs::fstat(&folder).unwrap().st_size, 4);
}

#[tokio::test]
async fn a_bottomless_tree_is_unpacked_and_removed() {
    let cage = Cage::new();
    let deep = vec!["d"; 1000].join("/");
    let mut layer = vec![Entry::folder(&deep)];
    for level in 0..3 {
        let parent = if level == 0 { String::new() } else { format!("link{}/", level - 1) };
        layer.push(Entry::symlink(format!("link{level}"), format!("/{parent}{deep}")));
        layer.push(Entry::file(format!("link{level}/{deep}/file"), "x"));
    }

    let image = cage.unpack(tar(&layer), plain).await.unwrap();

    assert!(image.layers[0].join("link2").is_symlink());
    assert!(cage.remove().await);
    cage.assert_untouched();
}
