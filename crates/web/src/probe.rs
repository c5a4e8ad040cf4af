//! What operators' tools ask: does it live, can it work, how much does it do.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use control::Control;
use domain::{Caller, Role, UserId, Via};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use wire::api::{Check, Readiness};

use crate::app::App;
use crate::error::{ApiError, SaysWhy};
use crate::extract::Json;
use crate::telemetry::MetricsPage;

/// A store that needs longer for one row is not ready.
const PATIENCE: Duration = Duration::from_secs(5);
/// Workspaces are counted at most this often, however often somebody asks.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// Workspaces fetched at once while counting.
const BATCH: u32 = 200;

/// `GET /healthz`: the process is up.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store answers and the driver can run workspaces; 503 otherwise.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    // A token nobody has: the answer is always no, and only the store can give it.
    let store = match timeout(PATIENCE, app.control.caller_of_token("readiness")).await {
        Ok(Ok(_)) => passed("store"),
        Ok(Err(error)) => missed("store", error.mend()),
        Err(_) => missed("store", "look at the database: it does not answer".into()),
    };
    let driver = match app.control.doctor(&server_itself()).await {
        Ok(support) if support.usable => passed("driver"),
        Ok(_) => missed("driver", "run `hearth doctor` on the machine; it names what is missing".into()),
        Err(error) => missed("driver", error.mend()),
    };
    let ready = store.passed && driver.passed;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Extension(SaysWhy), Json(Readiness { ready, checks: vec![store, driver] })).into_response()
}

fn passed(name: &str) -> Check {
    Check { name: name.into(), passed: true, mend: None }
}

fn missed(name: &str, mend: String) -> Check {
    Check { name: name.into(), passed: false, mend: Some(mend) }
}

/// `GET /metrics`: numbers for Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let mut page = MetricsPage::default();
    app.telemetry.print(&mut page);
    page.describe("hearth_agents_connected", "gauge", "Agents connected to this server.");
    page.sample("hearth_agents_connected", &[], app.agents.len());
    page.describe("hearth_workspaces", "gauge", "Workspaces by phase.");
    for (phase, count) in app.census.of(&app.control).await? {
        page.sample("hearth_workspaces", &[("phase", phase)], count);
    }
    count_forges(&app.control, &mut page);
    if let Some(bytes) = resident_bytes().await {
        page.describe("process_resident_memory_bytes", "gauge", "Memory of the server process.");
        page.sample("process_resident_memory_bytes", &[], bytes);
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.into_text()).into_response())
}

/// What passed between this server and forges, and between workspaces and this server about Git.
fn count_forges(control: &Control, page: &mut MetricsPage) {
    let tokens = control.token_counts();
    let name = "hearth_link_tokens_total";
    page.describe(name, "counter", "Attempts to renew credentials at forges, by how they ended.");
    for (outcome, count) in [
        ("renewed", tokens.renewed),
        ("race_avoided", tokens.race_avoided),
        ("invalid_grant", tokens.invalid_grant),
        ("invalid_client", tokens.invalid_client),
        ("unavailable", tokens.unavailable),
    ] {
        page.sample(name, &[("outcome", outcome)], count);
    }
    let asks = control.ask_counts();
    let name = "hearth_git_asks_total";
    page.describe(name, "counter", "What Git and SSH inside workspaces asked the server for.");
    for (answer, count) in [
        ("credential", asks.credentials),
        ("signature", asks.signatures),
        ("connection", asks.connections),
        ("refused", asks.refused),
    ] {
        page.sample(name, &[("answer", answer)], count);
    }
}

/// `VmRSS` of this process; nothing where there is no `/proc`.
async fn resident_bytes() -> Option<u64> {
    let status = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// How many workspaces there are in each phase, a few seconds old at most.
#[derive(Default)]
pub(crate) struct Census(Mutex<Option<(Instant, Counts)>>);

type Counts = BTreeMap<&'static str, u64>;

impl Census {
    async fn of(&self, control: &Control) -> Result<Counts, ApiError> {
        // Held while counting: those who ask meanwhile wait for the same count.
        let mut kept = self.0.lock().await;
        if let Some((counted_at, counts)) = &*kept
            && counted_at.elapsed() < COUNT_EVERY
        {
            return Ok(counts.clone());
        }
        let counts = count(control).await?;
        *kept = Some((Instant::now(), counts.clone()));
        Ok(counts)
    }
}

async fn count(control: &Control) -> Result<Counts, ApiError> {
    let (server, mut counts, mut after) = (server_itself(), Counts::new(), None);
    loop {
        let batch = control.workspaces(&server, after, BATCH).await?;
        for workspace in &batch {
            *counts.entry(workspace.phase.name()).or_default() += 1;
        }
        match batch.last() {
            Some(last) if batch.len() == BATCH as usize => after = Some(last.id),
            Some(_) | None => return Ok(counts),
        }
    }
}

/// The server asking for itself: nobody's name, an administrator's view. Never given to a request.
fn server_itself() -> Caller {
    Caller { user: UserId::NIL, role: Role::Admin, via: Via::LocalSocket }
}
