//! Disks: what is kept, sealed, forked, shared and removed.

use std::fs;
use std::os::unix::fs::MetadataExt;

use runtime::Driver;

use super::lab::{Lab, a_snapshot, is_root, skip};

#[tokio::test]
async fn a_fork_has_the_files_of_its_origin_with_their_owners_and_changes_stay_apart() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let origin = lab.created().await;
    let script = "echo one > /workspace/file; mkdir /workspace/deep; touch /workspace/deep/a /workspace/deep/b; rm /workspace/deep/a";
    lab.run(origin, script).await;
    let snapshot = a_snapshot();

    lab.driver.snapshot(origin, snapshot).await.unwrap();
    let fork = lab.created_with(|spec| spec.base = Some(snapshot)).await;
    let changed = lab.run(fork, "stat -c '%U' /workspace/file && echo two >> /workspace/file && cat /workspace/file && \
                                 mv /workspace/deep /workspace/moved && ls /workspace/moved && touch /workspace/moved/new").await;

    assert_eq!(changed.output, "hearth\none\ntwo\nb");
    assert_eq!(lab.run(origin, "cat /workspace/file; ls /workspace").await.output, "one\ndeep\nfile");
    assert_eq!(lab.run(fork, "cat /workspace/file; ls /workspace/moved").await.output, "one\ntwo\nb\nnew");
    lab.driver.remove(origin).await.unwrap();
    assert_eq!(lab.run(fork, "cat /workspace/file").await.output, "one\ntwo");
    lab.driver.remove(fork).await.unwrap();
    lab.driver.remove_snapshot(snapshot).await.unwrap();
    assert_eq!(fs::read_dir(lab.data().join("snapshots")).unwrap().count(), 0);
}

#[tokio::test]
async fn forks_of_forks_stack() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let mut snapshots = Vec::new();
    let mut last = None;
    for number in 0..12 {
        let id = lab.created_with(|spec| spec.base = last).await;
        lab.run(id, &format!("echo {number} >> /workspace/numbers; touch /workspace/{number}")).await;
        let snapshot = a_snapshot();
        lab.driver.snapshot(id, snapshot).await.unwrap();
        lab.driver.remove(id).await.unwrap();
        snapshots.push(snapshot);
        last = Some(snapshot);
    }
    let id = lab.created_with(|spec| spec.base = last).await;

    let outcome = lab.run(id, "wc -l < /workspace/numbers; ls /workspace | wc -l").await;

    assert_eq!(outcome.output, "12\n13");
    for snapshot in snapshots {
        lab.driver.remove_snapshot(snapshot).await.unwrap();
    }
    assert_eq!(lab.run(id, "wc -l < /workspace/numbers").await.output, "12");
    lab.driver.remove(id).await.unwrap();
    assert_eq!(fs::read_dir(lab.data().join("snapshots")).unwrap().count(), 0);
}

#[tokio::test]
async fn every_sandbox_has_ids_of_its_own_outside_and_small_ones_on_disk() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let mut owners = Vec::new();
    for _ in 0..2 {
        let id = lab.created().await;
        lab.run(id, "touch /home/hearth/mine /.hearth/run/outside").await;
        let upper = lab.data().join("sandboxes").join(id.to_string()).join("disk/upper");
        assert_eq!(fs::metadata(upper.join("home/hearth/mine")).unwrap().uid(), 1000);
        owners.push(fs::metadata(lab.shared().join("outside")).unwrap().uid());
        fs::remove_file(lab.shared().join("outside")).unwrap();
        lab.driver.stop(id, std::time::Duration::ZERO).await.unwrap();
    }

    assert!(owners.iter().all(|owner| *owner >= 524_288), "{owners:?}");
    assert_ne!(owners[0], owners[1]);
}

#[tokio::test]
async fn a_hostile_tree_is_removed_whole_and_nothing_beside_it() {
    if !is_root() {
        return skip("this test needs root");
    }
    remove_a_hostile_tree(&Lab::open().await).await;
}

/// Makes a tree that is deep, unreadable and full of links out, and removes it.
pub(crate) async fn remove_a_hostile_tree(lab: &Lab) {
    let precious = lab.shared().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "precious").unwrap();
    let id = lab.created().await;
    let script = format!(
        "cd /home/hearth; perl -e 'for (1..3000) {{ mkdir \"d\" x 200 or die; chdir \"d\" x 200 or die }}'; \
         mkdir closed; touch closed/file; mkdir closed/inner; chmod 000 closed/inner closed; \
         ln -s {0} link; ln -s / root; ln -s .. up; mkdir weird; touch -- \"weird/-rf\" \"weird/$(printf '\\n\\377')\"; \
         mkfifo pipe; echo made",
        precious.display()
    );
    let outcome = lab.run(id, &script).await;
    assert_eq!(outcome.output, "made");

    lab.driver.remove(id).await.unwrap();

    assert_eq!(fs::read_dir(lab.data().join("sandboxes")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(lab.data().join("trash")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(precious.join("file")).unwrap(), "precious");
}

#[tokio::test]
async fn sealing_takes_no_longer_for_a_large_disk() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    lab.run(id, "cd /workspace; for i in $(seq 2000); do echo $i > $i; done; head -c 50M /dev/zero > large")
        .await;
    let upper = lab.data().join("sandboxes").join(id.to_string()).join("disk/upper");
    let inode = fs::metadata(&upper).unwrap().ino();
    let snapshot = a_snapshot();

    lab.driver.snapshot(id, snapshot).await.unwrap();

    // Renamed, not copied: the very same folder.
    let layer = lab.data().join("snapshots").join(snapshot.to_string()).join("layer");
    assert_eq!(fs::metadata(layer).unwrap().ino(), inode);
    lab.driver.remove(id).await.unwrap();
}
