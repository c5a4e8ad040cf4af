//! Servers and sandboxes that die at any point, and what is left then: nothing.

use std::fs;
use std::time::Duration;

use domain::WorkspaceId;
use runtime::{Driver, SandboxState};

use super::lab::{Lab, a_snapshot, is_root, skip, until};

/// What of a sandbox is left on the machine besides its disk.
pub(crate) fn traces(lab: &Lab, id: WorkspaceId) -> Vec<String> {
    let mut found = Vec::new();
    if lab.data().join("sandboxes").join(id.to_string()).join("state.json").exists() {
        found.push("a state file".into());
    }
    let groups = std::process::Command::new("find")
        .args(["/sys/fs/cgroup", "-type", "d", "-name", &id.to_string()])
        .output()
        .unwrap();
    found.extend(String::from_utf8_lossy(&groups.stdout).lines().map(str::to_owned));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(&id.to_string())).map(str::to_owned));
    found
}

fn guard_of(lab: &Lab, id: WorkspaceId) -> i32 {
    let path = lab.data().join("sandboxes").join(id.to_string()).join("state.json");
    let state: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    i32::try_from(state["pid"].as_i64().unwrap()).unwrap()
}

/// Processes below one, itself included.
fn descendants(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = children.split_whitespace().flat_map(|child| descendants(child.parse().unwrap()));
    std::iter::once(pid).chain(below).collect()
}

fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_sandbox_outlives_its_server_and_is_found_by_the_next() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.started("echo up >> /.hearth/run/up; exec sleep 1000").await;
    lab.lines("up", 1).await;

    let lab = lab.reopened().await;

    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Running);
    assert!(lab.driver.usage(id).await.unwrap().pids > 0);
    lab.driver.stop(id, Duration::from_secs(5)).await.unwrap();
    assert_eq!(traces(&lab, id), Vec::<String>::new());
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn when_its_outermost_process_is_killed_everything_of_a_sandbox_dies() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.started("sleep 1000 & setsid sleep 1000 & echo up >> /.hearth/run/up; wait").await;
    lab.lines("up", 1).await;
    let guard = guard_of(&lab, id);
    let all = descendants(guard);
    assert!(all.len() >= 5, "guard, init, command, two of its own: {all:?}");

    nix::sys::signal::kill(nix::unistd::Pid::from_raw(guard), nix::sys::signal::SIGKILL).unwrap();
    tokio::time::timeout(super::lab::PATIENCE, lab.driver.ended(id)).await.unwrap().unwrap();

    until("the end of every process", || !all.iter().any(|pid| lives(*pid))).await;
    assert_eq!(traces(&lab, id), Vec::<String>::new());
    lab.driver.start(id, lab.boot("exec sleep 1000")).await.unwrap();
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn what_ended_while_no_server_was_there_is_cleared_away_by_the_next() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.started("exec sleep 1000").await;
    let guard = guard_of(&lab, id);

    nix::sys::signal::kill(nix::unistd::Pid::from_raw(guard), nix::sys::signal::SIGKILL).unwrap();
    until("its end", || !lives(guard)).await;
    let lab = lab.reopened().await;

    assert_eq!(traces(&lab, id), Vec::<String>::new());
    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Stopped);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_dead_carrier_is_replaced() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    if let Some(why) = super::network::missing(&lab) {
        return skip(&why);
    }
    let id = lab.started("exec sleep 1000").await;
    let guard = guard_of(&lab, id);
    let name = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let carriers = || {
        let all: Vec<i32> =
            descendants(guard).into_iter().filter(|pid| !name(pid).starts_with("sandbox")).collect();
        all.into_iter()
            .filter(|pid| name(pid).starts_with("pas") || name(pid).starts_with("slirp"))
            .collect::<Vec<_>>()
    };
    let first = carriers();
    assert_eq!(first.len(), 1);

    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first[0]), nix::sys::signal::SIGKILL).unwrap();

    until("another carrier", || carriers().iter().any(|pid| *pid != first[0])).await;
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_state_of_another_process_is_not_believed() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    let path = lab.data().join("sandboxes").join(id.to_string()).join("state.json");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let own = std::process::id();
    fs::write(&path, format!(r#"{{"pid":{own},"started":1,"boot":"{}","cgroups":[]}}"#, boot.trim()))
        .unwrap();

    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Stopped);
    // Neither of these may touch the process that has the id now: this one.
    lab.driver.stop(id, Duration::ZERO).await.unwrap();
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_spec_cut_off_by_a_crash_is_written_again_and_the_files_stay() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let mut spec = super::lab::a_spec();
    spec.hostname = "again".into();
    lab.driver.create(&spec).await.unwrap();
    lab.run(spec.id, "echo kept > /workspace/file").await;
    fs::write(lab.data().join("sandboxes").join(spec.id.to_string()).join("spec.json"), "").unwrap();
    assert_eq!(lab.driver.list().await.unwrap().len(), 1, "it is found to be removed or made whole");

    lab.driver.create(&spec).await.unwrap();

    assert_eq!(lab.run(spec.id, "cat /workspace/file").await.output, "kept");
    lab.driver.remove(spec.id).await.unwrap();
}

#[tokio::test]
async fn a_seal_interrupted_at_any_step_is_finished_by_the_next_start() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    for step in 0..3 {
        let id = lab.created().await;
        lab.run(id, "echo kept > /workspace/file").await;
        let snapshot = a_snapshot();
        let sandbox = lab.data().join("sandboxes").join(id.to_string());
        let sealed = lab.data().join("snapshots").join(snapshot.to_string());
        // What a server leaves that ends after so many steps.
        let path = sandbox.join("spec.json");
        let mut spec: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        spec["sealing"] = snapshot.to_string().into();
        fs::write(&path, spec.to_string()).unwrap();
        if step > 0 {
            fs::create_dir(&sealed).unwrap();
        }
        if step > 1 {
            fs::rename(sandbox.join("disk/upper"), sealed.join("layer")).unwrap();
        }

        assert_eq!(lab.run(id, "cat /workspace/file").await.output, "kept", "after step {step}");
        let fork = lab.created_with(|spec| spec.base = Some(snapshot)).await;
        assert_eq!(lab.run(fork, "cat /workspace/file").await.output, "kept", "after step {step}");
        lab.driver.remove(id).await.unwrap();
        lab.driver.remove(fork).await.unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_removal_is_finished_when_the_driver_opens() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let id = lab.created().await;
    let trash = lab.data().join("trash").join(format!("{id}.0"));
    fs::rename(lab.data().join("sandboxes").join(id.to_string()), &trash).unwrap();

    let lab = lab.reopened().await;

    assert_eq!(fs::read_dir(lab.data().join("trash")).unwrap().count(), 0);
    assert_eq!(lab.driver.list().await.unwrap(), []);
}

#[tokio::test]
async fn many_sandboxes_start_and_go_at_once() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = std::sync::Arc::new(Lab::open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let lab = std::sync::Arc::clone(&lab);
        tasks.spawn(async move {
            let id = lab.started("exec sleep 1000").await;
            lab.driver.remove(id).await.unwrap();
            traces(&lab, id)
        });
    }

    for left in tasks.join_all().await {
        assert_eq!(left, Vec::<String>::new());
    }
    assert_eq!(lab.driver.list().await.unwrap(), []);
}
