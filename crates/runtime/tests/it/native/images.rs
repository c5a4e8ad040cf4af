//! Sandboxes on an image instead of the machine's own system.

use std::path::Path;
use std::process::Command;

use domain::Rootfs;
use runtime::Driver;
use tokio_util::sync::CancellationToken;

use super::lab::{Lab, is_root, skip};

/// A shell, a few tools and their libraries, as `docker import` would take them.
fn a_small_image(folder: &Path) -> Vec<u8> {
    let root = folder.join("root");
    let script = "set -e; mkdir -p $0/bin $0/etc $0/usr/bin; \
        for tool in sh cat ls id touch stat mv; do \
          path=$(readlink -f $(command -v $tool)); cp $path $0/bin/$tool; \
          for library in $(ldd $path | grep -o '/[^ ]*'); do mkdir -p $0$(dirname $library); cp -L $library $0$library; done; \
        done; echo 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh' > $0/etc/passwd; \
        echo 'root:x:0:' > $0/etc/group; ln -s /proc/1/root/etc/resolv.conf $0/etc/resolv.conf; \
        tar -C $0 -cf $0/../layer.tar --exclude layer.tar .";
    let made = Command::new("sh").args(["-c", script]).arg(&root).status().unwrap();
    assert!(made.success());
    std::fs::read(folder.join("layer.tar")).unwrap()
}

/// The layer in the form of `docker save`.
fn saved(layer: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let diff = hex::encode(Sha256::digest(layer));
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["TOOLS=few"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{diff}"]}}}}"#
    );
    let name = format!("{}.json", hex::encode(Sha256::digest(&config)));
    let manifest =
        format!(r#"[{{"Config":"{name}","RepoTags":["lab.invalid/small:1"],"Layers":["layer.tar"]}}]"#);
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in
        [(name.as_str(), config.as_bytes()), ("layer.tar", layer), ("manifest.json", manifest.as_bytes())]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn a_workspace_runs_on_an_image_and_so_does_its_fork() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let folder = tempfile::tempdir().unwrap();
    let archive = saved(&a_small_image(folder.path()));
    let cancel = CancellationToken::new();
    lab.images.import(None, archive.as_slice(), &|_| {}, &cancel).await.unwrap();
    let rootfs = Rootfs::Image("lab.invalid/small:1".parse().unwrap());
    lab.driver.prepare(&rootfs, &|_| {}, &cancel).await.unwrap();
    let id = lab.created_with(|spec| spec.rootfs = rootfs.clone()).await;

    let script = "id -un; ls /usr/bin | cat; cat /etc/hostname; cat /etc/resolv.conf; stat -c %u /bin/sh; touch /home/hearth/new && echo own home; cat /etc/passwd";
    let outcome = lab.run(id, script).await;

    let lines: Vec<&str> = outcome.output.lines().collect();
    assert_eq!(lines[0], "hearth", "{}", outcome.output);
    assert_eq!(lines[1], "lab", "{}", outcome.output);
    assert!(outcome.output.contains("nameserver 198.18.0.3"), "{}", outcome.output);
    assert!(outcome.output.contains("\n0\nown home\n"), "{}", outcome.output);
    assert!(!outcome.output.contains("node"), "{}", outcome.output);

    let snapshot = super::lab::a_snapshot();
    lab.driver.snapshot(id, snapshot).await.unwrap();
    let fork = lab.created_with(|spec| (spec.rootfs, spec.base) = (rootfs, Some(snapshot))).await;
    lab.driver.remove(id).await.unwrap();
    let reference = "lab.invalid/small:1".parse().unwrap();
    assert!(lab.images.remove(&reference).await.unwrap());
    // Its image stays for it under no name at all.
    assert_eq!(lab.run(fork, "ls /home/hearth").await.output, "new");
    assert_eq!(lab.driver.environment(fork).await.unwrap(), [("TOOLS".to_owned(), "few".to_owned())]);
    lab.driver.remove(fork).await.unwrap();
    lab.driver.remove_snapshot(snapshot).await.unwrap();
}
