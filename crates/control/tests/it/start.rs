//! A start, from the wish to a way in.

use control::{LimitsWanted, NewWorkspace};
use domain::{SignedDuration, StepState, Timestamp};
use testkit::wait_until;
use wire::agent::{AGENT_PATH, AgentConfig};

use crate::sim::{LIMIT, Point, World, is_running, phase_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_becomes_a_running_workspace_with_all_steps_done() {
    let world = World::new().await;
    let server = world.server().await;

    let created = server.create(&world).await;
    let workspace = server.until(created.id, is_running).await;

    assert_eq!(created.phase.name(), "queued");
    assert_eq!(workspace.name.as_str(), "sample");
    assert!(workspace.initialised && workspace.run == 1);
    assert!(
        workspace.steps.iter().all(|record| matches!(record.state, StepState::Done { .. })),
        "{workspace:#?}"
    );
    let details: Vec<_> =
        workspace.steps.iter().map(|record| record.detail.clone().unwrap_or_default()).collect();
    assert_eq!(details[2], "agent 0.0.0 on linux/simulated");
    assert_eq!(details[3], "main at 0123456789");
    assert_eq!(workspace.notices, ["simulated: no limits"]);
    world.assert_no_clash();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_costs_one_commit_for_each_phase_and_two_more() {
    let world = World::new().await;
    let server = world.server().await;
    let wish = || NewWorkspace::default();
    let first = server.control.create_workspace(&server.admin, wish()).await.unwrap().id;
    server.until(first, is_running).await;
    // The registry's first key is written whenever it is made.
    wait_until(LIMIT, async || !server.control.registry_keys(&server.admin).await.unwrap().is_empty()).await;
    let before = world.store.write_counts().unwrap().transactions;

    let second = server.control.create_workspace(&server.admin, wish()).await.unwrap().id;
    server.until(second, is_running).await;

    // The wish, the claim, and: admitted, prepared, created, running.
    let commits = world.store.write_counts().unwrap().transactions - before;
    assert!(commits <= 7, "{commits} commits, each a flush to disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_gets_its_credential_and_nothing_of_it_is_stored_or_shown() {
    let world = World::new().await;
    let server = world.server().await;

    let id = server.running(&world).await.id;

    let (config, boot) = {
        let state = world.machine.state();
        let boot = &state.sandboxes[&id].process.as_ref().unwrap().boot;
        (serde_json::from_slice::<AgentConfig>(&boot.descriptor_3).unwrap(), boot.clone())
    };
    assert_eq!(boot.command, [AGENT_PATH]);
    assert!(boot.env.is_empty() && boot.mounts.iter().all(|mount| mount.read_only));
    assert!(config.token.starts_with("hagent_"));
    assert_eq!(config.folder, "/workspace/sample");
    let database = std::fs::read(world.folder.path().join("hearth.db")).unwrap();
    let log = std::fs::read(world.folder.path().join("hearth.db-wal")).unwrap_or_default();
    for file in [database, log] {
        assert!(!file.windows(config.token.len()).any(|window| window == config.token.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_without_a_repository_starts_as_well() {
    let world = World::new().await;
    let server = world.server().await;

    let wish = NewWorkspace { name: Some("scratch".into()), ..NewWorkspace::default() };
    let created = server.control.create_workspace(&server.admin, wish).await.unwrap();
    let workspace = server.until(created.id, is_running).await;

    assert_eq!(workspace.steps[3].state, StepState::Skipped);
    assert_eq!(workspace.folder(), "/home/hearth");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_numbered_unless_they_were_chosen() {
    let world = World::new().await;
    let server = world.server().await;

    let names: Vec<String> = {
        let mut names = vec![];
        for _ in 0..3 {
            names.push(server.create(&world).await.name.to_string());
        }
        names
    };
    let wish = NewWorkspace { name: Some("sample".into()), ..NewWorkspace::default() };
    let refused = server.control.create_workspace(&server.admin, wish).await.unwrap_err();

    assert_eq!(names, ["sample", "sample-2", "sample-3"]);
    assert_eq!(refused.code(), "name_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn entering_gives_the_agent_only_while_it_runs_and_says_otherwise_what_to_do() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;

    let entered = server.control.enter(&server.admin, id).await.unwrap();
    let info = entered.agent.info().await.unwrap();
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;
    let refused = server.control.enter(&server.admin, id).await.err().unwrap();

    assert_eq!(info.platform, "linux/simulated");
    assert_eq!((refused.code(), refused.mend().as_str()), ("not_running", "start it first"));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_told_with_the_limits_that_were_wished() {
    let world = World::new().await;
    let server = world.server().await;
    let limits = LimitsWanted { pids: Some(64), ..LimitsWanted::default() };
    let wish = NewWorkspace { limits, ..NewWorkspace::default() };
    let id = server.control.create_workspace(&server.admin, wish).await.unwrap().id;
    server.until(id, is_running).await;

    let usage = server.control.usage(&server.admin, id).await.unwrap();

    assert_eq!((usage.pids, usage.limits.pids), (2, 64));
    assert_eq!(usage.agent.unwrap().processes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_in_a_workspace_is_noted_but_its_clock_is_not_believed() {
    let world = World::new().await;
    let server = world.server().await;
    let before = server.running(&world).await;

    let now = world.clock.advance(SignedDuration::from_mins(5));
    server.control.expire().await.unwrap();
    let after =
        server.until(before.id, |workspace| workspace.last_activity_at > before.last_activity_at).await;

    assert_eq!(after.last_activity_at, now, "the agent said {}", Timestamp::MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_connects_fails_the_start_and_leaves_no_process() {
    let world = World::new().await;
    let server = world.server().await;
    world.machine.hold(Point::Connect);
    let id = server.create(&world).await.id;
    server.until(id, phase_of("starting")).await;

    server.control.pass().await.unwrap();
    assert_eq!(server.see(id).await.phase.name(), "starting");
    world.clock.advance(SignedDuration::from_secs(31));
    server.control.pass().await.unwrap();
    let failed = server.until(id, phase_of("failed")).await;

    assert!(!world.machine.has_process(id));
    assert!(matches!(failed.steps[2].state, StepState::Failed { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_gives_a_fresh_run_and_clones_nothing_again() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;

    server.control.start_workspace(&server.admin, id).await.unwrap();
    let workspace = server.until(id, is_running).await;

    assert_eq!(workspace.run, 2);
    assert_eq!(workspace.steps[3].state, StepState::Skipped);
}
