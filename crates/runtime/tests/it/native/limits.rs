//! Limits hold, and what runs into them hurts only itself.

use domain::Limits;
use runtime::{Driver, SandboxState};

use super::lab::{Lab, PATIENCE, is_root, skip};

/// Why a limit cannot be tested here, if it cannot.
fn lacks(lab: &Lab, what: &str) -> bool {
    let lack = lab.driver.support().lacks.iter().find(|lack| lack.what.contains(what));
    if let Some(lack) = lack {
        skip(&lack.what);
    }
    lack.is_some()
}

/// A sandbox may have so many processes and not one more.
pub(crate) async fn a_fork_bomb_is_contained(lab: &Lab) {
    let id = lab.created_with(|spec| spec.limits.pids = 40).await;
    let script = "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; sleep 1000";
    let boot = lab.boot(&format!("echo up >> /.hearth/run/up; {script}"));

    lab.driver.start(id, boot).await.unwrap();
    lab.lines("up", 1).await;

    let mut most = 0;
    let deadline = std::time::Instant::now() + PATIENCE;
    while most < 40 && std::time::Instant::now() < deadline {
        most = most.max(lab.driver.usage(id).await.unwrap().pids);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // Guard, init and carrier come on top.
    assert!((40..=43).contains(&most), "{most}");
    // The machine and its other sandboxes go on.
    assert_eq!(lab.output_of("echo fine").await, "fine");
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_fork_bomb_runs_into_its_own_limit() {
    if is_root() {
        let lab = Lab::open().await;
        if !lacks(&lab, "processes") {
            a_fork_bomb_is_contained(&lab).await;
        }
    } else {
        skip("this test needs root");
    }
}

#[tokio::test]
async fn a_memory_hog_is_ended_and_its_sandbox_lives_on() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    if lacks(&lab, "memory") {
        return;
    }
    let id = lab.created_with(|spec| spec.limits.memory_bytes = 96 << 20).await;
    let script = "perl -e '$x .= \"x\" x 1048576 for 1..400; print \"survived\"'; echo status $?; echo alive";

    let outcome = lab.run(id, script).await;

    assert!(!outcome.output.contains("survived"), "{}", outcome.output);
    assert!(outcome.output.ends_with("alive"), "{}", outcome.output);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn memory_backed_folders_count_against_the_limit() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    if lacks(&lab, "memory") {
        return;
    }
    let id = lab.created_with(|spec| spec.limits.memory_bytes = 96 << 20).await;

    let outcome = lab.run(id, "head -c 400M /dev/zero > /tmp/large && echo all of it; true").await;

    assert!(!outcome.output.contains("all of it"), "{}", outcome.output);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn processor_time_is_held_to_its_limit_and_counted() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    if lacks(&lab, "processor") {
        return;
    }
    let id = lab.created_with(|spec| spec.limits = Limits { cpu_millis: 100, ..spec.limits }).await;
    lab.driver.start(id, lab.boot("echo up >> /.hearth/run/up; while :; do :; done")).await.unwrap();
    lab.lines("up", 1).await;

    let before = (std::time::Instant::now(), lab.driver.usage(id).await.unwrap().cpu_micros);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let after = (std::time::Instant::now(), lab.driver.usage(id).await.unwrap().cpu_micros);

    let share = (after.1 - before.1) as f64 / (after.0 - before.0).as_micros() as f64;
    assert!(share < 0.2, "it used {share} of a core, not 0.1");
    assert!(share > 0.0);
    lab.driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn usage_shows_memory_and_processes() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    let script = "perl -e '$x = \"x\" x 50_000_000; open F, \">>/.hearth/run/up\"; print F \"up\\n\"; close F; sleep 1000'";
    let id = lab.started(script).await;
    lab.lines("up", 1).await;

    let usage = lab.driver.usage(id).await.unwrap();

    assert!(usage.memory_bytes > 50_000_000, "{usage:?}");
    assert!((3..20).contains(&usage.pids), "{usage:?}");
    assert_eq!(lab.driver.list().await.unwrap()[0].state, SandboxState::Running);
    lab.driver.remove(id).await.unwrap();
}
