//! Servers that die at any moment, and what the next one makes of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use control::Settings;
use domain::{Effect, Entropy, Phase, SignedDuration, WorkspaceId};
use testkit::SeededEntropy;

use crate::sim::{LIMIT, Machine, Point, World, is_running, phase_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_workspace_survives_the_server_and_its_agent_comes_back() {
    let world = World::new().await;
    let server = world.server().await;
    let before = server.running(&world).await;
    server.crash().await;
    assert!(world.machine.has_process(before.id));

    let server = world.server().await;
    testkit::wait_until(LIMIT, async || server.control.agents().get(before.id).is_some()).await;

    assert_eq!(server.see(before.id).await.phase, before.phase);
    assert!(server.control.enter(&server.admin, before.id).await.is_ok());
    assert_eq!(world.machine.begun(Point::Start), 1, "nothing was started again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_cut_off_anywhere_is_taken_up() {
    for (point, phase) in [
        (Point::Prepare, "preparing"),
        (Point::Create, "creating"),
        (Point::Start, "creating"),
        (Point::Connect, "starting"),
        (Point::Clone, "initialising"),
    ] {
        let world = World::new().await;
        let server = world.server().await;
        world.machine.hold(point);
        let id = server.create(&world).await.id;
        server.until(id, phase_of(phase)).await;
        server.crash().await;

        let server = world.server().await;
        world.machine.release(point);
        let workspace = server.until(id, is_running).await;

        assert_eq!(workspace.run, 1);
        assert!(server.control.enter(&server.admin, id).await.is_ok(), "{point:?}");
        world.assert_no_clash();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_ended_while_no_server_ran_is_made_again() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    server.crash().await;
    world.machine.kill(id);
    world.clock.advance(SignedDuration::from_mins(10));

    let server = world.server().await;
    testkit::wait_until(LIMIT, async || world.machine.has_process(id)).await;

    server.until(id, is_running).await;
    assert!(server.control.enter(&server.admin, id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_no_workspace_is_swept_away_at_the_start() {
    let world = World::new().await;
    let server = world.server().await;
    let lost = server.running(&world).await.id;
    let rested = server.running(&world).await.id;
    server.crash().await;
    let mut tx = world.store.begin().await.unwrap();
    tx.delete_workspace(lost).await.unwrap();
    let mut workspace = tx.workspace(rested).await.unwrap().unwrap();
    workspace.phase = Phase::Stopped;
    tx.save_workspace(&workspace).await.unwrap();
    tx.commit().await.unwrap();

    let server = world.server().await;
    testkit::wait_until(LIMIT, async || world.leftovers().len() == 2 && !world.machine.has_process(rested))
        .await;

    assert_eq!(server.see(rested).await.phase, Phase::Stopped);
    assert!(world.leftovers().iter().all(|left| left.contains(&rested.to_string())), "its files stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_got_lost_is_put_back_and_one_that_is_wrong_is_put_right() {
    let world = World::new().await;
    let server = world.server().await;
    let id = server.running(&world).await.id;
    world.machine.hold(Point::Stop);
    server.control.stop_workspace(&server.admin, id).await.unwrap();
    testkit::wait_until(LIMIT, async || world.machine.begun(Point::Stop) == 1).await;
    server.crash().await;
    world.machine.release(Point::Stop);
    let mut tx = world.store.begin().await.unwrap();
    tx.clear_effect(id).await.unwrap();
    tx.commit().await.unwrap();

    let server = world.server().await;
    server.control.pass().await.unwrap();
    server.until(id, phase_of("stopped")).await;
    let mut tx = world.store.begin().await.unwrap();
    tx.put_effect(id, Effect::Remove, domain::Clock::now(&world.clock)).await.unwrap();
    tx.nudge(format!("effect {id}"));
    tx.commit().await.unwrap();
    server.control.start_workspace(&server.admin, id).await.unwrap();

    server.until(id, is_running).await;
    assert_eq!(world.machine.begun(Point::Remove), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_reported_late_changes_nothing() {
    let world = World::new().await;
    let slow = world.server_with(Settings { server: "slow".into(), ..world.settings() }).await;
    world.machine.hold(Point::Start);
    let id = slow.create(&world).await.id;
    testkit::wait_until(LIMIT, async || world.machine.begun(Point::Start) == 1).await;

    // Behind the back of the server that is starting it.
    let mut tx = world.store.begin().await.unwrap();
    let mut workspace = tx.workspace(id).await.unwrap().unwrap();
    workspace.apply(&domain::Event::StopRequested, workspace.created_at).unwrap();
    domain_steps_settle(&mut workspace);
    tx.save_workspace(&workspace).await.unwrap();
    tx.put_effect(id, Effect::Halt, workspace.created_at).await.unwrap();
    tx.commit().await.unwrap();
    world.machine.release(Point::Start);
    slow.control.pass().await.unwrap();

    slow.until(id, phase_of("stopped")).await;
    assert!(!world.machine.has_process(id));
}

/// A stop leaves no step under way.
fn domain_steps_settle(workspace: &mut domain::Workspace) {
    for record in &mut workspace.steps {
        if matches!(record.state, domain::StepState::Running { .. }) {
            record.state = domain::StepState::Skipped;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_store_perform_everything_once() {
    perform_everything_once(&World::new().await).await;
}

async fn perform_everything_once(world: &World) {
    let named = |name: &str| Settings { server: name.into(), ..world.settings() };
    let first = world.server_with(named("first")).await;
    let second =
        world.server_with(Settings { run_folder: world.folder.path().join("run"), ..named("second") }).await;
    let mut ids = vec![];

    for _ in 0..10 {
        let wish = control::NewWorkspace::default();
        ids.push(first.control.create_workspace(&first.admin, wish).await.unwrap().id);
    }
    // Connected to one of the two only, which is enough to see who made what.
    testkit::wait_until(LIMIT, async || world.machine.begun(Point::Start) >= ids.len()).await;

    world.assert_no_clash();
    assert_eq!(world.machine.begun(Point::Start), ids.len());
    assert_eq!(world.machine.begun(Point::Create), ids.len());
    drop(second);
}

/// Random wishes to many workspaces while the server dies again and again: in the end everything is as
/// it was last wished, and nothing is left over.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_wished_last_comes_true_however_often_the_server_dies() {
    let given = std::env::var("HEARTH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = given.map_or_else(|| vec![1, 2, 3], |seed: u64| vec![seed]);
    for seed in seeds {
        println!("seed {seed} (repeat with HEARTH_SEED={seed})");
        simulate(&World::on(Machine::jittery(seed)).await, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_holds_on_postgresql_too() {
    let Some(postgres) = testkit::postgres().await else { return };
    let world = async |seed| World::on_database(Machine::jittery(seed), &postgres.database().await).await;

    simulate(&world(4).await, 4).await;
    perform_everything_once(&world(5).await).await;
}

struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, most: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % most
    }
}

async fn simulate(world: &World, seed: u64) {
    let dice = Dice(SeededEntropy::new(seed));
    let clock = world.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(SignedDuration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let settings =
        || Settings { timer: Some(Duration::from_millis(50)), max_running: Some(12), ..world.settings() };
    let mut server = world.server_with(settings()).await;
    let mut wished: BTreeMap<WorkspaceId, &str> = BTreeMap::new();
    for _ in 0..20 {
        for _ in 0..dice.below(6) {
            let known: Vec<WorkspaceId> = wished.keys().copied().collect();
            let any = known.get(usize::try_from(dice.below(known.len().max(1) as u64)).unwrap()).copied();
            match (dice.below(10), any) {
                (0..=3, _) | (_, None) if wished.len() < 20 => {
                    wished.insert(server.create(world).await.id, "running");
                }
                (4 | 5, Some(id)) if server.control.stop_workspace(&server.admin, id).await.is_ok() => {
                    wished.insert(id, "stopped");
                }
                (6 | 7, Some(id)) if server.control.start_workspace(&server.admin, id).await.is_ok() => {
                    wished.insert(id, "running");
                }
                (8, Some(id)) if server.control.delete_workspace(&server.admin, id).await.is_ok() => {
                    wished.insert(id, "deleted");
                }
                (9, Some(id)) => {
                    if let Ok(fork) = server.control.fork_workspace(&server.admin, id).await {
                        wished.insert(fork.id, "running");
                    }
                    world.machine.kill(id);
                }
                _ => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        if dice.below(2) == 0 {
            server.crash().await;
            server = world.server_with(settings()).await;
        }
    }
    // Places may be fewer than wishes; what waits for one is stopped, so that all can come true.
    for (id, wish) in wished.iter_mut().rev().filter(|(_, wish)| **wish == "running").skip(12) {
        server.control.stop_workspace(&server.admin, *id).await.unwrap();
        *wish = "stopped";
    }
    converge(&server, &wished, seed).await;
    for id in wished.keys() {
        drop(server.control.delete_workspace(&server.admin, *id).await);
    }
    let begun = Instant::now();
    loop {
        let rows = server.control.workspaces(&server.admin, None, 500).await.unwrap();
        if rows.is_empty() && world.leftovers().is_empty() {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "seed {seed}: left over: {:?}, {rows:?}", world.leftovers());
        world.clock.advance(SignedDuration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.assert_no_clash();
    server.stop().await;
    ticking.abort();
}

async fn converge(server: &crate::sim::Server, wished: &BTreeMap<WorkspaceId, &str>, seed: u64) {
    let begun = Instant::now();
    loop {
        let mut open = vec![];
        for (id, wish) in wished {
            let seen = server.control.workspace(&server.admin, *id).await.ok();
            let phase = seen.as_ref().map_or("deleted", |workspace| workspace.phase.name());
            match (*wish, phase) {
                // A sandbox killed right after it became ready is not started again by itself.
                ("running", "failed") => drop(server.control.start_workspace(&server.admin, *id).await),
                (wish, phase) if wish == phase => continue,
                _ => {}
            }
            open.push((seen, *wish));
        }
        if open.is_empty() {
            return;
        }
        assert!(begun.elapsed() < LIMIT * 2, "seed {seed}: not as wished: {open:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
