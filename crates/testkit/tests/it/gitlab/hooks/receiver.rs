//! Takes deliveries and keeps them; answers what the test says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Stands for "never answers".
const HANGS: u16 = 0;

pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

struct Inner {
    deliveries: Mutex<Vec<Delivery>>,
    status: AtomicU16,
}

#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Delivery {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The kind and what happened.
    pub(crate) fn summary(&self) -> String {
        let body = self.json();
        let action = body["object_attributes"]["action"].as_str().or(body["action"].as_str());
        format!("{} {}", self.headers["x-gitlab-event"], action.unwrap_or_default())
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner { deliveries: Mutex::default(), status: AtomicU16::new(200) });
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, server }
    }

    pub(crate) fn answer(&self, status: u16) {
        self.inner.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn hang(&self) {
        self.answer(HANGS);
    }

    pub(crate) fn all(&self) -> Vec<Delivery> {
        self.inner.deliveries.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Delivery {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:#?}");
        all[0].clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> StatusCode {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    inner.deliveries.lock().unwrap().push(Delivery { headers: headers.collect(), body });
    match inner.status.load(Ordering::SeqCst) {
        HANGS => std::future::pending().await,
        status => StatusCode::from_u16(status).unwrap(),
    }
}
