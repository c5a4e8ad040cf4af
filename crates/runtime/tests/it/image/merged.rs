//! What layers give when overlayfs stacks them, for root and for an ordinary user.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::Place;
use super::build::{Entry, gzip, image, tar};

/// Layers with every kind of deletion, lowest first.
fn layers() -> Vec<Vec<Entry>> {
    vec![
        vec![
            Entry::file("keep", "1"),
            Entry::file("delete", "1"),
            Entry::file("folder/old", "1"),
            Entry::file("opaque/old", "1"),
            Entry::file("opaque/sub/old", "1"),
            Entry::file("replaced/old", "1"),
            Entry::file("swapped/old", "1"),
            Entry::file("becomes-folder", "1"),
            Entry::file("same-layer/old", "1"),
            Entry::file("locked/in", "1"),
        ],
        vec![
            Entry::file(".wh.delete", ""),
            Entry::file(".wh.folder", ""),
            // The mark after what it must not hide.
            Entry::file("opaque/new", "2"),
            Entry::file("opaque/.wh..wh..opq", ""),
            // A mark for a folder of the same layer, before it and after it.
            Entry::file(".wh.replaced", ""),
            Entry::folder("replaced"),
            Entry::file("replaced/new", "2"),
            Entry::file("swapped/new", "2"),
            Entry::file(".wh.swapped", ""),
            Entry::file(".wh.becomes-folder", ""),
            Entry::file("becomes-folder/in", "2"),
            // A mark for a file of the same layer hides nothing of it.
            Entry::file("same-layer/new", "2"),
            Entry::file("same-layer/.wh.new", ""),
            Entry::file("same-layer/.wh.old", ""),
            Entry::file(".wh.never-was", ""),
            Entry::file(".wh..wh.plnk", ""),
            Entry::folder("locked").mode(0o500),
        ],
        vec![Entry::file("folder/again", "3"), Entry::file("keep2", "3")],
    ]
}

const EXPECTED: &[(&str, &str)] = &[
    ("becomes-folder/in", "2"),
    ("folder/again", "3"),
    ("keep", "1"),
    ("keep2", "3"),
    ("locked/in", "1"),
    ("opaque/new", "2"),
    ("replaced/new", "2"),
    ("same-layer/new", "2"),
    ("swapped/new", "2"),
];

/// Mounts the layers in namespaces of a child and says what is seen: each file and its text.
fn stacked(
    place: &Place,
    layers: &[std::path::PathBuf],
    unshare: &[&str],
    options: &str,
) -> Result<BTreeMap<String, String>, String> {
    for folder in ["upper", "work", "merged"] {
        std::fs::create_dir(place.folder.path().join(folder)).unwrap();
    }
    let lower: Vec<&str> = layers.iter().rev().map(|layer| layer.to_str().unwrap()).collect();
    let script = format!(
        "mount -t overlay overlay -o lowerdir={},upperdir=upper,workdir=work{options} merged && cd merged && \
         find . -type f | sort | while read -r file; do echo \"$file=$(cat \"$file\")\"; done && \
         find . ! -type f ! -type d",
        lower.join(":")
    );
    let mut command = Command::new("unshare");
    command.args(unshare).args(["sh", "-c", &script]).current_dir(place.folder.path());
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let lines = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let (file, said) = line.split_once('=').unwrap_or((line, "not a file"));
        (file.trim_start_matches("./").to_owned(), said.to_owned())
    };
    Ok(lines.lines().map(pair).collect())
}

fn expected() -> BTreeMap<String, String> {
    EXPECTED.iter().map(|(file, said)| ((*file).to_owned(), (*said).to_owned())).collect()
}

async fn unpacked(place: &Place) -> Vec<std::path::PathBuf> {
    let layers: Vec<_> = layers().iter().map(|layer| (tar(layer), gzip as super::build::Packing)).collect();
    place.import(None, &tar(&image(&layers).layout(&["example/it:v"]))).await.unwrap()[0].layers.clone()
}

/// Prints why a test does not apply here; where it must, that is a failure.
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
    println!("skipped: {why}");
}

#[tokio::test]
async fn layers_stack_as_the_image_means_them_for_root() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root mounts without `userxattr`");
    }
    let place = Place::new();
    let layers = unpacked(&place).await;

    match stacked(&place, &layers, &["--mount"], "") {
        Ok(seen) => assert_eq!(seen, expected()),
        Err(why) => skip(&format!("overlayfs cannot be mounted: {why}")),
    }
}

#[tokio::test]
async fn layers_of_root_stack_the_same_with_userxattr() {
    let place = Place::new();
    let layers = unpacked(&place).await;

    match stacked(&place, &layers, &["--user", "--map-root-user", "--mount"], ",userxattr") {
        Ok(seen) => assert_eq!(seen, expected()),
        Err(why) => skip(&format!("overlayfs cannot be mounted in a user namespace: {why}")),
    }
}

/// As root this runs itself again as somebody else.
#[tokio::test]
async fn layers_stack_as_the_image_means_them_for_an_ordinary_user() {
    if rustix::process::geteuid().is_root() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        // The test itself may lie where others cannot go.
        let program = folder.path().join("it");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut again = Command::new(&program);
        again.args([
            "--exact",
            "--nocapture",
            "image::merged::layers_stack_as_the_image_means_them_for_an_ordinary_user",
        ]);
        again.env("TMPDIR", folder.path()).current_dir(folder.path()).uid(65534).gid(65534);
        assert!(again.status().unwrap().success());
        return;
    }
    let place = Place::new();
    let layers = unpacked(&place).await;

    match stacked(&place, &layers, &["--user", "--map-root-user", "--mount"], ",userxattr") {
        Ok(seen) => assert_eq!(seen, expected()),
        Err(why) => skip(&format!("overlayfs cannot be mounted by an ordinary user: {why}")),
    }

    // And what it unpacked it can remove, locked folders included.
    std::fs::set_permissions(place.folder.path().join("work/work"), Permissions::from_mode(0o700)).ok();
    assert!(place.store.remove(&super::name("example/it:v")).await.unwrap());
    place.assert_empty();
}
