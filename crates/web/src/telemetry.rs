//! Counts of requests, and how they are printed for Prometheus.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};

/// Upper borders of the duration histogram, seconds. From an answer out of memory to a slow pull.
const BORDERS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// What is counted since the server's start.
#[derive(Default)]
pub(crate) struct Telemetry {
    routes: Mutex<BTreeMap<Key, Tally>>,
}

/// Method, route pattern, status. Few: patterns and not paths, so nobody can make it grow.
type Key = (&'static str, String, u16);

#[derive(Default, Clone)]
struct Tally {
    count: u64,
    seconds: f64,
    within: [u64; BORDERS.len()],
}

impl Telemetry {
    /// Counts one request. For a stream, the time until it began.
    pub(crate) fn count(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let key = (known(method), route.to_owned(), status.as_u16());
        let seconds = took.as_secs_f64();
        // Nothing under the lock can panic half-way.
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = routes.entry(key).or_default();
        tally.count += 1;
        tally.seconds += seconds;
        for (border, within) in BORDERS.iter().zip(&mut tally.within) {
            *within += u64::from(seconds <= *border);
        }
    }

    /// Everything counted, in Prometheus' text form.
    pub(crate) fn print(&self, page: &mut MetricsPage) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        page.describe("hearth_http_requests_total", "counter", "Requests by method, route and status.");
        for ((method, route, status), tally) in &routes {
            let labels = [("method", *method), ("route", route.as_str()), ("status", &status.to_string())];
            page.sample("hearth_http_requests_total", &labels, tally.count);
        }
        page.describe("hearth_http_request_seconds", "histogram", "Time to the first byte of the answer.");
        for ((route, method), tally) in by_route(&routes) {
            let labels = |le: &'static str| [("method", method), ("route", route), ("le", le)];
            for (border, within) in BORDER_NAMES.iter().zip(&tally.within) {
                page.sample("hearth_http_request_seconds_bucket", &labels(border), within);
            }
            page.sample("hearth_http_request_seconds_bucket", &labels("+Inf"), tally.count);
            let labels = [("method", method), ("route", route)];
            page.sample("hearth_http_request_seconds_sum", &labels, tally.seconds);
            page.sample("hearth_http_request_seconds_count", &labels, tally.count);
        }
    }
}

/// [`BORDERS`] as Prometheus writes them.
const BORDER_NAMES: [&str; BORDERS.len()] = ["0.001", "0.005", "0.025", "0.1", "0.25", "1", "5", "30", "120"];

/// The histogram leaves the status out: nine series for each are enough.
fn by_route(routes: &BTreeMap<Key, Tally>) -> BTreeMap<(&str, &'static str), Tally> {
    let mut sums: BTreeMap<(&str, &'static str), Tally> = BTreeMap::new();
    for ((method, route, _), tally) in routes {
        let sum = sums.entry((route, method)).or_default();
        sum.count += tally.count;
        sum.seconds += tally.seconds;
        for (into, within) in sum.within.iter_mut().zip(&tally.within) {
            *into += within;
        }
    }
    sums
}

/// The method's name, if it is one of HTTP's own: others could be invented without end.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A page in Prometheus' text form (exposition format 0.0.4).
#[derive(Default)]
pub(crate) struct MetricsPage(String);

impl MetricsPage {
    /// Says what the samples that follow are.
    pub(crate) fn describe(&mut self, name: &str, kind: &str, help: &str) {
        self.0.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    /// One number.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.0.extend([*label, "=\"", &text, "\""]);
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        self.0.extend([" ", &value.to_string(), "\n"]);
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}
