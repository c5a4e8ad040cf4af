//! The agents of two thousand workspaces of four people: the real agent's code, without sandboxes around it.
//!
//! The workspaces stand in the books as stopped, so that the server begins none of them anew; who has a
//! workspace's credential is its agent all the same.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use agent::{Agent, Outside};
use blackbox::person::Person;
use blackbox::server::{Options, Server};
use domain::{Limits, Phase, Rootfs, StepRecord, Team, Timestamp, UserId, Workspace, WorkspaceId};
use store::Store;
use testkit::SeededEntropy;
use tokio::task::JoinSet;
use vault::TokenHash;
use wire::agent::AgentConfig;

use super::{BACK, LOST, OWNERS, STAYING, listed, may_open, watch_them_return};
use crate::kites::front::Front;

fn token(number: usize) -> String {
    format!("credential-of-{number}")
}

/// Writes the workspaces and their agents' credentials into the database of a server that does not run.
async fn write_workspaces(server: &Server, owners: &[UserId]) -> Vec<WorkspaceId> {
    let store = Store::open(&format!("sqlite:{}", server.data().join("hearth.db").display())).await.unwrap();
    let (entropy, at) = (SeededEntropy::new(4), Timestamp::UNIX_EPOCH);
    let mut tx = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..STAYING + LOST {
        let workspace = Workspace {
            id: WorkspaceId::generate(at, &entropy),
            name: format!("fleet-{number:04}").parse().unwrap(),
            owner: owners[number % owners.len()],
            team: Team::EVERYBODY,
            source: None,
            rootfs: Rootfs::Host,
            base: None,
            limits: Limits::default(),
            variables: Vec::new(),
            phase: Phase::Stopped,
            run: 1,
            steps: StepRecord::fresh(),
            initialised: false,
            notices: Vec::new(),
            created_at: at,
            updated_at: at,
            last_activity_at: at,
        };
        tx.insert_workspace(&workspace).await.unwrap();
        tx.set_agent_credential(workspace.id, &TokenHash::of(&token(number))).await.unwrap();
        ids.push(workspace.id);
    }
    tx.commit().await.unwrap();
    store.close().await;
    ids
}

/// Runs one agent for as long as its task lives.
async fn an_agent(number: usize, workspace: WorkspaceId, url: String, home: PathBuf) {
    let config = AgentConfig {
        workspace: workspace.to_string(),
        server: url,
        token: token(number),
        ca_pem: None,
        folder: home.display().to_string(),
        env: vec![("HOME".into(), home.display().to_string())],
    };
    let seed = u64::try_from(number).unwrap();
    let outside = Outside {
        clock: Arc::new(testkit::FakeClock::default()),
        entropy: Arc::new(SeededEntropy::new(seed)),
    };
    Agent::new(&config, outside).run(&config).await;
}

fn home(folder: &Path, number: usize) -> PathBuf {
    let home = folder.join(number.to_string());
    std::fs::create_dir(&home).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_agents_come_back_to_a_killed_server_spread_out_and_each_once() {
    if !may_open(6 * STAYING + 1000) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let front = Front::open().await;
    let mut server = Server::start_with(Options { serve: true, ..front.options() });
    front.lead_to(&server);
    let admin = Person::first(&server, "ada").await;
    let mut owners = Vec::new();
    for number in 0..OWNERS {
        let owner = Person::made_by(&admin, &server, &format!("owner{number}")).await;
        owners.push(owner.who().await.0.parse().unwrap());
    }
    server.stop();
    let workspaces = write_workspaces(&server, &owners).await;
    server.run();
    front.lead_to(&server);

    let begun = Instant::now();
    let url = front.url.replace("http:", "ws:");
    let run = |from: usize, to: usize| {
        let mut agents = JoinSet::new();
        for (number, workspace) in workspaces.iter().enumerate().take(to).skip(from) {
            agents.spawn(an_agent(number, *workspace, url.clone(), home(folder.path(), number)));
        }
        agents
    };
    let (_staying, lost) = (run(0, STAYING), run(STAYING, STAYING + LOST));
    let registered = loop {
        let seen = listed(&admin).await;
        if seen.connected.len() == STAYING + LOST {
            break seen.ids;
        }
        assert!(begun.elapsed() < BACK, "only {} registered", seen.connected.len());
        tokio::time::sleep(super::AT_ONCE).await;
    };
    eprintln!("{} agents registered in {:?}", registered.len(), begun.elapsed());

    let staying: HashSet<String> = workspaces.iter().take(STAYING).map(ToString::to_string).collect();
    watch_them_return(&front, &mut server, &admin, &staying, || drop(lost)).await;
}
