//! Agents on other machines connect over the public address.

use std::sync::Arc;

use testkit::{FakeClock, SeededEntropy, wait_until};
use wire::agent::AgentConfig;

use crate::app::{LIMIT, TestApp};

/// The workspace's own configuration, with the way over the network in it.
fn remote(app: &TestApp, id: domain::WorkspaceId) -> AgentConfig {
    let mut config = app.driver.config_of(id);
    config.server = format!("ws://{}", app.address);
    config
}

#[tokio::test]
async fn an_agent_with_its_credential_takes_its_place_and_serves() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let before = app.control.agents().get(id).unwrap();
    let dialled = link::dial(&remote(&app, id)).await.unwrap();
    let outside =
        agent::Outside { clock: Arc::new(FakeClock::default()), entropy: Arc::new(SeededEntropy::new(3)) };
    let agent = agent::Agent::new(&remote(&app, id), outside);

    tokio::spawn(async move { agent.serve_dialled(dialled).await });

    wait_until(LIMIT, async || app.control.agents().get(id).is_some_and(|now| !now.is_same(&before))).await;
    let body = serde_json::json!({"command": ["echo", "hello"]});
    let path = format!("/api/v1/workspaces/{id}/exec");
    let answer = app.post(&path, &body).session(&app.admin.session).send().await.expect(200);
    assert_eq!(answer.json()["stdout"], "hello\n");
}

#[tokio::test]
async fn nobody_else_becomes_a_workspaces_agent() {
    let app = TestApp::start().await;
    let id = app.running_workspace(&app.admin).await;
    let other = app.running_workspace(&app.admin).await;
    let guessed = AgentConfig { token: "hagent_guessed".into(), ..remote(&app, id) };
    let others = AgentConfig { token: remote(&app, other).token, ..remote(&app, id) };
    let persons =
        AgentConfig { token: app.token(&app.admin, &[domain::Scope::All]).await, ..remote(&app, id) };

    for config in [guessed, others, persons] {
        let refused = link::dial(&config).await.err();
        assert!(matches!(refused, Some(link::DialError::Refused(401))), "{refused:?}");
    }
}
