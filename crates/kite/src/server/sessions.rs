//! The sessions of an endpoint, by their names.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::settings::Settings;
use crate::sockjs::Close;

/// How long a session that has ended is kept at most for a client that keeps asking about it.
const LONGEST_FAREWELL: Duration = Duration::from_mins(1);
/// The same when the server stops: a client that waits for an answer gets it at once.
const LAST_FAREWELL: Duration = Duration::from_secs(1);

/// Which session: the path before the SockJS part, so that one endpoint can be several kites, and the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) prefix: String,
    pub(super) id: String,
}

/// Whose session it is, judged by its first request.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Owner {
    address: Option<IpAddr>,
    /// The `Authorization` header's SHA-256: the secret itself need not be kept.
    credential: Option<[u8; 32]>,
}

impl Owner {
    pub(super) fn of(address: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let credential = headers
            .get(AUTHORIZATION)
            .and_then(|value| digest(&SHA256, value.as_bytes()).as_ref().try_into().ok());
        Self { address, credential }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Name, Entry>>);

struct Entry {
    session: Arc<Session>,
    owner: Owner,
}

/// What a name stands for.
pub(super) enum Found {
    Nothing,
    /// One of this client's.
    Session(Arc<Session>),
    /// One of somebody else's.
    Foreign,
}

impl Sessions {
    pub(super) fn find(&self, name: &Name, owner: &Owner) -> Found {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            None => Found::Nothing,
            Some(entry) if entry.owner == *owner => Found::Session(entry.session.clone()),
            Some(_) => Found::Foreign,
        }
    }

    /// Enters a new session. Answers what is there instead if somebody was faster.
    pub(super) fn enter(&self, name: &Name, owner: &Owner, session: &Arc<Session>) -> Found {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(name) {
            None => {
                let entry = Entry { session: session.clone(), owner: owner.clone() };
                entries.insert(name.clone(), entry);
                Found::Nothing
            }
            Some(entry) if entry.owner == *owner => Found::Session(entry.session.clone()),
            Some(_) => Found::Foreign,
        }
    }

    fn remove(&self, name: &Name, session: &Arc<Session>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.get(name).is_some_and(|entry| Arc::ptr_eq(&entry.session, session)) {
            entries.remove(name);
        }
    }

    /// Looks after a session until it may be forgotten. `service` serves it and ends with it; `closing` says
    /// that the server stops.
    pub(super) async fn keep(
        &self,
        name: Name,
        session: Arc<Session>,
        service: impl Future<Output = ()>,
        settings: &Settings,
        closing: &CancellationToken,
    ) {
        let (delay, patience) = (settings.disconnect_delay, settings.write_timeout);
        let entered = Entered { sessions: self, name, session: session.clone() };
        let mut service = pin!(service);
        tokio::select! {
            () = &mut service => {
                // The client may still fetch the rest, and the reason.
                session.end(Close::GO_AWAY);
                let stopped = async {
                    closing.cancelled().await;
                    tokio::time::sleep(LAST_FAREWELL).await;
                };
                tokio::select! {
                    () = session.abandoned(delay, patience) => {}
                    () = tokio::time::sleep(LONGEST_FAREWELL) => {}
                    () = stopped => {}
                }
            }
            () = session.abandoned(delay, patience) => {
                session.end(Close::INTERRUPTED);
                drop(entered);
                service.await;
            }
        }
    }
}

/// Takes a session out when dropped, also when its service panicked.
struct Entered<'a> {
    sessions: &'a Sessions,
    name: Name,
    session: Arc<Session>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.session.end(Close::GO_AWAY);
        self.sessions.remove(&self.name, &self.session);
    }
}
