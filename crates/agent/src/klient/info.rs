//! `klient.*`: what this kite is and whether somebody works with it.
//!
//! | method | result |
//! |---|---|
//! | `klient.info` | `{providerName, username, home, groups, os, arch, version}`; `os` and `arch` as Go names them |
//! | `klient.usage` | `{inactive_duration, method_calls}`: nanoseconds since somebody last worked here, calls so far |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kite::ServiceBuilder;
use serde::Serialize;

use super::accounts;
use crate::agent::Parts;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    provider_name: &'static str,
    username: String,
    home: String,
    groups: Vec<String>,
    os: &'static str,
    arch: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Usage {
    inactive_duration: i64,
    method_calls: u64,
}

/// Counts the calls that are work.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<AtomicU64>);

impl Calls {
    /// Notes a call. Those that only look whether the kite is there are no work, neither here nor for the time
    /// after which an unused workspace stops.
    pub(super) fn note(&self, method: &str, parts: &Parts) {
        let is_look = method.starts_with("kite.") || matches!(method, "klient.info" | "klient.usage");
        if !is_look {
            self.0.fetch_add(1, Ordering::Relaxed);
            parts.activity.touch();
        }
    }
}

pub(super) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>, calls: &Calls) -> ServiceBuilder {
    let (telling, counting, calls) = (parts.clone(), parts.clone(), calls.clone());
    builder
        .method("klient.info", move |_| std::future::ready(Ok(info(&telling))))
        .method("klient.usage", move |_| std::future::ready(Ok(usage(&counting, &calls))))
}

fn info(parts: &Parts) -> Info {
    let account = accounts::current(&parts.environment);
    Info {
        provider_name: "hearth",
        home: account.home.to_string_lossy().into_owned(),
        username: account.name,
        groups: accounts::groups(),
        os: std::env::consts::OS,
        arch: match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        },
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn usage(parts: &Parts, calls: &Calls) -> Usage {
    let last = parts.activity.last().unwrap_or(parts.started_at);
    let inactive = parts.outside.clock.now().duration_since(last).as_nanos();
    Usage {
        // A clock that was set back makes it negative; nobody has worked in the future.
        inactive_duration: i64::try_from(inactive.max(0)).unwrap_or(i64::MAX),
        method_calls: calls.0.load(Ordering::Relaxed),
    }
}
