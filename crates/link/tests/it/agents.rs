use std::time::Duration;

use link::{AgentClient, AgentEvent, Agents};

use crate::stand::{LIMIT, agent, config, workspace};

/// A client of an agent of its own, and what keeps the agent's folder.
async fn client() -> (AgentClient, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(&config("unix:/nowhere".into(), workspace(1), folder.path()));
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move { agent.serve(far).await });
    let (client, connection) = AgentClient::connect(near).await.unwrap();
    tokio::spawn(connection);
    (client, folder)
}

#[tokio::test]
async fn whoever_waits_gets_the_agent_once_it_is_there() {
    let agents = Agents::new();
    let (client, _folder) = client().await;
    let waiting = tokio::spawn({
        let agents = agents.clone();
        async move { agents.wait_for(workspace(1)).await }
    });
    tokio::task::yield_now().await;
    assert!(agents.get(workspace(1)).is_none());

    agents.insert(workspace(2), client.clone());
    agents.insert(workspace(1), client.clone());

    let found = tokio::time::timeout(LIMIT, waiting).await.unwrap().unwrap();
    assert!(found.is_same(&client));
    assert_eq!(agents.len(), 2);
}

#[tokio::test]
async fn waiting_that_is_given_up_leaves_nothing_behind() {
    let agents = Agents::new();

    let waited = tokio::time::timeout(Duration::from_millis(20), agents.wait_for(workspace(1))).await;

    assert!(waited.is_err());
    assert!(agents.is_empty());
    assert!(agents.get(workspace(1)).is_none());
}

#[tokio::test]
async fn a_newer_connection_replaces_and_closes_the_older() {
    let agents = Agents::new();
    let mut events = agents.subscribe();
    let ((older, _a), (newer, _b)) = (client().await, client().await);

    agents.insert(workspace(1), older.clone());
    agents.insert(workspace(1), newer.clone());

    tokio::time::timeout(LIMIT, older.closed()).await.unwrap();
    assert!(agents.get(workspace(1)).unwrap().is_same(&newer));
    newer.close();
    let mut seen = vec![];
    while seen.last() != Some(&AgentEvent::Disconnected(workspace(1))) {
        seen.push(tokio::time::timeout(LIMIT, events.recv()).await.unwrap().unwrap());
    }
    let connected = AgentEvent::Connected(workspace(1));
    assert_eq!(seen, [connected, connected, AgentEvent::Disconnected(workspace(1))]);
    assert!(agents.is_empty());
}

#[tokio::test]
async fn removing_closes_the_connection() {
    let agents = Agents::new();
    let (client, _folder) = client().await;
    agents.insert(workspace(1), client.clone());

    agents.remove(workspace(1));

    tokio::time::timeout(LIMIT, client.closed()).await.unwrap();
    assert!(matches!(client.info().await, Err(link::LinkError::Gone)));
    assert!(agents.get(workspace(1)).is_none());
}

#[tokio::test]
async fn a_connection_that_nobody_drives_any_more_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(&config("unix:/nowhere".into(), workspace(1), folder.path()));
    let (near, far) = tokio::io::duplex(64 << 10);
    let serving = tokio::spawn(async move { agent.serve(far).await });
    let (client, connection) = AgentClient::connect(near).await.unwrap();

    drop(connection);

    tokio::time::timeout(LIMIT, client.closed()).await.unwrap();
    tokio::time::timeout(LIMIT, serving).await.unwrap().unwrap();
}
